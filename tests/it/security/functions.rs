//! Every function of the schema authz: its owner, its callers, and its results for each identity.

use std::collections::BTreeSet;

use super::cells::cell;
use super::identity::Identity;
use super::probe::{Cell, DENIED, Expect};
use super::rule::{audience, in_direct, may_write_to, my_clients, my_people};
use super::world::{Row, SecurityFixture, TENANTS, digest, id, text};

pub struct Function {
    /// As `regprocedure` prints it.
    pub signature: &'static str,
    pub owner: &'static str,
    /// SECURITY DEFINER: it runs with its owner's rights.
    pub definer: bool,
    /// The roles that may call it, besides its owner.
    pub callers: &'static [&'static str],
}

const OWNER: &str = "guichet_owner";
const APP: &[&str] = &["guichet_app"];
const EVERYONE: &[&str] = &["guichet_app", "guichet_authz", "guichet_search", "guichet_worker"];
const READERS: &[&str] = &["guichet_app", "guichet_authz", "guichet_search"];

const fn plain(signature: &'static str, callers: &'static [&'static str]) -> Function {
    Function { signature, owner: OWNER, definer: false, callers }
}

const fn definer(signature: &'static str, owner: &'static str, callers: &'static [&'static str]) -> Function {
    Function { signature, owner, definer: true, callers }
}

pub const FUNCTIONS: [Function; 35] = [
    plain("authz.tenant()", EVERYONE),
    plain("authz.me()", EVERYONE),
    plain("authz.role()", EVERYONE),
    plain("authz.now_ms()", &["guichet_app", "guichet_authz", "guichet_worker"]),
    plain("authz.sees_all_rooms()", READERS),
    plain("authz.provisions()", READERS),
    plain("authz.is_operator()", READERS),
    plain("authz.words(text)", &["guichet_app", "guichet_search"]),
    plain("authz.wanted_words(text)", &["guichet_app", "guichet_search"]),
    plain("authz.touch()", &[]),
    plain("authz.touch_by()", &[]),
    plain("authz.guard_user()", &[]),
    plain("authz.guard_client()", &[]),
    plain("authz.guard_conversation()", &[]),
    plain("authz.guard_message()", &[]),
    plain("authz.guard_settings()", &[]),
    plain("authz.guard_feed()", &[]),
    plain("authz.guard_notification()", &[]),
    definer("authz.my_clients()", "guichet_authz", &["guichet_app", "guichet_search"]),
    definer("authz.my_people()", "guichet_authz", APP),
    definer("authz.tenant_by_slug(text)", "guichet_authz", APP),
    definer("authz.tenant_exists(uuid)", "guichet_authz", APP),
    definer("authz.audience(uuid,uuid)", "guichet_authz", &[]),
    definer("authz.sync_audience(uuid,uuid)", "guichet_authz", &[]),
    definer("authz.audience_moved()", "guichet_authz", &[]),
    definer("authz.rights_moved()", "guichet_authz", &[]),
    definer("authz.open_feed()", "guichet_authz", &[]),
    definer("authz.redeem_ticket(bytea)", "guichet_authz", APP),
    definer("authz.follow(uuid,boolean)", "guichet_authz", APP),
    definer("authz.room_people(uuid)", "guichet_authz", APP),
    definer("authz.may_write_to(uuid)", "guichet_authz", APP),
    definer("authz.in_direct(uuid)", "guichet_authz", APP),
    definer("authz.search_messages(text,bigint,bigint)", "guichet_search", APP),
    definer("authz.keep_outbox(integer,integer)", OWNER, &["guichet_worker"]),
    definer("authz.keep_activity_logs(timestamp with time zone,integer,integer)", OWNER, &["guichet_worker"]),
];

/// The result of each call for the identity; 42501 if it may not call.
pub fn of_functions(who: &Identity, world: &SecurityFixture) -> Vec<Cell> {
    let mut cells = settings(who);
    cells.extend(tenants());
    cells.extend(relations(who, world));
    cells.extend(rooms(who, world));
    cells.extend(colleagues(who, world));
    cells.extend(search(who, world));
    cells.extend(tickets(world));
    cells.extend(kept_from_requests(who));
    for cell in &mut cells {
        let called = FUNCTIONS
            .iter()
            .find(|function| function.signature.split('(').next() == Some(cell.name.as_str()));
        let function = called.unwrap_or_else(|| panic!("{} is no function of the matrix", cell.name));
        if who.db_role != function.owner && !function.callers.contains(&who.db_role) {
            cell.expect = DENIED;
        }
    }
    // The owner owns the trigger functions, and needs no grants on its own objects.
    cells.retain(|_| who.db_role != OWNER);
    cells
}

