//! Background tasks that publish from the outbox what the committing process could not.
//!
//! - `tail` reads once per second what committed anywhere, and publishes it; the hub drops what it already has. It
//!   covers a process that died between commit and publish, connects processes without a bus, and delivers changed
//!   rights.
//! - `fill` fills gaps that stay open for 50 ms.
//! - `receipts` reports to the backend what reached the sockets.
//! - `row_changes` publishes row changes.
//! - `keep` creates and drops partitions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use guichet_base::Result;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::SocketBackend;
use crate::hub::event::Event;
use crate::hub::{Hub, TopicKey, rights};
use crate::log::{PayloadInterest, ReplayLog, TailCursor};
use crate::row_changes;

const TAIL_EVERY: Duration = Duration::from_secs(1);
/// After a change of rights in this process. Its row can be read only when every transaction is over that began
/// before it ended.
const QUICK_EVERY: Duration = Duration::from_millis(100);
const QUICK_TURNS: u32 = 10;
const GAP_GRACE: Duration = Duration::from_millis(50);
/// After this time, a gap is not a race between two commits: its events do not exist.
const GAP_DEADLINE: Duration = Duration::from_secs(10);
const RECEIPTS_EVERY: Duration = Duration::from_millis(200);
const PARTITIONS_EVERY: Duration = Duration::from_secs(3_600);
/// Pages per turn of the tail, so that a flood leaves room for other work; the next turn follows at once.
const TAIL_PAGES: usize = 20;

/// The dependencies of the tasks.
#[derive(Clone)]
pub struct OutboxRelay {
    pub hub: Arc<Hub>,
    pub log: Arc<dyn ReplayLog>,
    pub backend: Arc<dyn SocketBackend>,
    pub retention_days: i32,
}

impl OutboxRelay {
    /// Starts the tasks; they end when `stop` is cancelled.
    pub fn spawn(&self, tracker: &TaskTracker, stop: &CancellationToken) {
        let relay = self.clone();
        tracker.spawn(stop.clone().run_until_cancelled_owned(async move { relay.tail().await }));
        let relay = self.clone();
        tracker.spawn(stop.clone().run_until_cancelled_owned(async move { relay.fill_gaps().await }));
        let relay = self.clone();
        tracker.spawn(stop.clone().run_until_cancelled_owned(async move { relay.report_receipts().await }));
        let relay = self.clone();
        tracker
            .spawn(stop.clone().run_until_cancelled_owned(async move { relay.maintain_partitions().await }));
        let relay = self.clone();
        tracker.spawn(stop.clone().run_until_cancelled_owned(async move {
            row_changes::run(&relay.hub.changes, &*relay.backend).await
        }));
    }

    async fn tail(&self) {
        let (mut cursor, mut quick): (Option<TailCursor>, u32) = (None, 0);
        loop {
            let goes_on = match self.tail_once(cursor.as_ref()).await {
                Ok(next) => !cursor.insert(next).is_caught_up(),
                // The cursor stays: after an outage the tail continues where it stopped.
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be read; trying again");
                    false
                }
            };
            self.hub.sweep();
            // A backlog is read to its end without a pause.
            if !goes_on {
                self.pause(&mut quick).await;
            }
        }
    }

    /// Waits for the next turn; `quick` counts turns that follow with a short delay.
    async fn pause(&self, quick: &mut u32) {
        let every = if *quick > 0 { QUICK_EVERY } else { TAIL_EVERY };
        tokio::select! {
            () = sleep(every) => *quick = quick.saturating_sub(1),
            () = self.hub.wait_rights_changed() => {
                // A thousand changes at once are read together.
                if *quick > 0 {
                    sleep(QUICK_EVERY).await;
                }
                *quick = QUICK_TURNS;
            }
        }
    }

    fn dispatch(&self, event: Event) {
        match rights::rights_topic_user(&event.topic) {
            Some(user) => {
                self.backend.evict_person(event.tenant, user);
                self.hub.reauthorize_person(event.tenant, user);
            }
            None => self.hub.publish(event),
        }
    }

    /// Selects events for topics with subscribers in this process. A topic that is joined later reads its head after
    /// that, and everything committed by now lies before it.
    fn payload_interest(&self) -> PayloadInterest {
        let hub = Arc::clone(&self.hub);
        Arc::new(move |event| rights::rights_topic_user(&event.topic).is_some() || hub.needs_payload(event))
    }

    async fn tail_once(&self, from: Option<&TailCursor>) -> Result<TailCursor> {
        let mut cursor = match from {
            Some(cursor) => cursor.clone(),
            None => {
                let edge = self.log.tail_start().await?;
                // Rights that changed between the first join and this moment lie before the horizon.
                self.hub.reauthorize_all();
                return Ok(edge);
            }
        };
        for _ in 0..TAIL_PAGES {
            let (events, next) = self.log.read_tail(cursor, self.payload_interest()).await?;
            for event in events {
                self.dispatch(event);
            }
            cursor = next;
            if cursor.is_caught_up() {
                break;
            }
        }
        Ok(cursor)
    }

    async fn fill_gaps(&self) {
        let mut open: HashMap<TopicKey, Instant> = HashMap::new();
        loop {
            if open.is_empty() {
                self.hub.gaps().wait().await;
            }
            for key in self.hub.gaps().take() {
                open.entry(key).or_insert_with(Instant::now);
            }
            sleep(GAP_GRACE).await;
            let due: Vec<(TopicKey, Instant)> = open
                .iter()
                .filter(|(_, since)| since.elapsed() >= GAP_GRACE)
                .map(|(key, since)| (key.clone(), *since))
                .collect();
            for (key, since) in due {
                if !self.fill_gap(&key, since).await {
                    open.remove(&key);
                }
            }
        }
    }

    /// Whether the gap is still open.
    async fn fill_gap(&self, key: &TopicKey, since: Instant) -> bool {
        let Some((after, up_to)) = self.hub.gap(key) else { return false };
        match self.log.read_gap(key.0, &key.1, after, up_to).await {
            Ok(events) => {
                for event in events {
                    self.hub.publish(event);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a hole could not be filled; trying again");
                sleep(TAIL_EVERY).await;
                return true;
            }
        }
        match self.hub.gap(key) {
            None => false,
            // Progress: the rest of the gap gets its own time.
            Some((position, _)) if position > after => {
                self.hub.mark_gap(key);
                false
            }
            Some(_) if since.elapsed() >= GAP_DEADLINE => {
                tracing::error!(tenant = %key.0, topic = %key.1, after, "events are missing from the outbox");
                self.hub.abandon_gap(key);
                false
            }
            Some(_) => true,
        }
    }

    async fn report_receipts(&self) {
        loop {
            self.hub.given().wait().await;
            sleep(RECEIPTS_EVERY).await;
            let mut receipts = Vec::new();
            for key in self.hub.given().take() {
                self.hub.collect_receipts(key, &mut receipts);
            }
            if !receipts.is_empty() {
                self.backend.record_receipts(receipts).await;
            }
        }
    }

    async fn maintain_partitions(&self) {
        loop {
            if let Err(error) = self.log.maintain_partitions(self.retention_days).await {
                tracing::warn!(%error, "outbox partitions could not be kept; trying again");
                sleep(Duration::from_secs(60)).await;
                continue;
            }
            sleep(PARTITIONS_EVERY).await;
        }
    }
}
