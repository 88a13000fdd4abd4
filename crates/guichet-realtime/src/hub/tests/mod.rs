//! Property tests of the hub's guarantee: whatever the order of commits, publishes, joins and reads, every subscriber
//! receives exactly what it asked for, in order, once.

mod properties;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use guichet_base::{Actor, Locale, Role};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::*;
use crate::hub::connection::SessionOrder;
use crate::hub::event::SideEvent;
use crate::hub::mailbox::FrameClass;
use crate::wire::{Dialect, Shape, event_frame};

const TOPIC: &str = "chat:room:1";
const PAGE: usize = 7;
const SUBSCRIBERS: usize = 4;

fn event(tenant: TenantId, seq: i64) -> Arc<Event> {
    Arc::new(Event {
        tenant,
        id: Uuid::from_u64_pair(7, seq.unsigned_abs()),
        topic: TOPIC.into(),
        seq,
        name: "messaging:new".into(),
        payload: RawValue::from_string("{}".into()).unwrap(),
        copies: vec!["user:1".into()],
        side_events: vec![SideEvent {
            topic: "user:1".into(),
            event: "unread".into(),
            payload: RawValue::from_string("{}".into()).unwrap(),
        }],
        client: None,
    })
}

fn actor(tenant: TenantId) -> Arc<Actor> {
    Arc::new(Actor {
        tenant,
        user: UserId::new(),
        role: Role::Owner,
        scopes: Arc::new([]),
        locale: Locale::En,
        ip: None,
        authenticated_at: None,
    })
}

const SHAPE: Shape = Shape { dialect: Dialect::V2, prefixed: false };

/// One step of the simulation.
#[derive(Debug, Clone)]
enum Step {
    Commit(usize),
    /// Publish an earlier commit: late, early, or again.
    Publish(prop::sample::Index),
    /// Advance a subscriber by one step.
    Advance(usize),
    /// Let a subscriber's socket take a few frames.
    Read(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => (1usize..30).prop_map(Step::Commit),
        6 => any::<prop::sample::Index>().prop_map(Step::Publish),
        6 => (0..SUBSCRIBERS).prop_map(Step::Advance),
        2 => (0..SUBSCRIBERS).prop_map(Step::Read),
    ];
    proptest::collection::vec(step, 1..250)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum JoinStage {
    Away,
    Opened,
    HeadRead(i64),
    Paging { at: i64, head: i64 },
    Live,
    Ended,
}

struct SimulatedReader {
    id: JoinId,
    connection: Arc<Connection>,
    /// How many events behind the head it resumes, if it resumes.
    behind: Option<i64>,
    stage: JoinStage,
    after: i64,
    got: Vec<i64>,
}

struct HubSimulation {
    tenant: TenantId,
    hub: Hub,
    committed: Vec<Arc<Event>>,
    readers: Vec<SimulatedReader>,
    /// A planted bug: missed events are never read from the log.
    skips_pages: bool,
}

impl HubSimulation {
    fn new(behind: &[Option<i64>], queue_bytes: usize) -> Self {
        let readers = behind.iter().zip(1..).map(|(behind, n)| SimulatedReader {
            id: JoinId { connection: n, join: 1 },
            connection: Arc::new(Connection::new(n, queue_bytes)),
            behind: *behind,
            stage: JoinStage::Away,
            after: 0,
            got: Vec::new(),
        });
        Self {
            tenant: TenantId::new(),
            hub: Hub::default(),
            committed: Vec::new(),
            readers: readers.collect(),
            skips_pages: false,
        }
    }

