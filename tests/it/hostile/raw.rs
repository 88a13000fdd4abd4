//! Frames that no library would send, and readers that do not read.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{ChatFixture, Process};

const PATIENCE: Duration = Duration::from_secs(60);

/// A socket after its handshake.
async fn open(world: &ChatFixture, token: &str, receive_bytes: Option<u32>) -> TcpStream {
    upgraded(&world.server.url, token, receive_bytes).await
}

async fn upgraded(url: &str, token: &str, receive_bytes: Option<u32>) -> TcpStream {
    let address = url.trim_start_matches("http://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(bytes) = receive_bytes {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    let mut tcp = socket.connect(address).await.unwrap();
    let head = format!(
        "GET /realtime/v1/websocket?vsn=2.0.0&apikey={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
    );
    tcp.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(tcp.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    tcp
}

/// A frame as a client sends it, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        short @ 0..126 => out.push(0x80 | u8::try_from(short).unwrap()),
        long => {
            out.push(0x80 | 127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
    out
}

fn text(value: &Value) -> Vec<u8> {
    frame(0x81, value.to_string().as_bytes())
}

/// The next frame: its opcode and payload. `None` if the server closed the connection.
async fn next(tcp: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let read = async {
        let mut head = [0; 2];
        tcp.read_exact(&mut head).await.ok()?;
        let length = match head[1] {
            126 => u64::from(tcp.read_u16().await.ok()?),
            127 => tcp.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        tcp.read_exact(&mut payload).await.ok()?;
        Some((head[0] & 0x0F, payload))
    };
    tokio::time::timeout(PATIENCE, read).await.expect("neither a frame nor an end")
}

/// The close code; 0 if the server closed the connection without one.
async fn code(tcp: &mut TcpStream) -> u16 {
    loop {
        match next(tcp).await {
            Some((8, payload)) => return payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code)),
            Some(_) => {}
            None => return 0,
        }
    }
}

#[tokio::test]
async fn what_breaks_the_protocol_of_frames_ends_the_socket_with_a_code() {
    let world = ChatFixture::new();
    let unmasked = vec![0x81, 2, b'{', b'}'];
    let fragments = |count: usize, first: u8| {
        let mut bytes = frame(first, b"");
        bytes.extend((0..count).flat_map(|_| frame(0x00, b"")));
        bytes
    };
    let large_in_parts = [frame(0x01, &[b' '; 40_000]), frame(0x80, &[b' '; 40_000])].concat();
    let declared =
        |first: u8, length: u64| [&[first, 0xFF][..], &length.to_be_bytes(), &[1, 2, 3, 4]].concat();
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("unmasked", unmasked, &[1002, 0]),
        ("a reserved opcode", frame(0x83, b"{}"), &[1002, 0]),
        ("a reserved control opcode", frame(0x8B, b""), &[1002, 0]),
        ("a continuation of nothing", frame(0x80, b"{}"), &[1002, 0]),
        ("a text within a text in parts", [frame(0x01, b"a"), frame(0x01, b"b")].concat(), &[1002, 0]),
        ("a ping in parts", frame(0x09, b"x"), &[1002, 0]),
        ("a large ping", frame(0x89, &[0; 200]), &[1002, 1009, 0]),
        ("text that is not UTF-8", frame(0x81, b"\xFF\xFE"), &[1007]),
        ("text that is not UTF-8, in parts", [frame(0x01, b"\xF0\x9F"), frame(0x80, b"x")].concat(), &[1007]),
        ("parts without end", fragments(5_000, 0x01), &[1009]),
        ("binary parts without end", fragments(5_000, 0x02), &[1009]),
        ("a large message in parts", large_in_parts, &[1009]),
        ("a declared 65,537 bytes", declared(0x81, 65_537), &[1009]),
        ("a declared 400 MB", declared(0x82, 400_000_000), &[1009]),
        ("a declared 8 EiB", declared(0x82, u64::MAX >> 1), &[1009]),
        ("a declared 16 EiB", declared(0x81, u64::MAX), &[1009]),
        ("a close of one byte", frame(0x88, b"x"), &[1002, 1000, 0]),
        ("a close with a code that is none", frame(0x88, &[0x00, 0x05]), &[1002, 1000, 0]),
    ];
    for (what, bytes, codes) in cases {
        for token in ["", world.server.user("chloe").token.as_str()] {
            let mut tcp = open(&world, token, None).await;
            // The server may close the connection before it has read everything.
            let _ = tcp.write_all(&bytes).await;
            let code = code(&mut tcp).await;
            assert!(codes.contains(&code), "{what}: closed with {code}, not one of {codes:?}");
        }
    }
    world.send_message(&world.emma, "still here").await;
}

/// Reserved bits belong to an extension that was not negotiated.
#[tokio::test]
async fn a_frame_of_an_extension_that_was_not_agreed_on_harms_nobody() {
    let world = ChatFixture::new();
    for bits in [0x40, 0x20, 0x10, 0x70] {
        let mut tcp = open(&world, "", None).await;
        tcp.write_all(&frame(0x81 | bits, br#"[null,"1","phoenix","heartbeat",{}]"#)).await.unwrap();
        tcp.write_all(&frame(0x88, &1000u16.to_be_bytes())).await.unwrap();
        let code = code(&mut tcp).await;
        assert!(matches!(code, 0 | 1000 | 1002 | 1007), "bits {bits:#x}: closed with {code}");
    }
    world.send_message(&world.emma, "still here").await;
}

/// Each of 400 MB, against a separate process whose memory is measured. Clients that continue to send are
/// disconnected.
#[tokio::test]
async fn of_a_declared_400_mb_nothing_is_kept() {
    let world = ChatFixture::new();
    let service = Process::start(&world.server, "info");
    let before = service.peak_kib();
    for first in [0x81, 0x82, 0x02] {
        let mut tcp = upgraded(&service.url, "", None).await;
        let header = [&[first, 0xFF][..], &400_000_000u64.to_be_bytes(), &[0; 4]].concat();
        tcp.write_all(&header).await.unwrap();
        let block = vec![0; 64 * 1024];
        let flood = async { while tcp.write_all(&block).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, flood).await.expect("it goes on being read");
    }
    // Parts within the limit, of one message without end.
    let mut tcp = upgraded(&service.url, "", None).await;
    tcp.write_all(&frame(0x02, &[0; 60_000])).await.unwrap();
    let part = frame(0x00, &[0; 60_000]);
    let flood = async { while tcp.write_all(&part).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flood).await.expect("it goes on being read");
    let (before, after) = (before.unwrap_or(0), service.peak_kib().unwrap_or(0));
    println!("oversize frames: {before} KiB at most before, {after} KiB after");
    assert!(after < before + 64 * 1024, "{before} KiB became {after} KiB");
}

/// The reader gets no more than its queue and the kernel's buffers hold, and is asked to resume; its neighbour has
/// received everything meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_costs_its_queue_and_slows_nobody() {
    const MESSAGES: usize = 900;
    let world = ChatFixture::new();
    let topic = format!("realtime:chat:room:{}", world.nord);
    let join = text(&json!(["1", "1", topic, "phx_join", {"config": {}}]));
    let (chloe, emma) = (&world.server.user("chloe").token, &world.server.user("emma").token);
    let mut slow = open(&world, chloe, Some(4_096)).await;
    slow.write_all(&join).await.unwrap();
    let mut quick = open(&world, emma, None).await;
    quick.write_all(&join).await.unwrap();
    assert!(next(&mut quick).await.is_some() && next(&mut slow).await.is_some());
    let words = "é".repeat(9_000);
    let path = format!("/clients/{}/messages", world.nord);
    let talk = async {
        for _ in 0..MESSAGES {
            let said = world.emma.post(&path, json!({"content": words})).await;
            assert_eq!(said.status, 201, "{}", said.body);
        }
    };
    let hear = async {
        let mut seqs = Vec::new();
        while seqs.len() < MESSAGES {
            let (_, payload) = next(&mut quick).await.expect("the neighbour was closed");
            let value: Value = serde_json::from_slice(&payload).unwrap();
            seqs.extend(value[4]["meta"]["seq"].as_i64());
        }
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "the neighbour heard them out of order");
    };
    tokio::join!(talk, hear);
    slow.write_all(&text(&json!([null, "end", "phoenix", "heartbeat", {}]))).await.unwrap();
    let (mut bytes, mut told) = (0, false);
    while let Some((opcode, payload)) = next(&mut slow).await {
        bytes += payload.len();
        let value: Value = serde_json::from_slice(&payload).unwrap_or_default();
        told |= value[3] == "phx_error" || opcode == 8;
        if value[1] == "end" {
            break;
        }
    }
    let all = MESSAGES * words.len();
    println!("slow reader: {bytes} of {all} bytes were kept for it");
    assert!(told, "the slow reader was not told to resume");
    assert!(bytes < all / 2, "{bytes} of {all} bytes were kept for a reader that does not read");
}
