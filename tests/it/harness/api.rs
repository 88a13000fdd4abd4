//! An HTTP client for tests, and assertions on its responses.

use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A client of one server, with one token.
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

    /// The same client with another header.
    pub fn saying(&self, name: &str, value: impl ToString) -> Self {
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

    /// Without a body if `body` is null.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> ApiResponse {
        let request = self.request(method, path);
        ApiResponse::of(if body.is_null() { request } else { request.json(body) }).await
    }

    pub async fn get(&self, path: &str) -> ApiResponse {
        ApiResponse::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> ApiResponse {
        ApiResponse::of(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> ApiResponse {
        ApiResponse::of(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> ApiResponse {
        ApiResponse::of(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> ApiResponse {
        ApiResponse::of(self.request(Method::DELETE, path)).await
    }
}

impl ApiResponse {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status, headers, body }
    }

    /// `data` of a response that must be a success.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        &self.body["data"]
    }

    /// Status and code of a response that must be an error in the envelope.
    #[track_caller]
    pub fn refusal(&self) -> (u16, &str) {
        assert!(self.body["data"].is_null(), "{} {}", self.status, self.body);
        (self.status.as_u16(), self.body["error"]["code"].as_str().unwrap_or_default())
    }

    /// Field and code of the only fault of a refused body.
    #[track_caller]
    pub fn fault(&self) -> (&str, &str) {
        assert_eq!(self.refusal(), (422, "VALIDATION_ERROR"), "{}", self.body);
        let faults = self.body["error"]["details"].as_array().map_or(&[][..], Vec::as_slice);
        let [fault] = faults else { panic!("{}", self.body) };
        // Every fault has a localized message, not only its key.
        assert!(fault["message"].as_str().is_some_and(|said| !said.starts_with("fault-")), "{fault}");
        (fault["field"].as_str().unwrap_or_default(), fault["code"].as_str().unwrap_or_default())
    }

    /// Empty if the header is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