    fn run(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Commit(count) => (0..*count).for_each(|_| self.commit()),
                Step::Publish(index) if !self.committed.is_empty() => {
                    self.hub.publish(Arc::clone(index.get(&self.committed)));
                }
                Step::Publish(_) => {}
                Step::Advance(reader) => self.advance(*reader),
                Step::Read(reader) => self.readers[*reader].read(5),
            }
        }
    }

    fn commit(&mut self) {
        let seq = self.committed.len() as i64 + 1;
        self.committed.push(event(self.tenant, seq));
    }

    /// Advances the join of a session by one step.
    fn advance(&mut self, reader: usize) {
        let head_now = self.committed.len() as i64;
        let tenant = self.tenant;
        let reader = &mut self.readers[reader];
        if reader.connection.take_orders().contains(&SessionOrder::Resume) {
            self.hub.unsubscribe(tenant, TOPIC, reader.id);
            reader.stage = JoinStage::Ended;
        }
        reader.stage = match reader.stage {
            JoinStage::Away => {
                let subscriber =
                    Subscriber::new(reader.id, Arc::clone(&reader.connection), actor(tenant), SHAPE);
                self.hub.subscribe(tenant, TOPIC, subscriber);
                JoinStage::Opened
            }
            JoinStage::Opened => JoinStage::HeadRead(head_now),
            JoinStage::HeadRead(head) => {
                reader.after = (head - reader.behind.unwrap_or(0)).max(0);
                if reader.after < head && !self.skips_pages {
                    self.hub.catch_up(tenant, TOPIC, reader.id, Vec::new());
                    JoinStage::Paging { at: reader.after, head }
                } else {
                    match self.hub.activate(tenant, TOPIC, reader.id, head, Vec::new()) {
                        Activation::Live => JoinStage::Live,
                        Activation::Behind => JoinStage::Paging { at: head, head },
                        Activation::Lost => panic!("the hub lost the subscriber"),
                    }
                }
            }
            JoinStage::Paging { at, head } => {
                let page: Vec<_> =
                    self.committed.iter().filter(|event| event.seq > at).take(PAGE).cloned().collect();
                let mut at = at;
                for event in page {
                    if reader
                        .connection
                        .push(event_frame(SHAPE, &event, true, Spelling::default()), FrameClass::Durable)
                        .is_none()
                    {
                        break;
                    }
                    at = event.seq;
                }
                if at < head {
                    JoinStage::Paging { at, head }
                } else {
                    match self.hub.activate(tenant, TOPIC, reader.id, at, Vec::new()) {
                        Activation::Live => JoinStage::Live,
                        Activation::Behind => JoinStage::Paging { at, head },
                        Activation::Lost => panic!("the hub lost the subscriber"),
                    }
                }
            }
            stage @ (JoinStage::Live | JoinStage::Ended) => stage,
        };
    }

    /// Runs everything to the end: all commits are published, and gaps are filled as the relay fills them.
    fn settle(&mut self) {
        while self.readers.iter().any(|reader| !matches!(reader.stage, JoinStage::Live | JoinStage::Ended)) {
            (0..self.readers.len()).for_each(|reader| self.advance(reader));
        }
        for event in self.committed.iter().rev() {
            self.hub.publish(Arc::clone(event));
        }
        let key = (self.tenant, Box::from(TOPIC));
        while let Some((after, up_to)) = self.hub.gap(&key) {
            for event in self.committed.iter().filter(|event| event.seq > after && event.seq <= up_to) {
                self.hub.publish(Arc::clone(event));
            }
        }
    }

    /// Compares what a reader received with what it asked for. `whole`: nothing may be missing at the end either.
    fn check(&mut self, whole: bool) -> Result<(), TestCaseError> {
        let last = self.committed.len() as i64;
        for reader in &mut self.readers {
            reader.read(usize::MAX);
            let expected: Vec<i64> = (reader.after + 1..=last).collect();
            let ended = reader.stage == JoinStage::Ended
                || reader.connection.take_orders().contains(&SessionOrder::Resume);
            if whole || !ended {
                prop_assert_eq!(&reader.got, &expected, "after {} of {}", reader.after, last);
            } else {
                prop_assert!(
                    expected.starts_with(&reader.got),
                    "a gap: {:?} after {}",
                    reader.got,
                    reader.after
                );
            }
        }
        Ok(())
    }
}

impl SimulatedReader {
    fn read(&mut self, most: usize) {
        for _ in 0..most {
            let polled = self.connection.poll_frame(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(Some(bytes)) = polled else { return };
            let text = String::from_utf8_lossy(&bytes);
            let at = text.find(r#""seq":"#).unwrap() + 6;
            let digits: String = text[at..].chars().take_while(char::is_ascii_digit).collect();
            self.got.push(digits.parse().unwrap());
        }
    }
}

fn behind() -> impl Strategy<Value = Vec<Option<i64>>> {
    proptest::collection::vec(proptest::option::of(0i64..60), SUBSCRIBERS)
}

proptest! {
    #![proptest_config(Config { cases: 300, ..Config::default() })]

    #[test]
    fn every_subscriber_gets_everything_in_order_once(behind in behind(), steps in steps()) {
        let mut world = HubSimulation::new(&behind, usize::MAX / 4);
        world.run(&steps);
        world.settle();
        world.check(true)?;
    }

    #[test]
    fn a_slow_reader_gets_a_prefix_and_is_told_to_resume(behind in behind(), steps in steps()) {
        let mut world = HubSimulation::new(&behind, 2_000);
        world.run(&steps);
        world.settle();
        world.check(false)?;
    }
}
