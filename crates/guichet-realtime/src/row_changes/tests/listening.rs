//! Accepted and refused bindings, and the listeners of an event.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use guichet_base::id::{ClientId, TenantId};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{OTHERS, THINGS};
use crate::hub::connection::{Connection, JoinId};
use crate::hub::event::Event;
use crate::row_changes::{Binding, Changes, Listener, ReadScope, Table};
use crate::wire::Dialect;

static TABLES: [&Table; 2] = [&THINGS, &OTHERS];

fn refused(list: Value) -> (String, String) {
    let error = Binding::parse_all(&TABLES, list.as_array().unwrap()).expect_err("a refusal");
    let arg = |name: &str| error.args().iter().find(|(key, _)| *key == name).unwrap().1.clone();
    assert_eq!(error.code(), "INVALID_BINDING");
    (arg("binding"), arg("why"))
}

#[test]
fn a_binding_that_could_hear_nothing_is_refused_by_its_place_and_reason() {
    for (binding, reason) in [
        (json!({"table": "secrets"}), "no table `secrets`"),
        (json!({"schema": "private", "table": "things"}), "schema"),
        (json!({"event": "TRUNCATE", "table": "things"}), "no event `TRUNCATE`"),
        (json!({"event": 1}), "`event` is text"),
        (json!({"filter": "n=eq.1"}), "a filter needs a table"),
        (json!({"table": "things", "filter": "x=eq.1"}), "no column `x`"),
        (json!({"table": "things", "filter": 7}), "`filter` is text"),
        (json!({"table": "things", "select": ["n", "x"]}), "no column `x`"),
        (json!({"table": "things", "select": "n"}), "`select` is a list"),
        (json!({"table": "things", "select": []}), "no column"),
        (json!({"select": ["n"]}), "needs a table"),
    ] {
        let (place, why) = refused(json!([{"table": "things"}, binding]));
        assert_eq!(place, "postgres_changes[1]");
        assert!(why.contains(reason), "{why}");
    }
}

#[test]
fn a_binding_without_words_hears_everything() {
    let list = [json!({}), json!({"event": "*", "schema": "*", "table": "*", "filter": "", "select": null})];
    for binding in Binding::parse_all(&TABLES, &list).unwrap() {
        assert!(binding.wants(&THINGS, &super::inserted(1, "x")), "{binding:?}");
        assert!(binding.wants(&OTHERS, &super::inserted(1, "x")), "{binding:?}");
    }
}

struct Scene {
    changes: Changes,
    tenant: TenantId,
    joins: u32,
}

impl Scene {
    fn new() -> Self {
        Self { changes: Changes::of(TABLES.to_vec()), tenant: TenantId::new(), joins: 0 }
    }

    fn listen(&mut self, binding: Value, reach: Vec<ReadScope>) -> Arc<Listener> {
        self.joins += 1;
        let bindings = Binding::parse_all(&TABLES, &[binding]).unwrap();
        let connection = Arc::new(Connection::new(u64::from(self.joins), 64 * 1024));
        let id = JoinId { connection: connection.id, join: self.joins };
        let listener =
            Arc::new(Listener::new(id, self.tenant, connection, "realtime:any", Dialect::V2, bindings));
        self.changes.listen(&listener, reach);
        listener
    }

    fn event(&self, name: &str, client: Option<ClientId>) -> Arc<Event> {
        Arc::new(Event {
            tenant: self.tenant,
            id: Uuid::now_v7(),
            topic: "t".into(),
            seq: 1,
            name: name.into(),
            payload: RawValue::from_string("{}".into()).unwrap(),
            copies: Vec::new(),
            side_events: Vec::new(),
            client,
        })
    }

    fn heard_by(&self, event: &Event) -> Vec<JoinId> {
        let tables = self.changes.concerned(event);
        tables.flat_map(|table| self.changes.listeners(event, table)).map(|listener| listener.id).collect()
    }
}

fn queued(listener: &Listener) -> usize {
    let mut count = 0;
    while let Poll::Ready(Some(_)) = listener.connection.poll_frame(&mut Context::from_waker(Waker::noop())) {
        count += 1;
    }
    count
}

#[test]
fn an_event_is_for_those_who_reach_it_and_listen_to_its_table() {
    let mut scene = Scene::new();
    let (mine, theirs) = (ClientId::new(), ClientId::new());
    let all = scene.listen(json!({"table": "things"}), vec![ReadScope::AllClients]).id;
    let member = scene.listen(json!({}), vec![ReadScope::Client(mine)]).id;
    scene.listen(json!({"table": "others"}), vec![ReadScope::Client(mine)]);
    assert_eq!(scene.heard_by(&scene.event("thing:new", Some(mine))), [all, member]);
    assert_eq!(scene.heard_by(&scene.event("thing:new", Some(theirs))), [all]);
    assert_eq!(scene.heard_by(&scene.event("thing:gone", Some(mine))), []);
    let foreign = Event { tenant: TenantId::new(), ..(*scene.event("thing:new", Some(mine))).clone() };
    assert_eq!(scene.heard_by(&foreign), []);
    scene.changes.reach_anew(member, vec![ReadScope::Client(theirs)]);
    assert_eq!(scene.heard_by(&scene.event("thing:new", Some(mine))), [all]);
    assert_eq!(scene.heard_by(&scene.event("thing:new", Some(theirs))), [all, member]);
}

#[test]
fn whoever_left_leaves_nothing_behind() {
    let mut scene = Scene::new();
    let reach = vec![ReadScope::AllClients, ReadScope::Client(ClientId::new())];
    let listeners = [scene.listen(json!({}), reach.clone()), scene.listen(json!({"table": "things"}), reach)];
    assert!(scene.changes.places() > 0);
    for listener in &listeners {
        assert!(scene.changes.hears(listener.id));
        scene.changes.leave(listener.id);
        assert!(!scene.changes.hears(listener.id));
    }
    assert_eq!(scene.changes.places(), 0);
}

#[test]
fn what_comes_before_the_answer_waits_behind_it_and_a_loss_ends_the_join() {
    let mut scene = Scene::new();
    let early = scene.listen(json!({}), vec![ReadScope::AllClients]);
    early.deliver("{}");
    assert_eq!(queued(&early), 0);
    early.go_live();
    early.deliver("{}");
    assert_eq!(queued(&early), 2);
    let lost = scene.listen(json!({}), vec![ReadScope::AllClients]);
    for _ in 0..300 {
        lost.deliver("{}");
    }
    lost.go_live();
    lost.deliver("{}");
    assert_eq!(queued(&lost), 0, "a frame after a gap");
    assert_eq!(lost.connection.take_orders().len(), 1);
}

#[test]
fn what_waits_to_be_told_is_bounded_and_an_overflow_is_no_silent_gap() {
    let mut scene = Scene::new();
    scene.changes.offer(&scene.event("thing:new", None));
    let listener = scene.listen(json!({}), vec![ReadScope::AllClients]);
    listener.go_live();
    for _ in 0..1_024 {
        scene.changes.offer(&scene.event("thing:new", Some(ClientId::new())));
    }
    assert!(listener.connection.take_orders().is_empty());
    scene.changes.offer(&scene.event("thing:new", Some(ClientId::new())));
    assert_eq!(listener.connection.take_orders().len(), 1);
}
