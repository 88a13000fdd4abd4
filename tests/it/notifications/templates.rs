//! A tenant's templates: permissions, refusals, and optimistic locking.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

use guichet::notifications::templates;
use guichet_base::Locale;
use guichet_base::Role;
use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, ApiResponse};
use crate::identity::fixture::DirectoryFixture;

const LIST: &str = "/notification-templates";
const ONE: &str = "/notification-templates/report.generated";

fn title(text: &str) -> Value {
    json!({ "texts": { "fr": { "title": text } } })
}

fn with(mut body: Value, name: &str, value: &Value) -> Value {
    body[name] = value.clone();
    body
}

/// Field and code of every fault, ordered by field.
fn faults(answer: &ApiResponse) -> Vec<(String, String)> {
    assert_eq!(answer.error(), (422, "VALIDATION_ERROR"), "{}", answer.body);
    let word = |fault: &Value, name: &str| fault[name].as_str().unwrap().to_owned();
    let all = answer.body["error"]["details"].as_array().unwrap().iter();
    let mut all: Vec<_> = all.map(|fault| (word(fault, "field"), word(fault, "code"))).collect();
    all.sort();
    all
}

fn are(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
}

async fn every_way(api: &Api) -> Vec<ApiResponse> {
    let preview = format!("{ONE}/preview");
    vec![
        api.get(LIST).await,
        api.get(ONE).await,
        api.put(ONE, title("x")).await,
        api.send(Method::DELETE, ONE, &Value::Null).await,
        api.post(&preview, json!({})).await,
    ]
}

/// The text of an event now, as the pipeline renders it.
async fn in_force(town: &DirectoryFixture, code: &'static str) -> String {
    let tenant: TenantId = town.owner.get("/tenant").await.data()["id"].as_str().unwrap().parse().unwrap();
    let system = town.stand.db().system(tenant, move |tx| templates::store::changes(tx.conn(), tenant, code));
    let template = templates::effective(code, system.await.unwrap().as_ref()).unwrap();
    let rendered = template.render(&template.sample_payload()).unwrap();
    rendered.text(Locale::Fr, UserType::Operator).title.clone()
}

#[tokio::test]
async fn nobody_below_a_manager_sees_or_changes_what_is_said() {
    let town = DirectoryFixture::new().await;
    let producer = town.stand.service("acme", &["*"]);
    for api in [&town.employee, &town.member, &producer] {
        for answer in every_way(api).await {
            assert_eq!(answer.error(), (403, "FORBIDDEN"));
        }
    }
    for answer in every_way(&town.stand.api(None)).await {
        assert_eq!(answer.error(), (401, "UNAUTHENTICATED"));
    }
    for api in [&town.manager, &town.owner] {
        api.get(LIST).await.data();
        let version = api.get(ONE).await.data()["updated_at"].clone();
        api.put(ONE, with(title("Prêt"), "updated_at", &version)).await.data();
    }
    assert_eq!(town.stand.log("template.update").len(), 1, "the second said the same");
}

#[tokio::test]
async fn a_tenant_does_not_see_what_another_changed() {
    let town = DirectoryFixture::new().await;
    town.owner.put(ONE, title("Chez nous")).await.data();
    let platform = town.stand.service("*", &["*"]);
    platform.post("/tenants", json!({ "slug": "other", "name": "Other" })).await.data();
    let id = UserId::new();
    let body = json!({ "role": "owner", "display_name": "Olga" });
    town.stand.service("other", &["*"]).put(&format!("/users/{id}"), body).await.data();
    let stranger = town.stand.person("other", id, Role::Owner);
    let theirs = stranger.get(ONE).await;
    assert_eq!(theirs.data()["source"], "built_in");
    assert_ne!(theirs.header("etag"), town.owner.get(ONE).await.header("etag"));
    stranger.send(Method::DELETE, ONE, &Value::Null).await.data();
    stranger.put(ONE, title("Ailleurs")).await.data();
    assert_eq!(town.owner.get(ONE).await.data()["texts"]["fr"]["title"], "Chez nous");
    assert_eq!(stranger.get(ONE).await.data()["texts"]["fr"]["title"], "Ailleurs");
}

