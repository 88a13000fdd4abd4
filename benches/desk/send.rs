//! S4: a durable send, from a member's request to the socket of the operator in charge.
//!
//! Each room has one message in flight. The receiver checks that numbers are consecutive and that the content is what
//! was sent.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use guichet_db::embedded::LoginRole;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::task::LocalSet;

use crate::capture::{self, Capture};
use crate::http::Http;
use crate::pgbench::{self, Work};
use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::Service;
use crate::socket::{ReceivedEvent, Socket};
use crate::times::{Times, count, median, micros};
use crate::world::World;

const RATIO: f64 = 0.6;
/// The size of the service's pool.
const CONNECTIONS: usize = 8;
const RATE: u32 = 200;
/// How long the last messages may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    report.section(&format!("S4: durable send, {} in flight", scale.senders));
    let scripts = scripts(service, world, scale.senders).await?;
    let (mut ratios, mut all) = (Vec::new(), Turn::default());
    for _ in 0..scale.rounds {
        let work = work(&scripts, scale, None);
        let mut floor = pgbench::run(service, &work).await?;
        let mut turn = turn(service, world, scale, None).await?;
        report.line(
            "floor: pgbench, the same statements",
            format!("{:.0} a second, {}", floor.per_second, floor.times.summary()),
        );
        report
            .line("guichet", format!("{:.0} a second, answer {}", turn.per_second, turn.answered.summary()));
        ratios.push(turn.per_second / floor.per_second);
        all.add(turn);
    }
    report.figure("guichet to pgbench", median(ratios), "", Bar::AtLeast(RATIO));
    report.line("delivered to the socket", all.delivered.summary());
    report
        .line("CPU of the service", format!("{:.0} µs a send", micros(all.cpu) / count(all.answered.len())));
    at_a_rate(report, service, world, scale, &scripts).await?;
    for fault in all.faults {
        report.void(fault);
    }
    Ok(())
}

async fn at_a_rate(
    report: &mut Report,
    service: &Service,
    world: &World,
    scale: &Scale,
    scripts: &[String],
) -> Result<()> {
    report.section(&format!("S4: durable send, {RATE} a second"));
    let mut floor = pgbench::run(service, &work(scripts, scale, Some(RATE))).await?;
    let mut turn = turn(service, world, scale, Some(RATE)).await?;
    report.line("floor: pgbench, the same statements", floor.times.summary());
    report.line("guichet, answer", turn.answered.summary());
    report.line("guichet, delivered to the socket", turn.delivered.summary());
    let ratio = turn.answered.percentile(99).as_secs_f64() / floor.times.percentile(99).as_secs_f64();
    report.line("p99 to pgbench's", format!("{ratio:.2}"));
    report.line(
        "CPU of the service",
        format!("{:.0} µs a send", micros(turn.cpu) / count(turn.answered.len())),
    );
    for fault in turn.faults {
        report.void(fault);
    }
    Ok(())
}

fn work<'a>(scripts: &'a [String], scale: &Scale, rate: Option<u32>) -> Work<'a> {
    Work { scripts, role: LoginRole::App, connections: CONNECTIONS, lasts: scale.turn, rate }
}

/// One send of each room, as PostgreSQL logged it.
async fn scripts(service: &Service, world: &World, rooms: usize) -> Result<Vec<String>> {
    let mut http = Http::connect(service.address).await?;
    let mut capture = Capture::start(service)?;
    let mut scripts = Vec::new();
    for room in 1..=rooms {
        let (path, token) = (world.room_path(room), world.member_token(room)?);
        http.post(&path, &token, &body(0, Instant::now())).await?;
        capture.begin()?;
        http.post(&path, &token, &body(0, Instant::now())).await?;
        scripts.push(capture::script(&capture.transaction("INSERT INTO messages")?));
    }
    capture.stop()?;
    Ok(scripts)
}

#[derive(Default)]
struct Turn {
    per_second: f64,
    cpu: Duration,
    answered: Times,
    delivered: Times,
    faults: Vec<String>,
}

impl Turn {
    fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.answered.extend(other.answered);
        self.delivered.extend(other.delivered);
        self.faults.extend(other.faults);
    }
}

