//! S5: reads at a million messages with row-level security, compared with `pgbench` on the same transactions.

use anyhow::{Result, ensure};
use guichet_db::embedded::LoginRole;
use serde_json::Value;

use crate::capture::{self, Capture};
use crate::http::Http;
use crate::load::{self, Ask};
use crate::pgbench::{self, Work};
use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::Service;
use crate::times::{median, micros};
use crate::world::{ROOMS_PER_EMPLOYEE, World};

const RATIO: f64 = 0.6;
/// Longest time of a search, as a ratio to the same search without row-level security.
const SEARCH_RATIO: f64 = 2.0;
const IN_FLIGHT: usize = 8;
/// Number of different requests of one kind.
const VARIETY: usize = 64;
const PAGE: usize = 50;

/// One kind of read.
pub struct ReadKind {
    pub name: &'static str,
    /// A word in the statement that answers it.
    pub word: &'static str,
    pub asks: Vec<(String, String)>,
}

pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    report.section(&format!(
        "S5: reads at {} messages, {IN_FLIGHT} in flight",
        world.rooms * world.messages_per_room
    ));
    for kind in kinds(world)? {
        measure(report, service, scale, kind).await?;
    }
    search(report, service, world, scale).await
}

fn kinds(world: &World) -> Result<Vec<ReadKind>> {
    let employees = |path: &str| -> Result<Vec<(String, String)>> {
        (1..=VARIETY).map(|n| Ok((path.to_owned(), world.employee_token(employee(world, n))?))).collect()
    };
    let owner = world.owner_token()?;
    // The rooms of the first employee change, because the durable sends use them.
    let untouched = ROOMS_PER_EMPLOYEE;
    let pages = (1..=VARIETY).map(|n| {
        let room = untouched + n * (world.rooms - untouched) / VARIETY;
        let token = match n % 2 {
            0 => world.member_token(room),
            _ => world.employee_token(world.employee_of(room)),
        };
        Ok((format!("{}?limit={PAGE}", world.room_path(room)), token?))
    });
    let list = "/api/v1/conversations?limit=50";
    Ok(vec![
        ReadKind { name: "history page of 50", word: "room_last_seq", asks: pages.collect::<Result<_>>()? },
        ReadKind { name: "conversation list", word: "others_last_seen", asks: employees(list)? },
        ReadKind {
            name: "conversation list of an owner",
            word: "others_last_seen",
            asks: vec![(list.to_owned(), owner); IN_FLIGHT],
        },
        ReadKind {
            name: "unread count",
            word: "unread_count",
            asks: employees("/api/v1/conversations/unread-count")?,
        },
        ReadKind { name: "search", word: "search_messages", asks: searches(world)? },
    ])
}

/// All employees in turn, except the first.
fn employee(world: &World, number: usize) -> usize {
    number % (world.employees - 1) + 2
}

fn searches(world: &World) -> Result<Vec<(String, String)>> {
    let asks = (1..=VARIETY).map(|n| {
        let path = format!("/api/v1/messages/search?q={}&limit=50", word(n));
        Ok((path, world.employee_token(employee(world, n))?))
    });
    asks.collect()
}

/// A word that occurs in one of four hundred messages.
fn word(number: usize) -> String {
    let digits = (1_000 + number).to_string();
    let letters = digits.bytes().filter_map(|digit| "bcdfgklmpr".chars().nth(usize::from(digit - b'0')));
    format!("mo{}", letters.collect::<String>())
}

pub async fn measure(report: &mut Report, service: &Service, scale: &Scale, kind: ReadKind) -> Result<()> {
    let (scripts, asks) = prepare(service, &kind).await?;
    let (mut ratios, mut lines) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds {
        let work = Work {
            scripts: &scripts,
            role: LoginRole::App,
            connections: IN_FLIGHT,
            lasts: scale.turn,
            rate: None,
        };
        let mut floor = pgbench::run(service, &work).await?;
        let mut load = load::closed(service, &asks, IN_FLIGHT, scale.turn).await?;
        ratios.push(load.per_second / floor.per_second);
        lines.push(format!(
            "pgbench {:.0} a second, {}; guichet {:.0}, {}, CPU {:.0} µs",
            floor.per_second,
            floor.times.summary(),
            load.per_second,
            load.times.summary(),
            micros(load.cpu)
        ));
    }
    for line in lines {
        report.line(kind.name, line);
    }
    report.figure(&format!("{}: guichet to pgbench", kind.name), median(ratios), "", Bar::AtLeast(RATIO));
    Ok(())
}

