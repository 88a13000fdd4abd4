//! Every path and query with hostile parameters, and malformed request heads.

use futures_util::{StreamExt, stream};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::bodies::BodyTarget;
use super::judge::{ResponseChecker, everything};
use crate::api::sample_records::Request;
use crate::api::spec::{Operation, operations};
use crate::harness::ApiResponse;

const AT_ONCE: usize = 8;

/// Malformed ids, as parts of a path.
const IDS: [&str; 22] = [
    "1",
    "-1",
    "0",
    "null",
    "undefined",
    "*",
    "%20",
    "%00",
    "a%00b",
    "%FF%FE",
    "..%2F..%2Fetc",
    "%2e%2e",
    "0198c0de00007000800000000000000a",
    "%7B0198c0de-0000-7000-8000-00000000000a%7D",
    "urn:uuid:0198c0de-0000-7000-8000-00000000000a",
    "0198c0de-0000-7000-8000-00000000000",
    "'%20OR%201=1--",
    "%3Cscript%3E",
    "%F0%9F%92%A9",
    "0198c0de-0000-7000-8000-00000000000a%0A",
    "$1",
    "%25s",
];

/// Query values, as in a URL.
const VALUES: [&str; 24] = [
    "",
    "-1",
    "0",
    "201",
    "1e3",
    "9223372036854775808",
    "-9223372036854775809",
    "0x10",
    "1.5",
    "true",
    "null",
    "%00",
    "a%00b",
    "%FF%FE",
    "%ED%A0%80",
    "'%3B%20DROP%20TABLE%20users%3B--",
    "%25_%5C",
    "%22unclosed%20%26%20%7C%20!",
    "%3Cscript%3E",
    "%F0%9F%92%A9",
    "%E2%80%AEgnp",
    "%0D%0ASet-Cookie:x=1",
    "[]",
    "+",
];

struct Shot {
    what: String,
    operation: Operation,
    request: Request,
    must_be_refused: bool,
}

fn shots(field: &BodyTarget, operation: &Operation) -> Vec<Shot> {
    let right = field.things.request(operation);
    let shot = |what: String, path: String, must_be_refused: bool| Shot {
        what: format!("{} {what}", operation.name()),
        operation: operation.clone(),
        request: Request { path, ..right.clone() },
        must_be_refused,
    };
    let mut shots = Vec::new();
    let bare = field.things.path(operation);
    for (at, segment) in operation.path.split('/').enumerate().filter(|(_, segment)| segment.starts_with('{'))
    {
        let long = "a".repeat(4_000);
        for id in IDS.into_iter().chain([long.as_str()]) {
            let mut segments: Vec<&str> = bare.split('/').collect();
            segments[at] = id;
            let path = segments.join("/") + &field.things.query(operation);
            let must_be_refused = id != "%2e%2e" || !is_another_without(operation, at);
            shots.push(shot(format!("{segment} = {id:.40}"), path, must_be_refused));
        }
    }
    let joined = |pair: &str| {
        let query = field.things.query(operation);
        if query.is_empty() { format!("{bare}?{pair}") } else { format!("{bare}{query}&{pair}") }
    };
    // A query that no handler parses is ignored.
    let takes_query = !operation.query().is_empty();
    for pair in ["unknown=1", "limt=10", "tenant_id=x", "a[b]=1", "%00=1", "%FF=1", "=", "limit"] {
        let must_be_refused = takes_query && pair != "=";
        shots.push(shot(format!("?{pair}"), joined(pair), must_be_refused));
    }
    for parameter in operation.query() {
        let name = &parameter.name;
        let rest: Vec<String> = field
            .things
            .query(operation)
            .trim_start_matches('?')
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with(&format!("{name}=")))
            .map(str::to_owned)
            .collect();
        let with = |pairs: &[String]| {
            let all: Vec<String> = rest.iter().chain(pairs).cloned().collect();
            if all.is_empty() { bare.clone() } else { format!("{bare}?{}", all.join("&")) }
        };
        let long = "x".repeat(5_000);
        for value in VALUES.into_iter().chain([long.as_str()]) {
            let is_number = parameter.schema.to_string().contains("integer");
            let hostile = ["%00", "a%00b", "%FF%FE", "%ED%A0%80"].contains(&value);
            let is_odd_number =
                is_number && value.parse::<i64>().is_err() || (name == "limit" && value == "0");
            let must_be_refused = hostile || is_odd_number;
            shots.push(shot(
                format!("?{name}={value:.40}"),
                with(&[format!("{name}={value}")]),
                must_be_refused,
            ));
        }
        let pair = format!("{name}=1");
        shots.push(shot(format!("?{name} twice"), with(&[pair.clone(), pair]), true));
        if parameter.required {
            shots.push(shot(format!("?{name} missing"), with(&[]), true));
        }
    }
    shots
}

/// Clients resolve dots before sending: the path without this and the previous segment may be another operation's.
fn is_another_without(operation: &Operation, at: usize) -> bool {
    let mut segments: Vec<&str> = operation.path.split('/').collect();
    segments.drain(at - 1..=at);
    let path = nameless(&segments.join("/"));
    operations().iter().any(|other| other.method == operation.method && nameless(&other.path) == path)
}

