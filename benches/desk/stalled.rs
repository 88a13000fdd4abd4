//! One reader of a room of 500 stops reading while 5,000 messages pass: its cost for the others and for the process,
//! and whether it gets every message once when it reads again.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::task::LocalSet;

use crate::http::Http;
use crate::minimal_client::{MinimalClient, More};
use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::Service;
use crate::times::{count, median, micros};
use crate::world::World;

const ROOM: usize = 1;
/// Concurrent requests.
const SENDERS: usize = 4;
const WINDOW_BYTES: u32 = 4 * 1024;
/// Long enough that five thousand messages exceed the kernel's buffers of one socket.
const CONTENT_CHARS: usize = 700;
/// The queue's bound and its reserve are 320 KiB; the rest is the allocator's.
const GROWTH_KIB: f64 = 1_024.0;
const COST: f64 = 1.1;
const PAGE: usize = 100;

pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    let (readers, messages) = (scale.readers, scale.stalled_messages);
    report.section(&format!(
        "Slow reader: one of {readers} reads nothing while {messages} messages of {CONTENT_CHARS} characters pass"
    ));
    let token: Rc<str> = world.employee_token(1)?.into();
    let topic: Rc<str> = world.room_topic(ROOM).into();
    let mut desk = Desk { service, world, token, topic, readers: Vec::new(), head: world.messages_per_room };
    for number in 0..readers {
        let mut socket = MinimalClient::connect(service.address, &desk.token, number).await?;
        socket.join(&desk.topic).await?;
        desk.readers.push(socket);
    }
    desk.pass(messages / 5).await.context("warm-up")?;
    let (mut ratios, mut growth) = (Vec::new(), 0);
    for _ in 0..scale.rounds {
        let alone = desk.pass(messages).await?;
        let mut slow =
            MinimalClient::with_window(service.address, &desk.token, 0, Some(WINDOW_BYTES)).await?;
        slow.join(&desk.topic).await?;
        let stopped_at = desk.head;
        let beside = desk.pass(messages).await?;
        growth = growth.max(beside.grown_kib);
        ratios.push(beside.cpu.as_secs_f64() / alone.cpu.as_secs_f64());
        for (name, passed) in [("without it", &alone), ("with it", &beside)] {
            report.line(
                name,
                format!(
                    "{:.0} messages a second, {:.2} µs of CPU a delivery, sends included; memory grew by {} KiB",
                    count(messages) / passed.took.as_secs_f64(),
                    micros(passed.cpu) / count(messages * readers),
                    passed.grown_kib
                ),
            );
        }
        match desk.catch_up(slow, stopped_at).await {
            Ok(told) => report.line("the slow one, when it reads again", told),
            Err(error) => report.void(format!("the slow one: {error:#}")),
        }
    }
    report.figure("CPU with it to CPU without it", median(ratios), "", Bar::AtMost(COST));
    report.figure("memory with it", f64::from(u32::try_from(growth)?), " KiB", Bar::AtMost(GROWTH_KIB));
    Ok(())
}

struct Desk<'a> {
    service: &'a Service,
    world: &'a World,
    token: Rc<str>,
    topic: Rc<str>,
    readers: Vec<MinimalClient>,
    /// The room's current head.
    head: usize,
}

struct Passed {
    took: Duration,
    cpu: Duration,
    grown_kib: u64,
}