/// Runs each request once to check its response, and once more to capture its transaction.
async fn prepare(service: &Service, kind: &ReadKind) -> Result<(Vec<String>, Vec<Ask>)> {
    let mut http = Http::connect(service.address).await?;
    let mut capture = Capture::start(service)?;
    let (mut scripts, mut asks) = (Vec::new(), Vec::new());
    for (path, token) in &kind.asks {
        let body = http.get(path, token).await?;
        let (length, answer) = (body.len(), serde_json::from_slice::<Value>(body)?);
        check(path, &answer)?;
        capture.begin()?;
        http.get(path, token).await?;
        scripts.push(capture::script(&capture.transaction(kind.word)?));
        asks.push(Ask { path: path.clone(), token: token.clone(), length });
    }
    capture.stop()?;
    Ok((scripts, asks))
}

/// A page must be complete and in order; other responses must not be empty.
fn check(path: &str, answer: &Value) -> Result<()> {
    let data = &answer["data"];
    let list =
        data.as_array().or_else(|| data["conversations"].as_array()).or_else(|| data["items"].as_array());
    let rows = list.map_or(0, Vec::len);
    ensure!(rows > 0, "{path} was answered with nothing: {answer}");
    if path.contains("/messages?") {
        let seqs: Vec<i64> =
            list.into_iter().flatten().filter_map(|message| message["seq"].as_i64()).collect();
        let in_order = seqs.windows(2).all(|pair| pair.first().map(|seq| seq + 1) == pair.get(1).copied());
        ensure!(
            rows == PAGE && seqs.len() == PAGE && in_order,
            "{path} was answered with another page: {seqs:?}"
        );
    }
    Ok(())
}

/// The same search as a plain statement of an administrator, exempt from all policies.
async fn search(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    let asks = searches(world)?;
    let kind = ReadKind { name: "search", word: "search_messages", asks };
    let (with, _) = prepare(service, &kind).await?;
    let without: Vec<String> = (1..=VARIETY).map(|n| plain(world, n)).collect();
    let mut ratios = Vec::new();
    for _ in 0..scale.rounds {
        let work =
            |scripts, role| Work { scripts, role, connections: IN_FLIGHT, lasts: scale.turn, rate: None };
        let secured = pgbench::run(service, &work(&with, LoginRole::App)).await?;
        let plain = pgbench::run(service, &work(&without, LoginRole::Admin)).await?;
        ratios.push(plain.per_second / secured.per_second);
    }
    report.figure("search: time to that without RLS", median(ratios), "", Bar::AtMost(SEARCH_RATIO));
    Ok(())
}

fn plain(world: &World, number: usize) -> String {
    let first = world.first_room_of(employee(world, number));
    let clients: Vec<String> =
        (first..first + ROOMS_PER_EMPLOYEE).map(|room| format!("'{}'", world.client_id(room))).collect();
    format!(
        "BEGIN;
SELECT m.*, u.display_name, ts_headline('authz.fr'::regconfig, m.content, q.query, 'MaxWords=30, MinWords=10') \
FROM (SELECT websearch_to_tsquery('authz.fr'::regconfig, '{word}') || websearch_to_tsquery('authz.en'::regconfig, '{word}') AS query) q, \
messages m LEFT JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.sender_id \
WHERE authz.words(m.content) @@ q.query AND m.deleted_at IS NULL AND m.client_id IN ({}) \
ORDER BY m.created_at DESC, m.id DESC LIMIT 50;
COMMIT;
",
        clients.join(", "),
        word = word(number)
    )
}
