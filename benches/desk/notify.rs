//! S6 and what belongs to it: one event to a hundred thousand people while others are announced, events to sockets at
//! a rate, and the feed at a million notifications.
//!
//! Each listener checks that the numbers of their topic follow one another; rows are counted in the table.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use crate::http::Http;
use crate::read::{self, Kind as Read};
use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::Service;
use crate::socket::Socket;
use crate::times::{Times, count, micros, millis};
use crate::world::{Kind, World, id, ids};

const BROADCAST_SECS: f64 = 10.0;
const CRITICAL_MS: f64 = 500.0;
/// Critical events while the broadcast is written, each to one person.
const CRITICAL_EVERY: Duration = Duration::from_millis(50);
const RATE: u32 = 300;
const TO_SOCKET_MS: f64 = 150.0;
const PATIENCE: Duration = Duration::from_secs(120);
/// Whose feeds are read.
const READERS: usize = 1_000;
const VARIETY: usize = 64;

pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    people(service, scale.audience)?;
    at_a_rate(report, service, world, scale).await?;
    broadcast(report, service, world).await?;
    feed(report, service, world, scale).await
}

fn people(service: &Service, count: usize) -> Result<()> {
    let mut conn = PgConnection::establish(&service.admin_url())?;
    let (tenant, reader) = (id(Kind::Tenant, 1), ids(Kind::Reader, "n"));
    Ok(conn.batch_execute(&format!(
        "SET synchronous_commit = off; SET app.tenant_id = '{tenant}';
         INSERT INTO users (tenant_id, id, role, display_name, locale)
         SELECT '{tenant}', {reader}, 'client', 'Reader ' || n, CASE WHEN n % 3 = 0 THEN 'en' ELSE 'fr' END
           FROM generate_series(1, {count}) n;
         ANALYZE users; ANALYZE notification_feeds"
    ))?)
}

/// Somebody heard of an event, and how long it had been on its way, where it says when it began.
struct Heard(Option<Duration>);

/// Listens to one person's notifications until the run ends.
async fn listen(mut ear: Socket, topic: String, epoch: Instant, heard: UnboundedSender<Result<Heard>>) {
    let mut last = None;
    loop {
        let said = async {
            let said = ear.hear().await?;
            let seq = said.seq.with_context(|| format!("{topic} said something without a number"))?;
            ensure!(last.is_none_or(|last| seq == last + 1), "{topic} said {seq} after {last:?}");
            last = Some(seq);
            let payload: Value = serde_json::from_str(said.payload.get())?;
            let sent = payload.pointer("/notification/data/sent").and_then(Value::as_u64);
            Ok(Heard(sent.map(|sent| epoch.elapsed().saturating_sub(Duration::from_micros(sent)))))
        };
        let said = said.await;
        let is_over = said.is_err();
        if heard.send(said).is_err() || is_over {
            return;
        }
    }
}

async fn ears(
    service: &Service,
    world: &World,
    people: impl Iterator<Item = usize>,
) -> Result<Vec<(Socket, String)>> {
    let mut ears = Vec::new();
    for person in people {
        let mut ear = Socket::connect(service.address, &world.reader_token(person)?, person).await?;
        let topic = format!("client:notifications:{}", id(Kind::Reader, person));
        ear.join(&topic).await?;
        ears.push((ear, topic));
    }
    Ok(ears)
}

fn event(code: &str, person: usize, epoch: Instant) -> String {
    let payload = json!({"title": "Relire le bail", "body": "Avant midi", "task_id": "7", "due_at": "2026-11-20",
        "sent": u64::try_from(epoch.elapsed().as_micros()).unwrap_or(u64::MAX)});
    json!({"event": code, "payload": payload, "recipients": {"users": [id(Kind::Reader, person)]}})
        .to_string()
}

