//! The environment of the random test: changes of settings through the API, events of a producer, and the resulting
//! rows.

use std::cell::RefCell;
use std::time::Duration;

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid};
use guichet_base::Timestamp;
use guichet_base::id::TeamId;
use guichet_db::embedded::LoginRole;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::model::{CHANNELS, Event, Said, State};
use super::to_the_minute;
use crate::harness::{Api, ChatFixture, TestServer};

const PEOPLE: [&str; 5] = ["awa", "emma", "karim", "chloe", "bruno"];
const MEMBERS_CLIENTS: [&str; 2] = ["nord", "sud"];
const CODES: [(&str, &str); 5] = [
    ("task.assigned", "task"),
    ("system.notice", "system"),
    ("graduation.ready", "graduation"),
    ("payment.failed", "payment"),
    ("report.generated", "report"),
];
const PRIORITIES: [&str; 4] = ["low", "normal", "high", "critical"];

/// SplitMix64: the same sequence every time.
pub struct ScenarioRandom(u64);

impl ScenarioRandom {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(n).unwrap()).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn is(&mut self) -> bool {
        self.below(2) == 0
    }
}

pub struct AgreementFixture {
    pub world: ChatFixture,
    pub state: State,
    pub dice: ScenarioRandom,
    team: TeamId,
    admin: RefCell<PgConnection>,
}

#[derive(QueryableByName)]
struct NotificationRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    visible: bool,
    #[diesel(sql_type = Bool)]
    in_digest: bool,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

#[derive(QueryableByName)]
struct DeliveryRow {
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Timestamptz)]
    next_attempt_at: Timestamp,
}

/// What was written for one person.
pub struct Written {
    pub id: Uuid,
    pub visible: bool,
    pub in_digest: bool,
    pub created_at: Timestamp,
    /// By channel, with the time before which it is not sent.
    pub deliveries: Vec<(String, Timestamp)>,
}

impl AgreementFixture {
    pub async fn set(seed: u64) -> Self {
        let world = ChatFixture::on_server(TestServer::start_with(&[("NOTIFICATION_SMS_ENABLED", "true")]));
        let chloe = world.server.user("chloe").id;
        world.service.put(&format!("/clients/{}/members/{chloe}", world.sud), Value::Null).await.data();
        let team = TeamId::new();
        world.service.put(&format!("/teams/{team}"), json!({"name": "Marketing"})).await.data();
        let admin = RefCell::new(world.server.database.connect(LoginRole::Admin));
        let mut stage = Self { world, state: State::default(), dice: ScenarioRandom(seed), team, admin };
        stage.run("SELECT set_config('app.role', 'system', false)");
        for (code, _) in CODES {
            stage.set_template(code, &["inapp", "email"], "normal");
        }
        for person in PEOPLE {
            stage.set_address(person, true, true).await;
        }
        stage
    }

    fn run(&self, text: &str) {
        sql_query(text).execute(&mut *self.admin.borrow_mut()).unwrap();
    }

    pub fn person(&self, name: &str) -> &Api {
        match name {
            "awa" => &self.world.awa,
            "emma" => &self.world.emma,
            "karim" => &self.world.karim,
            "chloe" => &self.world.chloe,
            _ => &self.world.bruno,
        }
    }

    fn client(&self, name: &str) -> String {
        (if name == "nord" { self.world.nord } else { self.world.sud }).to_string()
    }

    /// Makes a random change.
    pub async fn change(&mut self) {
        match self.dice.below(9) {
            0 | 1 => self.choose().await,
            2 => self.force().await,
            3 => self.set_defaults().await,
            4 => {
                let code = self.dice.one(&CODES).0;
                let mut channels: Vec<&str> =
                    CHANNELS.into_iter().filter(|_| self.dice.below(3) > 0).collect();
                if channels.is_empty() {
                    channels.push("inapp");
                }
                let priority = self.dice.one(&PRIORITIES);
                self.set_template(code, &channels, priority);
            }
            5 => self.set_digest().await,
            6 => self.set_quiet().await,
            7 => {
                let (person, has_email, has_phone) = (self.dice.one(&PEOPLE), self.dice.is(), self.dice.is());
                self.set_address(person, has_email, has_phone).await;
            }
            _ => self.set_team().await,
        }
    }

