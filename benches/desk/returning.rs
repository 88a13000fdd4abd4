//! S7: everyone returns at once, a hundred messages behind.
//!
//! Each is a different person, with a token that the service has not seen yet. Measured from the first connection
//! until the last client has its last message; every frame is compared with the expected one.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use crate::crowd::{self, MISSED, Room};
use crate::minimal_client::{MinimalClient, More};
use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::{Folder, Service};
use crate::times::{Times, count, micros};
use crate::world::World;

const SECONDS: f64 = 10.0;
/// Concurrent handshakes: a machine's accept queue is limited.
const AT_THE_DOOR: usize = 1_000;
/// After a join that was refused because too many were waiting.
const PAUSE: Duration = Duration::from_secs(1);
const ID_BYTES: usize = 36;

/// The room's events, as frames before and after the id.
type Said = Rc<[(String, String)]>;

pub async fn run(
    report: &mut Report,
    service: Service,
    folder: &Folder,
    world: &World,
    scale: &Scale,
) -> Result<Service> {
    let people = scale.idle_connections;
    report.section(&format!("S7: {people} clients come back at once, {MISSED} messages behind"));
    let rooms = crowd::rooms(people);
    crowd::make(&service, world, &rooms)?;
    // The events are old by then: only the joins will read them.
    let service = service.restart(folder).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let people = people_of(world, &rooms)?;
    let (before, memory, cpu) = (Asked::of(&service)?, service.memory_kib()?, service.cpu()?);
    let postgres = service.postgres_cpu()?;
    service.forget_peak()?;
    let started = Instant::now();
    let told = come_back(&service, people, started).await;
    let (took, cpu) = (started.elapsed(), service.cpu()? - cpu);
    let postgres = service.postgres_cpu()?.saturating_sub(postgres);
    let peak = service.peak_memory_kib()?.saturating_sub(memory);
    match told {
        Ok((mut times, refused, sockets)) => {
            let clients = count(times.len());
            report.figure("until the last one is whole", took.as_secs_f64(), " s", Bar::AtMost(SECONDS));
            report.line("of one client", times.summary());
            report.line("joins told to come again", refused);
            report.line(
                "CPU a client",
                format!(
                    "{:.0} µs of the service, {:.0} µs of PostgreSQL",
                    micros(cpu) / clients,
                    micros(postgres) / clients
                ),
            );
            report.line("memory at the most", format!("{} MB more than before", peak / 1024));
            let asked = Asked::of(&service)?;
            let readings = asked.readings - before.readings;
            report.figure(
                &format!("readings of the log for each of {} rooms", rooms.len()),
                readings as f64 / count(rooms.len()),
                "",
                Bar::AtMost(1.0),
            );
            report.line(
                "transactions a client, tail and marks included",
                format!("{:.2}", (asked.transactions - before.transactions) as f64 / clients),
            );
            drop(sockets);
        }
        Err(error) => report.void(format!("{error:#}")),
    }
    service.restart(folder).await
}

struct Person {
    token: String,
    topic: Rc<str>,
    said: Said,
    after: usize,
}

/// Everyone, in random order.
fn people_of(world: &World, rooms: &[Room]) -> Result<Vec<Person>> {
    let head = world.messages_per_room;
    let after = head - MISSED;
    let mut people = Vec::new();
    for room in rooms {
        let said: Said = (after + 1..=head).map(|seq| crowd::frame(world, room.number, seq)).collect();
        let topic: Rc<str> = world.room_topic(room.number).into();
        for guest in room.people.clone() {
            people.push(Person {
                token: world.guest_token(guest)?,
                topic: Rc::clone(&topic),
                said: Rc::clone(&said),
                after,
            });
        }
    }
    // A stride by a prime visits all of them.
    let mut mixed: Vec<(usize, Person)> =
        people.into_iter().enumerate().map(|(at, person)| (at * 7_919 % 10_007, person)).collect();
    mixed.sort_by_key(|(place, _)| *place);
    Ok(mixed.into_iter().map(|(_, person)| person).collect())
}

async fn come_back(
    service: &Service,
    people: Vec<Person>,
    started: Instant,
) -> Result<(Times, usize, Vec<MinimalClient>)> {
    let (local, door) = (LocalSet::new(), Rc::new(Semaphore::new(AT_THE_DOOR)));
    let address = service.address;
    let tasks: Vec<_> = people
        .into_iter()
        .enumerate()
        .map(|(number, person)| {
            let door = Rc::clone(&door);
            local.spawn_local(async move {
                let turn = door.acquire().await?;
                let socket = MinimalClient::connect(address, &person.token, number).await?;
                drop(turn);
                let (socket, refused) = catch_up(socket, &person).await?;
                anyhow::Ok((socket, refused, started.elapsed()))
            })
        })
        .collect();
    let (mut times, mut refused, mut sockets) = (Times::default(), 0, Vec::new());
    local
        .run_until(async {
            for task in tasks {
                let (socket, again, took) = task.await??;
                times.push(took);
                refused += again;
                sockets.push(socket);
            }
            anyhow::Ok(())
        })
        .await?;
    Ok((times, refused, sockets))
}

/// Joins, and reads everything missed. Returns how often it was asked to join again.
async fn catch_up(mut socket: MinimalClient, person: &Person) -> Result<(MinimalClient, usize)> {
    let join = format!(r#"{{"config":{{"broadcast":{{"replay":{{"after_seq":{}}}}}}}}}"#, person.after);
    let mut refused = 0;
    loop {
        socket.push(&person.topic, "phx_join", &join).await?;
        let reply = socket.reply().await?;
        if reply.contains(r#""status":"ok""#) {
            ensure!(reply.contains(&format!(r#""replayed":{MISSED}"#)), "a join was answered with {reply}");
            break;
        }
        ensure!(reply.contains("UNAVAILABLE"), "a join was answered with {reply}");
        refused += 1;
        tokio::time::sleep(PAUSE).await;
    }
    let mut next = 0;
    socket
        .frames(|text| {
            let (before, after) = person.said.get(next).context("more than was missed")?;
            let is_next = text.len() == before.len() + ID_BYTES + after.len()
                && text.starts_with(before.as_str())
                && text.ends_with(after.as_str());
            ensure!(is_next, "{} said {text} where message {next} of {MISSED} was next", person.topic);
            next += 1;
            Ok(if next == MISSED { More::Enough } else { More::Please })
        })
        .await?;
    Ok((socket, refused))
}

/// Statistics of PostgreSQL.
struct Asked {
    /// Each read scans the key of every partition once; the tail uses another index.
    readings: i64,
    transactions: i64,
}

#[derive(QueryableByName)]
struct Numbers {
    #[diesel(sql_type = BigInt)]
    readings: i64,
    #[diesel(sql_type = BigInt)]
    transactions: i64,
}

impl Asked {
    /// Server processes report their statistics when they end.
    fn of(service: &Service) -> Result<Self> {
        let mut conn = PgConnection::establish(&service.admin_url())?;
        diesel::sql_query(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
              WHERE usename IN ('guichet_app', 'guichet_worker')",
        )
        .execute(&mut conn)?;
        let numbers: Numbers = diesel::sql_query(
            "SELECT max(i.idx_scan)::bigint AS readings, \
                    (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) AS transactions \
               FROM pg_stat_user_indexes i WHERE i.relname LIKE 'outbox_2%' AND i.indexrelname LIKE '%pkey'",
        )
        .get_result(&mut conn)?;
        Ok(Self { readings: numbers.readings, transactions: numbers.transactions })
    }
}