fn says(function: &str, call: &str, answer: impl Into<String>) -> Cell {
    cell(
        function.to_owned(),
        format!("KEYS SELECT array[coalesce(({call})::text, '')]"),
        Expect::Keys(BTreeSet::from([answer.into()])),
    )
}

fn lists(function: &str, column: &str, call: &str, answer: BTreeSet<String>) -> Cell {
    cell(
        function.to_owned(),
        format!("KEYS SELECT array_agg({column}::text) FROM {call} listed"),
        Expect::Keys(answer),
    )
}

fn settings(who: &Identity) -> Vec<Cell> {
    let known = |roles: &[&str]| who.has_role(roles).to_string();
    vec![
        says("authz.tenant", "authz.tenant()", who.tenant.clone().unwrap_or_default()),
        says("authz.me", "authz.me()", who.user.clone().unwrap_or_default()),
        says("authz.role", "authz.role()", who.role.unwrap_or_default()),
        says("authz.sees_all_rooms", "authz.sees_all_rooms()", known(&["owner", "manager"])),
        says("authz.provisions", "authz.provisions()", known(&["owner", "manager", "service"])),
        says("authz.is_operator", "authz.is_operator()", known(&["owner", "manager", "employee"])),
        says("authz.now_ms", "authz.now_ms() > '2020-01-01'", "true"),
        says("authz.words", "authz.words('Été') @@ 'ete'::tsquery", "true"),
    ]
}

/// The existence and id of a tenant are not secret: they are read before authentication.
fn tenants() -> Vec<Cell> {
    let mut cells = vec![
        says("authz.tenant_by_slug", "authz.tenant_by_slug('none')", ""),
        says("authz.tenant_exists", &format!("authz.tenant_exists('{}')", id("nowhere")), "false"),
    ];
    for tenant in TENANTS {
        cells.push(says(
            "authz.tenant_by_slug",
            &format!("authz.tenant_by_slug('tenant-{tenant}')"),
            id(tenant),
        ));
        cells.push(says("authz.tenant_exists", &format!("authz.tenant_exists('{}')", id(tenant)), "true"));
    }
    cells
}

fn relations(who: &Identity, world: &SecurityFixture) -> Vec<Cell> {
    vec![
        lists("authz.my_clients", "listed", "authz.my_clients()", my_clients(who, world)),
        lists("authz.my_people", "listed", "authz.my_people()", my_people(who, world)),
    ]
}

fn rooms(who: &Identity, world: &SecurityFixture) -> Vec<Cell> {
    let mut cells = Vec::new();
    for room in world.rows("conversations") {
        let (tenant, client, room_id) = (text(room, "tenant_id"), text(room, "client_id"), text(room, "id"));
        let ours = who.tenant.as_deref() == Some(tenant.as_str());
        if client.is_empty() {
            let seen = in_direct(who, &room_id, world);
            let people = if seen { told_of_pair(room, world) } else { BTreeSet::new() };
            cells.push(lists(
                "authz.room_people",
                "user_id",
                &format!("authz.room_people('{room_id}')"),
                people,
            ));
            cells.push(says("authz.in_direct", &format!("authz.in_direct('{room_id}')"), seen.to_string()));
            continue;
        }
        cells.push(says("authz.in_direct", &format!("authz.in_direct('{room_id}')"), "false"));
        let seen = ours && (who.has_role(&["owner", "manager"]) || my_clients(who, world).contains(&client));
        let people = if seen { audience(who, &client, world) } else { BTreeSet::new() };
        cells.push(lists("authz.room_people", "user_id", &format!("authz.room_people('{room_id}')"), people));
        let told = if ours { audience(who, &client, world) } else { BTreeSet::new() };
        cells.push(lists(
            "authz.audience",
            "user_id",
            &format!("authz.audience('{tenant}', '{client}')"),
            told,
        ));
        cells.push(follows(who, &client, world));
    }
    cells
}

