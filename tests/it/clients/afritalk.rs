//! AfriTalk's front end, unmodified: socket.io-client and fetch on its own paths, with exactly the keys that it
//! expects.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::application::{Application, Library};
use super::toolbox::Toolbox;
use crate::harness::{ChatFixture, TestServer};

const MESSAGE: &[&str] = &[
    "id",
    "conversationId",
    "clientId",
    "operatorId",
    "seq",
    "changedSeq",
    "senderId",
    "senderType",
    "senderName",
    "senderAvatarUrl",
    "content",
    "related",
    "relatedEntityType",
    "relatedEntityId",
    "clientMessageId",
    "state",
    "read",
    "deliveredAt",
    "readAt",
    "editedAt",
    "deletedAt",
    "createdAt",
];
const CONVERSATION: &[&str] = &[
    "id",
    "kind",
    "tenantId",
    "userOneId",
    "userTwoId",
    "client",
    "peer",
    "lastMessage",
    "unreadCount",
    "counterpart",
    "followed",
    "lastMessageAt",
    "updatedAt",
];

struct Fixture {
    toolbox: Toolbox,
    world: ChatFixture,
}

/// A person at the front end.
struct Person(Application);

impl Fixture {
    fn set() -> Result<Self> {
        let server = TestServer::start_with(&[("PRESENCE_GRACE_SECS", "1")]);
        Ok(Self { toolbox: Toolbox::open()?, world: ChatFixture::on_server(server) })
    }

    fn id(&self, name: &str) -> Value {
        json!(self.world.server.user(name).id)
    }

    async fn start(&self, options: Value) -> Result<Person> {
        let mut all = json!({ "url": self.world.server.url, "tenant": self.world.server.demo.tenant_id });
        for (name, value) in options.as_object().context("no options")? {
            all[name] = value.clone();
        }
        Application::start_with(&self.toolbox, Library::AfriTalk, all).await.map(Person)
    }

    async fn enter(&self, name: &str) -> Result<Person> {
        let mut person = self.start(json!({ "token": self.world.server.user(name).token })).await?;
        person.0.next("connect").await?;
        Ok(person)
    }
}

impl Person {
    async fn call(&mut self, method: &str, path: &str, body: Value) -> Result<(u64, Value)> {
        let mut order = json!({ "order": "call", "method": method, "path": path });
        if !body.is_null() {
            order["body"] = body;
        }
        if path.starts_with("/api") {
            order["whole"] = true.into();
        }
        self.0.order(order).await?;
        let mut called = self.0.next("called").await?;
        Ok((called["status"].as_u64().context("no status")?, called["body"].take()))
    }

    async fn get(&mut self, path: &str) -> Result<Value> {
        let (status, mut body) = self.call("GET", path, Value::Null).await?;
        assert_eq!(status, 200, "{path}: {body}");
        Ok(body["data"].take())
    }

    async fn write(&mut self, to: &Value, content: &str) -> Result<Value> {
        let body = json!({ "toUserId": to, "content": content });
        let (status, mut body) = self.call("POST", "/messaging/message", body).await?;
        assert_eq!(status, 201, "{body}");
        Ok(body["data"].take())
    }

    async fn ask(&mut self, event: &str, payload: Value) -> Result<Value> {
        self.0.order(json!({ "order": "emit", "event": event, "args": [payload] })).await?;
        self.0.next("answered").await
    }

    async fn hear(&mut self, event: &str) -> Result<Value> {
        Ok(self.0.event_named(event).await?["payload"].take())
    }

    /// The newest message event with this content.
    async fn hear_said(&mut self, content: &str) -> Result<Value> {
        loop {
            let heard = self.hear("messaging:new").await?;
            if heard["message"]["content"] == content {
                return Ok(heard);
            }
        }
    }

    /// Waits until a person is shown with this status.
    async fn sees(&mut self, who: &Value, status: &str) -> Result<()> {
        loop {
            let heard = self.hear("presence:update").await?;
            has_keys(&heard, &["userId", "status", "lastSeen"]);
            if &heard["userId"] == who && heard["status"] == status {
                return Ok(());
            }
        }
    }
}

/// Exactly these keys.
#[track_caller]
fn has_keys(object: &Value, keys: &[&str]) {
    let there: BTreeSet<&str> =
        object.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    assert_eq!(there, keys.iter().copied().collect(), "{object}");
}

