//! A server on a free port with toy routes under the conventions, and a raw HTTP/1.1 client, since no client library
//! would send these requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use guichet::web::guard::BodySettings;
use guichet::web::rate_limit::{LimitKey, Rate, RateLimitSettings, RateLimits};
use guichet::web::unmatched::{RouteTable, unmatched};
use guichet::web::{
    Caller, CallerAddress, Etag, HttpSettings, Json, PageQuery, Patch, Path, Query, Reply, Validator, health,
};
use guichet_base::id::{ConversationId, TenantId, UserId};
use guichet_base::{Actor, Error, Locale, Result, Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct Server {
    pub address: SocketAddr,
    handle: ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub fn start() -> Server {
    start_with(HttpSettings::default())
}

pub fn start_with(conventions: HttpSettings) -> Server {
    let (report, started) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let limits = RateLimits::new(RateLimitSettings {
                anonymous: Rate { rps: 1, burst: 2 },
                ..RateLimitSettings::default()
            });
            let server = HttpServer::new(move || app!(conventions, limits))
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            report.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = started.recv().unwrap();
    Server { address, handle, thread: Some(thread) }
}

/// The type of an `App` cannot be named, so this is a macro.
macro_rules! app {
    ($conventions:expr, $limits:expr) => {
        guichet::web::wrap(
            App::new()
                .app_data(web::Data::new(RouteTable::new([(
                    "/api/v1/attributed".to_owned(),
                    vec![actix_web::http::Method::GET],
                )])))
                .app_data(web::Data::new($limits.clone()))
                .app_data(web::Data::new(health::Readiness::new().with_required("database", || async {
                    Err(Error::unavailable("password of the database is wrong"))
                })))
                .configure(health::routes)
                .configure(guichet::web::docs::routes(guichet::web::docs::DocsPages {
                    openapi_yaml: "openapi: 3.1.0".into(),
                    asyncapi_yaml: "asyncapi: 3.0.0".into(),
                    sockets_html: "<h1>sockets</h1>".into(),
                }))
                .configure(toy_routes)
                .default_service(web::to(unmatched)),
            &$conventions,
        )
    };
}
use app;

fn toy_routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/api/v1/notes").route(web::post().to(create)).route(web::get().to(list)))
        .service(web::resource("/api/v1/notes/{id}").route(web::get().to(read)))
        .service(web::resource("/api/v1/patch").route(web::patch().to(patch)))
        .service(web::resource("/api/v1/search").route(web::get().to(search)))
        .service(web::resource("/api/v1/bytes").route(web::post().to(bytes)))
        .service(web::resource("/api/v1/ignores").route(web::post().to(ignores)))
        .service(web::resource("/api/v1/panics").route(web::get().to(panics)))
        .service(web::resource("/api/v1/fails").route(web::get().to(fails)))
        .service(web::resource("/api/v1/me").route(web::get().to(me)))
        .service(web::resource("/api/v1/english").route(web::get().to(english)))
        .service(web::resource("/api/v1/limited").route(web::get().to(limited)))
        .service(web::resource("/api/v1/whence").route(web::get().to(whence)))
        .service(web::resource("/api/v1/large").route(web::get().to(large)))
        .service(web::resource("/api/v1/stream").route(web::get().to(stream)))
        .route("/api/v1/attributed", web::get().to(panics));
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Note {
    title: String,
    stars: Option<u8>,
    kind: Option<Kind>,
    related: Option<Related>,
    payload: Option<Value>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Plain,
    Loud,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Related {
    id: ConversationId,
    at: Option<Timestamp>,
}

async fn create(Json(note): Json<Note>) -> Result<Reply<Note>> {
    let mut check = Validator::new();
    let title = check.text("title", note.title, 1..=10);
    let stars = note.stars.map(|stars| check.range("stars", stars, 1..=5));
    check.finish()?;
    Ok(Reply::created(Note { title, stars, ..note }))
}

async fn list(Query(query): Query<PageQuery>) -> Result<Reply<Vec<u8>>> {
    Ok(Reply::page(vec![1, 2], query.page()?, Some(2)))
}

async fn read(Path(id): Path<ConversationId>) -> Reply<ConversationId> {
    Reply::ok(id).etag(Etag::new(id.0, Timestamp::from_millis(1_700_000_000_123)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    phone: Patch<String>,
}

async fn patch(Json(change): Json<Change>) -> Reply<String> {
    Reply::ok(format!("{:?}", change.phone))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    text: String,
    open: Option<bool>,
    max: Option<u32>,
}

async fn search(Query(search): Query<Search>) -> Reply<String> {
    Reply::ok(format!("{} {:?} {:?}", search.text, search.open, search.max))
}

async fn bytes(body: web::Bytes) -> Reply<usize> {
    Reply::ok(body.len())
}

async fn ignores() -> Reply<()> {
    Reply::ok(())
}

async fn panics() -> Reply<()> {
    panic!("the secret cause")
}

async fn fails() -> Result<Reply<()>> {
    Err(Error::internal("the secret cause"))
}

async fn me(caller: Caller) -> Reply<UserId> {
    Reply::ok(caller.user)
}

/// Refuses an actor whose language is English.
async fn english(request: actix_web::HttpRequest) -> Result<Reply<()>> {
    use actix_web::HttpMessage;
    request.extensions_mut().insert(Actor {
        tenant: TenantId::new(),
        user: UserId::new(),
        role: Role::Client,
        scopes: [].into(),
        locale: Locale::En,
        ip: None,
        authenticated_at: None,
    });
    Err(Error::forbidden())
}

async fn limited(request: actix_web::HttpRequest, limits: web::Data<RateLimits>) -> Result<Reply<()>> {
    let address = request.peer_addr().ok_or_else(Error::unauthenticated)?.ip();
    limits.check_request(&request, LimitKey::Anonymous(address))?;
    Ok(Reply::ok(()))
}

async fn whence(address: web::ReqData<CallerAddress>) -> Reply<String> {
    Reply::ok(address.0.to_string())
}

async fn large() -> Reply<String> {
    Reply::ok("large ".repeat(1000))
}

async fn stream() -> HttpResponse {
    let chunks = futures_util::stream::iter([Ok::<_, Error>(bytes::Bytes::from("data: 1\n\n".repeat(500)))]);
    HttpResponse::Ok().content_type("text/event-stream").streaming(chunks)
}

/// Deadlines short enough for a test.
pub fn hasty() -> HttpSettings {
    let body = BodySettings { grace: Duration::from_millis(100), ..BodySettings::default() };
    HttpSettings { body, ..HttpSettings::default() }
}

/// A response as received.
#[derive(Debug)]
pub struct RawResponse {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl RawResponse {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {} {}", self.head, String::from_utf8_lossy(&self.body)))
    }

    /// The code of the error envelope, whose shape is checked too.
    pub fn code(&self) -> String {
        let body = self.json();
        assert!(body["data"].is_null() && body["error"]["message"].is_string(), "{body}");
        assert_eq!(body["error"]["request_id"].as_str(), self.header("x-request-id"), "{body}");
        body["error"]["code"].as_str().unwrap().to_owned()
    }

    /// `field code` of each fault of a validation error.
    pub fn faults(&self) -> Vec<String> {
        assert_eq!((self.status, self.code().as_str()), (422, "VALIDATION_ERROR"), "{}", self.json());
        let body = self.json();
        let faults = body["error"]["details"].as_array().unwrap();
        let line = |fault: &Value| {
            assert!(fault["message"].as_str().is_some_and(|text| text.contains(' ')), "{fault}");
            format!("{} {}", fault["field"].as_str().unwrap(), fault["code"].as_str().unwrap())
        };
        faults.iter().map(line).collect()
    }
}

impl Server {
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    pub fn get(&self, path: &str) -> RawResponse {
        self.send("GET", path, &[], b"")
    }

    pub fn post_json(&self, path: &str, body: impl AsRef<[u8]>) -> RawResponse {
        self.send("POST", path, &["Content-Type: application/json"], body.as_ref())
    }

    pub fn send(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> RawResponse {
        let length = format!("Content-Length: {}", body.len());
        let mut headers = headers.to_vec();
        if !body.is_empty() {
            headers.push(&length);
        }
        let mut stream = self.connect();
        stream.write_all(head(method, path, &headers).as_bytes()).unwrap();
        // The response may arrive, and the connection close, before everything is sent.
        let _ = stream.write_all(body);
        answer(&mut stream)
    }
}

pub fn head(method: &str, path: &str, headers: &[&str]) -> String {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n")
}

/// Reads to the end of the connection.
pub fn answer(stream: &mut TcpStream) -> RawResponse {
    let mut raw = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => raw.extend_from_slice(&chunk[..count]),
            // Closed with a part of our body unread.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the connection stays open: {error}"),
        }
    }
    let split = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer");
    let head = String::from_utf8(raw[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    RawResponse { status, head, body: raw[split + 4..].to_vec() }
}
