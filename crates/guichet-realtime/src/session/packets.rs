//! Socket.IO's packets: the connect with its token, pings, and events, which become pushes.

use guichet_base::{Error, Result};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{Next, Session};
use crate::session::socket::Socket;
use crate::wire::error_payload;
use crate::wire::frame::CloseCode;
use crate::wire::socketio::{self, Packet};
use crate::wire::{self, Malformed};

/// Longer probes and namespace names are not echoed.
const MAX_ECHO_BYTES: usize = 125;

/// The payload of a connect; unknown keys are the app's own.
#[derive(Default, Deserialize)]
struct Auth {
    #[serde(default, alias = "access_token", alias = "accessToken")]
    token: Option<String>,
}

impl<S: Socket> Session<S> {
    pub(super) async fn on_packet(&mut self, text: &str) -> Next {
        let packet = match socketio::decode(text) {
            Ok(packet) => packet,
            Err(malformed) => return self.malformed(&malformed),
        };
        match packet {
            Packet::Ping(echo) if echo.len() <= MAX_ECHO_BYTES => {
                let next = self.spend(true);
                if next == Next::Go {
                    self.queue(socketio::pong(echo));
                }
                next
            }
            Packet::Pong | Packet::Noop | Packet::Ack => self.spend(true),
            Packet::Close | Packet::Disconnect => self.close(CloseCode::Normal, ""),
            Packet::Connect(auth) => self.connect(auth).await,
            Packet::Elsewhere(namespace) if namespace.len() <= MAX_ECHO_BYTES => {
                self.refuse_namespace(namespace)
            }
            Packet::Ping(_) | Packet::Elsewhere(_) => self.malformed(&Malformed("too long to be echoed")),
            Packet::Event { .. } | Packet::Binary { .. } if self.plain.connect_by.is_some() => {
                self.malformed(&Malformed("an event before the connect"))
            }
            Packet::Event { .. } => self.on_push(wire::decode_text(self.dialect, text)).await,
            Packet::Binary { reference } => self.refuse_bytes(reference),
        }
    }

    /// Connects the namespace `/` once there is a valid token, and joins the person's own topics.
    async fn connect(&mut self, auth: Option<&RawValue>) -> Next {
        if self.plain.connect_by.is_none() {
            return self.malformed(&Malformed("the namespace is connected already"));
        }
        if self.spend(true) == Next::Stop {
            return Next::Stop;
        }
        if let Err(error) = self.let_in(auth).await {
            let body = error_payload::command_error(&error, self.locale());
            let message = error_payload::reason(&error, self.locale());
            self.queue(socketio::refused("", &message, &self.spelt("error", &body)));
            return self.turn_away(&error);
        }
        self.plain.connect_by = None;
        let sid = uuid::Uuid::new_v4().simple().to_string();
        self.queue(socketio::connected(&sid));
        Next::Go
    }

    async fn let_in(&mut self, auth: Option<&RawValue>) -> Result<()> {
        let auth: Auth = auth.and_then(|auth| serde_json::from_str(auth.get()).ok()).unwrap_or_default();
        match auth.token.filter(|token| !token.is_empty()) {
            Some(token) => {
                self.take_token(&token).await?;
                self.count_in().await;
            }
            None if self.present_tokens().await? => self.join_own_topics().await,
            None => return Err(Error::unauthenticated()),
        }
        Ok(())
    }

    fn refuse_namespace(&mut self, namespace: &str) -> Next {
        let next = self.spend(true);
        if next == Next::Go {
            let data = json!({ "code": "NOT_FOUND" }).to_string();
            self.queue(socketio::refused(namespace, "Invalid namespace: connect to /", &data));
        }
        next
    }

    fn refuse_bytes(&mut self, reference: Option<&str>) -> Next {
        let malformed = Malformed("binary packets are not taken: send JSON");
        let Some(reference) = reference else { return self.malformed(&malformed) };
        let next = self.spend(false);
        if next == Next::Go {
            let body = error_payload::malformed_error(malformed.0, self.locale());
            self.queue(socketio::reply(reference, "error", &body));
        }
        next
    }
}
