//! Thousands of hostile frames for any dialect, the same for the same seed: every known hostile topic, event and
//! payload, and valid frames that are corrupted.

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::frames::{ByteMutator, binary_by_hand};
use crate::realtime::conformance::wires::Wire;

/// Marks forged events under the service's names.
pub const FORGERY: &str = "forged-by-an-attacker";

/// The attacker's topic, target and identity.
pub struct Aim {
    pub own: String,
    pub victims: Vec<String>,
    pub forged: String,
}

const EVENTS: [&str; 26] = [
    "broadcast",
    "presence",
    "phx_join",
    "phx_leave",
    "join",
    "leave",
    "heartbeat",
    "access_token",
    "messaging:new",
    "messaging:read",
    "messaging:updated",
    "messaging:deleted",
    "notify:new",
    "presence:update",
    "presence_state",
    "presence_diff",
    "postgres_changes",
    "system",
    "phx_reply",
    "phx_error",
    "phx_close",
    "reply",
    "resume",
    "connect",
    "disconnect",
    "",
];

const REFS: [&str; 10] = [
    "\"1\"",
    "null",
    "1",
    "-1",
    "1e308",
    "99999999999999999999999999999999",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[]",
    "{}",
];

/// The frames of one attacker: known ones, corrupted ones, binary ones and, last, text that is not UTF-8.
pub fn frames(wire: &dyn Wire, aim: &Aim, seed: u64, count: usize) -> Vec<Message> {
    let mut dice = ByteMutator::of(seed);
    let payloads = payloads(aim);
    let mut frames: Vec<Message> = packets().into_iter().map(Message::text).collect();
    frames
        .extend(binary_by_hand(&format!("realtime:{}", aim.own)).into_iter().step_by(3).map(Message::binary));
    let topics: Vec<&String> = aim.victims.iter().chain([&aim.own]).collect();
    while frames.len() < count - 6 {
        let topic = Value::from(topics[dice.below(topics.len())].as_str()).to_string();
        let event = Value::from(EVENTS[dice.below(EVENTS.len())]).to_string();
        let payload = &payloads[dice.below(payloads.len())];
        let whole = written(wire, REFS[dice.below(REFS.len())], &topic, &event, payload);
        frames.push(match dice.below(5) {
            0 => Message::text(String::from_utf8_lossy(&dice.spoil(whole.as_bytes())).into_owned()),
            1 => Message::binary(dice.spoil(whole.as_bytes())),
            _ => Message::text(whole),
        });
    }
    let broken: [&[u8]; 6] = [
        b"\xFF\xFE",
        b"\xC0\x80",
        b"\xED\xA0\x80",
        b"42[\"\xF5\"]",
        b"[\"\x80\"]",
        b"{\"event\":\"\xE2\x82\"}",
    ];
    let text = |bytes: &[u8]| Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(Data::Text), true));
    frames.extend(broken.map(text));
    frames
}

