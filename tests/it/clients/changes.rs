//! Other features that front ends written against Supabase use: row changes, and broadcasts over HTTP.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::application::{Application, Library};
use super::libraries::Fixture;

/// A channel name as such front ends choose it.
const FEED: &str = "schema-db-changes";

/// Joins a channel for these changes only.
async fn listen(application: &mut Application, changes: &Value) -> Result<()> {
    application.order(json!({ "order": "join", "topic": FEED, "changes": changes })).await?;
    application.subscribed().await
}

async fn change(application: &mut Application) -> Result<Value> {
    Ok(application.next("change").await?["change"].take())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_others_never_reach_a_library() -> Result<()> {
    let scene = Fixture::set().await?;
    let all = json!([{ "event": "*", "schema": "public", "table": "messages" }]);
    let bruno = scene.demo.person(&scene.service, "bruno")?;
    let mut strangers = scene.applications("bruno").await?;
    for stranger in &mut strangers {
        listen(stranger, &all).await?;
    }
    scene.emma.send(&scene.client, "not for Bruno").await?;
    bruno.send(scene.demo.client("boulangerie_sud")?, "for Bruno").await?;
    for stranger in &mut strangers {
        let heard = change(stranger).await?;
        assert_eq!(heard["new"]["content"], "for Bruno", "{:?}: {heard}", stranger.library);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_binding_is_an_error_that_the_application_can_read() -> Result<()> {
    let scene = Fixture::set().await?;
    for mut chloe in scene.applications("chloe").await? {
        let changes =
            json!([{ "event": "*", "schema": "public", "table": "messages", "filter": "room=eq.1" }]);
        chloe.order(json!({ "order": "join", "topic": FEED, "changes": changes })).await?;
        let status = chloe.next("status").await?;
        let error = status["error"].as_str().unwrap_or_default();
        ensure!(
            status["status"] == "CHANNEL_ERROR" && error.contains("`room`"),
            "{:?}: {status}",
            chloe.library
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_told_through_all_their_life_by_their_filters() -> Result<()> {
    let scene = Fixture::set().await?;
    let table = json!({ "schema": "public", "table": "messages" });
    let binding = |event: &str, filter: Option<String>| {
        let mut binding = table.clone();
        binding["event"] = event.into();
        if let Some(filter) = filter {
            binding["filter"] = filter.into();
        }
        binding
    };
    let wanted = format!("client_id=eq.{},content=ilike.%bonjour%", scene.client);
    let changes = json!([binding("INSERT", Some(wanted)), binding("UPDATE", None), binding("DELETE", None)]);
    let mut people = scene.applications("chloe").await?;
    for chloe in &mut people {
        listen(chloe, &changes).await?;
    }
    scene.emma.send(&scene.client, "left out by the filter").await?;
    let said = scene.emma.send(&scene.client, "Bonjour Chloé").await?;
    scene.emma.edit(said.id, "Bonsoir Chloé").await?;
    let conversation = scene.emma.conversation(&scene.client).await?;
    scene.demo.person(&scene.service, "chloe")?.read(conversation).await?;
    scene.emma.delete(said.id).await?;
    for chloe in &mut people {
        let library = chloe.library;
        let inserted = change(chloe).await?;
        assert_eq!(inserted["eventType"], "INSERT", "{library:?}: {inserted}");
        assert_eq!(
            (&inserted["new"]["content"], &inserted["new"]["seq"]),
            (&json!("Bonjour Chloé"), &json!(2)),
            "{library:?}: {inserted}"
        );
        let edited = change(chloe).await?;
        assert_eq!(edited["eventType"], "UPDATE", "{library:?}: {edited}");
        assert_eq!(edited["new"]["content"], "Bonsoir Chloé", "{library:?}: {edited}");
        assert_eq!(edited["old"]["id"], json!(said.id), "{library:?}: {edited}");
        for seq in [1, 2] {
            let read = change(chloe).await?;
            // A message deleted before its row was read is shown as deleted at once.
            if seq == 2 && read["new"]["deleted_at"].is_string() {
                continue;
            }
            assert_eq!(read["new"]["seq"], seq, "{library:?}: {read}");
            assert!(read["new"]["read_at"].is_string(), "{library:?}: {read}");
            if seq == 2 {
                let deleted = change(chloe).await?;
                assert_eq!(deleted["eventType"], "UPDATE", "{library:?}: {deleted}");
                assert!(deleted["new"]["deleted_at"].is_string(), "{library:?}: {deleted}");
                assert_eq!(deleted["new"]["content"], Value::Null, "{library:?}: {deleted}");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn own_broadcasts_come_back_to_whoever_asked_for_them() -> Result<()> {
    let scene = Fixture::set().await?;
    for mut chloe in scene.applications("chloe").await? {
        let library = chloe.library;
        chloe.order(json!({ "order": "join", "topic": scene.room, "own": true })).await?;
        chloe.subscribed().await?;
        let answer = chloe.broadcast(&scene.room, "cursor", json!({ "x": 1 })).await?;
        assert_eq!(answer["status"], "ok", "{library:?}: {answer}");
        let event = chloe.event().await?;
        assert_eq!(
            (&event["event"], &event["payload"]),
            (&json!("cursor"), &json!({ "x": 1 })),
            "{library:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn broadcasts_over_http_reach_the_room() -> Result<()> {
    let scene = Fixture::set().await?;
    let emma_token = scene.demo.token("emma")?;
    let mut emma =
        Application::start(&scene.toolbox, Library::Phoenix, &scene.service.url(), emma_token).await?;
    emma.join(&scene.room, scene.emma.head(&scene.client).await?).await?;
    let own = format!("user:{}", scene.demo.user("chloe")?);
    for library in [Library::SupabaseV2, Library::SupabaseV1, Library::Python] {
        let token = scene.demo.token("chloe")?;
        let mut chloe = Application::start(&scene.toolbox, library, &scene.service.url(), token).await?;
        // On another topic, so that the library has its token.
        chloe.order(json!({ "order": "join", "topic": own })).await?;
        chloe.subscribed().await?;
        let send = |order: &str, event: &str| json!({ "order": order, "topic": scene.room, "event": event, "payload": { "é": order }, "id": 0 });
        chloe.order(send("httpSend", "messaging:new")).await?;
        let refused = chloe.next("sent").await?;
        assert_eq!(refused["status"], "error", "{library:?} forged a message: {refused}");
        assert!(refused["response"].as_str().is_some_and(|why| why.contains("FORBIDDEN")), "{refused}");
        let orders: &[&str] =
            if library == Library::Python { &["httpSend"] } else { &["httpSend", "unjoinedSend"] };
        for order in orders {
            chloe.order(send(order, "note/é")).await?;
            let sent = chloe.next("sent").await?;
            assert_eq!(sent["status"], "ok", "{library:?} {order}: {sent}");
            let event = emma.event_named("note/é").await?;
            assert_eq!(event["payload"], json!({ "é": order }), "{library:?}: {event}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_realtime_js_persists_is_numbered_and_replayed() -> Result<()> {
    let scene = Fixture::set().await?;
    let head = scene.emma.head(&scene.client).await?;
    let token = scene.demo.token("chloe")?;
    let url = scene.service.url();
    let mut chloe = Application::start(&scene.toolbox, Library::SupabaseV2, &url, token).await?;
    chloe.join(&scene.room, head).await?;
    let note = json!({ "topic": scene.room, "event": "note", "payload": { "x": 1 }, "id": 0 });
    let mut by_socket = note.clone();
    (by_socket["order"], by_socket["persist"]) = (json!("send"), json!({ "ttl": 60 }));
    let mut by_http = note;
    (by_http["order"], by_http["options"]) = (json!("httpSend"), json!({ "persist": true }));
    for order in [by_socket, by_http] {
        chloe.order(order).await?;
        let sent = chloe.next("sent").await?;
        assert_eq!(sent["status"], "ok", "{sent}");
    }
    let mut late = Application::start(&scene.toolbox, Library::SupabaseV2, &url, token).await?;
    late.join(&scene.room, head).await?;
    for (application, replayed) in [(&mut chloe, Value::Null), (&mut late, json!(true))] {
        for seq in [head + 1, head + 2] {
            let event = application.event_named("note").await?;
            assert_eq!(
                (&event["meta"]["seq"], &event["payload"]),
                (&json!(seq), &json!({ "x": 1 })),
                "{event}"
            );
            assert_eq!(event["meta"]["replayed"], replayed, "{event}");
        }
    }
    Ok(())
}