#[tokio::test]
async fn an_unknown_code_is_not_found_in_every_way() {
    let town = DirectoryFixture::new().await;
    for code in ["tea.ready", "report", "REPORT.GENERATED", "%20", "report.generated%20"] {
        let path = format!("{LIST}/{code}");
        for answer in [
            town.owner.get(&path).await,
            town.owner.put(&path, title("x")).await,
            town.owner.send(Method::DELETE, &path, &Value::Null).await,
            town.owner.post(&format!("{path}/preview"), json!({})).await,
        ] {
            assert_eq!(answer.error(), (404, "NOT_FOUND"), "{code}");
        }
    }
}

#[tokio::test]
async fn without_the_feature_there_are_no_templates() {
    let town = DirectoryFixture::new().await;
    let version = town.owner.get("/tenant").await.data()["updated_at"].clone();
    let off = json!({ "settings": { "features": { "notifications": false } }, "updated_at": version });
    town.owner.patch("/tenant", off).await.data();
    for answer in every_way(&town.owner).await {
        assert_eq!(answer.error(), (403, "FEATURE_DISABLED"));
    }
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_is_in_force_at_once() {
    let town = DirectoryFixture::new().await;
    let before = town.owner.get(ONE).await;
    assert_eq!(before.data()["source"], "built_in");
    assert_eq!(before.data()["updated_at"], Value::Null);
    assert_eq!(in_force(&town, "report.generated").await, "Rapport disponible : Ventes de février");
    let change = json!({ "priority": "high", "texts": { "fr": { "title": "{{ name }} est là" } }, "links": { "client": null } });
    let after = town.manager.put(ONE, change).await;
    let (was, is) = (before.data(), after.data());
    assert_eq!(is["source"], "overridden");
    assert_eq!(is["overridden"], json!(["links", "priority", "texts"]));
    assert_eq!((&is["priority"], &is["links"]["client"]), (&json!("high"), &Value::Null));
    assert_eq!(is["texts"]["en"], was["texts"]["en"]);
    assert_eq!(is["texts"]["fr"]["body"], was["texts"]["fr"]["body"]);
    assert_eq!(is["links"]["operator"], was["links"]["operator"]);
    assert_eq!(in_force(&town, "report.generated").await, "Ventes de février est là");
    let further = json!({ "channels": ["email", "inapp"], "updated_at": is["updated_at"] });
    let further = town.owner.put(ONE, further).await;
    assert_eq!(further.data()["priority"], "high", "what is absent stays");
    assert_eq!(town.owner.get(ONE).await.data(), further.data());
    let list = town.owner.get(&format!("{LIST}?limit=200")).await;
    let all = list.data().as_array().unwrap();
    assert_eq!(
        (all.len(), &list.body["meta"]["total"]),
        (templates::all_built_in().count(), &json!(all.len()))
    );
    let changed: Vec<_> = all.iter().filter(|template| template["source"] == "overridden").collect();
    assert_eq!(changed, [further.data()]);
    let page = town.owner.get(&format!("{LIST}?limit=2&offset=1")).await;
    assert_eq!(page.data().as_array().unwrap()[..], all[1..3]);
    let back = town.owner.send(Method::DELETE, ONE, &Value::Null).await;
    assert_eq!(back.data(), was);
    assert_eq!(back.header("etag"), before.header("etag"));
    assert_eq!(town.owner.send(Method::DELETE, ONE, &Value::Null).await.data(), was, "again is the same");
    assert_eq!(in_force(&town, "report.generated").await, "Rapport disponible : Ventes de février");
    let log = town.stand.log("template.reset");
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].0.as_deref(), Some("notification_template report.generated"));
}

