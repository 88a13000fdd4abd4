//! The log of requests: one line each, no query string, and each cause once.

use std::io::Write;
use std::sync::{Arc, Mutex};

use actix_web::test::{TestRequest, init_service, try_call_service};
use actix_web::{App, web};
use guichet::web::{HttpSettings, Reply};
use guichet_base::{Error, Result};
use serde_json::Value;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The log lines of a request for `path`.
async fn log_of(path: &str) -> Vec<Value> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let app = App::new()
        .route("/notes/{id}", web::get().to(async || Reply::ok(1)))
        .route("/fails", web::get().to(async || -> Result<Reply<()>> { Err(Error::internal("the cause")) }))
        .route("/panics", web::get().to(async || -> Reply<()> { panic!("the cause") }));
    let app = init_service(guichet::web::wrap(app, &HttpSettings::default())).await;
    let request = TestRequest::get().uri(path).insert_header(("x-request-id", "r-1"));
    let _ = try_call_service(&app, request.to_request()).await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[actix_web::test]
async fn a_request_has_one_line_without_its_query() {
    let lines = log_of("/notes/7?token=secret").await;
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(line["fields"]["http.route"], "/notes/{id}");
    assert_eq!(line["fields"]["http.status"], 200);
    assert_eq!(line["span"]["request.id"], "r-1");
    assert!(!line.to_string().contains("secret"));
}

#[actix_web::test]
async fn the_cause_of_a_failure_is_logged_once() {
    for path in ["/fails", "/panics"] {
        let lines = log_of(path).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        let causes: Vec<_> = lines.iter().filter(|line| line.to_string().contains("the cause")).collect();
        assert_eq!(causes.len(), 1, "{lines:?}");
        assert_eq!((&causes[0]["level"], &causes[0]["span"]["request.id"]), (&"ERROR".into(), &"r-1".into()));
        assert_eq!(lines[1]["fields"]["http.status"], 500);
    }
}
