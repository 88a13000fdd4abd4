//! S6: one event to everyone, while critical events go to single people; and one whose writer is killed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::LocalSet;

use super::{PATIENCE, ReceivedEvent, ears, event, listen, number};
use crate::http::Http;
use crate::report::{Bar, Report};
use crate::service::{Folder, Service};
use crate::times::{Times, count, micros, millis};
use crate::world::World;

const ROWS_SECS: f64 = 10.0;
const CRITICAL_MS: f64 = 500.0;
/// Interval of critical events while the rows of everyone are written, each to one person.
const CRITICAL_EVERY: Duration = Duration::from_millis(50);
/// A person that no other part of the run uses.
const PERSON: usize = 5_000;
const EVERYBODY: &str = "SELECT count(*) AS number FROM users WHERE deleted_at IS NULL";

pub async fn run(report: &mut Report, service: Service, folder: &Folder, world: &World) -> Result<Service> {
    let everybody = number(&service, EVERYBODY)?;
    report.section(&format!("S6: one event to {everybody} people"));
    beside_critical_ones(report, &service, world, everybody).await?;
    report.section(&format!("One event to {everybody} people, killed in the middle"));
    killed(report, service, folder, world, everybody).await
}

/// Announces an event to everyone. Returns its id.
async fn tell_everybody(http: &mut Http, token: &str, code: &str, payload: Value) -> Result<String> {
    let all = json!({"event": code, "payload": payload, "recipients": {"everyone": true}});
    let answer: Value = serde_json::from_slice(http.post("/api/v1/events", token, &all.to_string()).await?)?;
    Ok(answer.pointer("/data/id").and_then(Value::as_str).context("no id")?.to_owned())
}

/// The event's status, and the number of written rows.
async fn progress(http: &mut Http, token: &str, id: &str) -> Result<(String, i64)> {
    let answer: Value = serde_json::from_slice(http.get(&format!("/api/v1/events/{id}"), token).await?)?;
    let status = answer.pointer("/data/status").and_then(Value::as_str).context("no status")?;
    let written = answer.pointer("/data/written").and_then(Value::as_i64).unwrap_or_default();
    Ok((status.to_owned(), written))
}

async fn beside_critical_ones(
    report: &mut Report,
    service: &Service,
    world: &World,
    everybody: i64,
) -> Result<()> {
    let local = LocalSet::new();
    let epoch = Instant::now();
    let (tell, mut told) = unbounded_channel();
    for (ear, topic) in ears(service, world, PERSON..=PERSON).await? {
        local.spawn_local(listen(ear, topic, epoch, tell.clone()));
    }
    let token = world.producer_token()?;
    let (cpu, postgres) = (service.cpu()?, service.postgres_cpu()?);
    let (id, answered, took, mut critical) = local
        .run_until(async {
            let mut http = Http::connect(service.address).await?;
            let asked = Instant::now();
            let payload = json!({"name": "Octobre", "report_id": "10"});
            let id = tell_everybody(&mut http, &token, "report.generated", payload).await?;
            let answered = asked.elapsed();
            let mut own = 0_usize;
            loop {
                http.post("/api/v1/events", &token, &event("system.announcement", PERSON, epoch)).await?;
                own += 1;
                let (status, written) = progress(&mut http, &token, &id).await?;
                if status == "done" {
                    break;
                }
                ensure!(asked.elapsed() < PATIENCE, "only {written} rows were written");
                tokio::time::sleep(CRITICAL_EVERY).await;
            }
            let took = asked.elapsed();
            let mut critical = Times::default();
            // Events to everyone arrive too, without a time of their own.
            let mut heard_of_all = false;
            while critical.len() < own || !heard_of_all {
                let heard = tokio::time::timeout(PATIENCE, told.recv()).await;
                match heard.context("events did not arrive")?.context("no listener")?? {
                    ReceivedEvent(Some(took)) => critical.push(took),
                    ReceivedEvent(None) => heard_of_all = true,
                }
            }
            anyhow::Ok((id, answered, took, critical))
        })
        .await?;
    let people = count(usize::try_from(everybody)?);
    let each =
        |before: Duration, after: Duration| format!("{:.0} µs a person", micros(after - before) / people);
    report.line("the request was answered in", format!("{:.1} ms", millis(answered)));
    report.line("critical events meanwhile, to the socket", critical.summary());
    report.line("CPU of the service", each(cpu, service.cpu()?));
    report.line("CPU of PostgreSQL", each(postgres, service.postgres_cpu()?));
    report.figure("rows of everybody", took.as_secs_f64(), " s", Bar::AtMost(ROWS_SECS));
    report.figure(
        "critical events meanwhile, p99",
        millis(critical.percentile(99)),
        " ms",
        Bar::AtMost(CRITICAL_MS),
    );
    exactly_once(report, service, &id, everybody)
}

/// `kill -9` of the service, and PostgreSQL with it, after a third of the rows.
async fn killed(
    report: &mut Report,
    service: Service,
    folder: &Folder,
    world: &World,
    everybody: i64,
) -> Result<Service> {
    let token = world.producer_token()?;
    let mut http = Http::connect(service.address).await?;
    let payload = json!({"title": "Fermeture", "body": "Vendredi"});
    let id = tell_everybody(&mut http, &token, "system.announcement", payload).await?;
    let asked = Instant::now();
    let mut written = 0;
    while written < everybody / 3 {
        ensure!(asked.elapsed() < PATIENCE, "only {written} rows were written");
        tokio::time::sleep(CRITICAL_EVERY).await;
        (_, written) = progress(&mut http, &token, &id).await?;
    }
    if written >= everybody {
        report.void("it was written before it could be killed");
    }
    let service = service.kill_and_start(folder).await?;
    let mut http = Http::connect(service.address).await?;
    let back = Instant::now();
    while progress(&mut http, &token, &id).await?.0 != "done" {
        ensure!(back.elapsed() < PATIENCE, "it was not taken up again");
        tokio::time::sleep(CRITICAL_EVERY).await;
    }
    report.line("rows that stood when it was killed", written);
    report.line("from ready again to the rest", format!("{:.1} s", back.elapsed().as_secs_f64()));
    exactly_once(report, &service, &id, everybody)?;
    Ok(service)
}

/// Checks that everyone has exactly one notification of the event.
fn exactly_once(report: &mut Report, service: &Service, event: &str, everybody: i64) -> Result<()> {
    let count = |what: &str| {
        number(
            service,
            &format!("SELECT count({what}) AS number FROM notifications WHERE event_id = '{event}'"),
        )
    };
    let (rows, people) = (count("*")?, count("DISTINCT recipient_id")?);
    report.line("rows, and people who have one", format!("{rows}, {people}"));
    if (rows, people) != (everybody, everybody) {
        report.void(format!("{rows} rows for {people} of {everybody} people"));
    }
    Ok(())
}
