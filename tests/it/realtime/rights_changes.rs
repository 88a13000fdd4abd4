//! Each kind of change × each kind of topic, on the service that made the change and on another with the same
//! database: lost subscriptions end, others continue without a gap, and no one else is affected.

use guichet_base::Role;
use guichet_base::id::TeamId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{ChatFixture, Socket, TestServer, room_topic};

/// The fate of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    /// For good.
    Closes,
    /// Until a newer token arrives.
    Ends,
}

use Fate::{Closes, Ends, Stays};

/// One topic of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Nord,
    Sud,
    Person,
    Tenant,
}

use Topic::{Nord, Person, Sud, Tenant};

type Step = fn(&Fixture) -> (Method, String, Value);

/// A change of what `who` may subscribe to.
struct Change {
    who: &'static str,
    /// Steps before the change.
    before: &'static [Step],
    step: Step,
    fates: &'static [(Topic, Fate)],
}

/// Two services on one database, and a team.
struct Fixture {
    here: ChatFixture,
    elsewhere: TestServer,
    team: TeamId,
}

impl Fixture {
    async fn lay() -> Self {
        let here = ChatFixture::new();
        let elsewhere = here.server.start_second();
        let ground = Self { here, elsewhere, team: TeamId::new() };
        let body = json!({"name": "Support"});
        ground.here.service.put(&format!("/teams/{}", ground.team), body).await.data();
        ground
    }

    fn id(&self, name: &str) -> String {
        self.here.server.user(name).id.to_string()
    }

    fn topic(&self, topic: Topic, who: &str) -> String {
        match topic {
            Nord => room_topic(self.here.nord),
            Sud => room_topic(self.here.sud),
            Person => format!("realtime:user:{}", self.id(who)),
            Tenant => format!("realtime:tenant:{}", self.here.server.demo.tenant_id),
        }
    }

    async fn take(&self, step: Step) {
        let (method, path, body) = step(self);
        self.here.service.send(method, &path, &body).await.data();
    }
}

/// A person's device: joined to some topics, and the room's messages that it received since.
async fn device(server: &TestServer, ground: &Fixture, who: &str, topics: &[Topic]) -> Socket {
    let mut socket = Socket::open(server, &server.user(who).token).await;
    for topic in topics {
        socket.join(&ground.topic(*topic, who), json!({})).await;
    }
    socket
}

/// The numbers of the room's messages, up to and including `last`.
async fn numbers(socket: &mut Socket, ground: &Fixture, last: i64) -> Vec<i64> {
    let mut numbers = Vec::new();
    while numbers.last() != Some(&last) {
        let (_, meta) = socket.next_broadcast(&room_topic(ground.here.nord), "messaging:new").await;
        numbers.push(meta["seq"].as_i64().unwrap());
    }
    numbers
}

async fn run(change: Change) {
    let ground = &Fixture::lay().await;
    for step in change.before {
        ground.take(*step).await;
    }
    let topics: Vec<Topic> = change.fates.iter().map(|(topic, _)| *topic).collect();
    let (mut devices, mut witnesses) = (Vec::new(), Vec::new());
    for server in [&ground.here.server, &ground.elsewhere] {
        devices.push(device(server, ground, change.who, &topics).await);
        witnesses.push(device(server, ground, "awa", &[Nord]).await);
    }

    // Others write during the change.
    let writing = async {
        for n in 1..=20 {
            ground.here.send_message(&ground.here.awa, &format!("n° {n}")).await;
        }
    };
    tokio::join!(writing, ground.take(change.step));
    for device in &mut devices {
        for (topic, fate) in change.fates {
            let topic = ground.topic(*topic, change.who);
            match fate {
                Stays => {}
                Closes => {
                    let (event, reason) = device.channel_end(&topic).await;
                    assert_eq!(event, "phx_close", "{topic} {reason}");
                    assert!(reason.starts_with("FORBIDDEN: "), "{topic} {reason}");
                }
                Ends => {
                    let (event, reason) = device.channel_end(&topic).await;
                    assert_eq!(event, "phx_error", "{topic} {reason}");
                    assert!(reason.starts_with("TOKEN_REVOKED: "), "{topic} {reason}");
                }
            }
        }
        device.frames_before_heartbeat().await;
    }

    ground.here.send_message(&ground.here.awa, "after").await;
    for witness in &mut witnesses {
        assert_eq!(numbers(witness, ground, 21).await, (1..=21).collect::<Vec<_>>());
    }
    for (device, server) in devices.iter_mut().zip([&ground.here.server, &ground.elsewhere]) {
        for (topic, fate) in change.fates {
            let name = ground.topic(*topic, change.who);
            if (*topic, *fate) == (Nord, Stays) {
                assert_eq!(numbers(device, ground, 21).await.last(), Some(&21));
            }
            if *fate != Stays {
                let (status, response) = device.request(&name, "phx_join", json!({})).await;
                assert_eq!(status, "error", "{name} was joined again: {response}");
            }
        }
        let after = device.frames_before_heartbeat().await;
        let is_lost = |name: &str| {
            change.fates.iter().any(|(t, fate)| *fate != Stays && ground.topic(*t, change.who) == name)
        };
        let heard: Vec<_> = after.iter().filter(|frame| is_lost(&frame.topic)).collect();
        assert!(heard.is_empty(), "{} on {}: {heard:?}", change.who, server.url);
    }
}

