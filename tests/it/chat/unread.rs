//! Unread counters always equal a recount, whatever people do, also concurrently.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::room::{count, lines, list, nord, number, unread, word};
use crate::harness::{Api, ApiResponse, ChatFixture};

const NAMES: [&str; 6] = ["awa", "denis", "emma", "karim", "chloe", "bruno"];

/// Counters that differ from the number of others' undeleted messages after `read_seq`.
pub const MISCOUNTED: &str = "SELECT count(*) AS n FROM participants p WHERE p.unread_count <> CASE WHEN p.counted THEN \
    (SELECT count(*) FROM messages m WHERE m.conversation_id = p.conversation_id AND m.seq > p.read_seq \
     AND m.sender_id <> p.user_id AND m.deleted_at IS NULL) ELSE 0 END";

/// People who wrongly count as recipients, or wrongly do not.
const MISPLACED: &str = "WITH counted AS (SELECT conversation_id, user_id, side FROM participants WHERE counted), \
    audience AS (SELECT c.id AS conversation_id, a.user_id, a.side FROM conversations c, \
     LATERAL authz.audience(c.tenant_id, c.client_id) a) \
    SELECT count(*) AS n FROM ((TABLE counted EXCEPT TABLE audience) UNION ALL (TABLE audience EXCEPT TABLE counted)) d";

#[tokio::test]
async fn my_own_messages_never_count() {
    let world = ChatFixture::new();
    for by in [&world.chloe, &world.emma] {
        world.say(by, "un").await;
    }
    assert_eq!((unread(&world, &world.chloe).await, unread(&world, &world.emma).await), (1, 1));
}

#[tokio::test]
async fn what_is_unread_is_the_same_wherever_one_asks() {
    let world = ChatFixture::new();
    world.say(&world.chloe, "un").await;
    world.say(&world.chloe, "deux").await;
    let answer = world.emma.get("/conversations/unread-count").await.data().clone();
    let id = word(&answer["conversations"][0]["id"]).to_owned();
    assert_eq!(answer, json!({"total": 2, "conversations": [{"id": id, "unread_count": 2}]}));
    assert_eq!(unread(&world, &world.emma).await, 2);
    assert_eq!(world.emma.get("/me").await.data()["unread"]["messages"], 2);
}

#[tokio::test]
async fn whoever_comes_in_is_counted_from_the_first_message_after() {
    let world = ChatFixture::new();
    world.say(&world.chloe, "un").await;
    let karim = world.server.user("karim").id;
    world.service.patch(&format!("/clients/{}", world.nord), json!({"operator_id": karim})).await.data();
    assert_eq!(unread(&world, &world.karim).await, 0);
    world.say(&world.chloe, "deux").await;
    assert_eq!(unread(&world, &world.karim).await, 1);
}

#[tokio::test]
async fn counters_hold_whatever_people_do_one_after_the_other() {
    let days = Days::begin().await;
    let mut chance = Chance(0x5eed_0001);
    for step in 0..250 {
        let action = days.action(&mut chance);
        days.does(&action).await;
        days.holds(&format!("step {step}: {action:?}"), &[chance.below(6)]).await;
    }
}

#[tokio::test]
async fn counters_hold_whatever_people_do_at_once() {
    let days = Days::begin().await;
    let mut chance = Chance(0x5eed_0002);
    for step in 0..40 {
        let actions: Vec<PersonAction> = (0..6).map(|_| days.action(&mut chance)).collect();
        join_all(actions.iter().map(|action| days.does(action))).await;
        days.holds(&format!("step {step}: {actions:?}"), &[0, 1, 2, 3, 4, 5]).await;
    }
}

/// Simulated days, with a team for people to join and leave.
struct Days {
    world: ChatFixture,
    team: String,
    rooms: [String; 2],
}

/// An action of a person.
#[derive(Debug)]
struct PersonAction {
    by: Option<usize>,
    method: Method,
    path: String,
    body: Value,
}

impl Days {
    async fn begin() -> Self {
        let world = ChatFixture::new();
        let team = world.service.post("/teams", json!({"name": "Équipe"})).await.data()["id"].clone();
        let sud = super::room::conversation(&world.awa, world.sud).await["id"].clone();
        let rooms = [nord(&world).await, format!("/conversations/{}", word(&sud))];
        Self { world, team: word(&team).to_owned(), rooms }
    }

