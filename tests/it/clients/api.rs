//! A person who uses the REST API.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

const PAGE: usize = 200;

/// The fields of a message that tests compare, from any source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    pub seq: i64,
    pub id: Uuid,
    pub sender_id: Uuid,
    pub content: String,
    pub client_message_id: Option<Uuid>,
}

pub struct Person {
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Person {
    pub fn new(url: String, token: &str) -> Result<Self> {
        Ok(Self { url, token: token.to_owned(), http: http()? })
    }

    pub async fn send(&self, client_id: &str, content: &str) -> Result<Message> {
        let url = format!("{}/api/v1/clients/{client_id}/messages", self.url);
        let answer = self.answer(self.http.post(url).json(&json!({ "content": content }))).await?;
        Ok(serde_json::from_value(answer["data"].clone())?)
    }

    /// One after the other.
    pub async fn send_many(&self, client_id: &str, label: &str, count: usize) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        for number in 1..=count {
            messages.push(self.send(client_id, &format!("{label} {number}")).await?);
        }
        Ok(messages)
    }

    /// The conversation of a client's room.
    pub async fn conversation(&self, client_id: &str) -> Result<Uuid> {
        let url = format!("{}/api/v1/conversations", self.url);
        let answer = self.answer(self.http.post(url).json(&json!({ "client_id": client_id }))).await?;
        Ok(serde_json::from_value(answer["data"]["id"].clone())?)
    }

    pub async fn edit(&self, id: Uuid, content: &str) -> Result<()> {
        let url = format!("{}/api/v1/messages/{id}", self.url);
        self.answer(self.http.patch(url).json(&json!({ "content": content }))).await.map(drop)
    }

    pub async fn delete(&self, id: Uuid) -> Result<()> {
        self.answer(self.http.delete(format!("{}/api/v1/messages/{id}", self.url))).await.map(drop)
    }

    /// Removes a member from their client.
    pub async fn remove_member(&self, client_id: &str, user_id: &str) -> Result<()> {
        let url = format!("{}/api/v1/clients/{client_id}/members/{user_id}", self.url);
        let response = self.http.delete(url).bearer_auth(&self.token).send().await?;
        ensure!(response.status().is_success(), "{}", response.status());
        Ok(())
    }

    /// Marks everything as read.
    pub async fn read(&self, conversation: Uuid) -> Result<()> {
        let url = format!("{}/api/v1/conversations/{conversation}/read", self.url);
        self.answer(self.http.post(url).json(&json!({}))).await.map(drop)
    }

    /// The whole history, page by page, oldest first.
    pub async fn history(&self, client_id: &str) -> Result<Vec<Message>> {
        let mut messages: Vec<Message> = Vec::new();
        loop {
            let after = messages.last().map_or(0, |message| message.seq);
            let page = self.page(client_id, after).await?;
            let page: Vec<Message> = serde_json::from_value(page["data"].clone())?;
            let is_last = page.len() < PAGE;
            messages.extend(page);
            if is_last {
                return Ok(messages);
            }
        }
    }

    /// The number of the room's last event.
    pub async fn head(&self, client_id: &str) -> Result<i64> {
        self.page(client_id, 0).await?["meta"]["head"].as_i64().context("no head")
    }

    async fn page(&self, client_id: &str, after: i64) -> Result<Value> {
        let url = format!("{}/api/v1/clients/{client_id}/messages?after={after}&limit={PAGE}", self.url);
        self.answer(self.http.get(url)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let response = request.bearer_auth(&self.token).send().await?;
        let (status, body) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "{status}: {body}");
        Ok(serde_json::from_str(&body)?)
    }
}

pub fn http() -> Result<reqwest::Client> {
    // Another test may have installed it first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?)
}