fn in_team(ground: &Fixture, name: &str) -> String {
    format!("/teams/{}/members/{}", ground.team, ground.id(name))
}

fn of_nord(ground: &Fixture, body: Value) -> (Method, String, Value) {
    (Method::PATCH, format!("/clients/{}", ground.here.nord), body)
}

fn rank(ground: &Fixture, name: &str, role: Role) -> (Method, String, Value) {
    (Method::PATCH, format!("/users/{}", ground.id(name)), json!({"role": role}))
}

const KARIM_IN_TEAM: Step = |ground| (Method::PUT, in_team(ground, "karim"), Value::Null);
const EMMA_IN_TEAM: Step = |ground| (Method::PUT, in_team(ground, "emma"), Value::Null);
const TEAM_OF_NORD: Step = |ground| of_nord(ground, json!({"team_id": ground.team}));
const NORD_TO_KARIM: Step = |ground| of_nord(ground, json!({"operator_id": ground.id("karim")}));

macro_rules! changes {
    ($($name:ident: $change:expr;)+) => {$(
        #[tokio::test]
        async fn $name() {
            run($change).await;
        }
    )+};
}

changes! {
    a_member_who_is_removed_hears_the_room_no_more: Change {
        who: "chloe",
        before: &[],
        step: |ground| {
            (Method::DELETE, format!("/clients/{}/members/{}", ground.here.nord, ground.id("chloe")), Value::Null)
        },
        fates: &[(Nord, Closes), (Person, Stays)],
    };
    an_operator_whose_client_goes_to_another_hears_it_no_more: Change {
        who: "emma",
        before: &[],
        step: NORD_TO_KARIM,
        fates: &[(Nord, Closes), (Person, Stays), (Tenant, Stays)],
    };
    an_operator_who_is_in_the_clients_team_goes_on_hearing_it: Change {
        who: "emma",
        before: &[EMMA_IN_TEAM, TEAM_OF_NORD],
        step: NORD_TO_KARIM,
        fates: &[(Nord, Stays), (Person, Stays), (Tenant, Stays)],
    };
    who_leaves_the_team_hears_its_clients_no_more_but_their_own: Change {
        who: "karim",
        before: &[KARIM_IN_TEAM, TEAM_OF_NORD],
        step: |ground| (Method::DELETE, in_team(ground, "karim"), Value::Null),
        fates: &[(Nord, Closes), (Sud, Stays), (Person, Stays), (Tenant, Stays)],
    };
    a_team_that_loses_a_client_hears_it_no_more: Change {
        who: "karim",
        before: &[KARIM_IN_TEAM, TEAM_OF_NORD],
        step: |ground| of_nord(ground, json!({"team_id": null})),
        fates: &[(Nord, Closes), (Sud, Stays), (Person, Stays), (Tenant, Stays)],
    };
    a_manager_who_becomes_an_employee_hears_no_room_that_is_not_theirs: Change {
        who: "denis",
        before: &[],
        step: |ground| rank(ground, "denis", Role::Employee),
        fates: &[(Nord, Closes), (Sud, Closes), (Person, Stays), (Tenant, Stays)],
    };
    an_employee_who_becomes_a_client_hears_nothing_of_the_desk: Change {
        who: "emma",
        before: &[],
        step: |ground| rank(ground, "emma", Role::Client),
        fates: &[(Nord, Closes), (Person, Stays), (Tenant, Closes)],
    };
    a_client_who_becomes_an_employee_hears_no_room_as_a_member: Change {
        who: "chloe",
        before: &[],
        step: |ground| rank(ground, "chloe", Role::Employee),
        fates: &[(Nord, Closes), (Person, Stays)],
    };
    an_employee_who_becomes_a_manager_loses_nothing: Change {
        who: "emma",
        before: &[],
        step: |ground| rank(ground, "emma", Role::Manager),
        fates: &[(Nord, Stays), (Person, Stays), (Tenant, Stays)],
    };
    whoever_is_deleted_hears_nothing: Change {
        who: "emma",
        before: &[],
        step: |ground| (Method::DELETE, format!("/users/{}", ground.id("emma")), Value::Null),
        fates: &[(Nord, Ends), (Person, Ends), (Tenant, Ends)],
    };
    a_member_who_is_deleted_hears_nothing: Change {
        who: "chloe",
        before: &[],
        step: |ground| (Method::DELETE, format!("/users/{}", ground.id("chloe")), Value::Null),
        fates: &[(Nord, Ends), (Person, Ends)],
    };
    whose_tokens_are_revoked_hears_nothing: Change {
        who: "denis",
        before: &[],
        step: |ground| (Method::POST, format!("/users/{}/revoke-tokens", ground.id("denis")), Value::Null),
        fates: &[(Nord, Ends), (Sud, Ends), (Person, Ends), (Tenant, Ends)],
    };
}
