//! Unread counters always equal a recount, after any sequence of actions, also concurrent ones.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::room::{
    expect_array, expect_number, expect_str, nord_path, query_number, query_texts, unread_count,
};
use crate::harness::{Api, ApiResponse, ChatFixture};

const NAMES: [&str; 6] = ["awa", "denis", "emma", "karim", "chloe", "bruno"];

/// Number of counters that differ from the number of others' undeleted messages after `read_seq`.
pub const WRONG_COUNTERS: &str = "SELECT count(*) AS n FROM participants p WHERE p.unread_count <> CASE WHEN p.counted THEN \
    (SELECT count(*) FROM messages m WHERE m.conversation_id = p.conversation_id AND m.seq > p.read_seq \
     AND m.sender_id <> p.user_id AND m.deleted_at IS NULL) ELSE 0 END";

/// Number of people who are counted as recipients but are not in the audience, or the reverse.
const WRONG_RECIPIENTS: &str = "WITH counted AS (SELECT conversation_id, user_id, side FROM participants WHERE counted), \
    audience AS (SELECT c.id AS conversation_id, a.user_id, a.side FROM conversations c, \
     LATERAL authz.audience(c.tenant_id, c.client_id) a) \
    SELECT count(*) AS n FROM ((TABLE counted EXCEPT TABLE audience) UNION ALL (TABLE audience EXCEPT TABLE counted)) d";

#[tokio::test]
async fn my_own_messages_never_count() {
    let world = ChatFixture::new();
    for by in [&world.chloe, &world.emma] {
        world.send_message(by, "un").await;
    }
    assert_eq!((unread_count(&world, &world.chloe).await, unread_count(&world, &world.emma).await), (1, 1));
}

#[tokio::test]
async fn what_is_unread_is_the_same_wherever_one_asks() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    world.send_message(&world.chloe, "deux").await;
    let answer = world.emma.get("/conversations/unread-count").await.data().clone();
    let id = expect_str(&answer["conversations"][0]["id"]).to_owned();
    assert_eq!(answer, json!({"total": 2, "conversations": [{"id": id, "unread_count": 2}]}));
    assert_eq!(unread_count(&world, &world.emma).await, 2);
    assert_eq!(world.emma.get("/me").await.data()["unread"]["messages"], 2);
}

#[tokio::test]
async fn whoever_comes_in_is_counted_from_the_first_message_after() {
    let world = ChatFixture::new();
    world.send_message(&world.chloe, "un").await;
    let karim = world.server.user("karim").id;
    world.service.patch(&format!("/clients/{}", world.nord), json!({"operator_id": karim})).await.data();
    assert_eq!(unread_count(&world, &world.karim).await, 0);
    world.send_message(&world.chloe, "deux").await;
    assert_eq!(unread_count(&world, &world.karim).await, 1);
}

#[tokio::test]
async fn counters_hold_whatever_people_do_one_after_the_other() {
    let simulation = Simulation::start().await;
    let mut random = Xorshift64(0x5eed_0001);
    for step in 0..250 {
        let action = simulation.random_action(&mut random);
        simulation.perform(&action).await;
        simulation.assert_consistent(&format!("step {step}: {action:?}"), &[random.below(6)]).await;
    }
}

#[tokio::test]
async fn counters_hold_whatever_people_do_at_once() {
    let simulation = Simulation::start().await;
    let mut random = Xorshift64(0x5eed_0002);
    for step in 0..40 {
        let actions: Vec<PersonAction> = (0..6).map(|_| simulation.random_action(&mut random)).collect();
        join_all(actions.iter().map(|action| simulation.perform(action))).await;
        simulation.assert_consistent(&format!("step {step}: {actions:?}"), &[0, 1, 2, 3, 4, 5]).await;
    }
}

/// A simulation of random actions, with a team that people join and leave.
struct Simulation {
    world: ChatFixture,
    team: String,
    rooms: [String; 2],
}

/// A request of a person, or of the service if `by` is `None`.
#[derive(Debug)]
struct PersonAction {
    by: Option<usize>,
    method: Method,
    path: String,
    body: Value,
}

impl Simulation {
    async fn start() -> Self {
        let world = ChatFixture::new();
        let team = world.service.post("/teams", json!({"name": "Équipe"})).await.data()["id"].clone();
        let sud = super::room::open_room(&world.awa, world.sud).await["id"].clone();
        let rooms = [nord_path(&world).await, format!("/conversations/{}", expect_str(&sud))];
        Self { world, team: expect_str(&team).to_owned(), rooms }
    }