    /// A change of some channels: on, off or reset; and the body for it.
    fn say(&mut self, said: &mut Said, is_locked: bool) -> Value {
        let mut body = Map::new();
        for channel in CHANNELS {
            let wanted = match self.dice.below(5) {
                0 => Some(true),
                1 if !(is_locked && channel == "inapp") => Some(false),
                2 => None,
                _ => continue,
            };
            match wanted {
                Some(on) => said.insert(channel, on),
                None => said.remove(channel),
            };
            body.insert(format!("channel_{channel}"), json!(wanted));
        }
        Value::Object(body)
    }

    async fn choose(&mut self) {
        let (person, category) = (self.dice.one(&PEOPLE), self.dice.one(&CODES).1);
        let mut said = self.state.own.get(&(person, category)).cloned().unwrap_or_default();
        let body = self.say(&mut said, is_locked(category));
        self.person(person).put(&format!("/preferences/{category}"), body).await.data();
        self.state.own.insert((person, category), said);
    }

    async fn force(&mut self) {
        let (client, category) = (self.dice.one(&MEMBERS_CLIENTS), self.dice.one(&CODES).1);
        let path = format!("/clients/{}/notification-overrides/{category}", self.client(client));
        if self.dice.below(3) == 0 {
            self.world.denis.delete(&path).await.data();
            self.state.over.remove(&(client, category));
            return;
        }
        let mut said = self.state.over.get(&(client, category)).cloned().unwrap_or_default();
        let body = self.say(&mut said, is_locked(category));
        self.world.denis.put(&path, body).await.data();
        self.state.over.insert((client, category), said);
    }

    async fn set_defaults(&mut self) {
        let category = self.dice.one(&CODES).1;
        let mut said = self.state.tenant.get(category).cloned().unwrap_or_default();
        self.say(&mut said, false);
        self.state.tenant.insert(category, said);
        self.state.off = ["email", "sms"].into_iter().filter(|_| self.dice.below(6) == 0).collect();
        let is_on = |channel: &str| !self.state.off.contains(&channel);
        let body = json!({"settings": {
            "features": {"email": is_on("email"), "sms": is_on("sms")},
            "defaults": {"notifications": self.state.tenant}}});
        self.world.service.patch("/tenant", body).await.data();
    }

