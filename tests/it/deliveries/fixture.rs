//! A service without a delivery worker, a provider that records what it receives, and deliveries to send.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guichet::deliveries::{
    self, Deliveries, DeliveryContent, OutgoingDelivery, SendFailure, SendReceipt, Sender, Senders,
};
use guichet_base::Timestamp;
use guichet_base::id::DeliveryId;
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::chat::room::{execute, query_texts};
use crate::harness::{ChatFixture, TestServer};

/// A provider that records each delivery before it answers.
pub struct Provider {
    pub is_idempotent: bool,
    ledger: Mutex<Vec<(DeliveryId, DeliveryContent)>>,
    script: Mutex<VecDeque<SenderBehavior>>,
    /// Notified of each recorded delivery.
    pub got: Notify,
    /// Lets hanging sends continue.
    pub go_on: Notify,
}

/// The provider's answer after recording. Without a script: success.
pub enum SenderBehavior {
    Fails(SendFailure),
    /// Succeeds when the test lets it continue.
    Hangs,
    Panics,
}

impl Provider {
    /// One that recognizes a delivery by its id.
    pub fn new() -> Arc<Self> {
        Self::that(true)
    }

    /// One that would send a second copy.
    pub fn forgetful() -> Arc<Self> {
        Self::that(false)
    }

    fn that(is_idempotent: bool) -> Arc<Self> {
        Arc::new(Self {
            is_idempotent,
            ledger: Mutex::default(),
            script: Mutex::default(),
            got: Notify::new(),
            go_on: Notify::new(),
        })
    }

    /// The next delivery gets this answer.
    pub fn will(&self, answer: SenderBehavior) {
        self.script.lock().unwrap().push_back(answer);
    }

    pub fn ledger(&self) -> Vec<(DeliveryId, DeliveryContent)> {
        self.ledger.lock().unwrap().clone()
    }

    /// The ids received, in order.
    pub fn ids(&self) -> Vec<DeliveryId> {
        self.ledger().into_iter().map(|(id, _)| id).collect()
    }
}

impl Sender for Provider {
    fn is_idempotent(&self) -> bool {
        self.is_idempotent
    }

    fn send<'a>(&'a self, what: &'a OutgoingDelivery) -> BoxFuture<'a, Result<SendReceipt, SendFailure>> {
        async move {
            let number = {
                let mut ledger = self.ledger.lock().unwrap();
                ledger.push((what.id, what.content.clone()));
                ledger.len()
            };
            let answer = self.script.lock().unwrap().pop_front();
            self.got.notify_one();
            tokio::task::yield_now().await;
            match answer {
                None => {}
                Some(SenderBehavior::Fails(failure)) => return Err(failure),
                Some(SenderBehavior::Hangs) => self.go_on.notified().await,
                Some(SenderBehavior::Panics) => panic!("this provider panics"),
            }
            Ok(SendReceipt { provider: "fake", provider_id: Some(format!("fake-{number}")) })
        }
        .boxed()
    }
}

pub struct DeliveryFixture {
    pub world: ChatFixture,
}

/// A delivery to plan, to Chloé, for a notification of hers.
#[derive(Clone)]
pub struct Planned {
    pub channel: &'static str,
    pub kind: &'static str,
    pub category: &'static str,
    pub priority: &'static str,
    pub lane: i32,
    pub read: &'static str,
    pub expires_at: Option<Timestamp>,
}

pub const MAIL: Planned = Planned {
    channel: "email",
    kind: "ticket.created",
    category: "ticket",
    priority: "normal",
    lane: 1,
    read: "unread",
    expires_at: None,
};

impl DeliveryFixture {
    pub fn new() -> Self {
        Self::with(&[])
    }

    pub fn with(variables: &[(&str, &str)]) -> Self {
        let mut all = vec![("NOTIFICATION_SMS_ENABLED", "true"), ("APP_URL", "https://app.example.com")];
        all.extend_from_slice(variables);
        let world = ChatFixture::on_server(TestServer::start_with(&all));
        let chloe = world.server.user("chloe").id;
        execute(
            &world,
            &format!(
                "UPDATE users SET email = 'chloe@example.com', phone = '+33611223344' WHERE id = '{chloe}'"
            ),
        );
        Self { world }
    }

    /// Deliveries with this provider for all channels.
    pub fn by(&self, provider: &Arc<Provider>) -> Deliveries {
        let mut d = self.world.server.app.deliveries.clone();
        d.senders = Senders::uniform(Arc::clone(provider) as Arc<dyn Sender>);
        d.settings.concurrency = 16;
        // Long enough for a busy machine; tests of hanging sends shorten it.
        d.settings.send_timeout = Duration::from_secs(60);
        d
    }

    pub fn now(&self) -> Timestamp {
        self.world.server.clock.now()
    }

    pub fn advance(&self, by: Duration) {
        self.world.server.clock.advance(by);
    }

