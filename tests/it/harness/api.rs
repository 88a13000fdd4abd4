//! An HTTP client for tests, and assertions on its responses.

use reqwest::{Method, StatusCode};
use serde_json::Value;

/// An HTTP client of one server, with one token.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

/// A complete response.
#[derive(Debug)]
pub struct ApiResponse {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Api {
    pub fn new(server_url: &str, token: Option<&str>) -> Self {
        // reqwest needs a crypto provider, even without TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Shorter than the server's keep-alive; otherwise a request may use a connection that is being closed.
        let idle = std::time::Duration::from_secs(2);
        let http = reqwest::Client::builder().no_proxy().pool_idle_timeout(idle).build().unwrap();
        Self { http, base: format!("{server_url}/api/v1"), token: token.map(str::to_owned), headers: vec![] }
    }

    /// The same client with an additional header.
    pub fn with_header(&self, name: &str, value: impl ToString) -> Self {
        let mut api = self.clone();
        api.headers.push((name.to_owned(), value.to_string()));
        api
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request, without a body if `body` is null.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> ApiResponse {
        let request = self.request(method, path);
        ApiResponse::receive(if body.is_null() { request } else { request.json(body) }).await
    }

    pub async fn get(&self, path: &str) -> ApiResponse {
        ApiResponse::receive(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> ApiResponse {
        ApiResponse::receive(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> ApiResponse {
        ApiResponse::receive(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> ApiResponse {
        ApiResponse::receive(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> ApiResponse {
        ApiResponse::receive(self.request(Method::DELETE, path)).await
    }
}

impl ApiResponse {
    pub async fn receive(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status, headers, body }
    }

    /// Returns `data`. Panics if the response is not a success.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        &self.body["data"]
    }

    /// Returns status and error code. Panics if the response has `data`.
    #[track_caller]
    pub fn error(&self) -> (u16, &str) {
        assert!(self.body["data"].is_null(), "{} {}", self.status, self.body);
        (self.status.as_u16(), self.body["error"]["code"].as_str().unwrap_or_default())
    }

    /// Returns field and code of the fault. Panics unless the response is a `VALIDATION_ERROR` with one fault.
    #[track_caller]
    pub fn fault(&self) -> (&str, &str) {
        assert_eq!(self.error(), (422, "VALIDATION_ERROR"), "{}", self.body);
        let faults = self.body["error"]["details"].as_array().map_or(&[][..], Vec::as_slice);
        let [fault] = faults else { panic!("{}", self.body) };
        // Every fault has a localized message, not only its key.
        assert!(fault["message"].as_str().is_some_and(|message| !message.starts_with("fault-")), "{fault}");
        (fault["field"].as_str().unwrap_or_default(), fault["code"].as_str().unwrap_or_default())
    }

    /// The value of a header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