#[tokio::test]
async fn saying_what_ships_changes_nothing() {
    let town = DirectoryFixture::new().await;
    let shipped = town.owner.get(ONE).await;
    let mut same = shipped.data().clone();
    let members = same.as_object_mut().unwrap();
    for name in ["code", "source", "overridden", "created_at", "updated_at"] {
        members.remove(name);
    }
    assert_eq!(town.owner.put(ONE, same).await.data(), shipped.data());
    assert_eq!(town.stand.count("notification_templates"), 0);
}

#[tokio::test]
async fn a_second_change_says_what_it_was_based_on() {
    let town = DirectoryFixture::new().await;
    let shipped = town.owner.get(ONE).await.header("etag").to_owned();
    let first = town.owner.put(ONE, title("Un")).await;
    let version = &first.data()["updated_at"];
    assert_eq!(town.manager.put(ONE, title("Deux")).await.error(), (428, "PRECONDITION_REQUIRED"));
    let stale = town.manager.with_header("if-match", &shipped).put(ONE, title("Deux")).await;
    assert_eq!(stale.error(), (412, "CONFLICT"));
    let second = town.manager.put(ONE, with(title("Deux"), "updated_at", version)).await;
    let late = town.owner.put(ONE, with(title("Trois"), "updated_at", version)).await;
    assert_eq!(late.error(), (409, "CONFLICT"));
    let details = &late.body["error"]["details"];
    assert_eq!(details["current"], *second.data());
    assert_eq!(details["changed_by"], json!({ "id": town.manager_id, "display_name": "Denis" }));
    assert_eq!((&details["changed_fields"], &details["same_user"]), (&json!(["texts"]), &json!(false)));
    let tag = second.header("etag").to_owned();
    assert_eq!(town.owner.with_header("if-none-match", &tag).get(ONE).await.status, 304);
    let third = town.owner.with_header("if-match", &tag).put(ONE, title("Trois")).await;
    assert_eq!(third.data()["texts"]["fr"]["title"], "Trois");
    let forced = json!({ "priority": "critical", "force": true, "updated_at": version });
    assert_eq!(town.manager.put(ONE, forced).await.data()["priority"], "critical");
    let kept = town.stand.log("record.overwrite");
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].1["overwritten"], json!({ "priority": "low" }));
    let gone = town.owner.with_header("if-match", &tag).send(Method::DELETE, ONE, &Value::Null).await;
    assert_eq!(gone.error(), (412, "CONFLICT"), "what is taken back is what was seen");
    town.owner.send(Method::DELETE, ONE, &Value::Null).await.data();
    let lost = town.owner.put(ONE, with(title("Quatre"), "updated_at", version)).await;
    assert_eq!(lost.error(), (409, "CONFLICT"), "what it changes was taken back");
    assert_eq!(lost.body["error"]["details"]["current"]["source"], "built_in");
}

#[tokio::test]
async fn a_retry_of_what_was_applied_is_no_conflict() {
    let town = DirectoryFixture::new().await;
    let version = town.owner.put(ONE, title("Un")).await.data()["updated_at"].clone();
    let change = with(title("Deux"), "updated_at", &version);
    let first = town.owner.put(ONE, change.clone()).await;
    assert_eq!(town.owner.put(ONE, change.clone()).await.data(), first.data());
    assert_eq!(town.manager.put(ONE, change).await.error().0, 409, "another person's is one");
}

#[tokio::test]
async fn of_many_first_writers_one_wins() {
    let town = DirectoryFixture::new().await;
    let writers = [&town.owner, &town.manager];
    let sends = (0..20usize).map(|n| {
        let (api, body) = (writers[n % 2], title(&format!("Titre {n}")));
        async move { api.put(ONE, body).await }
    });
    let answers = futures_util::future::join_all(sends).await;
    let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 428).count(), 19);
    assert_eq!(town.owner.get(ONE).await.data(), winners[0].data());
}