    /// Sends everything that is due.
    pub async fn drain(&self, provider: &Arc<Provider>) -> usize {
        deliveries::drain(&self.by(provider)).await.unwrap()
    }

    pub fn chloe(&self) -> Uuid {
        self.world.server.user("chloe").id.0
    }

    pub fn sql(&self, sql: &str) {
        execute(&self.world, sql);
    }

    pub fn lines(&self, sql: &str) -> Vec<String> {
        query_texts(&self.world, sql)
    }

    pub fn mail(&self) -> DeliveryId {
        self.plan(&MAIL)
    }

    /// Inserts a notification and its delivery, due now.
    pub fn plan(&self, planned: &Planned) -> DeliveryId {
        self.plan_many(planned, 1)[0]
    }

    pub fn plan_many(&self, planned: &Planned, count: usize) -> Vec<DeliveryId> {
        let (tenant, chloe, now) = (self.world.server.demo.tenant_id, self.chloe(), self.now());
        let Planned { channel, kind, category, priority, lane, read, .. } = planned;
        let expires = planned.expires_at.map_or("NULL".to_owned(), |at| format!("'{at}'"));
        let address = match *channel {
            "email" => "chloe@example.com",
            "sms" => "+33611223344",
            _ => "device-token-of-chloe",
        };
        let ids: Vec<DeliveryId> = (0..count).map(|_| DeliveryId::new()).collect();
        let mut script = String::new();
        for id in &ids {
            let (notification, event) = (Uuid::now_v7(), Uuid::now_v7());
            script.push_str(&format!(
                "INSERT INTO notifications (tenant_id, id, recipient_type, recipient_id, seq, changed_seq, event_id, type, category, \
                     title, body, link, data, priority, channel, status, visible, decision, last_event_at, expires_at, created_at, updated_at) \
                 VALUES ('{tenant}', '{notification}', 'client', '{chloe}', 1, 1, '{event}', '{kind}', '{category}', 'Titre', 'Corps', \
                     '/reclamations/42', '{{}}', '{priority}', 'inapp', '{read}', true, '{{}}', '{now}', {expires}, '{now}', '{now}'); \
                 INSERT INTO deliveries (tenant_id, id, notification_id, event_id, user_id, channel, type, to_address, lane, next_attempt_at, \
                     deadline_at, created_at, updated_at) \
                 VALUES ('{tenant}', '{id}', '{notification}', gen_random_uuid(), '{chloe}', '{channel}', '{kind}', '{address}', {lane}, '{now}', \
                     timestamptz '{now}' + interval '24 hours', '{now}', '{now}');"
            ));
        }
        self.sql(&script);
        ids
    }

    /// A delivery's row, as JSON.
    pub fn row(&self, id: DeliveryId) -> Value {
        let found = self.lines(&format!("SELECT to_jsonb(d)::text AS t FROM deliveries d WHERE id = '{id}'"));
        serde_json::from_str(&found[0]).unwrap()
    }

    /// Status and last error.
    pub fn ended(&self, id: DeliveryId) -> (String, String) {
        let row = self.row(id);
        let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        (word("status"), word("last_error"))
    }

    /// Sets columns of a delivery.
    pub fn set(&self, id: DeliveryId, columns: &str) {
        self.sql(&format!("UPDATE deliveries SET {columns} WHERE id = '{id}'"));
    }

    /// Sets columns of the notification of a delivery.
    pub fn set_notification(&self, id: DeliveryId, columns: &str) {
        self.sql(&format!(
            "SELECT set_config('app.role', 'system', false); \
             UPDATE notifications n SET {columns} FROM deliveries d WHERE d.id = '{id}' AND n.id = d.notification_id"
        ));
    }

    /// The activity entries of failed deliveries.
    pub fn failures(&self) -> Vec<Value> {
        let sql = "SELECT jsonb_build_object('user', user_id, 'entity', entity_id, 'details', details)::text AS t \
            FROM activity_logs WHERE action = 'email.failed' ORDER BY id";
        self.lines(sql).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The number of deliveries in each status.
    pub fn states(&self) -> Value {
        let counts = self.lines(
            "SELECT coalesce(jsonb_object_agg(status, n), '{}')::text AS t FROM (SELECT status, count(*) AS n FROM deliveries GROUP BY 1) s",
        );
        serde_json::from_str(&counts[0]).unwrap_or(json!(null))
    }

    /// Waits until a row has this status.
    pub async fn until(&self, id: DeliveryId, status: &str) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while self.ended(id).0 != status {
            assert!(std::time::Instant::now() < deadline, "{id} is {:?}, not {status}", self.ended(id));
            crate::harness::pause_between_polls().await;
        }
    }
}

pub fn pair(status: &str, error: &str) -> (String, String) {
    (status.to_owned(), error.to_owned())
}
