//! Chat messages as notifications: one unread per person and conversation.

use serde_json::json;

use super::rows::{self, MISCOUNTED};
use crate::harness::ChatFixture;

#[tokio::test]
async fn a_member_s_message_is_told_to_the_operators_under_the_client_s_name() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "Bonjour, où en est ma commande ?").await;
    assert_eq!(rows::told(&world), ["emma"]);
    let row = rows::of(&world, "emma").pop().unwrap();
    assert_eq!(row.title, "Nouveau message de Atelier Nord");
    assert!(row.body.contains("où en est ma commande"), "{}", row.body);
    assert_eq!((row.kind.as_str(), row.category.as_str()), ("message.new", "message"));
}

#[tokio::test]
async fn an_operator_s_message_is_told_to_the_members_under_the_operator_s_name() {
    let world = ChatFixture::new();
    world.send_message(&world.emma, "Elle part demain").await;
    let row = rows::of(&world, "chloe").pop().unwrap();
    let emma = world.emma.get("/me").await.data()["user"]["display_name"].as_str().unwrap().to_owned();
    assert_eq!(row.title, format!("Nouveau message de {emma}"));
    assert_eq!(rows::told(&world), ["chloe"]);
}

#[tokio::test]
async fn a_further_message_raises_the_notification_that_is_there() {
    let world = ChatFixture::new();
    for words in ["un", "deux", "trois"] {
        world.send_message(&world.chloe, words).await;
    }
    let found = rows::of(&world, "emma");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].data["count"], 3);
    assert!(found[0].body.ends_with("trois"), "{}", found[0].body);
    let told = "SELECT count(*) FROM outbox WHERE topic LIKE 'client:notifications:%'";
    assert_eq!(rows::number(&world.server, told), 3);
    assert_eq!(rows::number(&world.server, MISCOUNTED), 0);
    assert_eq!(rows::number(&world.server, "SELECT sum(unread) FROM notification_feeds"), 1);
}

#[tokio::test]
async fn two_conversations_are_two_notifications() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "bonjour").await;
    let karim = world.server.user("karim").id;
    let emma = world.server.user("emma").id;
    let path = world.karim.post("/conversations", json!({"user_id": emma})).await.data()["id"].clone();
    let path = format!("/conversations/{}/messages", path.as_str().unwrap());
    world.karim.post(&path, json!({"content": "tu as vu ?"})).await.data();
    let titles: Vec<String> = rows::of(&world, "emma").into_iter().map(|row| row.title).collect();
    let name = world.karim.get("/me").await.data()["user"]["display_name"].as_str().unwrap().to_owned();
    assert_eq!(titles, ["Nouveau message de Atelier Nord".to_owned(), format!("Nouveau message de {name}")]);
    assert!(rows::all(&world.server).iter().all(|row| row.recipient_id != karim.0));
}

#[tokio::test]
async fn with_notifications_off_a_message_is_sent_all_the_same() {
    let world = ChatFixture::new();
    let tenant = world.awa.get("/tenant").await;
    let updated_at = tenant.data()["updated_at"].clone();
    let change = json!({"settings": {"features": {"notifications": false}}, "updated_at": updated_at});
    assert!(world.awa.patch("/tenant", change).await.status.is_success());
    world.send_message(&world.chloe, "bonjour").await;
    assert!(rows::all(&world.server).is_empty());
}
