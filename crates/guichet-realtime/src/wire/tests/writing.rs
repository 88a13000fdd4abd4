//! Encoding.

use guichet_base::id::TenantId;
use serde_json::{Value, json, value::RawValue};
use uuid::Uuid;

use crate::hub::event::Event;
use crate::wire::frame::Frame;
use crate::wire::{
    BroadcastContent, Dialect, Encoder, Shape, Spelling, close, error, event_frame, notice, push, reply,
};

fn event() -> Event {
    Event {
        tenant: TenantId::new(),
        id: Uuid::nil(),
        topic: "chat:room:1".into(),
        seq: 57,
        name: "messaging:new".into(),
        payload: RawValue::from_string(r#"{"message":{}}"#.into()).unwrap(),
        copies: vec![],
        side_events: vec![],
        client: None,
    }
}

fn json_of(frame: &Frame) -> Value {
    serde_json::from_slice(&frame.decode().1).unwrap()
}

#[test]
fn v1_has_exactly_four_keys_and_says_null() {
    let frame = push(Dialect::V1, Some("1"), None, "t\"é", "e", "{}");
    assert_eq!(json_of(&frame), json!({"topic": "t\"é", "event": "e", "payload": {}, "ref": null}));
}

#[test]
fn an_event_is_encoded_once_per_shape_and_shared() {
    let event = event();
    let mut encoder = Encoder::new("chat:room:1", BroadcastContent::Event(&event), Spelling::default());
    let shape = Shape { dialect: Dialect::V2, prefixed: true };
    let (one, two) = (encoder.frame(shape).unwrap(), encoder.frame(shape).unwrap());
    assert_eq!(one.clone().into_bytes().as_ptr(), two.into_bytes().as_ptr());
    let meta = json!({"id": Uuid::nil(), "seq": 57});
    assert_eq!(
        json_of(&one),
        json!([null, null, "realtime:chat:room:1", "broadcast",
            {"type": "broadcast", "event": "messaging:new", "payload": {"message": {}}, "meta": meta}])
    );
}

#[test]
fn a_copy_says_where_the_event_lives_and_a_replay_that_it_is_one() {
    let event = event();
    let mut encoder = Encoder::new("user:9", BroadcastContent::Copy(&event), Spelling::default());
    let frame = encoder.frame(Shape { dialect: Dialect::V1, prefixed: false }).unwrap();
    assert_eq!(json_of(&frame)["topic"], "user:9");
    assert_eq!(json_of(&frame)["payload"]["meta"]["topic"], "chat:room:1");
    let frame =
        event_frame(Shape { dialect: Dialect::V2, prefixed: false }, &event, true, Spelling::default());
    assert_eq!(json_of(&frame)[4]["meta"]["replayed"], true);
}

#[test]
fn bytes_skip_the_first_serialization() {
    let mut encoder =
        Encoder::new("t", BroadcastContent::Bytes { event: "e", data: &[1] }, Spelling::default());
    assert!(encoder.frame(Shape { dialect: Dialect::V1, prefixed: false }).is_none());
    assert!(encoder.frame(Shape { dialect: Dialect::V2, prefixed: false }).is_some());
}

fn of(dialect: Dialect) -> Shape {
    Shape { dialect, prefixed: false }
}

/// The JSON after a Socket.IO packet's type.
fn packet(frame: &Frame, kind: &str) -> Value {
    let payload = frame.decode().1;
    serde_json::from_str(std::str::from_utf8(&payload).unwrap().strip_prefix(kind).unwrap()).unwrap()
}

const SHOUTED: Spelling = Spelling {
    event: |topic, event, _| format!(r#"{{"of":"{topic} {event}"}}"#),
    answer: |_, _| r#"{"answer":1}"#.to_owned(),
    ask: |_, _| r#"{"ask":1}"#.to_owned(),
};

#[test]
fn an_event_is_told_in_each_dialect() {
    let event = event();
    let mut encoder = Encoder::new("chat:room:1", BroadcastContent::Event(&event), SHOUTED);
    let meta = json!({"id": Uuid::nil(), "seq": 57});
    let mut told = |dialect| encoder.frame(of(dialect)).unwrap();
    assert_eq!(
        json_of(&told(Dialect::Plain)),
        json!({"event": "messaging:new", "topic": "chat:room:1", "payload": {"message": {}}, "meta": meta})
    );
    assert_eq!(json_of(&told(Dialect::PlainCamel))["payload"], json!({"of": "chat:room:1 messaging:new"}));
    assert_eq!(
        packet(&told(Dialect::SocketIo), "42"),
        json!(["messaging:new", {"of": "chat:room:1 messaging:new"}, {"topic": "chat:room:1", "meta": meta}])
    );
    let replayed = event_frame(of(Dialect::SocketIo), &event, true, SHOUTED);
    assert_eq!(packet(&replayed, "42")[2]["meta"]["replayed"], true);
}

#[test]
fn what_a_person_says_is_told_under_its_own_name_and_never_renamed() {
    let told = |content: BroadcastContent<'_>, dialect| {
        let frame = Encoder::new("t", content, SHOUTED).frame(of(dialect)).unwrap();
        if dialect == Dialect::SocketIo { packet(&frame, "42") } else { json_of(&frame) }
    };
    let personal = BroadcastContent::Personal { event: "cursor", payload: r#"{"my_x":1}"# };
    let plain = json!({"event": "cursor", "topic": "t", "payload": {"my_x": 1}, "meta": {}});
    assert_eq!(told(personal, Dialect::Plain), plain);
    assert_eq!(told(personal, Dialect::PlainCamel), plain);
    let inner = json!({"type": "broadcast", "event": "cursor", "payload": {"my_x": 1}});
    assert_eq!(told(personal, Dialect::V2)[4], inner);
    // Flutter puts the person's keys next to the event.
    for inner in [inner.to_string(), r#"{"type":"broadcast","event":"cursor","my_x":1}"#.to_owned()] {
        assert_eq!(told(BroadcastContent::Verbatim(&inner), Dialect::Plain), plain, "{inner}");
        assert_eq!(told(BroadcastContent::Verbatim(&inner), Dialect::SocketIo)[1], json!({"my_x": 1}));
    }
    let no_event =
        Encoder::new("t", BroadcastContent::Verbatim(r#"{"x":1}"#), SHOUTED).frame(of(Dialect::Plain));
    assert!(no_event.is_none());
}

#[test]
fn only_who_gave_a_ref_is_answered_and_gets_it_back_as_it_was() {
    let answer = |dialect, reference| reply(dialect, None, reference, "t", "ok", r#"{"a":1}"#);
    assert!(answer(Dialect::Plain, None).is_none() && answer(Dialect::SocketIo, None).is_none());
    assert!(answer(Dialect::V1, None).is_some());
    for reference in ["7", r#""a\"b""#] {
        let plain = json_of(&answer(Dialect::Plain, Some(reference)).unwrap());
        let reference: Value = serde_json::from_str(reference).unwrap();
        assert_eq!(
            plain,
            json!({"event": "reply", "ref": reference, "payload": {"status": "ok", "response": {"a": 1}}})
        );
    }
    let ack = answer(Dialect::SocketIo, Some("12")).unwrap();
    assert_eq!(packet(&ack, "4312"), json!([{"status": "ok", "response": {"a": 1}}]));
}

#[test]
fn channels_end_in_the_words_of_each_dialect() {
    let ended = |dialect| (close(dialect, Some("1"), "t", "why"), error(dialect, Some("1"), "t", "why"));
    let (left, resume) = ended(Dialect::V2);
    assert_eq!(json_of(&left), json!(["1", "1", "t", "phx_close", {}]));
    assert_eq!(json_of(&resume), json!(["1", "1", "t", "phx_error", {"reason": "why"}]));
    let (left, resume) = ended(Dialect::Plain);
    for (frame, event) in [(left, "left"), (resume, "resume")] {
        let expected = json!({"event": event, "topic": "t", "payload": {"reason": "why"}, "meta": {}});
        assert_eq!(json_of(&frame), expected);
    }
    let (left, _) = ended(Dialect::SocketIo);
    assert_eq!(packet(&left, "42")[0], "left");
    assert!(notice(Dialect::V1, "error", "{}").is_none());
    assert_eq!(
        json_of(&notice(Dialect::Plain, "error", "{}").unwrap()),
        json!({"event": "error", "payload": {}})
    );
}
