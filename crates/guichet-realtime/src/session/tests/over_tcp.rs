//! The same sessions behind actix, over TCP: handshake, frames, refusals.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::clients::{ROOM, TestProcess};
use super::fakes::{TENANT, user};
use crate::{Settings, http};

/// Serves `desk` on a free port.
fn serve(desk: &TestProcess) -> SocketAddr {
    let realtime = Arc::clone(&desk.realtime);
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::from(Arc::clone(&realtime))).configure(http::routes)
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    address
}

type Ws = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>>;

async fn open(url: &str, headers: &[(&'static str, &str)]) -> Result<(Ws, Option<String>), WsError> {
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (ws, response) = tokio_tungstenite::connect_async(request).await?;
    let protocol = response.headers().get("sec-websocket-protocol");
    Ok((ws, protocol.map(|value| value.to_str().unwrap().to_owned())))
}

async fn next(ws: &mut Ws) -> Message {
    tokio::time::timeout(Duration::from_secs(10), ws.next()).await.unwrap().unwrap().unwrap()
}

async fn next_json(ws: &mut Ws) -> Value {
    serde_json::from_str(next(ws).await.to_text().unwrap()).unwrap()
}

async fn close_code(ws: &mut Ws) -> u16 {
    loop {
        if let Message::Close(Some(frame)) = next(ws).await {
            return frame.code.into();
        }
    }
}

fn status(result: Result<(Ws, Option<String>), WsError>) -> u16 {
    match result {
        Err(WsError::Http(response)) => response.status().as_u16(),
        other => panic!("a refusal, not {:?}", other.map(|_| ())),
    }
}

#[actix_web::test]
async fn the_door_refuses_other_versions_foreign_pages_and_whoever_comes_late() {
    let desk = TestProcess::with(Settings {
        origins: Some(vec!["https://app.example".into()]),
        ..Settings::default()
    });
    let address = serve(&desk);
    let url = format!("ws://{address}/realtime/v1/websocket");
    assert_eq!(status(open(&format!("{url}?vsn=3.0.0"), &[]).await), 403);
    assert_eq!(status(open(&url, &[("origin", "https://evil.example")]).await), 403);
    assert!(open(&url, &[("origin", "https://app.example")]).await.is_ok());
    assert_eq!(status(open(&format!("ws://{address}/socket/longpoll"), &[]).await), 404);
    desk.realtime.drain(Duration::ZERO).await;
    assert_eq!(status(open(&url, &[]).await), 503);
}

#[actix_web::test]
async fn a_client_joins_hears_and_is_gone_when_it_hangs_up() {
    let desk = TestProcess::new();
    let address = serve(&desk);
    let url = format!("ws://{address}/socket/websocket?vsn=2.0.0");
    let offered = "phoenix, base64url.bearer.phx.YXdh";
    let (mut ws, protocol) = open(&url, &[("sec-websocket-protocol", offered)]).await.unwrap();
    assert_eq!(protocol.as_deref(), Some("phoenix"));
    ws.send(Message::text(json!(["1", "1", ROOM, "phx_join", {}]).to_string())).await.unwrap();
    assert_eq!(next_json(&mut ws).await[4]["status"], "ok");
    assert!(desk.hub.is_online(TENANT, user("awa")));
    for n in 0..1_000 {
        desk.say(&n.to_string());
    }
    for seq in 1..=1_000 {
        assert_eq!(next_json(&mut ws).await[4]["meta"]["seq"], seq);
    }
    drop(ws);
    desk.all_gone().await;
    assert_eq!((desk.realtime.connection_count(), desk.hub.topic_count()), (0, 0));
}

#[actix_web::test]
async fn a_drain_closes_with_restart() {
    let desk = TestProcess::new();
    let address = serve(&desk);
    let (mut ws, _) = open(&format!("ws://{address}/realtime/v1/websocket?apikey=awa"), &[]).await.unwrap();
    ws.send(Message::text(r#"{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}"#))
        .await
        .unwrap();
    assert_eq!(next_json(&mut ws).await["ref"], "1");
    desk.realtime.drain(Duration::ZERO).await;
    assert_eq!(close_code(&mut ws).await, 1012);
    desk.all_gone().await;
}

#[actix_web::test]
async fn text_that_is_none_is_closed_with_its_code() {
    let desk = TestProcess::new();
    let mut tcp = upgraded(serve(&desk)).await;
    tcp.write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xFF, 0xFE]).await.unwrap();
    assert_eq!(close_of(&mut tcp).await, 1007);
}

#[actix_web::test]
async fn an_oversize_frame_is_refused_at_its_header() {
    let desk = TestProcess::new();
    for first in [0x81u8, 0x82] {
        let mut tcp = upgraded(serve(&desk)).await;
        let mut header = vec![first, 0xFF];
        header.extend_from_slice(&400_000_000u64.to_be_bytes());
        header.extend_from_slice(&[1, 2, 3, 4]);
        tcp.write_all(&header).await.unwrap();
        // Not one byte of the 400 MB was sent, and the connection is already closed.
        assert_eq!(close_of(&mut tcp).await, 1009);
    }
}

#[actix_web::test]
async fn a_message_in_fragments_is_one_message() {
    let desk = TestProcess::new();
    let mut tcp = upgraded(serve(&desk)).await;
    let frame = br#"[null,"7","phoenix","heartbeat",{}]"#;
    let (one, two) = frame.split_at(10);
    for (first, part) in [(0x01u8, one), (0x80, two)] {
        let mut bytes = vec![first, 0x80 | u8::try_from(part.len()).unwrap(), 0, 0, 0, 0];
        bytes.extend_from_slice(part);
        tcp.write_all(&bytes).await.unwrap();
    }
    let mut header = [0; 2];
    tcp.read_exact(&mut header).await.unwrap();
    let mut payload = vec![0; header[1].into()];
    tcp.read_exact(&mut payload).await.unwrap();
    let reply: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&reply[1], &reply[4]["status"]), (&json!("7"), &json!("ok")));
}

/// A raw connection after the handshake.
async fn upgraded(address: SocketAddr) -> TcpStream {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let request = "GET /realtime/v1/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n";
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    tcp
}

async fn close_of(tcp: &mut TcpStream) -> u16 {
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), tcp.read_to_end(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(bytes[0], 0x88, "{bytes:?}");
    u16::from_be_bytes([bytes[2], bytes[3]])
}