    fn set_template(&mut self, code: &'static str, channels: &[&'static str], priority: &'static str) {
        let fields = json!({"channels": channels, "priority": priority});
        self.run(&format!(
            "INSERT INTO notification_templates (tenant_id, code, fields) VALUES ('{}', '{code}', '{fields}') \
             ON CONFLICT (tenant_id, code) DO UPDATE SET fields = excluded.fields",
            self.world.server.demo.tenant_id
        ));
        self.state.templates.insert(code, (channels.to_vec(), priority));
    }

    async fn set_digest(&mut self) {
        let (person, mode) = (self.dice.one(&PEOPLE), self.dice.one(&["off", "daily", "weekly"]));
        self.person(person).put("/preferences", json!({"digest": {"mode": mode}})).await.data();
        self.state.digest.retain(|one| *one != person);
        if mode != "off" {
            self.state.digest.push(person);
        }
    }

    /// Quiet hours now, later today, or none; in timezones without clock changes.
    async fn set_quiet(&mut self) {
        let person = self.dice.one(&PEOPLE);
        let (zone, ahead) = self.dice.one(&[("UTC", 0), ("Asia/Kolkata", 330), ("America/Lima", -300)]);
        let now = to_the_minute(self.world.server.clock.now());
        let local = |minutes: i64| {
            let at = (now.as_millis() / 60_000 + ahead + minutes).rem_euclid(24 * 60);
            format!("{:02}:{:02}", at / 60, at % 60)
        };
        self.state.quiet.remove(person);
        let hours = match self.dice.below(3) {
            0 => Value::Null,
            1 => json!({"from": local(300), "to": local(420), "timezone": zone}),
            _ => {
                let lasts = 60 + i64::try_from(self.dice.below(600)).unwrap();
                let end = now.plus(Duration::from_secs(u64::try_from(lasts * 60).unwrap()));
                self.state.quiet.insert(person, end);
                json!({"from": local(-90), "to": local(lasts), "timezone": zone})
            }
        };
        self.person(person).put("/preferences", json!({"quiet_hours": hours})).await.data();
    }

    async fn set_address(&mut self, person: &'static str, has_email: bool, has_phone: bool) {
        let email = has_email.then(|| format!("{person}@example.com"));
        let phone = has_phone.then_some("+33612345678");
        let path = format!("/users/{}", self.world.server.user(person).id);
        self.world.service.patch(&path, json!({"email": email, "phone": phone})).await.data();
        self.state.without_email.retain(|one| *one != person);
        self.state.without_phone.retain(|one| *one != person);
        if !has_email {
            self.state.without_email.push(person);
        }
        if !has_phone {
            self.state.without_phone.push(person);
        }
    }

    async fn set_team(&mut self) {
        let person = self.dice.one(&["awa", "emma", "karim"]);
        let path = format!("/teams/{}/members/{}", self.team, self.world.server.user(person).id);
        if self.state.in_team.contains(&person) {
            self.world.service.delete(&path).await.data();
            self.state.in_team.retain(|one| *one != person);
        } else {
            self.world.service.put(&path, Value::Null).await.data();
            self.state.in_team.push(person);
        }
    }

    pub fn event(&mut self) -> Event {
        let (code, category) = self.dice.one(&CODES);
        let client = match code {
            "graduation.ready" | "payment.failed" => Some(self.dice.one(&MEMBERS_CLIENTS)),
            _ => None,
        };
        let person = self.dice.one(&PEOPLE);
        Event {
            code,
            category,
            person,
            client,
            of_team: self.dice.below(6) == 0,
            held: self.dice.below(5) == 0,
        }
    }

    /// Announces the event, with the rate limit that it asks for. Returns its id.
    pub async fn announce(&self, event: &Event) -> String {
        let user = self.world.server.user(event.person).id;
        let pushes = if event.held { 20 } else { 0 };
        let now = self.world.server.clock.now();
        self.run(&format!(
            "UPDATE notification_feeds SET pushes = array_fill('{now}'::timestamptz, ARRAY[{pushes}]), \
             held = 0, held_since = NULL, summary_due_at = NULL WHERE user_id = '{user}'"
        ));
        let mut payload = json!({"user_id": user, "task_id": "1", "report_id": "1", "name": "n", "title": "t", "body": "b"});
        if let Some(client) = event.client {
            payload["client_id"] = json!(self.client(client));
        }
        if event.of_team {
            payload["team_id"] = json!(self.team);
        }
        let body = json!({"event": event.code, "payload": payload, "recipients": {"users": [user]}});
        let done = self.world.service.post("/events", body).await.data().clone();
        assert_eq!((&done["status"], &done["planned"]), (&json!("done"), &json!(1)), "{done}");
        done["id"].as_str().unwrap().to_owned()
    }

    pub fn notification(&self, event: &str, person: &str) -> Option<Written> {
        let user = self.world.server.user(person).id;
        let admin = &mut *self.admin.borrow_mut();
        let row: NotificationRow = sql_query(format!(
            "SELECT id, visible, in_digest, created_at FROM notifications WHERE event_id = '{event}' AND recipient_id = '{user}'"
        ))
        .get_result(admin)
        .optional()
        .unwrap()?;
        let deliveries: Vec<DeliveryRow> = sql_query(format!(
            "SELECT channel, next_attempt_at FROM deliveries WHERE notification_id = '{}' ORDER BY channel",
            row.id
        ))
        .load(admin)
        .unwrap();
        let deliveries = deliveries.into_iter().map(|row| (row.channel, row.next_attempt_at)).collect();
        let NotificationRow { id, visible, in_digest, created_at } = row;
        Some(Written { id, visible, in_digest, created_at, deliveries })
    }

    pub fn is_skipped(&self, event: &str, person: &str) -> bool {
        let user = self.world.server.user(person).id;
        let admin = &mut *self.admin.borrow_mut();
        let query =
            format!("SELECT FROM notification_skips WHERE event_id = '{event}' AND user_id = '{user}'");
        sql_query(query).execute(admin).unwrap() == 1
    }
}

fn is_locked(category: &str) -> bool {
    ["system", "graduation"].contains(&category)
}