/// A frame in this dialect, from JSON parts that need not be valid.
fn written(wire: &dyn Wire, reference: &str, topic: &str, event: &str, payload: &str) -> String {
    let on_wire = topic.replacen('"', "\"realtime:", 1);
    match (wire.is_phoenix(), wire.hello().is_some()) {
        (true, _) if wire.name() == "V2" => format!("[\"1\",{reference},{on_wire},{event},{payload}]"),
        (true, _) => format!(
            r#"{{"topic":{on_wire},"event":{event},"payload":{payload},"ref":{reference},"join_ref":"1"}}"#
        ),
        (false, true) => {
            let digits: String = reference.chars().filter(char::is_ascii_digit).collect();
            format!("42{digits}[{event},{payload},{{\"topic\":{topic}}}]")
        }
        (false, false) => {
            format!(r#"{{"event":{event},"topic":{topic},"payload":{payload},"ref":{reference}}}"#)
        }
    }
}

fn payloads(aim: &Aim) -> Vec<String> {
    let deep = format!("{}1{}", "{\"a\":".repeat(3_000), "}".repeat(3_000));
    let array = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let long = "k".repeat(20_000);
    let forged = &aim.forged;
    let mut all: Vec<String> = [
        "null", "1", "\"x\"", "[]", "{}", "{", "1e999", "-0", "{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}",
        "{\"\\ud800\":1}", "{\"a\":1,\"a\":2}", "{\"__proto__\":{\"x\":1},\"constructor\":1}",
        // Presence.
        "{\"type\":\"presence\",\"event\":\"track\"}",
        "{\"type\":\"presence\",\"event\":\"track\",\"payload\":null}",
        "{\"type\":\"presence\",\"event\":\"track\",\"payload\":[1]}",
        "{\"type\":\"presence\",\"event\":\"track\",\"payload\":{\"metas\":[],\"phx_ref\":\"x\",\"phx_ref_prev\":\"y\"}}",
        "{\"type\":\"presence\",\"event\":\"track\",\"payload\":{\"\\u0000\":1,\"\":2}}",
        "{\"type\":\"presence\",\"event\":\"untrack\",\"payload\":1}",
        "{\"type\":\"presence\",\"event\":7}",
        "{\"config\":{\"presence\":{\"enabled\":1,\"key\":7}}}",
        "{\"config\":{\"presence\":{\"enabled\":true,\"key\":\"\\u0000\"}}}",
        "{\"config\":{\"presence\":{\"enabled\":true,\"key\":\"__proto__\"}}}",
        // Resumes.
        "{\"after_seq\":-9223372036854775808}", "{\"after_seq\":18446744073709551616}", "{\"afterSeq\":\"0\"}",
        "{\"since\":9223372036854775807,\"limit\":-1}",
        "{\"config\":{\"broadcast\":{\"replay\":{\"after_seq\":1e18,\"since\":-1,\"limit\":1e9}}}}",
        "{\"access_token\":\"a.b.c\"}", "{\"accessToken\":null}", "{\"access_token\":{\"$gt\":\"\"}}",
    ]
    .map(str::to_owned)
    .to_vec();
    let track = |inner: &str| format!(r#"{{"type":"presence","event":"track","payload":{inner}}}"#);
    all.push(track(&deep));
    all.push(track(&format!("{{\"{long}\":1}}")));
    all.push(track(&format!(r#"{{"user_id":"{forged}","user_type":"operator","status":"offline"}}"#)));
    all.push(format!(r#"{{"config":{{"presence":{{"enabled":true,"key":"{forged}"}}}}}}"#));
    all.push(format!(r#"{{"config":{{"presence":{{"enabled":true,"key":"{long}"}}}}}}"#));
    // Events reserved for the service, with numbers that would hide later ones.
    let meta = r#"{"id":"0198c0de-0000-7000-8000-000000000001","seq":9223372036854775807,"replayed":true}"#;
    for name in
        ["messaging:new", "MESSAGING:NEW", "notify:new", "presence:update", "presence_state", "phx_close"]
    {
        let message = format!(r#"{{"message":{{"content":"{FORGERY}","sender_id":"{forged}"}}}}"#);
        all.push(format!(r#"{{"type":"broadcast","event":"{name}","payload":{message},"meta":{meta}}}"#));
    }
    let ways = [
        "id=eq.1",
        "id=eq.",
        "=",
        "id=zz.1",
        "id=in.()",
        "id=in.(((",
        "content=match.(a+)+$",
        "content=match.[",
        "content=imatch.(?:(?:a{9999}){9999})",
        "content=like.%%%%%%%%%%%%",
        "content=match.(?<x>",
        "client_id=is.null",
        "content=eq.'; DROP TABLE messages; --",
        "nowhere=eq.1",
        "content=not.not.not.eq.x",
        "\\u0000=eq.\\u0000",
    ];
    for filter in ways {
        for table in ["messages", "users", "pg_authid", "*"] {
            all.push(format!(
                r#"{{"config":{{"postgres_changes":[{{"event":"*","schema":"public","table":"{table}","filter":"{filter}"}}]}}}}"#
            ));
        }
    }
    let many = r#"{"event":"*","schema":"public","table":"messages"},"#.repeat(400);
    all.push(format!(r#"{{"config":{{"postgres_changes":[{many}1]}}}}"#));
    all.extend([deep, array]);
    all
}

/// Engine.IO and Socket.IO packets of each kind, valid and invalid; nonsense in the other dialects.
fn packets() -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        "0",
        "0{}",
        "1",
        "2",
        "2probe",
        "3",
        "3probe",
        "4",
        "5",
        "6",
        "7",
        "9",
        "b",
        "bAAAA",
        "40",
        "40{}",
        "40{",
        "40null",
        "40[]",
        "40{\"token\":1}",
        "40{\"token\":\"x\"}",
        "40/admin,",
        "40/admin,{\"token\":\"x\"}",
        "40/,",
        "40/\u{0},",
        "41",
        "41/admin,",
        "42",
        "42[]",
        "42[1]",
        "42[null]",
        "42{}",
        "42[\"x\"",
        "42[\"\"]",
        "42/admin,[\"x\"]",
        "42-1[\"x\"]",
        "42999999999999999999[\"x\",{}]",
        "42000[\"heartbeat\",{}]",
        "43",
        "430[]",
        "431[{\"status\":\"ok\"}]",
        "43x",
        "44",
        "44{\"message\":\"x\"}",
        "45",
        "451-",
        "451-[\"x\"]",
        "451-[\"x\",{\"_placeholder\":true,\"num\":0}]",
        "459999999999-[\"x\"]",
        "45-1-[]",
        "451-7[\"x\"]",
        "46",
        "461-0[]",
        "47",
        "4\u{e9}",
        "\u{e9}",
        "42[\"\\ud800\"]",
        "42[\"messaging:send\",{},{},{},{}]",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push(format!("2{}", "x".repeat(10_000)));
    all.push(format!("40/{},", "n".repeat(10_000)));
    all.push(format!("42{}", "[".repeat(20_000)));
    all
}
