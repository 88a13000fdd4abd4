//! `postgres_changes`: durable events published again as row changes, for front ends written against Supabase.
//!
//! - A feature declares a [`Table`]: its columns, and how a durable event becomes row changes. This module knows
//!   nothing of messages, and needs no trigger or replication slot in the database.
//! - Whichever source brings an event to the hub (commit, gap filler, tail), its changes are published once: when the
//!   process first sees the event's id.
//! - A listener receives rows within its [`ReadScope`] only, which is loaded when it joins and when its rights
//!   change. The cost of an event depends on its listeners; without listeners it is one index look-up, and no JSON is
//!   parsed.
//! - Filters are evaluated by a task of the relay ([`publish`]), outside the path of the commit. Its queue is bounded;
//!   listeners to events that overflow it are asked to join again, so that no gap goes unnoticed.

mod binding;
mod feed;
mod filter;
mod frame;
mod pattern;
mod publish;
#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;
mod value;

use guichet_base::Result;
use guichet_base::id::{ClientId, UserId};
use serde_json::Value;

pub use self::binding::Binding;
pub use self::feed::{Changes, Listener};
pub use self::publish::run;
use crate::hub::event::Event;

/// A table whose row changes can be subscribed to.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// All of them, in the order of the table.
    pub columns: &'static [Column],
    /// The columns of the primary key, which `old_record` has.
    pub key: &'static [&'static str],
    /// Names of the durable events that change rows of it.
    pub events: &'static [&'static str],
    /// The read scopes that include the changed rows. Reads no payload.
    pub whose: fn(&Event) -> Vec<ReadScope>,
    /// The row changes of the event, from the event alone.
    pub rows: fn(&Event) -> Result<Rows>,
}

impl Table {
    fn column(&self, name: &str) -> Option<(usize, &'static Column)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name == name)
    }
}

#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
}

/// The PostgreSQL types that declared tables use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Uuid,
    Text,
    Int4,
    Int8,
    Bool,
    Timestamptz,
    Jsonb,
    /// An enumeration of the schema, by name. Compared as text.
    Enum(&'static str),
}

impl ColumnType {
    /// The name in `pg_type.typname`, which front ends receive.
    pub const fn name(self) -> &'static str {
        match self {
            ColumnType::Uuid => "uuid",
            ColumnType::Text => "text",
            ColumnType::Int4 => "int4",
            ColumnType::Int8 => "int8",
            ColumnType::Bool => "bool",
            ColumnType::Timestamptz => "timestamptz",
            ColumnType::Jsonb => "jsonb",
            ColumnType::Enum(name) => name,
        }
    }
}

/// The effect of an event on rows of a table.
#[derive(Debug)]
pub enum Rows {
    Told(Vec<RowChange>),
    /// The event names its rows without content: `SocketBackend::changed_rows` must read them.
    Asked,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RowChange {
    pub kind: ChangeKind,
    /// A value per column, in the table's order, as in JSON.
    pub row: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Insert,
    Update,
    Delete,
}

impl ChangeKind {
    pub const fn name(self) -> &'static str {
        match self {
            ChangeKind::Insert => "INSERT",
            ChangeKind::Update => "UPDATE",
            ChangeKind::Delete => "DELETE",
        }
    }
}

/// A part of what a person may read; the key of the listener index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReadScope {
    /// Everything of all clients of the tenant.
    AllClients,
    Client(ClientId),
    /// What concerns only this person and their counterpart.
    Person(UserId),
}