/// Events to single people at a steady rate, whether or not earlier ones were answered.
async fn at_a_rate(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    report.section(&format!("Events to sockets: {RATE} a second, {} listen", scale.listeners));
    let local = LocalSet::new();
    let epoch = Instant::now();
    let (tell, mut told) = unbounded_channel();
    for (ear, topic) in ears(service, world, 1..=scale.listeners).await? {
        local.spawn_local(listen(ear, topic, epoch, tell.clone()));
    }
    let total = usize::try_from(RATE * u32::try_from(scale.turn.as_secs())?)?;
    let token: Rc<str> = world.producer_token()?.into();
    let cpu = service.cpu()?;
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
                match heard.context("events did not arrive")?.context("nobody listens")? {
                    Ok(Heard(took)) => delivered.push(took.unwrap_or_default()),
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
    report.line(
        "CPU of the service",
        format!("{:.0} µs an event", micros(service.cpu()? - cpu) / count(total)),
    );
    report.figure("event to socket, p99", millis(delivered.percentile(99)), " ms", Bar::AtMost(TO_SOCKET_MS));
    Ok(())
}

/// One event to everybody, and critical ones to one person meanwhile.
async fn broadcast(report: &mut Report, service: &Service, world: &World) -> Result<()> {
    let everybody = number(service, "SELECT count(*) AS number FROM users WHERE deleted_at IS NULL")?;
    report.section(&format!("S6: one event to {everybody} people"));
    let local = LocalSet::new();
    let epoch = Instant::now();
    let (tell, mut told) = unbounded_channel();
    // Nobody whom the rate has filled: the thousand of before, and the last.
    let person = 5_000;
    for (ear, topic) in ears(service, world, person..=person).await? {
        local.spawn_local(listen(ear, topic, epoch, tell.clone()));
    }
    let token = world.producer_token()?;
    let (cpu, postgres) = (service.cpu()?, service.postgres_cpu()?);
    local
        .run_until(async {
            let mut http = Http::connect(service.address).await?;
            let asked = Instant::now();
            let all = json!({"event": "report.generated", "payload": {"name": "Octobre", "report_id": "10"},
                "recipients": {"everyone": true}});
            let answer: Value = serde_json::from_slice(http.post("/api/v1/events", &token, &all.to_string()).await?)?;
            let answered = asked.elapsed();
            let id = answer.pointer("/data/id").and_then(Value::as_str).context("no id")?.to_owned();
            let (mut critical, mut own) = (Times::default(), 0_usize);
            loop {
                let body = event("system.announcement", person, epoch);
                http.post("/api/v1/events", &token, &body).await?;
                own += 1;
                let progress: Value =
                    serde_json::from_slice(http.get(&format!("/api/v1/events/{id}"), &token).await?)?;
                if progress.pointer("/data/status").is_some_and(|status| status == "done") {
                    break;
                }
                ensure!(asked.elapsed() < PATIENCE, "the event was not written: {progress}");
                tokio::time::sleep(CRITICAL_EVERY).await;
            }
            let took = asked.elapsed();
            // The broadcast itself is heard too, without a time of its own.
            let mut heard_of_all = false;
            while critical.len() < own || !heard_of_all {
                let heard = tokio::time::timeout(PATIENCE, told.recv()).await;
                match heard.context("events did not arrive")?.context("nobody listens")? {
                    Ok(Heard(Some(took))) => critical.push(took),
                    Ok(Heard(None)) => heard_of_all = true,
                    Err(fault) => {
                        report.void(fault);
                        break;
                    }
                }
            }
            let written = number(service, "SELECT count(DISTINCT recipient_id) AS number FROM notifications WHERE type = 'report.generated'")?;
            if written != everybody {
                report.void(format!("{written} of {everybody} people have a notification"));
            }
            report.line("the request was answered in", format!("{:.1} ms", millis(answered)));
            report.line("critical events meanwhile, to the socket", critical.summary());
            report.line("CPU of the service", format!("{:.0} µs a person", micros(service.cpu()? - cpu) / people_of(everybody)));
            report.line("CPU of PostgreSQL", format!("{:.0} µs a person", micros(service.postgres_cpu()? - postgres) / people_of(everybody)));
            report.figure("rows of everybody", took.as_secs_f64(), " s", Bar::AtMost(BROADCAST_SECS));
            let p99 = millis(critical.percentile(99));
            report.figure("critical events meanwhile, p99", p99, " ms", Bar::AtMost(CRITICAL_MS));
            Ok(())
        })
        .await
}

fn people_of(number: i64) -> f64 {
    count(usize::try_from(number).unwrap_or(1))
}

/// The feed and the unread count of people with a thousand notifications each.
async fn feed(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    let total = READERS * scale.notifications_each;
    report.section(&format!("S5: the feed at {total} notifications"));
    fill(service, scale.notifications_each)?;
    let asks = |path: &str| -> Result<Vec<(String, String)>> {
        (1..=VARIETY).map(|n| Ok((path.to_owned(), world.reader_token(n * READERS / VARIETY)?))).collect()
    };
    let kinds = [
        Read {
            name: "feed, a page of 50",
            word: "notifications",
            asks: asks("/api/v1/notifications?limit=50")?,
        },
        Read {
            name: "feed, the newest 50",
            word: "notifications",
            asks: asks("/api/v1/notifications?sort=recent&limit=50")?,
        },
        Read {
            name: "unread notifications",
            word: "notifications",
            asks: asks("/api/v1/notifications/unread?limit=20")?,
        },
        Read {
            name: "search in the feed",
            word: "notifications",
            asks: asks("/api/v1/notifications?q=bail&limit=50")?,
        },
    ];
    for kind in kinds {
        read::measure(report, service, scale, kind).await?;
    }
    Ok(())
}

fn fill(service: &Service, each: usize) -> Result<()> {
    let mut conn = PgConnection::establish(&service.admin_url())?;
    let (tenant, reader) = (id(Kind::Tenant, 1), ids(Kind::Reader, "n"));
    conn.batch_execute(&format!(
        "SET synchronous_commit = off; SET app.tenant_id = '{tenant}'; SET session_replication_role = replica;
         INSERT INTO notifications (tenant_id, id, recipient_type, recipient_id, seq, changed_seq, event_id, type, category, title, body, link,
             data, priority, channel, status, visible, decision, last_event_at, read_at, processed_at, created_at, updated_at)
         SELECT '{tenant}', gen_random_uuid(), 'client', {reader}, s, s, gen_random_uuid(), 'task.overdue', 'task', 'Tâche ' || s,
             CASE WHEN s % 50 = 0 THEN 'Relire le bail' ELSE 'Rappeler le client' END, '/taches/' || s, '{{\"task_id\":\"7\"}}', 'high', 'inapp',
             CASE WHEN s % 20 = 0 THEN 'unread' ELSE 'read' END, true, '{{}}', at, CASE WHEN s % 20 = 0 THEN NULL ELSE at END, at, at, at
           FROM generate_series(1, {each}) s, generate_series(1, {READERS}) n,
                LATERAL (SELECT date_trunc('milliseconds', now()) - interval '60 days' + s * interval '5 minutes' AS at) t;
         UPDATE notification_feeds f SET unread = c.unread FROM (SELECT recipient_id, count(*) AS unread FROM notifications
             WHERE visible AND status = 'unread' AND deleted_at IS NULL GROUP BY 1) c WHERE f.user_id = c.recipient_id;
         SET session_replication_role = origin"
    ))?;
    // Each by itself: a vacuum runs in no transaction.
    for step in ["VACUUM ANALYZE notifications", "VACUUM ANALYZE notification_feeds", "CHECKPOINT"] {
        conn.batch_execute(step)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(service: &Service, text: &str) -> Result<i64> {
    let mut conn = PgConnection::establish(&service.admin_url())?;
    Ok(diesel::sql_query(text).get_result::<Number>(&mut conn)?.number)
}