#[tokio::test]
async fn a_bad_template_is_refused_with_all_faults_at_once_and_changes_nothing() {
    let town = DirectoryFixture::new().await;
    let bad = json!({
        "channels": ["push", "push"],
        "audience": ["user", "told", { "roles": [] }],
        "variables": [
            { "name": "name", "required": true, "sample": "x" },
            { "name": "user_id", "sample": null }, { "name": "user_id" },
            { "name": "2nd" }, { "name": "recipient" }, { "name": "shop", "required": true, "or": "nothing" }
        ],
        "texts": {
            "fr": { "title": "{% if url %}x{% endif %}", "body": "a\nb {{ nobody }}", "email_body": "{{ 'x' * 1000000 }}" },
            "en": { "title": "{{ name", "body": "{% include 'x' %}", "email_subject": "{{ name|explode }}" }
        },
        "links": { "client": "https://evil.example/{{ name }}", "operator": "//{{ name }}" }
    });
    let answer = town.owner.put(ONE, bad).await;
    assert_eq!(
        faults(&answer),
        are(&[
            ("audience[1]", "unknown_value"),
            ("audience[2]", "unknown_value"),
            ("channels", "duplicate"),
            ("links.client", "not_relative"),
            ("links.operator", "not_relative"),
            ("texts.en.body", "template_refused"),
            ("texts.en.email_subject", "template_broken"),
            ("texts.en.title", "template_broken"),
            ("texts.fr.body", "unknown_variable"),
            ("texts.fr.email_body", "template_refused"),
            ("texts.fr.title", "blank"),
            ("variables[2].name", "duplicate"),
            ("variables[3].name", "invalid"),
            ("variables[4].name", "invalid"),
            ("variables[5].or", "unknown_value"),
            ("variables[5].required", "must_be_optional"),
        ])
    );
    let all = answer.body["error"]["details"].as_array().unwrap();
    let body = all.iter().find(|fault| fault["field"] == "texts.fr.body").unwrap();
    assert!(body["message"].as_str().unwrap().contains("Ligne 2"), "{body}");
    assert_eq!(town.owner.get(ONE).await.data()["source"], "built_in");
    assert_eq!(town.stand.count("notification_templates"), 0);
}

#[tokio::test]
async fn each_bad_text_is_refused_by_its_place() {
    let town = DirectoryFixture::new().await;
    let steps = "{% for a in name %}".repeat(9) + "x" + &"{% endfor %}".repeat(9);
    for (change, field, code) in [
        (title(""), "texts.fr.title", "too_short"),
        (title(&"x".repeat(1001)), "texts.fr.title", "too_long"),
        (title("  "), "texts.fr.title", "blank"),
        (title("{% if url %}{{ url }}{% endif %}"), "texts.fr.title", "blank"),
        (json!({ "texts": { "en": { "body": steps } } }), "texts.en.body", "template_too_long"),
        (json!({ "texts": { "en": { "body": "{% set a = 1 %}" } } }), "texts.en.body", "template_refused"),
        (json!({ "links": { "operator": "/x/{{ url }}" } }), "links.operator", "template_broken"),
        (json!({ "channels": [] }), "channels", "too_few"),
        (json!({ "channels": ["pigeon"] }), "channels[0]", "unknown_value"),
        (json!({ "category": "tea" }), "category", "unknown_value"),
        (json!({ "priority": "huge" }), "priority", "unknown_value"),
        (json!({ "colour": "red" }), "colour", "unknown_field"),
        (json!({ "links": { "employee": "/x" } }), "links.employee", "unknown_field"),
        (json!({ "texts": { "de": { "title": "x" } } }), "texts.de", "unknown_field"),
    ] {
        let answer = town.owner.put(ONE, change.clone()).await;
        let found = faults(&answer);
        let [(found_field, found_code)] = &found[..] else { panic!("{change}: {found:?}") };
        assert_eq!((found_field.as_str(), found_code.as_str()), (field, code), "{change}");
    }
    assert_eq!(town.stand.count("notification_templates"), 0);
}

