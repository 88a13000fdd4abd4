//! A complete service in this process, on its own port, with the demo tenant.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use guichet::app::demo::{self, DemoTenant};
use guichet::app::{self, App};
use guichet::config::{Config, Variables};
use guichet_base::Clock;
use guichet_db::embedded::LoginRole;
use tokio::sync::oneshot;

use super::TestDatabase;

pub const JWT_SECRET: &str = "a secret for tests, longer than thirty-two bytes";

pub struct TestServer {
    pub url: String,
    pub demo: DemoTenant,
    pub clock: Clock,
    pub config: Config,
    pub app: App,
    /// Deleted when the last server that uses it is dropped.
    pub database: Arc<TestDatabase>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with additional or overridden variables (the defaults: no rate limits, a fixed secret).
    pub fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_on(Arc::new(TestDatabase::new()), Clock::system(), variables)
    }

    /// Starts another service on the same database and clock, like a second process.
    pub fn start_second(&self) -> Self {
        self.start_second_with(&[])
    }

    /// Like `start_second`, with additional or overridden variables.
    pub fn start_second_with(&self, variables: &[(&str, &str)]) -> Self {
        Self::start_on(Arc::clone(&self.database), self.clock.clone(), variables)
    }

    fn start_on(database: Arc<TestDatabase>, clock: Clock, variables: &[(&str, &str)]) -> Self {
        let config = config(&database, variables);
        let settings = settings(&database);
        // `TEST_LOG=1 cargo test … -- --nocapture` shows what the service logs.
        if std::env::var_os("TEST_LOG").is_some() {
            guichet::telemetry::logs::install(&config.logs);
        }
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let (thread_config, thread_clock) = (config.clone(), clock.clone());
        // actix needs its own runtime, and the runtime of the test may end before the server does.
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let tokens = thread_config.tokens.clone();
                let data_dir = thread_config.server.data_dir.clone();
                let app = App::new(thread_config, &settings, thread_clock.clone()).unwrap();
                let demo = demo::create_or_restore(&app.db, &tokens, &data_dir, &thread_clock).await.unwrap();
                let running = app::start(app).unwrap();
                ready.send((running.address, running.app.clone(), demo)).unwrap();
                let _ = stopped.await;
                running.stop().await.unwrap();
            });
        });
        let (address, app, demo) = started.recv_timeout(Duration::from_secs(60)).unwrap();
        let url = format!("http://{address}");
        Self { url, demo, clock, config, app, database, stop: Some(stop), thread: Some(thread) }
    }

    pub fn user(&self, name: &str) -> &demo::DemoUser {
        &self.demo.users[name]
    }

    pub fn client(&self, name: &str) -> guichet_base::id::ClientId {
        self.demo.clients[name].id
    }

    /// The socket URL of a path, such as `/realtime/v1/websocket`.
    pub fn socket_url(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.url.replacen("http", "ws", 1))
    }
}

impl TestServer {
    /// Stops as on SIGTERM, and returns when all tasks have ended. The database is kept.
    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server's thread panicked");
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn config(database: &TestDatabase, variables: &[(&str, &str)]) -> Config {
    let (app, worker) = (database.url(LoginRole::App), database.url(LoginRole::Worker));
    let mut all = vec![
        ("BIND", "127.0.0.1:0"),
        ("DATABASE_URL", app.as_str()),
        ("DATABASE_WORKER_URL", worker.as_str()),
        ("JWT_SECRET", JWT_SECRET),
        ("HTTP_WORKERS", "1"),
        ("RATE_LIMIT_RPS", "0"),
        ("RATE_LIMIT_SERVICE_RPS", "0"),
        ("RATE_LIMIT_ANON_RPS", "0"),
        ("WS_FRAMES_PER_10S", "0"),
        ("SHUTDOWN_GRACE_SECS", "5"),
        // Tests run the jobs themselves: `app.scheduler.drain()`.
        ("JOBS_ENABLED", "false"),
        // No deliveries are sent unless a test enables it.
        ("DELIVERY_CONCURRENCY", "0"),
    ];
    all.retain(|(name, _)| variables.iter().all(|(given, _)| given != name));
    all.extend_from_slice(variables);
    Config::load(&Variables::from_iter(all)).unwrap()
}

fn settings(database: &TestDatabase) -> guichet_db::DbSettings {
    guichet_db::DbSettings {
        app_url: database.url(LoginRole::App),
        worker_url: database.url(LoginRole::Worker),
        app_connections: 8,
        worker_connections: 2,
        job_connections: 2,
        acquire_timeout: Duration::from_secs(10),
    }
}
