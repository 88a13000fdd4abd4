//! The list of messages about an entity (`GET /messages?related_type=…`).

use serde_json::{Value, json};

use super::room::{expect_array, faults, field_values, messages_path};
use crate::harness::{Api, ChatFixture};

async fn contents_about(by: &Api, kind: &str, id: &str) -> Vec<Value> {
    let found = expect_array(by.get(&format!("/messages?related_type={kind}&related_id={id}")).await.data());
    field_values(&found, "content")
}

#[tokio::test]
async fn both_halves_of_the_entity_are_needed() {
    let world = ChatFixture::new();
    assert_eq!(faults(&world.emma.get("/messages?related_type=order").await), [("related_id", "missing")]);
    let answer = world.emma.get("/messages?related_type=&related_id=&limit=500").await;
    let expected = [("related_type", "too_short"), ("related_id", "too_short"), ("limit", "out_of_range")];
    assert_eq!(faults(&answer), expected);
}

#[tokio::test]
async fn only_what_one_may_read_is_found_newest_first() {
    let world = ChatFixture::new();
    let order = |content: &str, id: &str| json!({"content": content, "related": {"type": "order", "id": id}});
    let sud = format!("/clients/{}/messages", world.sud);
    for (by, path, body) in [
        (&world.chloe, messages_path(&world), order("un", "A-1")),
        (&world.emma, messages_path(&world), order("deux", "A-1")),
        (&world.chloe, messages_path(&world), order("autre", "A-2")),
        (&world.bruno, sud, order("ailleurs", "A-1")),
    ] {
        by.post(&path, body).await.data();
    }
    assert_eq!(contents_about(&world.emma, "order", "A-1").await, ["deux", "un"]);
    assert_eq!(contents_about(&world.bruno, "order", "A-1").await, ["ailleurs"]);
    assert_eq!(contents_about(&world.awa, "order", "A-1").await.len(), 3);
    assert_eq!(contents_about(&world.awa, "sale", "A-1").await.len(), 0);
    assert_eq!(world.service.get("/messages?related_type=a&related_id=b").await.error(), (403, "FORBIDDEN"));
}
