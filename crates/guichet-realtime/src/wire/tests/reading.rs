//! Decoding.

use proptest::prelude::*;

use crate::wire::socketio::{self, Packet};
use crate::wire::{Dialect, Malformed, Payload, Push, Verb, decode_binary, decode_text};

#[test]
fn v1_reads_missing_refs_and_the_other_spelling_of_join_ref() {
    let frame = r#"{"event":"heartbeat","payload":{},"topic":"phoenix","ref":null}"#;
    let push = decode_text(Dialect::V1, frame).unwrap();
    assert!(push.reference.is_none() && push.join_ref.is_none());
    let frame = r#"{"topic":"t","event":"e","ref":"1","joinRef":"0"}"#;
    let push = decode_text(Dialect::V1, frame).unwrap();
    assert_eq!(push.join_ref.as_deref(), Some("0"));
    assert!(matches!(push.payload, Payload::Json(raw) if raw.get() == "{}"));
}

#[test]
fn v2_wants_five_items() {
    assert!(decode_text(Dialect::V2, r#"["1","1","t","e"]"#).is_err());
    assert!(decode_text(Dialect::V2, r#"["1","1","t","e",{},{}]"#).is_err());
    let push = decode_text(Dialect::V2, r#"[null,7,"t","e",{"a":1}]"#).unwrap();
    assert_eq!(push.reference.as_deref(), Some("7"));
}

proptest! {
    #[test]
    fn a_binary_broadcast_is_read_as_it_was_written(
        join_ref in "[a-z0-9]{0,9}", reference in "[a-z0-9]{0,9}", topic in ".{0,40}", event in ".{0,20}",
        meta in proptest::sample::select(vec!["", "{}", r#"{"persist":true}"#, r#"{"persist":{"ttl":60}}"#]),
        data in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let size = |text: &str| u8::try_from(text.len()).unwrap();
        let mut frame = vec![3, size(&join_ref), size(&reference), size(&topic), size(&event), size(meta), 0];
        for text in [&join_ref, &reference, &topic, &event, meta] {
            frame.extend_from_slice(text.as_bytes());
        }
        frame.extend_from_slice(&data);
        let push = decode_binary(Dialect::V2, &frame).unwrap();
        prop_assert_eq!(push.join_ref.as_deref().unwrap_or_default(), join_ref);
        prop_assert_eq!(push.reference.as_deref().unwrap_or_default(), reference);
        prop_assert_eq!((&*push.topic, &*push.event), (topic.as_str(), event.as_str()));
        let Payload::UserBytes(read) = push.payload else { panic!("bytes") };
        prop_assert_eq!(read, &data[..]);
        prop_assert_eq!(push.persist, meta.contains("persist"));
        for cut in 0..frame.len() - data.len() {
            prop_assert!(decode_binary(Dialect::V2, &frame[..cut]).is_err());
        }
    }

    #[test]
    fn nothing_that_arrives_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0u8..6) {
        let _ = decode_binary(Dialect::V2, &bytes);
        let mut tagged = vec![kind];
        tagged.extend_from_slice(&bytes);
        let _ = decode_binary(Dialect::V2, &tagged);
        let text = String::from_utf8_lossy(&bytes);
        let _ = decode_text(Dialect::V1, &text);
        let _ = decode_text(Dialect::V2, &text);
        let _ = decode_text(Dialect::Plain, &text);
        for kind in ["", "4", "40", "42", "45", "451-", "42/x,", "4217"] {
            let _ = socketio::decode(&format!("{kind}{text}"));
            let _ = decode_text(Dialect::SocketIo, &format!("{kind}{text}"));
        }
    }

    #[test]
    fn what_is_written_in_text_is_read_back(
        join_ref in proptest::option::of(".{0,9}"), reference in proptest::option::of(".{0,9}"),
        topic in ".{0,40}", event in ".{0,20}", word in ".{0,40}",
    ) {
        let payload = serde_json::json!({ "word": word });
        let plain = serde_json::json!({"event": event, "topic": topic, "payload": payload, "ref": reference}).to_string();
        let packet = format!("427{}", serde_json::json!([event, payload, {"topic": topic}]));
        let v2 = serde_json::json!([join_ref, reference, topic, event, payload]).to_string();
        let v1 = serde_json::json!({"topic": topic, "event": event, "payload": payload, "ref": reference,
            "join_ref": join_ref}).to_string();
        for (dialect, text) in [(Dialect::V1, v1), (Dialect::V2, v2)] {
            let push = decode_text(dialect, &text).unwrap();
            prop_assert_eq!(push.join_ref.as_deref(), join_ref.as_deref());
            prop_assert_eq!(push.reference.as_deref(), reference.as_deref());
            prop_assert_eq!(&*push.topic, topic.as_str());
            prop_assert_eq!(&*push.event, event.as_str());
            let Payload::Json(raw) = push.payload else { panic!("json") };
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(raw.get()).unwrap(), payload.clone());
        }
        let bare = topic.strip_prefix("realtime:").unwrap_or(&topic);
        for (dialect, text, expected) in [
            (Dialect::Plain, plain, reference.map(|text| serde_json::Value::from(text).to_string())),
            (Dialect::SocketIo, packet, Some("7".to_owned())),
        ] {
            let push = decode_text(dialect, &text).unwrap();
            prop_assert_eq!(push.reference.as_deref(), expected.as_deref());
            prop_assert_eq!((&*push.topic, &*push.event), (bare, event.as_str()));
            let (Payload::Json(raw) | Payload::UserJson(raw)) = push.payload else { panic!("json") };
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(raw.get()).unwrap(), payload.clone());
        }
    }
}

fn plain(text: &str) -> Result<Push<'_>, Malformed> {
    decode_text(Dialect::Plain, text)
}

#[test]
fn a_plain_frame_is_an_object_with_an_event() {
    for wrong in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"event":1}"#,
        r#"{"event":"e","topic":1}"#,
        r#"{"event":"e","payload":[]}"#,
        r#"{"event":"e","payload":1}"#,
        r#"{"event":"e","ref":{}}"#,
        r#"{"event":"e","ref":true}"#,
        r#"{"event":"e","payload":{"a":"\ud800"}}"#,
        r#"{"event":"e","ref":"\ud800"}"#,
    ] {
        assert!(plain(wrong).is_err(), "{wrong}");
    }
    assert!(plain(&format!(r#"{{"event":"e","ref":"{}"}}"#, "x".repeat(200))).is_err());
    let push = plain(r#"{"event":"e","payload":null,"ref":null,"topic":null,"more":1}"#).unwrap();
    assert!(push.reference.is_none() && push.topic.is_empty());
    assert!(matches!(push.payload, Payload::UserJson(raw) if raw.get() == "{}"));
}

#[test]
fn plain_verbs_are_those_of_the_connection() {
    for (event, verb) in [
        ("join", Verb::Join),
        ("leave", Verb::Leave),
        ("heartbeat", Verb::Heartbeat),
        ("access_token", Verb::Token),
        ("phx_join", Verb::Say),
        ("messaging:send", Verb::Say),
    ] {
        assert_eq!(
            plain(&format!(r#"{{"event":"{event}","topic":"realtime:t"}}"#)).unwrap().verb,
            verb,
            "{event}"
        );
    }
    assert_eq!(&*plain(r#"{"event":"join","topic":"realtime:t"}"#).unwrap().topic, "t");
}

#[test]
fn packets_are_told_apart() {
    assert!(matches!(socketio::decode("2probe"), Ok(Packet::Ping("probe"))));
    assert!(matches!(socketio::decode("3"), Ok(Packet::Pong)));
    assert!(matches!(socketio::decode("40"), Ok(Packet::Connect(None))));
    assert!(matches!(socketio::decode(r#"40{"token":"x"}"#), Ok(Packet::Connect(Some(_)))));
    assert!(matches!(socketio::decode("40/admin,{}"), Ok(Packet::Elsewhere("/admin"))));
    assert!(matches!(socketio::decode("40/admin?x=1,"), Ok(Packet::Elsewhere("/admin"))));
    assert!(matches!(socketio::decode("41"), Ok(Packet::Disconnect)));
    let binary = socketio::decode(r#"451-12["e",{"_placeholder":true,"num":0}]"#);
    assert!(matches!(binary, Ok(Packet::Binary { reference: Some("12") })));
    for wrong in
        ["", "4", "é", "40x", "42", "42{}", "42/admin,[]", "45[]", "45x-[]", "47", "8", "0{}", "42123"]
    {
        assert!(socketio::decode(wrong).is_err(), "{wrong}");
    }
    assert!(socketio::decode(&format!("42{}[\"e\"]", "1".repeat(20))).is_err());
}

#[test]
fn a_topic_stands_in_the_second_argument_or_in_a_joins_payload() {
    let topic = |text: &str| decode_text(Dialect::SocketIo, text).unwrap().topic.to_string();
    assert_eq!(topic(r#"42["join",{"topic":"t","afterSeq":3}]"#), "t");
    assert_eq!(topic(r#"42["cursor",{"topic":"mine"}]"#), "");
    assert_eq!(topic(r#"42["cursor",{"topic":"mine"},{"topic":"realtime:t"}]"#), "t");
    assert_eq!(topic(r#"42["messaging:send"]"#), "");
    for wrong in [r#"42[]"#, r#"42[1]"#, r#"42["e",1]"#, r#"42["e",{"a":"\ud800"}]"#] {
        assert!(decode_text(Dialect::SocketIo, wrong).is_err(), "{wrong}");
    }
}
