//! The terms in which the matrix defines permissions, and their evaluation on the fixture.
//!
//! Written from the specification, never from the SQL, so that it is independent.

use std::collections::BTreeSet;

use super::identity::Identity;
use super::world::{Row, SecurityFixture, text};

/// A predicate on (identity, row). A `&'static str` names a column of the row.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    Nobody,
    Anyone,
    /// The identity has one of these roles.
    Role(&'static [&'static str]),
    AnyRole,
    /// The identity is the person in this column.
    Mine(&'static str),
    /// The client in this column is related to the member or employee.
    MyClient(&'static str),
    /// The person in this column is related to the member or employee by their clients.
    MyPeople(&'static str),
    /// The identity is one of the people in this column.
    Among(&'static str),
    /// The person in this column is a colleague that the identity may write to.
    MayWriteTo(&'static str),
    /// The conversation in this column is a direct one of the identity.
    InDirect(&'static str),
    /// The column names the side of the identity.
    MySide(&'static str),
    /// The column holds one of these (as text; "" is null).
    Field(&'static str, &'static [&'static str]),
    Not(&'static Rule),
    All(&'static [Rule]),
    Any(&'static [Rule]),
}

impl Rule {
    pub fn holds(&self, who: &Identity, row: &Row, world: &SecurityFixture) -> bool {
        match *self {
            Rule::Nobody => false,
            Rule::Anyone => true,
            Rule::Role(roles) => who.has_role(roles),
            Rule::AnyRole => who.role.is_some_and(|role| !role.is_empty()),
            Rule::Mine(column) => who.is(&text(row, column)),
            Rule::MyClient(column) => my_clients(who, world).contains(&text(row, column)),
            Rule::MyPeople(column) => my_people(who, world).contains(&text(row, column)),
            Rule::Among(column) => {
                who.user.as_deref().is_some_and(|me| !me.is_empty() && text(row, column).contains(me))
            }
            Rule::MayWriteTo(column) => may_write_to(who, &text(row, column), world),
            Rule::InDirect(column) => in_direct(who, &text(row, column), world),
            Rule::MySide(column) => text(row, column) == who.side(),
            Rule::Field(column, values) => values.contains(&text(row, column).as_str()),
            Rule::Not(rule) => !rule.holds(who, row, world),
            Rule::All(rules) => rules.iter().all(|rule| rule.holds(who, row, world)),
            Rule::Any(rules) => rules.iter().any(|rule| rule.holds(who, row, world)),
        }
    }
}

/// The rows of a table that are of the identity's tenant.
fn of_tenant<'w>(who: &Identity, world: &'w SecurityFixture, table: &str) -> impl Iterator<Item = &'w Row> {
    let tenant = who.tenant.clone().unwrap_or_default();
    world.rows(table).iter().filter(move |row| text(row, "tenant_id") == tenant)
}

/// The clients of a member, or those in the charge of an employee, directly or by a team.
pub fn my_clients(who: &Identity, world: &SecurityFixture) -> BTreeSet<String> {
    if who.has_role(&["client"]) {
        return of_tenant(who, world, "client_members")
            .filter(|row| who.is(&text(row, "user_id")))
            .map(|row| text(row, "client_id"))
            .collect();
    }
    if !who.has_role(&["employee"]) {
        return BTreeSet::new();
    }
    let teams: BTreeSet<String> = of_tenant(who, world, "team_members")
        .filter(|row| who.is(&text(row, "user_id")))
        .map(|row| text(row, "team_id"))
        .collect();
    of_tenant(who, world, "clients")
        .filter(|row| who.is(&text(row, "operator_id")) || teams.contains(&text(row, "team_id")))
        .map(|row| text(row, "id"))
        .collect()
}

/// Owners and managers write to every colleague, employees to all except owners; no one writes to themselves.
pub fn may_write_to(who: &Identity, other: &str, world: &SecurityFixture) -> bool {
    let to: &[&str] = match who.role {
        Some("owner" | "manager") => &["owner", "manager", "employee"],
        Some("employee") => &["manager", "employee"],
        _ => &[],
    };
    let Some(me) = who.user.as_deref() else { return false };
    of_tenant(who, world, "users")
        .filter(|row| text(row, "id") == other && other != me && text(row, "deleted_at").is_empty())
        .any(|row| to.contains(&text(row, "role").as_str()))
}

/// The people of a direct conversation; empty for others.
pub fn pair(conversation: &Row) -> BTreeSet<String> {
    let mut people = BTreeSet::from([text(conversation, "user_one_id"), text(conversation, "user_two_id")]);
    people.remove("");
    people
}

pub fn in_direct(who: &Identity, conversation: &str, world: &SecurityFixture) -> bool {
    who.has_role(&["owner", "manager", "employee"])
        && of_tenant(who, world, "conversations")
            .filter(|row| text(row, "id") == conversation)
            .any(|row| pair(row).iter().any(|person| who.is(person)))
}

/// Their members, their operators in charge, and the followers of their rooms.
pub fn my_people(who: &Identity, world: &SecurityFixture) -> BTreeSet<String> {
    let clients = my_clients(who, world);
    let theirs = |row: &&Row| clients.contains(&text(row, "client_id"));
    let mut people: BTreeSet<String> =
        of_tenant(who, world, "client_members").filter(theirs).map(|row| text(row, "user_id")).collect();
    people.extend(
        of_tenant(who, world, "clients")
            .filter(|row| clients.contains(&text(row, "id")))
            .map(|row| text(row, "operator_id")),
    );
    people.extend(
        of_tenant(who, world, "participants")
            .filter(theirs)
            .filter(|row| text(row, "follows") == "true")
            .map(|row| text(row, "user_id")),
    );
    people.remove("");
    people
}

/// The recipients of the client's room.
pub fn audience(who: &Identity, client: &str, world: &SecurityFixture) -> BTreeSet<String> {
    let role_of = |user: &str| {
        of_tenant(who, world, "users").find(|row| text(row, "id") == user).map(|row| text(row, "role"))
    };
    let mut told: BTreeSet<String> = of_tenant(who, world, "client_members")
        .filter(|row| text(row, "client_id") == client)
        .map(|row| text(row, "user_id"))
        .collect();
    for record in of_tenant(who, world, "clients").filter(|row| text(row, "id") == client) {
        told.insert(text(record, "operator_id"));
        told.extend(
            of_tenant(who, world, "team_members")
                .filter(|row| text(row, "team_id") == text(record, "team_id"))
                .map(|row| text(row, "user_id")),
        );
    }
    told.extend(
        of_tenant(who, world, "participants")
            .filter(|row| text(row, "client_id") == client && text(row, "follows") == "true")
            .map(|row| text(row, "user_id"))
            .filter(|user| role_of(user).is_some_and(|role| role == "owner" || role == "manager")),
    );
    told.remove("");
    told
}
