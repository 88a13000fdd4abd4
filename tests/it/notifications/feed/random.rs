//! After each of a thousand random actions, the counter equals SQL's count, and the API shows what a simple model of
//! the feed expects.

use std::collections::BTreeMap;
use std::time::Duration;

use guichet::notifications::feed;
use guichet_base::Timestamp;
use serde_json::{Value, json};

use super::{HOLES, act, tell, tell_for, unthrottled};
use crate::chat::unread::Xorshift64;
use crate::harness::ChatFixture;
use crate::notifications::rows;

/// The model's state of a notification.
#[derive(Debug, Clone, Default)]
struct Noted {
    is_read: bool,
    is_archived: bool,
    snoozed_until: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl Noted {
    fn waits(&self, now: Timestamp) -> bool {
        self.shows(now) && !self.is_read && !self.is_archived
    }

    /// In `status=all`.
    fn shows(&self, now: Timestamp) -> bool {
        self.lives(now) && self.snoozed_until.is_none()
    }

    fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

struct Play {
    world: ChatFixture,
    chance: Xorshift64,
    noted: BTreeMap<String, Noted>,
}

impl Play {
    fn now(&self) -> Timestamp {
        self.world.server.clock.now()
    }

    fn number(&mut self, below: usize) -> u64 {
        u64::try_from(self.chance.below(below)).unwrap()
    }

    /// Any that was not deleted, expired or not.
    fn any(&mut self) -> Option<String> {
        let at = self.chance.below(self.noted.len().max(1));
        self.noted.keys().nth(at).cloned()
    }

    /// One action on one notification; 404 if it has expired.
    async fn deed(&mut self, deed: &str, note: impl FnOnce(&mut Noted)) {
        let Some(id) = self.any() else { return };
        let now = self.now();
        let answer = match deed {
            "delete" => self.world.emma.delete(&format!("/notifications/{id}")).await,
            deed => act(&self.world.emma, &id, deed).await,
        };
        let noted = self.noted.get_mut(&id).unwrap();
        match noted.lives(now) {
            true => note(noted),
            false => assert_eq!(answer.error(), (404, "NOT_FOUND"), "{deed}"),
        }
        if answer.status.is_success() && deed == "delete" {
            self.noted.remove(&id);
        }
    }

    async fn snooze(&mut self) {
        let Some(id) = self.any() else { return };
        let minutes = 1 + self.chance.below(29);
        let path = format!("/notifications/{id}/snooze");
        let answer = self.world.emma.post(&path, json!({"minutes": minutes})).await;
        if answer.status.is_success() {
            let until = Timestamp::parse(answer.data()["snoozed_until"].as_str().unwrap());
            let noted = self.noted.get_mut(&id).unwrap();
            (noted.snoozed_until, noted.is_archived) = (until, false);
        }
    }

    async fn read_many(&mut self) {
        if self.chance.below(10) < 3 {
            let until = self.now();
            self.world.emma.post("/notifications/read", json!({"until": until})).await.data();
            for noted in self.noted.values_mut().filter(|noted| noted.waits(until)) {
                noted.is_read = true;
            }
            return;
        }
        let ids: Vec<String> = (0..3).filter_map(|_| self.any()).collect();
        if ids.is_empty() {
            return;
        }
        let now = self.now();
        self.world.emma.post("/notifications/read", json!({"ids": ids})).await.data();
        for id in ids {
            let noted = self.noted.get_mut(&id).unwrap();
            if noted.lives(now) {
                (noted.is_read, noted.snoozed_until) = (true, None);
            }
        }
    }

    async fn hear(&mut self) {
        let title = self.chance.below(1_000_000).to_string();
        let seconds = (self.chance.below(10) < 3).then(|| 60 + self.number(3_540));
        let id = match seconds {
            None => tell(&self.world, &title).await,
            Some(seconds) => tell_for(&self.world, &title, seconds).await,
        };
        let shown = self.world.emma.get(&format!("/notifications/{id}")).await.data().clone();
        let expires_at = shown["expires_at"].as_str().and_then(Timestamp::parse);
        self.noted.insert(id, Noted { expires_at, ..Noted::default() });
    }

    async fn pass_time(&mut self) {
        let seconds = 1 + self.number(600);
        self.world.server.clock.advance(Duration::from_secs(seconds));
    }

    async fn run_jobs(&mut self) {
        let (n, now) = (self.world.server.app.notifications.clone(), self.now());
        if self.chance.below(2) == 0 {
            feed::expire(&n, now).await.unwrap();
            self.noted.retain(|_, noted| noted.lives(now));
        } else {
            feed::wake_snoozed(&n, now).await.unwrap();
            let is_due = |noted: &&mut Noted| noted.snoozed_until.is_some_and(|until| until <= now);
            for noted in self.noted.values_mut().filter(|noted| noted.lives(now)).filter(is_due) {
                (noted.is_read, noted.snoozed_until) = (false, None);
            }
        }
    }

    async fn step(&mut self) -> usize {
        let which = self.chance.below(100);
        match which {
            0..25 => self.hear().await,
            25..40 => {
                self.deed("ack", |noted| (noted.is_read, noted.snoozed_until) = (true, None)).await;
            }
            40..50 => {
                self.deed("archive", |noted| (noted.is_archived, noted.snoozed_until) = (true, None)).await;
            }
            50..58 => self.deed("unarchive", |noted| noted.is_archived = false).await,
            58..64 => self.deed("delete", |_| ()).await,
            64..76 => self.snooze().await,
            76..84 => self.read_many().await,
            84..93 => self.pass_time().await,
            _ => self.run_jobs().await,
        }
        which
    }

    async fn holds(&self, step: &str) {
        let server = &self.world.server;
        assert_eq!(rows::number(server, rows::MISCOUNTED), 0, "{step}");
        assert_eq!(rows::number(server, HOLES), 0, "{step}");
        let waiting = self.world.emma.get("/notifications/unread?limit=1").await.data().clone();
        let now = self.now();
        let expected = self.noted.values().filter(|noted| noted.waits(now)).count();
        assert_eq!(waiting["count"], json!(expected), "{step}");
        let shown = self.world.emma.get("/notifications?status=all&limit=200").await.data().clone();
        let shown: BTreeMap<String, (bool, bool)> = shown.as_array().unwrap().iter().map(as_noted).collect();
        let expected: BTreeMap<String, (bool, bool)> = self
            .noted
            .iter()
            .filter(|(_, noted)| noted.shows(now))
            .map(|(id, noted)| (id.clone(), (noted.is_read, noted.is_archived)))
            .collect();
        assert_eq!(shown, expected, "{step}");
    }
}

fn as_noted(one: &Value) -> (String, (bool, bool)) {
    let id = one["id"].as_str().unwrap().to_owned();
    (id, (one["is_read"] == true, !one["archived_at"].is_null()))
}

#[tokio::test]
async fn a_thousand_random_actions_never_move_the_counter_from_what_it_counts() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed_0004);
    println!("SEED={seed}");
    let chance = Xorshift64(seed);
    let mut play = Play { world: unthrottled(), chance, noted: BTreeMap::new() };
    for number in 0..1_000 {
        let which = play.step().await;
        play.holds(&format!("SEED={seed}, action {number}, of kind {which}")).await;
    }
}