/// All rooms send for a while; together at `rate` if given.
async fn turn(service: &Service, world: &World, scale: &Scale, rate: Option<u32>) -> Result<Turn> {
    let local = LocalSet::new();
    let begin = Rc::new(Notify::new());
    let epoch = Instant::now();
    let mut rooms = Vec::new();
    for room in 1..=scale.senders {
        let mut ear =
            Socket::connect(service.address, &world.employee_token(world.employee_of(room))?, 0).await?;
        let joined_at = ear.join(&world.room_topic(room)).await?.context("a room has numbers")?;
        let mut http = Http::connect(service.address).await?;
        let (path, token) = (world.room_path(room), world.member_token(room)?);
        let (lasts, begin) = (scale.turn, Rc::clone(&begin));
        let pace = rate.map(|rate| Pace {
            every: Duration::from_secs(1) * u32::try_from(scale.senders).unwrap_or(u32::MAX) / rate,
            first: Duration::from_secs(1) * u32::try_from(room).unwrap_or_default() / rate,
        });
        rooms.push(local.spawn_local(async move {
            begin.notified().await;
            let started = Instant::now();
            let send = async {
                let mut answered = Times::default();
                while started.elapsed() < lasts {
                    let number = answered.len();
                    let due = match &pace {
                        Some(pace) => pace.wait(started, number).await,
                        None => Instant::now(),
                    };
                    http.post(&path, &token, &body(number, epoch)).await?;
                    answered.push(due.elapsed());
                }
                anyhow::Ok(answered)
            };
            receive(&mut ear, joined_at, epoch, send).await
        }));
    }
    let mut turn = Turn::default();
    let (cpu, started) = (service.cpu()?, Instant::now());
    local
        .run_until(async {
            tokio::task::yield_now().await;
            begin.notify_waiters();
            for room in rooms {
                turn.add(room.await??);
            }
            anyhow::Ok(())
        })
        .await?;
    turn.per_second = count(turn.answered.len()) / started.elapsed().as_secs_f64();
    turn.cpu = service.cpu()? - cpu;
    Ok(turn)
}

/// When a room is to send, whether or not its last message was answered: a wait counts as latency.
struct Pace {
    first: Duration,
    every: Duration,
}

impl Pace {
    async fn wait(&self, started: Instant, number: usize) -> Instant {
        let due = started + self.first + self.every * u32::try_from(number).unwrap_or(u32::MAX);
        tokio::time::sleep_until(due.into()).await;
        due
    }
}

/// Receives the messages of `send`, and counts them.
async fn receive(
    ear: &mut Socket,
    joined_at: i64,
    epoch: Instant,
    send: impl Future<Output = Result<Times>>,
) -> Result<Turn> {
    let mut turn = Turn::default();
    let mut check = Check { last_seq: joined_at, heard: 0 };
    tokio::pin!(send);
    let mut sent = None;
    while sent.is_none_or(|sent| check.heard < sent) {
        let heard = tokio::select! {
            heard = ear.hear() => heard?,
            answered = &mut send, if sent.is_none() => {
                turn.answered = answered?;
                sent = Some(turn.answered.len());
                continue;
            }
            () = tokio::time::sleep(PATIENCE) => {
                turn.faults.push(format!("only {} of {sent:?} messages of a room arrived", check.heard));
                break;
            }
        };
        match check.message(&heard, epoch) {
            Ok(Some(took)) => turn.delivered.push(took),
            Ok(None) => {}
            Err(fault) => turn.faults.push(fault),
        }
    }
    Ok(turn)
}

struct Check {
    last_seq: i64,
    heard: usize,
}

#[derive(Deserialize)]
struct New {
    message: Said,
}

#[derive(Deserialize)]
struct Said {
    content: String,
}

impl Check {
    /// The latency of a message; `None` for other events.
    fn message(&mut self, heard: &ReceivedEvent, epoch: Instant) -> Result<Option<Duration>, String> {
        let Some(seq) = heard.seq else { return Ok(None) };
        let expected = self.last_seq + 1;
        self.last_seq = seq;
        if seq != expected {
            return Err(format!("{} said {seq} where {expected} was next", heard.topic));
        }
        if heard.event != "messaging:new" {
            return Ok(None);
        }
        let new: New = serde_json::from_str(heard.payload.get()).map_err(|error| error.to_string())?;
        let words: Vec<&str> = new.message.content.splitn(4, ' ').collect();
        let [number, nanos, hash, filler] = words.as_slice() else {
            return Err(format!("{} said other words: {}", heard.topic, new.message.content));
        };
        if *number != self.heard.to_string() || *hash != hash_of(number, nanos, filler) {
            return Err(format!("{} said other words: {}", heard.topic, new.message.content));
        }
        self.heard += 1;
        let sent_at = Duration::from_nanos(nanos.parse().map_err(|_| "no time".to_owned())?);
        Ok(Some(epoch.elapsed().saturating_sub(sent_at)))
    }
}

const FILLER: &str =
    "Bonjour, où en est ma commande ? Je l'attends depuis jeudi dernier, merci de votre retour.";

fn body(number: usize, epoch: Instant) -> String {
    let (number, nanos) = (number.to_string(), epoch.elapsed().as_nanos().to_string());
    let hash = hash_of(&number, &nanos, FILLER);
    format!(r#"{{"content":"{number} {nanos} {hash} {FILLER}"}}"#)
}

fn hash_of(number: &str, nanos: &str, filler: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (number, nanos, filler).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
