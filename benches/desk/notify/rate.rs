//! Events to single people at a steady rate.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::LocalSet;

use super::{PATIENCE, ReceivedEvent, ears, event, listen};
use crate::http::Http;
use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::Service;
use crate::times::{Times, count, micros, millis};
use crate::world::World;

const RATE: u32 = 300;
const TO_SOCKET_MS: f64 = 150.0;

/// Announces events to single people at a steady rate, whether or not earlier ones were answered.
pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    report.section(&format!("Events to sockets: {RATE} a second, {} listen", scale.listeners));
    let local = LocalSet::new();
    let epoch = Instant::now();
    let (tell, mut told) = unbounded_channel();
    for (ear, topic) in ears(service, world, 1..=scale.listeners).await? {
        local.spawn_local(listen(ear, topic, epoch, tell.clone()));
    }
    let total = usize::try_from(RATE * u32::try_from(scale.turn.as_secs())?)?;
    let token: Rc<str> = world.producer_token()?.into();
    let (cpu, postgres) = (service.cpu()?, service.postgres_cpu()?);
    let mut delivered = Times::default();
    let answered = local
        .run_until(async {
            let senders = 8;
            let mut tasks = Vec::new();
            for sender in 0..senders {
                let (token, mut http) = (Rc::clone(&token), Http::connect(service.address).await?);
                let listeners = scale.listeners;
                tasks.push(tokio::task::spawn_local(async move {
                    let mut answered = Times::default();
                    for number in (sender..total).step_by(senders) {
                        let due = epoch
                            + Duration::from_millis(200)
                            + Duration::from_secs(1) * u32::try_from(number)? / RATE;
                        tokio::time::sleep_until(due.into()).await;
                        let body = event("task.overdue", number % listeners + 1, epoch);
                        http.post("/api/v1/events", &token, &body).await?;
                        answered.push(due.elapsed());
                    }
                    anyhow::Ok(answered)
                }));
            }
            while delivered.len() < total {
                let heard = tokio::time::timeout(PATIENCE, told.recv()).await;
                match heard.context("events did not arrive")?.context("no listener")? {
                    Ok(ReceivedEvent(Some(took))) => delivered.push(took),
                    Ok(ReceivedEvent(None)) => {
                        report.void("somebody was told something else than an event of this part");
                        break;
                    }
                    Err(fault) => {
                        report.void(fault);
                        break;
                    }
                }
            }
            let mut answered = Times::default();
            for task in tasks {
                answered.extend(task.await??);
            }
            anyhow::Ok(answered)
        })
        .await?;
    let mut answered = answered;
    report.line("answered", answered.summary());
    report.line("on the socket", delivered.summary());
    let each = |spent: Duration| format!("{:.0} µs an event", micros(spent) / count(total));
    report.line("CPU of the service", each(service.cpu()? - cpu));
    report.line("CPU of PostgreSQL", each(service.postgres_cpu()? - postgres));
    report.figure("event to socket, p99", millis(delivered.percentile(99)), " ms", Bar::AtMost(TO_SOCKET_MS));
    Ok(())
}
