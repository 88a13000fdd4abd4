//! The list of conversations.

use serde_json::{Value, json};

use super::room::{execute, expect_array, expect_str, faults, field_values};
use crate::harness::{Api, ChatFixture, Socket};

async fn list_conversations(by: &Api, query: &str) -> Vec<Value> {
    expect_array(by.get(&format!("/conversations?{query}")).await.data())
}

async fn client_names(by: &Api, query: &str) -> Vec<String> {
    list_conversations(by, query)
        .await
        .iter()
        .map(|room| expect_str(&room["client"]["name"]).to_owned())
        .collect()
}

async fn send_to_sud(world: &ChatFixture, by: &Api, content: &str) {
    by.post(&format!("/clients/{}/messages", world.sud), json!({"content": content})).await.data();
}

#[tokio::test]
async fn wrong_parameters_are_told_all_at_once() {
    let world = ChatFixture::new();
    let answer = world.awa.get("/conversations?sort=newest&scope=some&search=&limit=0&offset=-1").await;
    let fields: Vec<_> = faults(&answer).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["sort", "scope", "search", "limit", "offset"]);
}

#[tokio::test]
async fn a_person_lists_only_what_they_may_see() {
    let world = ChatFixture::new();
    assert_eq!(client_names(&world.emma, "").await, ["Atelier Nord"]);
    assert_eq!(client_names(&world.bruno, "").await, ["Boulangerie Sud"]);
    assert_eq!(client_names(&world.awa, "").await.len(), 2);
}

#[tokio::test]
async fn rooms_that_never_wrote_are_listed_last() {
    let world = ChatFixture::new();
    send_to_sud(&world, &world.bruno, "hello").await;
    assert_eq!(client_names(&world.awa, "").await, ["Boulangerie Sud", "Atelier Nord"]);
    assert_eq!(list_conversations(&world.awa, "").await[1]["last_message"], Value::Null);
}

#[tokio::test]
async fn the_last_to_have_written_comes_first() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    world.server.clock.advance(std::time::Duration::from_secs(1));
    send_to_sud(&world, &world.bruno, "deux").await;
    assert_eq!(client_names(&world.awa, "sort=recent").await, ["Boulangerie Sud", "Atelier Nord"]);
    world.server.clock.advance(std::time::Duration::from_secs(1));
    world.send_message(&world.chloe, "trois").await;
    assert_eq!(client_names(&world.awa, "sort=recent").await, ["Atelier Nord", "Boulangerie Sud"]);
}

#[tokio::test]
async fn the_most_unread_comes_first_when_asked() {
    let world = ChatFixture::new();
    world.send_message(&world.awa, "je suis").await;
    world.send_message(&world.chloe, "un").await;
    world.server.clock.advance(std::time::Duration::from_secs(1));
    send_to_sud(&world, &world.bruno, "deux").await;
    assert_eq!(client_names(&world.awa, "sort=unread").await, ["Atelier Nord", "Boulangerie Sud"]);
}

#[tokio::test]
async fn who_is_there_comes_first_when_asked() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let _socket = Socket::open(&world.server, &world.server.user("bruno").token).await;
    while client_names(&world.awa, "sort=online").await != ["Boulangerie Sud", "Atelier Nord"] {
        crate::harness::pause_between_polls().await;
    }
    assert_eq!(client_names(&world.awa, "sort=recent").await, ["Atelier Nord", "Boulangerie Sud"]);
    assert_eq!(client_names(&world.karim, "sort=online").await, ["Boulangerie Sud"]);
    assert_eq!(client_names(&world.bruno, "sort=online").await, ["Boulangerie Sud"]);
}

#[tokio::test]
async fn mine_is_what_i_am_told_of() {
    let world = ChatFixture::new();
    assert_eq!(client_names(&world.awa, "scope=mine").await, Vec::<String>::new());
    assert_eq!(client_names(&world.emma, "scope=mine").await, ["Atelier Nord"]);
    send_to_sud(&world, &world.awa, "bonjour").await;
    assert_eq!(client_names(&world.awa, "scope=mine").await, ["Boulangerie Sud"]);
    assert_eq!(client_names(&world.awa, "scope=all").await.len(), 2);
}

#[tokio::test]
async fn a_search_finds_names_whatever_their_accents_and_case() {
    let world = ChatFixture::new();
    for (words, found) in [
        ("atelier", vec!["Atelier Nord"]),
        ("ÀTÉLIER%20n", vec!["Atelier Nord"]),
        ("chloe%20mar", vec!["Atelier Nord"]),
        ("%25", vec![]),
        ("_telier", vec![]),
        ("nulle%20part", vec![]),
    ] {
        assert_eq!(client_names(&world.awa, &format!("search={words}")).await, found, "{words}");
    }
}

#[tokio::test]
async fn a_search_finds_the_words_of_messages_one_may_read() {
    let world = ChatFixture::new();
    send_to_sud(&world, &world.bruno, "Où sont mes croissants ?").await;
    assert_eq!(client_names(&world.awa, "search=croissant").await, ["Boulangerie Sud"]);
    assert_eq!(client_names(&world.awa, "search=croissant&scope=mine").await, Vec::<String>::new());
    assert_eq!(client_names(&world.emma, "search=croissant").await, Vec::<String>::new());
}

#[tokio::test]
async fn pages_of_the_list_meet() {
    let world = ChatFixture::new();
    let tenant = world.server.demo.tenant_id;
    execute(
        &world,
        &format!(
            "INSERT INTO clients (tenant_id, id, name) SELECT '{tenant}', gen_random_uuid(), 'Client ' || n FROM generate_series(1, 5) n; \
         INSERT INTO conversations (tenant_id, id, kind, client_id) SELECT tenant_id, gen_random_uuid(), 'client', id \
         FROM clients ON CONFLICT DO NOTHING"
        ),
    );
    let whole = field_values(&list_conversations(&world.awa, "").await, "id");
    let mut pages = Vec::new();
    for offset in [0, 3, 6, 9] {
        pages.extend(field_values(
            &list_conversations(&world.awa, &format!("limit=3&offset={offset}")).await,
            "id",
        ));
    }
    assert_eq!((whole.len(), pages), (7, whole));
}

#[tokio::test]
async fn the_last_message_is_cut_between_characters() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, &"é".repeat(300)).await;
    let excerpt = list_conversations(&world.emma, "").await[0]["last_message"]["excerpt"].clone();
    assert_eq!(expect_str(&excerpt), format!("{}…", "é".repeat(120)));
}
