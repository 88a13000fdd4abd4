//! S6 and related parts: one event to a hundred thousand people while others are announced, the same with a kill in
//! the middle, events to sockets at a rate, and the feed at a million notifications.
//!
//! Each listener checks that the numbers of its topic are consecutive; rows are counted in the table.

mod audience;
mod feed;
mod rate;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::report::Report;
use crate::scale::Scale;
use crate::service::{Folder, Service};
use crate::socket::Socket;
use crate::world::{Kind, World, id, ids};

const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the selected parts, each by its name.
pub async fn run(
    report: &mut Report,
    mut service: Service,
    folder: &Folder,
    world: &World,
    scale: &Scale,
    wanted: impl Fn(&str) -> bool,
) -> Result<Service> {
    people(&service, scale.audience)?;
    if wanted("events") {
        rate::run(report, &service, world, scale).await.context("events at a rate")?;
    }
    if wanted("audience") {
        service = audience::run(report, service, folder, world).await.context("a large audience")?;
    }
    if wanted("feed") {
        feed::run(report, &service, world, scale).await.context("the feed")?;
    }
    Ok(service)
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

/// An event arrived, with its latency if it says when it began.
struct ReceivedEvent(Option<Duration>);

/// Listens to one person's notifications until the run ends.
async fn listen(
    mut ear: Socket,
    topic: String,
    epoch: Instant,
    heard: UnboundedSender<Result<ReceivedEvent>>,
) {
    let mut last = None;
    loop {
        let said = async {
            let said = ear.hear().await?;
            let seq = said.seq.with_context(|| format!("{topic} said something without a number"))?;
            ensure!(last.is_none_or(|last| seq == last + 1), "{topic} said {seq} after {last:?}");
            last = Some(seq);
            let payload: Value = serde_json::from_str(said.payload.get())?;
            let sent = payload.pointer("/notification/data/sent").and_then(Value::as_u64);
            Ok(ReceivedEvent(sent.map(|sent| epoch.elapsed().saturating_sub(Duration::from_micros(sent)))))
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

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(service: &Service, text: &str) -> Result<i64> {
    let mut conn = PgConnection::establish(&service.admin_url())?;
    Ok(diesel::sql_query(text).get_result::<Number>(&mut conn)?.number)
}
