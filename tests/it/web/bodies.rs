//! Bad bodies: encoded, oversize, slow, deep, not JSON, not UTF-8.

use std::io::Write;

use super::server::{answer, hasty, head, start, start_with};

/// If a body were decompressed before it is refused, these three bytes, an incomplete archive, would be a 400.
#[test]
fn an_encoded_body_is_refused_before_anything_unpacks_it() {
    let server = start();
    for encoding in ["gzip", "br", "zstd", "deflate", "identity, gzip", "x-unheard-of"] {
        let header = format!("Content-Encoding: {encoding}");
        for path in ["/api/v1/notes", "/api/v1/bytes", "/api/v1/nowhere"] {
            let refused =
                server.send("POST", path, &["Content-Type: application/json", &header], b"\x1f\x8b\x08");
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (415, "UNSUPPORTED_MEDIA_TYPE"),
                "{encoding}"
            );
        }
    }
    let plain = server.send(
        "POST",
        "/api/v1/notes",
        &["Content-Type: application/json", "Content-Encoding: identity"],
        br#"{"title": "a"}"#,
    );
    assert_eq!(plain.status, 201);
}

#[test]
fn an_announced_oversize_body_is_refused_before_it_is_sent() {
    let server = start();
    for path in ["/api/v1/notes", "/api/v1/bytes"] {
        let mut stream = server.connect();
        let headers = ["Content-Type: application/json", "Content-Length: 1048577"];
        stream.write_all(head("POST", path, &headers).as_bytes()).unwrap();
        let refused = answer(&mut stream);
        assert_eq!((refused.status, refused.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    }
}

#[test]
fn an_unannounced_oversize_body_is_refused_at_the_limit() {
    let server = start();
    for path in ["/api/v1/notes", "/api/v1/bytes"] {
        let mut stream = server.connect();
        let headers = ["Content-Type: application/json", "Transfer-Encoding: chunked"];
        stream.write_all(head("POST", path, &headers).as_bytes()).unwrap();
        // One byte above the limit, without an end.
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        for _ in 0..16 {
            stream.write_all(chunk.as_bytes()).unwrap();
        }
        stream.write_all(b"1\r\nx\r\n").unwrap();
        let refused = answer(&mut stream);
        assert_eq!((refused.status, refused.code().as_str()), (413, "PAYLOAD_TOO_LARGE"), "{path}");
    }
}

#[test]
fn a_body_of_just_the_limit_is_read() {
    let server = start();
    let body = vec![b'x'; 1024 * 1024];
    assert_eq!(server.send("POST", "/api/v1/bytes", &[], &body).json()["data"], 1024 * 1024);
}

#[test]
fn a_body_that_does_not_come_is_waited_for_only_so_long() {
    let server = start_with(hasty());
    for path in ["/api/v1/notes", "/api/v1/bytes"] {
        let mut stream = server.connect();
        let headers = ["Content-Type: application/json", "Content-Length: 100"];
        stream.write_all(head("POST", path, &headers).as_bytes()).unwrap();
        stream.write_all(b"{").unwrap();
        // `answer` reads until the server has closed the connection.
        let refused = answer(&mut stream);
        assert_eq!((refused.status, refused.code().as_str()), (408, "TIMEOUT"), "{path}");
        assert_eq!(refused.header("connection"), Some("close"));
    }
}

#[test]
fn a_body_that_drips_is_cut_off() {
    let server = start_with(hasty());
    let mut stream = server.connect();
    let headers = ["Content-Type: application/json", "Transfer-Encoding: chunked"];
    stream.write_all(head("POST", "/api/v1/notes", &headers).as_bytes()).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let reading = std::thread::spawn(move || answer(&mut reader));
    // Sends slowly until the server closes.
    while !reading.is_finished() && stream.write_all(b"1\r\n \r\n").is_ok() {
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    assert_eq!(reading.join().unwrap().status, 408);
}

#[test]
fn a_refused_body_is_not_read_on() {
    let server = start();
    for (path, header) in [("/api/v1/notes", "Content-Encoding: br"), ("/api/v1/ignores", "X-Nothing: odd")] {
        let mut stream = server.connect();
        stream.write_all(head("POST", path, &[header, "Transfer-Encoding: chunked"]).as_bytes()).unwrap();
        // Nothing more arrives, and the connection is closed all the same.
        stream.write_all(b"1\r\nx\r\n").unwrap();
        answer(&mut stream);
    }
}

#[test]
fn what_is_not_json_is_malformed() {
    let server = start();
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"nonsense",
        b"{\"title\": \"a\"} trailing",
        b"{\"title\": \"\xff\xfe\"}",
        b"{\"title\": \"a\", \"payload\": \"\\ud800\"}",
        b"{\"title\": \"a\", \"payload\": 1e999}",
        b"{\"title\": \"a\0\"}",
        b"\xef\xbb\xbf{}",
    ];
    for body in bodies {
        let refused = server.post_json("/api/v1/notes", body);
        let text = String::from_utf8_lossy(body);
        assert_eq!((refused.status, refused.code().as_str()), (400, "MALFORMED_JSON"), "{text}");
    }
}

#[test]
fn what_does_not_say_that_it_is_json_is_refused() {
    let server = start();
    for content_type in [
        "X-None: 1",
        "Content-Type: text/plain",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: application/json; charset=latin1",
        "Content-Type: nonsense",
    ] {
        let refused = server.send("POST", "/api/v1/notes", &[content_type], b"{\"title\": \"a\"}");
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (415, "UNSUPPORTED_MEDIA_TYPE"),
            "{content_type}"
        );
    }
    let utf8 = ["Content-Type: application/json; charset=UTF-8"];
    assert_eq!(server.send("POST", "/api/v1/notes", &utf8, b"{\"title\": \"a\"}").status, 201);
}

#[test]
fn a_deep_body_is_refused_and_the_server_lives() {
    let server = start();
    let deep =
        |depth: usize| format!("{{\"title\":\"a\",\"payload\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(server.post_json("/api/v1/notes", deep(10_000)).faults(), [" too_deep"]);
    assert_eq!(server.post_json("/api/v1/notes", "[".repeat(100_000)).faults(), [" too_deep"]);
    assert_eq!(server.post_json("/api/v1/notes", deep(32)).faults(), [" too_deep"]);
    assert_eq!(server.post_json("/api/v1/notes", deep(31)).status, 201);
}

#[test]
fn a_body_that_nobody_reads_harms_nobody() {
    let server = start();
    assert_eq!(server.send("POST", "/api/v1/ignores", &[], &vec![b'x'; 500_000]).status, 200);
}