    fn people(&self) -> [&Api; 6] {
        let world = &self.world;
        [&world.awa, &world.denis, &world.emma, &world.karim, &world.chloe, &world.bruno]
    }

    /// A random action; many are refused, which must leave the counters unchanged too.
    fn action(&self, chance: &mut Chance) -> PersonAction {
        let by = chance.below(6);
        let room = &self.rooms[chance.below(2)];
        let client = if chance.below(2) == 0 { self.world.nord } else { self.world.sud };
        let user = |index: usize| self.world.server.user(NAMES[index]).id;
        let someone = |path: String, method, body| PersonAction { by: Some(by), method, path, body };
        let house = |path: String, method, body| PersonAction { by: None, method, path, body };
        let add = if chance.below(3) == 0 { Method::DELETE } else { Method::PUT };
        match chance.below(20) {
            0..=6 => someone(format!("{room}/messages"), Method::POST, json!({"content": "mot"})),
            7..=8 => someone(format!("{room}/read"), Method::POST, json!({})),
            9..=10 => someone(format!("{room}/read"), Method::POST, json!({"up_to_seq": chance.below(40)})),
            11..=12 => someone(self.message(chance), Method::DELETE, Value::Null),
            13 => someone(
                self.message(chance),
                Method::PATCH,
                json!({"content": format!("mot {}", chance.below(9))}),
            ),
            14 => someone(format!("{}/read", self.message(chance)), Method::PUT, json!({})),
            15..=16 => someone(format!("{room}/follow"), add, json!({})),
            17 => {
                house(format!("/teams/{}/members/{}", self.team, user(1 + chance.below(3))), add, json!({}))
            }
            18 => house(format!("/clients/{client}/members/{}", user(4 + chance.below(2))), add, json!({})),
            _ => house(format!("/clients/{client}"), Method::PATCH, self.charge(chance)),
        }
    }

    /// Another operator in charge, or another team.
    fn charge(&self, chance: &mut Chance) -> Value {
        let operator = self.world.server.user(NAMES[1 + chance.below(3)]).id;
        match chance.below(4) {
            0 => json!({"operator_id": null}),
            1 => json!({"team_id": null}),
            2 => json!({"team_id": self.team}),
            _ => json!({"operator_id": operator}),
        }
    }

    /// The path of any message.
    fn message(&self, chance: &mut Chance) -> String {
        let ids = lines(&self.world, "SELECT id::text AS t FROM messages ORDER BY created_at, id");
        match ids.len() {
            0 => "/messages/0198c0de-0000-7000-8000-0000000000ff".to_owned(),
            n => format!("/messages/{}", ids[chance.below(n)]),
        }
    }

    async fn does(&self, action: &PersonAction) {
        let by = action.by.map_or(&self.world.service, |by| self.people()[by]);
        let answer =
            ApiResponse::of(by.request(action.method.clone(), &action.path).json(&action.body)).await;
        assert!(answer.status.as_u16() < 500, "{action:?}: {}", answer.body);
    }

    /// Checks recount and audience in the database, and what these people receive.
    async fn holds(&self, when: &str, people: &[usize]) {
        assert_eq!((count(&self.world, MISCOUNTED), count(&self.world, MISPLACED)), (0, 0), "{when}");
        for index in people {
            let (api, id) = (self.people()[*index], self.world.server.user(NAMES[*index]).id);
            let sql = format!(
                "SELECT coalesce(sum(unread_count), 0)::bigint AS n FROM participants WHERE user_id = '{id}'"
            );
            let answer = api.get("/conversations/unread-count").await.data().clone();
            let rooms: i64 =
                list(&answer["conversations"]).iter().map(|room| number(&room["unread_count"])).sum();
            let me = number(&api.get("/me").await.data()["unread"]["messages"]);
            let expected = count(&self.world, &sql);
            assert_eq!((number(&answer["total"]), rooms, me), (expected, expected, expected), "{when}");
        }
    }
}

/// A deterministic random source (xorshift64).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}
