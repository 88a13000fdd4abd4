//! Tests of direct conversations between two operators.

mod counters;
mod ranks;
mod receipts;
mod sockets;
mod strangers;
mod talk;

use reqwest::Method;
use serde_json::{Value, json};

use super::room::expect_str;
use crate::harness::{Api, ApiResponse, ChatFixture};

/// Opens the direct conversation of `by` with a person.
pub async fn open_direct(world: &ChatFixture, by: &Api, with: &str) -> ApiResponse {
    by.post("/conversations", json!({"user_id": world.server.user(with).id})).await
}

/// The path of the conversation of `by` with a person, created if missing.
pub async fn direct_path(world: &ChatFixture, by: &Api, with: &str) -> String {
    format!("/conversations/{}", expect_str(&open_direct(world, by, with).await.data()["id"]))
}

pub async fn send_message(by: &Api, path: &str, content: &str) -> ApiResponse {
    by.post(&format!("{path}/messages"), json!({"content": content})).await
}

/// The messages that `by` sees in a conversation.
pub async fn fetch_messages(by: &Api, path: &str) -> Vec<Value> {
    super::room::expect_array(by.get(&format!("{path}/messages?limit=200")).await.data())
}

/// The topic of the conversation at `path`.
pub fn direct_topic(path: &str) -> String {
    format!("realtime:chat:direct:{}", path.trim_start_matches("/conversations/"))
}

/// Changes a person's role.
pub async fn set_role(world: &ChatFixture, name: &str, role: &str) {
    let body = json!({"role": role, "display_name": name});
    world.service.put(&format!("/users/{}", world.server.user(name).id), body).await.data();
}

pub async fn send(by: &Api, method: Method, path: &str, body: &Value) -> ApiResponse {
    by.send(method, path, body).await
}