/// The recipients of the two people, from their rows, since a role may have changed.
fn told_of_pair(room: &Row, world: &SecurityFixture) -> BTreeSet<String> {
    let id = text(room, "id");
    let told = world.rows("participants").iter().filter(|row| text(row, "conversation_id") == id);
    told.filter(|row| text(row, "counted") == "true").map(|row| text(row, "user_id")).collect()
}

fn colleagues(who: &Identity, world: &SecurityFixture) -> Vec<Cell> {
    let mut cells = Vec::new();
    for person in world.rows("users") {
        let other = text(person, "id");
        let may = may_write_to(who, &other, world).to_string();
        cells.push(says("authz.may_write_to", &format!("authz.may_write_to('{other}')"), may));
    }
    cells
}

/// Operators follow visible rooms; an owner who names another tenant's client follows nothing.
fn follows(who: &Identity, client: &str, world: &SecurityFixture) -> Cell {
    let may = who.has_role(&["owner", "manager"])
        || (who.has_role(&["employee"]) && my_clients(who, world).contains(client));
    let ours = world.rows("clients").iter().any(|row| {
        text(row, "id") == client && who.tenant.as_deref() == Some(text(row, "tenant_id").as_str())
    });
    let somebody = who.user.is_some();
    let expect = match () {
        () if !may => DENIED,
        // participants.user_id is never null.
        () if ours && !somebody => Expect::State("23502"),
        () => Expect::Rows(1),
    };
    cell("authz.follow".into(), format!("SELECT authz.follow('{client}', true)"), expect)
}

fn search(who: &Identity, world: &SecurityFixture) -> Vec<Cell> {
    let clients = my_clients(who, world);
    let found = world
        .rows("messages")
        .iter()
        .filter(|row| {
            who.tenant.as_deref() == Some(text(row, "tenant_id").as_str())
                && text(row, "deleted_at").is_empty()
        })
        .filter(|row| match text(row, "client_id").as_str() {
            "" => in_direct(who, &text(row, "conversation_id"), world),
            client => who.has_role(&["owner", "manager"]) || clients.contains(client),
        })
        .map(|row| text(row, "id"))
        .collect();
    vec![
        lists("authz.search_messages", "id", "authz.search_messages('bonjour', 1000, 0)", found),
        lists(
            "authz.search_messages",
            "id",
            "authz.search_messages('introuvable', 1000, 0)",
            BTreeSet::new(),
        ),
    ]
}

/// The holder of a connect token is the person it was issued for.
fn tickets(world: &SecurityFixture) -> Vec<Cell> {
    let redeem = |digest: &str, user: BTreeSet<String>| {
        lists("authz.redeem_ticket", "user_id", &format!("authz.redeem_ticket('{digest}')"), user)
    };
    let there = world.rows("connect_tickets").iter();
    let mut cells: Vec<Cell> =
        there.map(|row| redeem(&text(row, "digest"), BTreeSet::from([text(row, "user_id")]))).collect();
    cells.push(redeem(&digest(&id("nowhere")), BTreeSet::new()));
    cells
}

/// Functions for triggers, the worker and other functions only.
fn kept_from_requests(who: &Identity) -> Vec<Cell> {
    let keep_logs = "SELECT authz.keep_activity_logs(now(), 3, 365)";
    let mut cells = vec![
        cell("authz.keep_outbox".into(), "SELECT authz.keep_outbox(14, 7)".into(), Expect::Rows(1)),
        cell("authz.keep_activity_logs".into(), keep_logs.into(), Expect::Rows(1)),
    ];
    if who.db_role == "guichet_authz" {
        return cells;
    }
    cells.push(cell(
        "authz.sync_audience".into(),
        format!("SELECT authz.sync_audience('{}', '{}')", id("a"), id("a.c1")),
        Expect::Rows(1),
    ));
    for trigger in [
        "touch",
        "touch_by",
        "guard_user",
        "guard_client",
        "guard_conversation",
        "guard_message",
        "audience_moved",
        "rights_moved",
        "guard_settings",
        "guard_feed",
        "guard_notification",
        "open_feed",
    ] {
        cells.push(cell(format!("authz.{trigger}"), format!("SELECT authz.{trigger}()"), DENIED));
    }
    cells
}
