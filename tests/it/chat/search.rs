//! Full-text search of messages.

use serde_json::Value;

use super::room::{expect_array, expect_str, faults, field_values, query_number};
use crate::harness::{Api, ChatFixture};

async fn search(by: &Api, words: &str) -> Vec<Value> {
    let query = form_urlencoded::byte_serialize(words.as_bytes()).collect::<String>();
    expect_array(by.get(&format!("/messages/search?q={query}")).await.data())
}

async fn search_contents(by: &Api, words: &str) -> Vec<String> {
    field_values(&search(by, words).await, "content")
        .iter()
        .map(|content| expect_str(content).to_owned())
        .collect()
}

#[tokio::test]
async fn a_search_needs_words() {
    let world = ChatFixture::new();
    assert_eq!(faults(&world.emma.get("/messages/search").await), [("q", "missing")]);
    assert_eq!(faults(&world.emma.get("/messages/search?q=%20").await), [("q", "too_short")]);
    assert_eq!(faults(&world.emma.get("/messages/search?q=a%00b").await), [("q", "nul")]);
    let long = format!("/messages/search?q={}&limit=0", "a".repeat(201));
    assert_eq!(faults(&world.emma.get(&long).await), [("q", "too_long"), ("limit", "out_of_range")]);
}

#[tokio::test]
async fn nobody_finds_what_they_may_not_read() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un secret").await;
    for (by, expected_count) in [
        (&world.karim, 0),
        (&world.bruno, 0),
        (&world.chloe, 1),
        (&world.emma, 1),
        (&world.denis, 1),
        (&world.awa, 1),
    ] {
        assert_eq!(search(by, "secret").await.len(), expected_count);
    }
    assert_eq!(world.service.get("/messages/search?q=secret").await.error(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn accents_case_and_endings_do_not_matter_in_french_and_in_english() {
    let world = ChatFixture::new();
    for content in ["Les commandes ont été livrées", "The orders were delivered"] {
        world.send_message(&world.chloe, content).await;
    }
    for words in ["commande", "COMMANDES", "ete livree", "Livrée"] {
        assert_eq!(search_contents(&world.emma, words).await, ["Les commandes ont été livrées"], "{words}");
    }
    for words in ["order", "Delivering", "orders deliver"] {
        assert_eq!(search_contents(&world.emma, words).await, ["The orders were delivered"], "{words}");
    }
}

#[tokio::test]
async fn phrases_alternatives_and_exclusions_are_understood() {
    let world = ChatFixture::new();
    for content in ["pain complet", "complet, le pain", "gâteau"] {
        world.send_message(&world.chloe, content).await;
    }
    assert_eq!(search_contents(&world.emma, "\"pain complet\"").await, ["pain complet"]);
    assert_eq!(search_contents(&world.emma, "complet -gâteau").await.len(), 2);
    assert_eq!(search_contents(&world.emma, "pain OR gateau").await.len(), 3);
    assert_eq!(search_contents(&world.emma, "complet -\"pain complet\"").await, ["complet, le pain"]);
    assert_eq!(search_contents(&world.emma, "complets -gâteaux -le").await, ["pain complet"]);
}

#[tokio::test]
async fn nothing_but_exclusions_finds_nothing() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "pain").await;
    for words in ["-gâteau", "-gâteau -tarte", "-\"a b\"", "le", "the", "!!!"] {
        assert_eq!(search_contents(&world.emma, words).await, Vec::<String>::new(), "{words}");
    }
}

#[tokio::test]
async fn the_match_is_marked_and_the_rest_is_escaped() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "a < b & \"c\" : voilà ma commande <3").await;
    let excerpt = search(&world.emma, "commandes").await[0]["excerpt"].clone();
    assert_eq!(expect_str(&excerpt), "a &lt; b &amp; &quot;c&quot; : voilà ma <mark>commande</mark> &lt;3");
}

#[tokio::test]
async fn no_message_writes_markup_into_its_excerpt() {
    let world = ChatFixture::new();
    let hostile =
        "<img src=x onerror=alert(1)> \u{e000}pain\u{e001} \u{e001}\u{e000} <script>alert('pain')</script>";
    world.send_message(&world.chloe, hostile).await;
    let excerpt = expect_str(&search(&world.emma, "pain").await[0]["excerpt"]).to_owned();
    let bare = excerpt.replace("<mark>", "").replace("</mark>", "");
    assert!(!bare.contains('<') && !bare.contains('>'), "{excerpt}");
    assert_eq!(excerpt.matches("<mark>").count(), excerpt.matches("</mark>").count(), "{excerpt}");
    assert!(!excerpt.contains("<mark></mark>"), "{excerpt}");
}

#[tokio::test]
async fn hostile_queries_are_words() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "pain").await;
    for words in [
        "'; DROP TABLE messages; --",
        "\\",
        "'",
        "\"",
        "((((",
        "&|!<->:*",
        "pain:*",
        "a & !b | (c",
        "%",
        "_",
        "OR OR OR",
        "- - -",
        "\u{202e}",
        "🥖",
        "\u{e000}",
        "$1",
        "{}",
        "<b>",
    ] {
        let query = form_urlencoded::byte_serialize(words.as_bytes()).collect::<String>();
        let answer = world.emma.get(&format!("/messages/search?q={query}")).await;
        assert_eq!(answer.status, 200, "{words}: {}", answer.body);
    }
    assert_eq!(query_number(&world, "SELECT count(*) AS n FROM messages"), 1);
}

#[tokio::test]
async fn the_newest_comes_first_page_by_page() {
    let world = ChatFixture::new();
    for n in 1..=5 {
        world.send_message(&world.chloe, &format!("pain {n}")).await;
    }
    assert_eq!(
        search_contents(&world.emma, "pain").await,
        ["pain 5", "pain 4", "pain 3", "pain 2", "pain 1"]
    );
    let page = world.emma.get("/messages/search?q=pain&limit=2&offset=2").await;
    assert_eq!(field_values(&expect_array(page.data()), "content"), ["pain 3", "pain 2"]);
}

#[tokio::test]
async fn an_edited_message_is_found_by_its_new_words_only() {
    let world = ChatFixture::new();
    let id = expect_str(&world.send_message(&world.chloe, "croissant").await["id"]).to_owned();
    world.chloe.patch(&format!("/messages/{id}"), serde_json::json!({"content": "brioche"})).await.data();
    assert_eq!(search_contents(&world.emma, "croissant").await, Vec::<String>::new());
    assert_eq!(search_contents(&world.emma, "brioche").await, ["brioche"]);
}
