//! An operator and a client write to each other over connections that are cut repeatedly. In the end both have
//! received the same: everything that was written, in the order of the database.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use guichet_db::embedded::{Cluster, LoginRole};
use serde_json::{Value, json};

use super::api::Message;
use super::application::{Application, Library};
use super::demo::Demo;
use super::proxy::Proxy;
use super::random::Random;
use super::service::Service;
use super::toolbox::Toolbox;

const ROOM: &str = "atelier_nord";
const EACH: usize = 1_000;
const KILLS: usize = 20;
/// Bytes between two cuts of a connection, at most. A message costs its sender about two kilobytes.
const CUT_WITHIN_BYTES: u64 = 150_000;

#[tokio::test(flavor = "multi_thread")]
async fn histories_are_equal_complete_and_ordered_over_cut_connections() -> Result<()> {
    converse(Random::printed("cut connections"), 0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_are_equal_complete_and_ordered_over_twenty_kills() -> Result<()> {
    converse(Random::printed("twenty kills"), KILLS).await
}

async fn converse(mut random: Random, kills: usize) -> Result<()> {
    let toolbox = Toolbox::open()?;
    let mut service = Service::start().await?;
    let demo = Demo::of(&service)?;
    let client = demo.client(ROOM)?;
    let before = demo.person(&service, "emma")?.history(client).await?;
    let mut emma =
        Side::enter(&toolbox, &service, &demo, ("emma", Library::SupabaseV2), random.split()).await?;
    let mut chloe =
        Side::enter(&toolbox, &service, &demo, ("chloe", Library::Phoenix), random.split()).await?;
    emma.write(client).await?;
    chloe.write(client).await?;

    for (kill, written) in moments(&mut random, kills).into_iter().enumerate() {
        while emma.acknowledged + chloe.acknowledged < written {
            tokio::select! {
                result = emma.acknowledgement() => result?,
                result = chloe.acknowledgement() => result?,
            }
        }
        // A message takes some milliseconds; the kill comes anywhere between its sending and its acknowledgement.
        tokio::time::sleep(Duration::from_micros(random.between(0, 20_000))).await;
        service.kill()?;
        if random.between(0, 4) == 0 {
            // Killed again while it starts.
            service.spawn()?;
            tokio::time::sleep(Duration::from_millis(random.between(0, 500))).await;
            service.kill()?;
        }
        service.start_again().await.with_context(|| format!("start after kill {kill}"))?;
    }

    tokio::try_join!(emma.all_acknowledged(), chloe.all_acknowledged())?;
    let histories = (emma.finish(kills > 0).await?, chloe.finish(kills > 0).await?);
    println!("{} kills, cuts: emma {}, chloe {}", kills, emma.network.cuts(), chloe.network.cuts());
    ensure!(emma.network.cuts() > 0 && chloe.network.cuts() > 0, "nothing was cut");
    let kept = demo.person(&service, "emma")?.history(client).await?;
    let new = kept.get(before.len()..).context("the history shrank")?;
    assert_eq!(histories.0, new, "Emma's history");
    assert_eq!(histories.1, new, "Chloé's history");
    is_complete(new, &demo)?;
    is_in_database(&service, &kept)?;
    service.stop()?;
    service.leaves_no_orphan()
}

/// After how many acknowledged messages to kill the service: at any point of the conversation.
fn moments(random: &mut Random, kills: usize) -> Vec<usize> {
    let all = 2 * EACH as u64;
    let mut moments: Vec<_> = (0..kills).map(|_| random.between(1, all) as usize).collect();
    moments.sort_unstable();
    moments
}

/// Every message once, each person's in the order of writing, numbered without gaps.
fn is_complete(messages: &[Message], demo: &Demo) -> Result<()> {
    assert_eq!(messages.len(), 2 * EACH);
    for pair in messages.windows(2) {
        assert_eq!(pair[0].seq + 1, pair[1].seq);
    }
    for name in ["emma", "chloe"] {
        let user = demo.user(name)?;
        let theirs = messages.iter().filter(|message| message.sender_id.to_string() == user);
        let contents: Vec<_> = theirs.map(|message| message.content.clone()).collect();
        let expected: Vec<_> = (1..=EACH).map(|number| format!("{name} {number}")).collect();
        assert_eq!(contents, expected);
    }
    let ids: HashSet<_> = messages.iter().map(|message| message.client_message_id).collect();
    assert_eq!(ids.len(), 2 * EACH);
    Ok(())
}

#[derive(Debug, QueryableByName, PartialEq, Eq)]
struct Row {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    content: String,
}

/// The rows themselves, read without the service.
fn is_in_database(service: &Service, messages: &[Message]) -> Result<()> {
    let cluster = Cluster::connect_running(&service.data_dir())?.context("no server runs")?;
    let mut connection = PgConnection::establish(&cluster.url(LoginRole::Admin, "guichet"))?;
    let conversation = "SELECT conversation_id FROM messages WHERE id::text = $1";
    let query = format!(
        "SELECT seq, id::text AS id, content FROM messages WHERE conversation_id = ({conversation}) ORDER BY seq"
    );
    let first = messages.first().context("no messages")?;
    let rows: Vec<Row> =
        diesel::sql_query(query).bind::<Text, _>(first.id.to_string()).load(&mut connection)?;
    let expected = messages.iter().map(|message| Row {
        seq: message.seq,
        id: message.id.to_string(),
        content: message.content.clone(),
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
    Ok(())
}

/// One person: an application behind a bad network.
struct Side {
    name: &'static str,
    room: String,
    application: Application,
    network: Proxy,
    acknowledged: usize,
}

impl Side {
    async fn enter(
        toolbox: &Toolbox,
        service: &Service,
        demo: &Demo,
        (name, library): (&'static str, Library),
        random: Random,
    ) -> Result<Self> {
        let mut network = Proxy::to(service.port.number)?;
        network.open_cutting(random, CUT_WITHIN_BYTES).await?;
        let application =
            Application::start_impatient(toolbox, library, &network.url(), demo.token(name)?).await?;
        let head = demo.person(service, name)?.head(demo.client(ROOM)?).await?;
        let mut side = Self { name, room: demo.room(ROOM)?, application, network, acknowledged: 0 };
        let join = json!({ "order": "join", "topic": side.room, "resume": "after_seq", "after": head, "expect": 2 * EACH });
        side.application.order(join).await?;
        side.application.subscribed().await?;
        Ok(side)
    }

    async fn write(&mut self, client: &str) -> Result<()> {
        let task = json!({ "order": "write", "topic": self.room, "clientId": client, "label": self.name, "count": EACH });
        self.application.order(task).await
    }

    async fn acknowledgement(&mut self) -> Result<()> {
        if self.acknowledged == EACH {
            // Wait for the other side's.
            return std::future::pending().await;
        }
        let report = self.application.next("acknowledged").await?;
        self.acknowledged = usize::try_from(report["count"].as_u64().context("no count")?)?;
        Ok(())
    }

    async fn all_acknowledged(&mut self) -> Result<()> {
        while self.acknowledged < EACH {
            self.acknowledgement().await?;
        }
        Ok(())
    }

    /// Waits until everything from both was received, and returns the history as received. Messages may be refused
    /// only by a service that is starting after a kill.
    async fn finish(&mut self, may_be_refused: bool) -> Result<Vec<Message>> {
        let written = self.application.next("written").await?;
        println!("{}: {written}", self.name);
        // A message with an unknown result is sent again, possibly while its first copy is being written.
        let is_refused = written["refusals"].as_array().is_none_or(|refusals| !refusals.is_empty());
        ensure!(may_be_refused || !is_refused, "{} was refused", self.name);
        self.application.next("complete").await?;
        self.application.order(json!({ "order": "history", "topic": self.room })).await?;
        let report: Value = self.application.next("history").await?;
        ensure!(report["holes"] == 0, "{} was left with a hole", self.name);
        ensure!(report["repeats"] == 0, "{} heard events twice: {}", self.name, report["repeats"]);
        ensure!(report["replayed"].as_u64() > Some(0), "{} never missed anything", self.name);
        Ok(serde_json::from_value(report["messages"].clone())?)
    }
}