#[track_caller]
fn is_refused((status, body): &(u64, Value), expected: u64, code: &str) {
    assert_eq!((*status, &body["error"]["code"]), (expected, &json!(code)), "{body}");
    assert!(body["error"]["requestId"].is_string() && body["data"].is_null(), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_write_to_each_other_and_see_what_was_read() -> Result<()> {
    let scene = Fixture::set()?;
    let (emma_id, denis_id) = (scene.id("emma"), scene.id("denis"));
    let (mut emma, mut denis) = (scene.enter("emma").await?, scene.enter("denis").await?);

    let said = emma.write(&denis_id, "Bonjour Denis").await?;
    has_keys(&said, &[MESSAGE, &["counterpart"]].concat());
    assert_eq!((&said["read"], &said["relatedEntityType"]), (&json!(false), &Value::Null));
    let heard = denis.hear_said("Bonjour Denis").await?;
    has_keys(&heard, &["conversationId", "message"]);
    has_keys(&heard["message"], MESSAGE);
    assert_eq!((&heard["conversationId"], &heard["message"]["id"]), (&said["conversationId"], &said["id"]));

    let typing = json!({ "conversationId": said["conversationId"], "typing": true });
    assert_eq!(denis.ask("messaging:typing", typing).await?["status"], "ok");
    let typed = emma.hear("messaging:typing").await?;
    assert_eq!(
        typed,
        json!({ "conversationId": said["conversationId"], "userId": denis_id, "typing": true })
    );

    let read = denis.ask("messaging:read", json!({ "messageId": said["id"] })).await?;
    assert_eq!(read["status"], "ok", "{read}");
    let receipt = emma.hear("messaging:read").await?;
    has_keys(&receipt, &["messageId", "readAt", "conversationId", "readerId", "upToSeq"]);
    assert_eq!((&receipt["messageId"], &receipt["readerId"]), (&said["id"], &denis_id));
    assert!(receipt["readAt"].is_string(), "{receipt}");

    let send = json!({ "toUserId": emma_id, "content": "Bonjour Emma" });
    let answered = denis.ask("messaging:send", send).await?;
    assert_eq!(answered["status"], "ok", "{answered}");
    has_keys(&answered["response"], &[MESSAGE, &["counterpart"]].concat());
    let reply = emma.hear_said("Bonjour Emma").await?["message"].take();
    let (status, body) = emma
        .call("PUT", &format!("/messaging/{}/read", reply["id"].as_str().unwrap_or("-")), Value::Null)
        .await?;
    assert_eq!(status, 200, "{body}");
    has_keys(&body["data"], &["conversationId", "upToSeq", "unreadCount", "total"]);
    assert_eq!(denis.hear("messaging:read").await?["messageId"], said["id"]);
    assert_eq!(denis.hear("messaging:read").await?["messageId"], reply["id"]);

    let history =
        emma.get(&format!("/messaging/conversation/{}?limit=10", denis_id.as_str().unwrap_or("-"))).await?;
    let said: Vec<_> = history.as_array().into_iter().flatten().map(|one| one["content"].clone()).collect();
    assert_eq!(said, ["Bonjour Denis", "Bonjour Emma"]);
    for message in history.as_array().into_iter().flatten() {
        has_keys(message, MESSAGE);
        assert_eq!(message["read"], true, "{message}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_there_after_a_cut_with_its_unread_counts() -> Result<()> {
    let scene = Fixture::set()?;
    let (emma_id, denis_id) = (scene.id("emma"), scene.id("denis"));
    let (mut emma, mut denis) = (scene.enter("emma").await?, scene.enter("denis").await?);
    let mut karim = scene.enter("karim").await?;
    denis.0.order(json!({ "order": "leave" })).await?;
    denis.0.next("disconnect").await?;
    emma.sees(&denis_id, "offline").await?;
    emma.write(&denis_id, "un").await?;
    karim.write(&denis_id, "deux").await?;
    emma.write(&denis_id, "trois").await?;
    drop(denis);

    // The page is reloaded.
    let mut denis = scene.enter("denis").await?;
    emma.sees(&denis_id, "online").await?;
    let list = denis.get("/messaging/conversations?scope=mine").await?;
    let list: Vec<_> = list.as_array().into_iter().flatten().filter(|one| one["kind"] == "direct").collect();
    let shown: Vec<_> = list.iter().map(|one| (&one["peer"]["id"], &one["unreadCount"])).collect();
    assert_eq!(shown, [(&emma_id, &json!(2)), (&scene.id("karim"), &json!(1))], "the last message first");
    for one in &list {
        has_keys(one, CONVERSATION);
        has_keys(&one["lastMessage"], &["id", "seq", "excerpt", "senderId", "senderName", "createdAt"]);
        has_keys(&one["peer"], &["id", "displayName", "avatarUrl", "role"]);
        has_keys(&one["counterpart"], &["status", "lastSeen", "message"]);
        assert_eq!((&one["userOneId"], &one["userTwoId"]), (&denis_id, &one["peer"]["id"]));
        assert_eq!(one["tenantId"], json!(scene.world.server.demo.tenant_id));
    }

    // The network drops, and the library reconnects by itself.
    denis.0.order(json!({ "order": "cut" })).await?;
    denis.0.next("disconnect").await?;
    denis.0.next("connect").await?;
    emma.write(&denis_id, "quatre").await?;
    denis.hear_said("quatre").await?;
    let unread = denis.hear("messaging:unread").await?;
    has_keys(&unread, &["conversationId", "unreadCount", "total"]);
    assert_eq!((&unread["unreadCount"], &unread["total"]), (&json!(3), &json!(4)));

    // Messages are sent while the network is down.
    denis.0.order(json!({ "order": "lose" })).await?;
    denis.0.next("disconnect").await?;
    let missed = emma.write(&denis_id, "cinq").await?;
    denis.0.order(json!({ "order": "find" })).await?;
    denis.0.next("connect").await?;
    let join = json!({ "topic": format!("chat:direct:{}", missed["conversationId"].as_str().unwrap_or("-")),
        "afterSeq": missed["changedSeq"].as_i64().unwrap_or(0) - 1 });
    let joined = denis.ask("join", join).await?;
    assert_eq!(joined["response"]["resume"], "complete", "{joined}");
    denis.hear_said("cinq").await?;
    let list = denis.get("/messaging/conversations?scope=mine&limit=1").await?;
    assert_eq!((&list[0]["peer"]["id"], &list[0]["unreadCount"]), (&emma_id, &json!(4)), "{list}");

    let found = denis.call("GET", "/api/v1/messages/search?q=trois", Value::Null).await?;
    assert_eq!(found.1["data"].as_array().map(Vec::len), Some(1), "{}", found.1);

    let there = emma.get("/presence").await?;
    let there = there.as_array().context("no list")?;
    for person in there {
        has_keys(person, &["userId", "userType", "status", "lastSeen"]);
    }
    let denis = there.iter().find(|person| person["userId"] == denis_id).context("Denis is not listed")?;
    assert_eq!(denis["status"], "online");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employee_is_refused_to_the_owner_over_both_doors_and_it_is_written_down() -> Result<()> {
    let scene = Fixture::set()?;
    let awa = scene.id("awa");
    let mut emma = scene.enter("emma").await?;
    let before = scene.world.activity_count("forbidden_attempt");
    let body = json!({ "toUserId": awa, "content": "Bonjour" });
    is_refused(&emma.call("POST", "/messaging/message", body.clone()).await?, 403, "FORBIDDEN");
    assert_eq!(scene.world.activity_count("forbidden_attempt"), before + 1);
    let refused = emma.ask("messaging:send", body).await?;
    assert_eq!((&refused["status"], &refused["response"]["code"]), (&json!("error"), &json!("FORBIDDEN")));
    assert_eq!(scene.world.activity_count("forbidden_attempt"), before + 2);
    let path = format!("/messaging/conversation/{}", awa.as_str().unwrap_or("-"));
    is_refused(&emma.call("GET", &path, Value::Null).await?, 403, "FORBIDDEN");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_s_path_is_closed_to_a_token() -> Result<()> {
    let scene = Fixture::set()?;
    let token = &scene.world.server.user("emma").token;
    let before = scene.world.activity_count("forbidden_attempt");
    let other = uuid::Uuid::now_v7();
    let mut emma = scene.start(json!({ "token": token, "tenant": other })).await?;
    let error = emma.0.next("connect_error").await?;
    assert_eq!((&error["data"]["code"], &error["active"]), (&json!("FORBIDDEN"), &json!(false)), "{error}");
    assert_eq!(scene.world.activity_count("forbidden_attempt"), before + 1);
    for (method, path) in [
        ("GET", "/messaging/conversations".to_owned()),
        ("GET", format!("/messaging/conversation/{}", uuid::Uuid::now_v7())),
        ("POST", "/messaging/message".to_owned()),
        ("PUT", format!("/messaging/{}/read", uuid::Uuid::now_v7())),
        ("GET", "/presence".to_owned()),
    ] {
        let before = scene.world.activity_count("forbidden_attempt");
        // Whatever is wrong with the body, the tenant is checked first.
        let body = if method == "POST" { json!({ "nonsense": 1 }) } else { Value::Null };
        is_refused(&emma.call(method, &path, body).await?, 403, "FORBIDDEN");
        assert_eq!(scene.world.activity_count("forbidden_attempt"), before + 1, "{method} {path}");
    }
    let polling = json!({ "token": token, "transports": ["polling"] });
    let error = scene.start(polling).await?.0.next("connect_error").await?;
    assert!(
        error["answer"].as_str().is_some_and(|said| said.contains("use transports: ['websocket']")),
        "{error}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_are_refused_in_the_names_they_were_sent_in() -> Result<()> {
    let scene = Fixture::set()?;
    let denis = scene.id("denis");
    let mut emma = scene.enter("emma").await?;
    for (body, field, code) in [
        (json!({ "toUserId": denis, "content": "x", "someThing": 1 }), "someThing", "unknown_field"),
        (json!({ "content": "x" }), "toUserId", "missing"),
        (json!({ "toUserId": scene.id("emma"), "content": "x" }), "toUserId", "yourself"),
        (json!({ "toUserId": uuid::Uuid::now_v7(), "content": "x" }), "toUserId", "unknown_id"),
        (
            json!({ "toUserId": denis, "content": "x", "relatedEntityType": "sale" }),
            "relatedEntityId",
            "missing",
        ),
    ] {
        let refused = emma.call("POST", "/messaging/message", body).await?;
        is_refused(&refused, 422, "VALIDATION_ERROR");
        let fault = &refused.1["error"]["details"][0];
        assert_eq!((&fault["field"], &fault["code"]), (&json!(field), &json!(code)), "{}", refused.1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_about_something_shows_it_and_its_words_stand_after_two_minutes() -> Result<()> {
    let scene = Fixture::set()?;
    let denis_id = scene.id("denis");
    let (mut emma, mut denis) = (scene.enter("emma").await?, scene.enter("denis").await?);
    let preview = json!({ "title": "Vente V-7", "image_url": "https://x.example/1.png" });
    let related = json!({ "type": "sale", "id": "V-7", "preview": preview });
    let draft = json!({ "user_id": denis_id, "related": related });
    let (status, drafted) = emma.call("POST", "/api/v1/conversations/draft", draft).await?;
    assert_eq!(status, 200, "{drafted}");
    let draft = drafted["data"]["draft"].as_str().unwrap_or_default().to_owned();
    assert!(draft.contains("Vente V-7"), "{drafted}");

    let body = json!({ "toUserId": denis_id, "content": draft, "related": related });
    let (status, sent) = emma.call("POST", "/messaging/message", body).await?;
    assert_eq!(status, 201, "{sent}");
    let heard = denis.hear_said(&draft).await?["message"].take();
    assert_eq!((&heard["relatedEntityType"], &heard["relatedEntityId"]), (&json!("sale"), &json!("V-7")));
    assert_eq!(heard["related"], related);

    let path = format!("/api/v1/messages/{}", sent["data"]["id"].as_str().unwrap_or("-"));
    let (status, edited) = emma.call("PATCH", &path, json!({ "content": "autrement" })).await?;
    assert_eq!(status, 200, "{edited}");
    let updated = denis.hear("messaging:updated").await?;
    has_keys(&updated["message"], MESSAGE);
    assert_eq!(updated["message"]["content"], "autrement");
    scene.world.server.clock.advance(Duration::from_secs(121));
    let (status, refused) = emma.call("PATCH", &path, json!({ "content": "trop tard" })).await?;
    assert_eq!((status, &refused["error"]["code"]), (403, &json!("EDIT_WINDOW_CLOSED")), "{refused}");
    Ok(())
}
