//! `/healthz` says that the process lives, and asks nobody; `/readyz` says whether it can serve.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::timeout;
use tracing::warn;

use crate::base::{Error, Result};

/// A check that hangs counts as failed after this.
const PATIENCE: Duration = Duration::from_secs(3);

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Duration>> + Send>> + Send + Sync>;

/// What must work before this process is given requests.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Probe)>,
    draining: Arc<AtomicBool>,
}

impl Readiness {
    pub fn new() -> Self {
        Self::default()
    }

    /// `probe` does what a request would need, and says how long that took.
    pub fn check<F, Fut>(mut self, name: &'static str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Duration>> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || Box::pin(probe()))));
        self
    }

    /// From now on not ready: load balancers are to send requests elsewhere. Copies share it.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    async fn report(&self) -> Report {
        let checks = join_all(self.checks.iter().map(|(name, probe)| run(name, probe))).await;
        let status = match self.draining.load(Ordering::Acquire) {
            true => "draining",
            false if checks.iter().all(|check| check.ok) => "ok",
            false => "failing",
        };
        Report { status, checks }
    }
}

#[derive(Serialize)]
struct Report {
    status: &'static str,
    checks: Vec<CheckReport>,
}

#[derive(Serialize)]
struct CheckReport {
    name: &'static str,
    ok: bool,
    millis: Option<f64>,
}

async fn run(name: &'static str, probe: &Probe) -> CheckReport {
    let result = timeout(PATIENCE, probe()).await.unwrap_or_else(|_| Err(Error::unavailable("no answer")));
    if let Err(error) = &result {
        // The page is public: the cause is for the log alone.
        warn!(check = name, %error, "a readiness check failed");
    }
    let millis = result.as_ref().ok().map(|time| time.as_secs_f64() * 1000.0);
    CheckReport { name, ok: result.is_ok(), millis }
}

/// Both routes, outside `/api`; `Readiness` must be in the app's data.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/healthz").route(web::get().to(healthz)));
    config.service(web::resource("/readyz").route(web::get().to(readyz)));
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

async fn readyz(readiness: web::Data<Readiness>) -> HttpResponse {
    let report = readiness.report().await;
    match report.status {
        "ok" => HttpResponse::Ok().json(report),
        _ => HttpResponse::ServiceUnavailable().json(report),
    }
}
