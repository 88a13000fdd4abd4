//! `/healthz`: the process is alive. `/readyz`: it can serve requests.
//!
//! Both are public, and the checks of `/readyz` cost as much as a request. So they run at most once per second, however
//! often they are requested.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, join_all};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use tracing::warn;

use guichet_base::{Error, Result};

/// A check that takes longer counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a result is reused.
const RESULT_TTL: Duration = Duration::from_secs(1);

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Duration>> + Send>> + Send + Sync>;

/// One run of all checks, shared by all requests that arrive while it runs or its result is reused.
type SharedRun = Shared<BoxFuture<'static, Arc<[CheckReport]>>>;

#[derive(Clone)]
struct ReadinessCheck {
    name: &'static str,
    probe: Probe,
    /// Whether the process is not ready if it fails.
    is_required: bool,
}

/// The readiness checks: required ones decide whether this process is ready; optional ones only report.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Vec<ReadinessCheck>,
    draining: Arc<AtomicBool>,
    /// The newest run, and when it began. Shared by all clones.
    last_run: Arc<Mutex<Option<(Instant, SharedRun)>>>,
}

impl Readiness {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a required check. `probe` tests a dependency of requests, and returns how long that took.
    pub fn with_required<F, Fut>(self, name: &'static str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Duration>> + Send + 'static,
    {
        self.add(name, true, probe)
    }

    /// Adds a check of an optional dependency: if it fails, the process is `degraded` but ready.
    pub fn with_optional<F, Fut>(self, name: &'static str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Duration>> + Send + 'static,
    {
        self.add(name, false, probe)
    }

    fn add<F, Fut>(mut self, name: &'static str, is_required: bool, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Duration>> + Send + 'static,
    {
        self.checks.push(ReadinessCheck { name, probe: Arc::new(move || Box::pin(probe())), is_required });
        self
    }

    /// Makes `/readyz` report not ready from now on, so that load balancers stop sending requests. Affects all clones.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    async fn report(&self) -> ReadinessReport {
        let checks = self.run_checks().await;
        // Not cached, so that draining is reported at once.
        let status = match self.draining.load(Ordering::Acquire) {
            true => "draining",
            false if checks.iter().all(|check| check.ok) => "ok",
            false if checks.iter().all(|check| check.ok || !check.is_required) => "degraded",
            false => "failing",
        };
        ReadinessReport { status, checks: checks.to_vec() }
    }

    fn run_checks(&self) -> SharedRun {
        let mut last_run = self.last_run.lock();
        if let Some((began, run)) = &*last_run
            && began.elapsed() < RESULT_TTL
        {
            return run.clone();
        }
        let checks = self.checks.clone();
        let run_all = async move { join_all(checks.iter().map(run_check)).await.into() };
        let run = run_all.boxed().shared();
        *last_run = Some((Instant::now(), run.clone()));
        run
    }
}

#[derive(Serialize)]
struct ReadinessReport {
    status: &'static str,
    checks: Vec<CheckReport>,
}

#[derive(Clone, Serialize)]
struct CheckReport {
    name: &'static str,
    ok: bool,
    millis: Option<f64>,
    #[serde(skip)]
    is_required: bool,
}

async fn run_check(ReadinessCheck { name, probe, is_required }: &ReadinessCheck) -> CheckReport {
    let result =
        timeout(CHECK_TIMEOUT, probe()).await.unwrap_or_else(|_| Err(Error::unavailable("no answer")));
    if let Err(error) = &result {
        // The response is public, so the cause is only logged.
        warn!(check = name, %error, "readiness check failed");
    }
    let millis = result.as_ref().ok().map(|time| time.as_secs_f64() * 1000.0);
    CheckReport { name, ok: result.is_ok(), millis, is_required: *is_required }
}

/// Both routes, outside `/api`. `Readiness` must be in the app's data.
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
        "ok" | "degraded" => HttpResponse::Ok().json(report),
        _ => HttpResponse::ServiceUnavailable().json(report),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn what_requests_do_without_degrades_and_what_they_need_fails() {
        let failing = || async { Err(Error::unavailable("away")) };
        let passing = || async { Ok(Duration::ZERO) };
        let status = async |readiness: Readiness| readiness.report().await.status;
        assert_eq!(
            status(Readiness::new().with_required("database", passing).with_optional("redis", passing)).await,
            "ok"
        );
        assert_eq!(
            status(Readiness::new().with_required("database", passing).with_optional("redis", failing)).await,
            "degraded"
        );
        assert_eq!(
            status(Readiness::new().with_required("database", failing).with_optional("redis", passing)).await,
            "failing"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_the_checks_run_once_a_second_and_a_drain_shows_at_once() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let readiness = Readiness::new().with_required("database", move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async {
                tokio::task::yield_now().await;
                Ok(Duration::ZERO)
            }
        });
        let copy = readiness.clone();
        let reports = join_all((0..50).map(|_| copy.report())).await;
        assert!(reports.iter().all(|report| report.status == "ok"));
        assert_eq!((readiness.report().await.status, runs.load(Ordering::Relaxed)), ("ok", 1));
        copy.start_draining();
        assert_eq!((readiness.report().await.status, runs.load(Ordering::Relaxed)), ("draining", 1));
        tokio::time::advance(RESULT_TTL).await;
        readiness.report().await;
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }
}
