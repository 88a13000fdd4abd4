//! Drafts of a first message about an entity.

use serde_json::{Value, json};

use super::room::{faults, outbox_seqs, post_in_language};
use crate::harness::ChatFixture;

fn draft_request(world: &ChatFixture, related: Value) -> Value {
    json!({"client_id": world.nord, "related": related})
}

#[tokio::test]
async fn all_faults_are_reported_together() {
    let world = ChatFixture::new();
    let answer = world.emma.post("/conversations/draft", json!({"related": {"type": "", "id": ""}})).await;
    let expected = [("client_id", "missing"), ("related.type", "missing"), ("related.id", "missing")];
    assert_eq!(faults(&answer), expected);
}

#[tokio::test]
async fn an_invisible_or_unknown_client_is_a_validation_fault() {
    let world = ChatFixture::new();
    let related = json!({"type": "order", "id": "1"});
    for client in [world.nord.to_string(), "0198c0de-0000-7000-8000-0000000000ff".to_owned()] {
        let answer =
            world.karim.post("/conversations/draft", json!({"client_id": client, "related": related})).await;
        assert_eq!(faults(&answer), [("client_id", "unknown_id")]);
    }
}

#[tokio::test]
async fn the_draft_names_each_entity_type_in_both_languages() {
    let world = ChatFixture::new();
    for (kind, fr, en) in [
        ("sale", "de la vente", "the sale "),
        ("product", "du produit", "the product "),
        ("alert", "de l’alerte", "the alert "),
        ("order", "de la commande", "the order "),
        ("ticket", "du ticket", "the ticket "),
        ("whatever", "de", ""),
    ] {
        let body = draft_request(&world, json!({"type": kind, "id": "7", "preview": {"title": "N° 7"}}));
        let french = world.emma.post("/conversations/draft", body.clone()).await.data()["draft"].clone();
        assert_eq!(french, format!("Bonjour, à propos {fr} « N° 7 » : "));
        let english =
            post_in_language(&world.emma, "en", "/conversations/draft", body).await.data()["draft"].clone();
        assert_eq!(english, format!("Hello, about {en}“N° 7”: "));
    }
}

#[tokio::test]
async fn without_a_title_the_id_stands_in() {
    let world = ChatFixture::new();
    let answer = world
        .emma
        .post("/conversations/draft", draft_request(&world, json!({"type": "order", "id": "A-1"})))
        .await;
    assert_eq!(answer.data()["draft"], "Bonjour, à propos de la commande « A-1 » : ");
}

#[tokio::test]
async fn a_draft_writes_nothing() {
    let world = ChatFixture::new();
    let related = json!({"type": "order", "id": "A-1", "preview": {"title": "t"}});
    let draft =
        world.emma.post("/conversations/draft", draft_request(&world, related.clone())).await.data().clone();
    assert_eq!((&draft["related"], &draft["conversation"]["last_message"]), (&related, &Value::Null));
    assert!(outbox_seqs(&world).is_empty());
}