impl Desk<'_> {
    /// Sends `messages` to the room, and waits until every reader has each of them, once and in order.
    async fn pass(&mut self, messages: usize) -> Result<Passed> {
        let (from, to) = (self.head + 1, self.head + messages);
        let (memory, cpu, started) = (self.service.memory_kib()?, self.service.cpu()?, Instant::now());
        let local = LocalSet::new();
        let senders: Vec<_> =
            (0..SENDERS).map(|number| local.spawn_local(self.send(messages / SENDERS, number))).collect();
        let topic = &self.topic;
        let readers: Vec<_> = std::mem::take(&mut self.readers)
            .into_iter()
            .map(|mut socket| {
                let topic = Rc::clone(topic);
                local.spawn_local(async move {
                    // A pass may last as long as the timeout of a silent socket.
                    socket.push("phoenix", "heartbeat", "{}").await?;
                    let mut next = from;
                    hear(&mut socket, &topic, &mut next, to).await?;
                    anyhow::Ok(socket)
                })
            })
            .collect();
        local
            .run_until(async {
                for sender in senders {
                    sender.await??;
                }
                for reader in readers {
                    self.readers.push(reader.await??);
                }
                anyhow::Ok(())
            })
            .await?;
        self.head = to;
        let grown_kib = self.service.memory_kib()?.saturating_sub(memory);
        Ok(Passed { took: started.elapsed(), cpu: self.service.cpu()? - cpu, grown_kib })
    }

    fn send(&self, messages: usize, number: usize) -> impl Future<Output = Result<()>> + 'static {
        let (address, token) = (self.service.address, Rc::clone(&self.token));
        let path = self.world.room_path(ROOM);
        async move {
            let mut http = Http::connect(address).await?;
            for n in 0..messages {
                let content = format!("{number}-{n} ").repeat(CONTENT_CHARS / 8 + 1);
                let content = content.get(..CONTENT_CHARS).unwrap_or(&content).trim_end();
                http.post(&path, &token, &format!(r#"{{"content":"{content}"}}"#)).await?;
            }
            Ok(())
        }
    }

    /// The slow reader reads what was queued, is asked to resume, and gets the rest: from the log, or by REST if the
    /// log's limit is exceeded. Fails unless it gets everything after `stopped_at` exactly once.
    async fn catch_up(&self, mut slow: MinimalClient, stopped_at: usize) -> Result<String> {
        let mut next = stopped_at + 1;
        hear(&mut slow, &self.topic, &mut next, usize::MAX).await?;
        let queued = next - 1 - stopped_at;
        ensure!(next <= self.head, "its queue was never full: {queued} messages fitted");
        let join = format!(r#"{{"config":{{"broadcast":{{"replay":{{"after_seq":{}}}}}}}}}"#, next - 1);
        slow.push(&self.topic, "phx_join", &join).await?;
        let reply = slow.reply().await?;
        let how = if reply.contains(r#""resume":"reset""#) {
            self.page(&mut next).await?;
            "by REST, after a reset"
        } else {
            ensure!(reply.contains(r#""resume":"complete""#), "its join was answered with {reply}");
            hear(&mut slow, &self.topic, &mut next, self.head).await?;
            "from the log"
        };
        ensure!(next == self.head + 1, "it has {} of {}", next - 1, self.head);
        Ok(format!("{queued} were queued, told to resume, {} more {how}", self.head - stopped_at - queued))
    }

    async fn page(&self, next: &mut usize) -> Result<()> {
        let mut http = Http::connect(self.service.address).await?;
        while *next <= self.head {
            let path = format!("{}?after={}&limit={PAGE}", self.world.room_path(ROOM), *next - 1);
            let body: Value = serde_json::from_slice(http.get(&path, &self.token).await?)?;
            let messages = body.get("data").and_then(Value::as_array).context("no data")?;
            ensure!(!messages.is_empty(), "no page after {}", *next - 1);
            let seqs: BTreeMap<i64, ()> =
                messages.iter().filter_map(|message| Some((message.get("seq")?.as_i64()?, ()))).collect();
            for seq in seqs.into_keys() {
                ensure!(usize::try_from(seq)? == *next, "a page has {seq} where {next} was next");
                *next += 1;
            }
        }
        Ok(())
    }
}

/// Receives messages from number `next` up to `to`, or until it is asked to resume.
async fn hear(socket: &mut MinimalClient, topic: &str, next: &mut usize, to: usize) -> Result<()> {
    if *next > to {
        return Ok(());
    }
    let begin = format!(r#"[null,null,"{topic}","broadcast""#);
    socket
        .frames(|text| {
            if text.contains(r#""phx_error""#) && text.contains("RESUME") {
                if to == usize::MAX {
                    return Ok(More::Enough);
                }
                bail!("a reader that reads was asked to resume at {next} of {to}");
            }
            let Some(meta) = text.rfind(r#""meta":{"#).filter(|_| text.starts_with(&begin)) else {
                return Ok(More::Please);
            };
            let seq =
                text.get(meta..).and_then(|meta| meta.split(r#""seq":"#).nth(1)).context("no number")?;
            let digits: String = seq.chars().take_while(char::is_ascii_digit).collect();
            ensure!(digits == next.to_string(), "{topic} said {digits} where {next} was next");
            *next += 1;
            Ok(if *next > to { More::Enough } else { More::Please })
        })
        .await
}
