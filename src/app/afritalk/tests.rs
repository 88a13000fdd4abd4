//! Round trips, and the fields that AfriTalk's front end reads.

use guichet_base::id::{TenantId, UserId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::keys::{camel, snake};
use super::{
    AfriTalkReader, error_naming, event_to_afritalk, from_afritalk, response_to_afritalk, spelling,
    to_afritalk,
};

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn told_event(topic: &str, name: &str, payload: &Value) -> Value {
    value(&event_to_afritalk(topic, name, &payload.to_string()))
}

fn send_response(response: &str) -> String {
    (spelling().answer)("messaging:send", response)
}

fn message(related: &Value) -> Value {
    json!({"id": "m", "conversation_id": "c", "sender_id": "s", "content": "hé", "related": related,
        "client_message_id": null, "read_at": null, "created_at": "2026-01-01T00:00:00.000Z"})
}

#[test]
fn a_key_that_is_no_name_of_guichets_stays() {
    for key in ["", "_", "_a", "a_", "a__b", "chat:room:x_y", "Foo_bar", "é_a", "a-b_c"] {
        assert_eq!(camel(key), key);
    }
    assert_eq!((camel("line_1"), camel("created_at_ms")), ("line_1".into(), "createdAtMs".into()));
    for key in ["Content", "X-Y", "chat:room:aB", "éA"] {
        assert_eq!(snake(key), key);
    }
    assert_eq!(snake("clientMessageId"), "client_message_id");
}

#[test]
fn what_a_producer_wrote_keeps_its_bytes() {
    let opaque = r#"{ "image_url" : 1.50, "imageUrl":12345678901234567890123, "a_b":[{"c_d":1e400}] }"#;
    for key in ["preview", "data", "payload"] {
        let json = format!(r#"{{"related_to":{{"{key}":{opaque}}}}}"#);
        assert_eq!(to_afritalk(&json, None), format!(r#"{{"relatedTo":{{"{key}":{opaque}}}}}"#));
        let json = format!(r#"{{"relatedTo":{{"{key}":{opaque}}}}}"#);
        assert_eq!(from_afritalk(&json), format!(r#"{{"related_to":{{"{key}":{opaque}}}}}"#));
    }
}

#[test]
fn a_message_says_what_it_is_about_and_whether_it_was_read() {
    let about = json!({"type": "order", "id": "A-1", "preview": {"image_url": "x"}});
    let new = told_event("chat:room:1", "messaging:new", &json!({"message": message(&about)}));
    assert_eq!(new["conversationId"], "c");
    assert_eq!(new["message"]["relatedEntityType"], "order");
    assert_eq!(new["message"]["relatedEntityId"], "A-1");
    assert_eq!(new["message"]["read"], false);
    assert_eq!(new["message"]["related"]["preview"], json!({"image_url": "x"}));
    let mut read = message(&Value::Null);
    read["read_at"] = json!("2026-01-01T00:00:00.000Z");
    let updated = told_event("chat:room:1", "messaging:updated", &json!({ "message": read }));
    assert_eq!(updated["message"]["read"], true);
    assert!(updated["message"]["relatedEntityId"].is_null() && updated["conversationId"].is_null());
}

#[test]
fn events_have_the_shapes_that_the_front_end_knows() {
    let read = told_event("chat:room:1", "messaging:read", &json!({"reader_id": "r", "read_at": "t"}));
    assert_eq!(read, json!({"readerId": "r", "readAt": "t", "messageId": null}));
    let presence = json!({"user_id": "u", "status": "idle", "last_seen": null});
    assert_eq!(
        told_event("tenant:1", "presence:update", &presence),
        json!({"userId": "u", "status": "idle", "lastSeen": null})
    );
    let notification = json!({"id": "n", "type": "mandat.created", "category": "mandat", "title": "T", "body": "B",
        "is_read": false, "data": {"related_entity_type": "mandat", "related_entity_id": 7, "a_b": 1}});
    let payload = json!({"notification": notification, "unread": 6});
    let new = told_event("client:notifications:u1", "notify:new", &payload);
    assert_eq!((&new["type"], &new["unread"]), (&json!("alert"), &json!(6)));
    let renamed = &new["payload"];
    assert_eq!(
        (&renamed["code"], &renamed["message"], &renamed["userId"]),
        (&json!("mandat.created"), &json!("B"), &json!("u1"))
    );
    assert_eq!((&renamed["relatedEntityType"], &renamed["relatedEntityId"]), (&json!("mandat"), &json!(7)));
    assert_eq!((&renamed["pushSent"], &renamed["pushSentAt"]), (&json!(false), &Value::Null));
    assert_eq!((&renamed["isRead"], &renamed["data"]["a_b"]), (&json!(false), &json!(1)));
}

#[test]
fn a_conversation_names_its_two_people() {
    let reader = AfriTalkReader { tenant: TenantId::new(), user: UserId::new() };
    let conversation = json!([{"id": "c", "kind": "direct", "peer": {"id": "p", "display_name": "P"}, "unread_count": 1,
        "counterpart": {"last_seen": null}}]);
    let renamed = value(&to_afritalk(&conversation.to_string(), Some(reader)));
    assert_eq!(renamed[0]["tenantId"], json!(reader.tenant));
    assert_eq!((&renamed[0]["userOneId"], &renamed[0]["userTwoId"]), (&json!(reader.user), &json!("p")));
    assert_eq!(renamed[0]["peer"]["displayName"], "P");
}

#[test]
fn a_refusal_names_fields_as_they_were_sent() {
    let refusal =
        json!({"code": "VALIDATION_ERROR", "details": [{"field": "related.client_id", "code": "missing"}]});
    let converted = value(&send_response(&refusal.to_string()));
    assert_eq!(converted["details"][0]["field"], "related.clientId");
    let refusal = refusal.to_string().replace("client_id", "preview.image_url");
    assert_eq!(value(&send_response(&refusal))["details"][0]["field"], "related.preview.image_url");
    let limited = (spelling().answer)("x", r#"{"details":{"retry_after":3}}"#);
    assert_eq!(limited, r#"{"details":{"retryAfter":3}}"#);
}

#[test]
fn a_message_is_sent_by_either_name_of_what_it_is_about() {
    let ask = |payload: Value| value(&(spelling().ask)("messaging:send", &payload.to_string()));
    let preview = json!({"title": "T", "imageUrl": "x"});
    assert_eq!(
        ask(json!({"toUserId": "u", "related": {"type": "o", "id": "1", "preview": preview}})),
        json!({"to_user_id": "u", "related": {"type": "o", "id": "1", "preview": preview}})
    );
    assert_eq!(
        ask(json!({"content": "x", "relatedEntityType": "o", "relatedEntityId": "1"})),
        json!({"content": "x", "related": {"type": "o", "id": "1"}})
    );
    assert_eq!(ask(json!({"content": "x", "relatedEntityType": null})), json!({"content": "x"}));
    assert_eq!(
        ask(json!({"client_id": "c"})),
        json!({"client_id": "c"}),
        "guichet's own names are taken too"
    );
}

#[test]
fn an_answer_s_own_data_is_told_and_a_producer_s_is_not() {
    let answer = json!({"data": [{"unread_count": 1, "data": {"a_b": 1}}], "error": null, "meta": {"has_after": false}});
    assert_eq!(
        value(&response_to_afritalk(&answer.to_string(), None)),
        json!({"data": [{"unreadCount": 1, "data": {"a_b": 1}}], "error": null, "meta": {"hasAfter": false}})
    );
    let failure = r#"{"data":null,"error":{"code":"X","request_id":"r","details":{"retry_after":3}}}"#;
    for path in ["/api/tenants/x/presence", "/api/v1/tenants/x/messaging/message"] {
        let renamed = error_naming(path).map(|spelling| value(&spelling(failure))).unwrap();
        assert_eq!(renamed["error"], json!({"code": "X", "requestId": "r", "details": {"retryAfter": 3}}));
    }
    for path in ["/api/tenants", "/api/v1/presence", "/tenants/x", "/api/v2/tenants/x"] {
        assert!(error_naming(path).is_none(), "{path}");
    }
}

#[test]
fn what_is_no_json_goes_through() {
    for text in ["", "{", "[1,", "null", "12", r#""a_b""#, "{\"a_b\":}", "\u{FEFF}{}"] {
        assert_eq!((to_afritalk(text, None), from_afritalk(text)), (text.to_owned(), text.to_owned()));
    }
}

/// JSON with guichet's keys.
fn guichets() -> impl Strategy<Value = Value> {
    let key = "[a-z][a-z0-9]{0,3}(_[a-z0-9]{1,4}){0,3}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn there_and_back_is_where_it_was(json in guichets()) {
        prop_assert_eq!(value(&from_afritalk(&to_afritalk(&json.to_string(), None))), json);
    }

    #[test]
    fn nothing_panics_and_what_was_json_stays_json(text in ".{0,60}", json in guichets()) {
        let _ = (to_afritalk(&text, None), from_afritalk(&text));
        for name in ["messaging:new", "messaging:read", "notify:new", "x"] {
            let _ = event_to_afritalk("user:1", name, &text);
            value(&event_to_afritalk("user:1", name, &json.to_string()));
            value(&(spelling().ask)("messaging:send", &json.to_string()));
        }
    }
}