#[tokio::test]
async fn a_tenant_may_name_what_its_producers_send_beside_the_promised() {
    let town = DirectoryFixture::new().await;
    let variables = json!([
        { "name": "user_id", "required": true, "sample": UserId::new() },
        { "name": "report_id", "required": true, "sample": 1 },
        { "name": "name", "required": true, "sample": "Ventes" },
        { "name": "shop", "sample": { "city": "Lyon" } }
    ]);
    let change = json!({ "variables": variables, "texts": { "fr": { "title": "{{ name }}{% if shop %} ({{ shop.city }}){% endif %}" } } });
    town.owner.put(ONE, change).await.data();
    assert_eq!(in_force(&town, "report.generated").await, "Ventes (Lyon)");
}

#[tokio::test]
async fn a_preview_shows_every_variant_and_saves_nothing() {
    let town = DirectoryFixture::new().await;
    let path = format!("{LIST}/ticket.created/preview");
    let all = town.manager.post(&path, json!({})).await;
    let all = all.data().as_array().unwrap();
    let whose: Vec<_> =
        all.iter().map(|one| (one["locale"].as_str().unwrap(), one["user_type"].as_str().unwrap())).collect();
    assert_eq!(whose, [("fr", "client"), ("fr", "operator"), ("en", "client"), ("en", "operator")]);
    assert_eq!(all[1]["title"], "Nouveau signalement de Maison Lumière");
    assert_eq!(all[1]["email"]["subject"], all[1]["title"]);
    assert!(all[1]["link"].as_str().unwrap().starts_with("/admin/reclamations/"));
    let payload =
        json!({ "ticket_id": "t 1", "number": 9, "subject": "{{ 7*7 }}", "client": "<b>{% raw %}" });
    let draft = json!({ "texts": { "en": { "title": "{{ client }}: {{ subject }}", "email_subject": "Mail {{ number }}" } } });
    let wanted = json!({ "payload": payload, "locale": "en", "user_type": "client", "fields": draft });
    let one = town.manager.post(&path, wanted).await;
    let [one] = &one.data().as_array().unwrap()[..] else { panic!("{}", one.body) };
    assert_eq!(one["title"], "<b>{% raw %}: {{ 7*7 }}");
    assert_eq!((&one["email"]["subject"], &one["link"]), (&json!("Mail 9"), &json!("/reclamations/t%201")));
    assert_eq!(town.stand.count("notification_templates"), 0);
    let empty = town.manager.send(Method::POST, &path, &Value::Null).await;
    assert_eq!(empty.data().as_array().unwrap().len(), 4, "a body is not needed");
}

#[tokio::test]
async fn a_preview_names_the_place_of_what_fails() {
    let town = DirectoryFixture::new().await;
    let path = format!("{ONE}/preview");
    let draft = json!({ "fields": { "channels": [], "texts": { "fr": { "title": "" } } } });
    assert_eq!(
        faults(&town.owner.post(&path, draft).await),
        are(&[("fields.channels", "too_few"), ("fields.texts.fr.title", "too_short")])
    );
    let draft = json!({ "fields": { "texts": { "fr": { "body": "{{ nobody }}" } } } });
    assert_eq!(town.owner.post(&path, draft).await.fault(), ("fields.texts.fr.body", "unknown_variable"));
    let short = json!({ "payload": { "name": "x", "user_id": "me", "url": "//evil.example" } });
    assert_eq!(
        faults(&town.owner.post(&path, short).await),
        are(&[
            ("payload.report_id", "missing"),
            ("payload.url", "not_relative"),
            ("payload.user_id", "invalid")
        ])
    );
    assert_eq!(town.owner.post(&path, json!({ "locale": "de" })).await.fault(), ("locale", "unknown_value"));
}