    fn people(&self) -> [&Api; 6] {
        let world = &self.world;
        [&world.awa, &world.denis, &world.emma, &world.karim, &world.chloe, &world.bruno]
    }

    /// A random action. Many are refused; these must leave the counters unchanged.
    fn random_action(&self, random: &mut Xorshift64) -> PersonAction {
        let by = random.below(6);
        let room = &self.rooms[random.below(2)];
        let client = if random.below(2) == 0 { self.world.nord } else { self.world.sud };
        let user = |index: usize| self.world.server.user(NAMES[index]).id;
        let by_person = |path: String, method, body| PersonAction { by: Some(by), method, path, body };
        let by_service = |path: String, method, body| PersonAction { by: None, method, path, body };
        let put_or_delete = if random.below(3) == 0 { Method::DELETE } else { Method::PUT };
        match random.below(20) {
            0..=6 => by_person(format!("{room}/messages"), Method::POST, json!({"content": "mot"})),
            7..=8 => by_person(format!("{room}/read"), Method::POST, json!({})),
            9..=10 => by_person(format!("{room}/read"), Method::POST, json!({"up_to_seq": random.below(40)})),
            11..=12 => by_person(self.random_message_path(random), Method::DELETE, Value::Null),
            13 => by_person(
                self.random_message_path(random),
                Method::PATCH,
                json!({"content": format!("mot {}", random.below(9))}),
            ),
            14 => by_person(format!("{}/read", self.random_message_path(random)), Method::PUT, json!({})),
            15..=16 => by_person(format!("{room}/follow"), put_or_delete, json!({})),
            17 => by_service(
                format!("/teams/{}/members/{}", self.team, user(1 + random.below(3))),
                put_or_delete,
                json!({}),
            ),
            18 => by_service(
                format!("/clients/{client}/members/{}", user(4 + random.below(2))),
                put_or_delete,
                json!({}),
            ),
            _ => by_service(format!("/clients/{client}"), Method::PATCH, self.random_assignment(random)),
        }
    }

    /// A random change of the operator in charge or of the team of a client.
    fn random_assignment(&self, random: &mut Xorshift64) -> Value {
        let operator = self.world.server.user(NAMES[1 + random.below(3)]).id;
        match random.below(4) {
            0 => json!({"operator_id": null}),
            1 => json!({"team_id": null}),
            2 => json!({"team_id": self.team}),
            _ => json!({"operator_id": operator}),
        }
    }

    /// The path of a random message; an unknown one if there are none.
    fn random_message_path(&self, random: &mut Xorshift64) -> String {
        let ids = query_texts(&self.world, "SELECT id::text AS t FROM messages ORDER BY created_at, id");
        match ids.len() {
            0 => "/messages/0198c0de-0000-7000-8000-0000000000ff".to_owned(),
            n => format!("/messages/{}", ids[random.below(n)]),
        }
    }

    async fn perform(&self, action: &PersonAction) {
        let by = action.by.map_or(&self.world.service, |by| self.people()[by]);
        let answer =
            ApiResponse::receive(by.request(action.method.clone(), &action.path).json(&action.body)).await;
        assert!(answer.status.as_u16() < 500, "{action:?}: {}", answer.body);
    }

    /// Asserts that counters and recipients in the database are correct, and that the API returns the same to `people`.
    async fn assert_consistent(&self, context: &str, people: &[usize]) {
        assert_eq!(
            (query_number(&self.world, WRONG_COUNTERS), query_number(&self.world, WRONG_RECIPIENTS)),
            (0, 0),
            "{context}"
        );
        for index in people {
            let (api, id) = (self.people()[*index], self.world.server.user(NAMES[*index]).id);
            let sql = format!(
                "SELECT coalesce(sum(unread_count), 0)::bigint AS n FROM participants WHERE user_id = '{id}'"
            );
            let answer = api.get("/conversations/unread-count").await.data().clone();
            let rooms: i64 = expect_array(&answer["conversations"])
                .iter()
                .map(|room| expect_number(&room["unread_count"]))
                .sum();
            let me_total = expect_number(&api.get("/me").await.data()["unread"]["messages"]);
            let expected = query_number(&self.world, &sql);
            assert_eq!(
                (expect_number(&answer["total"]), rooms, me_total),
                (expected, expected, expected),
                "{context}"
            );
        }
    }
}

/// A deterministic random source (xorshift64).
pub struct Xorshift64(pub u64);

impl Xorshift64 {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}