/// A path with anonymous parameters.
fn nameless(path: &str) -> String {
    path.split('/')
        .map(|segment| if segment.starts_with('{') { "{}" } else { segment })
        .collect::<Vec<_>>()
        .join("/")
}

async fn fire<'s>(field: &BodyTarget, shot: &'s Shot) -> (&'s Shot, ApiResponse) {
    (shot, field.caller(&shot.operation).send(&shot.request).await)
}

#[tokio::test]
async fn no_path_and_no_query_breaks_anything() {
    let field = BodyTarget::new().await;
    let mut judge = ResponseChecker::new();
    let before = everything(&field.server);
    let all: Vec<Shot> = operations().iter().flat_map(|operation| shots(&field, operation)).collect();
    // Requests that must be refused come first, so that nothing else can have changed.
    for must_be_refused in [true, false] {
        let fired =
            all.iter().filter(|shot| shot.must_be_refused == must_be_refused).map(|shot| fire(&field, shot));
        for (shot, answer) in stream::iter(fired).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
            if must_be_refused {
                judge.refused(&shot.what, &answer)
            } else {
                judge.known(&shot.what, &answer)
            }
        }
        if must_be_refused {
            assert_eq!(everything(&field.server), before, "what was refused left something behind");
        }
    }
    field.still_answers().await;
    judge.verdict("hostile paths and queries");
}

#[tokio::test]
async fn no_header_breaks_anything() {
    let field = BodyTarget::new().await;
    let mut judge = ResponseChecker::new();
    let huge = "x".repeat(20_000);
    let names = [
        "idempotency-key",
        "if-match",
        "if-none-match",
        "accept-language",
        "x-request-id",
        "x-tenant",
        "x-forwarded-for",
        "accept",
        "range",
        "expect",
        "cookie",
        "x-http-method-override",
        "origin",
    ];
    let values: Vec<&[u8]> = vec![
        b"",
        b"*",
        b"\xFF\xFE",
        b"'; DROP TABLE users; --",
        b"../..",
        b"W/\"x\", \"y\"",
        b"fr;q=9, en;q=-1, xx;q=NaN,,,;;",
        b"0",
        b"\t\x7E",
        b"${jndi:ldap://x}",
        "é".as_bytes(),
        huge.as_bytes(),
    ];
    for operation in operations() {
        let request = field.things.request(&operation);
        for name in names {
            for value in &values {
                // As a reader: an accepted request may have been valid.
                let start = field.caller(&operation).start(request.method.clone(), &request.path);
                let start = match &request.body {
                    Some(body) => start.json(body),
                    None => start,
                };
                if request.method != Method::GET && !matches!(name, "idempotency-key" | "if-match") {
                    continue;
                }
                let answer = ApiResponse::receive(start.header(name, *value)).await;
                let is_expected = name == "if-none-match" && answer.status == 304 || answer.status == 417;
                if !is_expected {
                    let what = format!("{} {name}: {:.30}", operation.name(), String::from_utf8_lossy(value));
                    judge.known(&what, &answer);
                }
            }
        }
    }
    field.still_answers().await;
    judge.verdict("hostile headers");
}

/// Malformed request heads: each gets a response or is disconnected, and no other client is affected.
#[tokio::test]
async fn no_head_breaks_anything() {
    let field = BodyTarget::new().await;
    let address = field.server.url.trim_start_matches("http://").to_owned();
    let many = (0..200).map(|n| format!("X-H{n}: {n}\r\n")).collect::<String>();
    let heads: Vec<Vec<u8>> = vec![
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(),
        b"\x00\x01\x02\x03\r\n\r\n".to_vec(),
        b"GET /api/v1/me HTTP/1.1\r\n\r\n".to_vec(),
        b"GET http://other/api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"POST /api/v1/conversations HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n".to_vec(),
        b"POST /api/v1/conversations HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello".to_vec(),
        b"POST /api/v1/conversations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n".to_vec(),
        b"POST /api/v1/conversations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx".to_vec(),
        b"POST /api/v1/conversations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n".to_vec(),
        b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xFF\xFE\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /api/v1/me HTTP/1.1\r\nHost : x\r\nX:y\r\n z\r\n\r\n".to_vec(),
        b"TRACE /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET /api/v1/%zz%1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET //////api//v1/../../me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        format!("GET /api/v1/me HTTP/1.1\r\nHost: x\r\n{many}\r\n").into_bytes(),
        format!("GET /api/v1/{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "a".repeat(60_000)).into_bytes(),
        format!("GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(200_000)).into_bytes(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03".to_vec(),
    ];
    for head in &heads {
        let mut tcp = tokio::net::TcpStream::connect(&address).await.unwrap();
        // The server may close the connection before it has read everything.
        let _ = tcp.write_all(head).await;
        let _ = tcp.shutdown().await;
        let mut answer = Vec::new();
        let wait = std::time::Duration::from_secs(30);
        let read = tokio::time::timeout(wait, tcp.read_to_end(&mut answer)).await;
        assert!(
            read.is_ok(),
            "{:?} was neither answered nor hung up on",
            String::from_utf8_lossy(&head[..head.len().min(80)])
        );
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 5") && !answer.starts_with("HTTP/1.1 2"), "{answer:.200}");
    }
    field.still_answers().await;
}
