//! `postgres_changes`: durable events told again as changes of rows, for front ends written against Supabase.
//!
//! - A feature declares a [`Table`]: its columns, and how a durable event becomes changes of its rows. Nothing here
//!   knows what a message is, and no trigger or replication slot stands in the database.
//! - Whoever brings an event to the hub (commit, hole filler, tail), its changes are told once: when the process sees
//!   the event's id for the first time.
//! - A listener hears rows within its [`ReadScope`] alone, which is asked for when it joins and when its rights change.
//!   An event costs its listeners, and nothing where there are none: a look into an index, no JSON is read.
//! - Filters are evaluated by a task of the relay ([`tell`]), off the path of the commit; its queue is bounded, and
//!   who listens when it overflows is told to join again: there is never a silent gap.

mod binding;
mod feed;
mod filter;
mod frame;
mod pattern;
mod tell;
#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test stops at what it did not expect")]
mod tests;
mod value;

use guichet_base::Result;
use guichet_base::id::{ClientId, UserId};
use serde_json::Value;

pub use self::binding::Binding;
pub use self::feed::{Changes, Listener};
pub use self::tell::run;
use crate::hub::event::Event;

/// A table whose changes can be listened to.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// All of them, in the order of the table.
    pub columns: &'static [Column],
    /// The columns of the primary key: what `old_record` says.
    pub key: &'static [&'static str],
    /// Names of the durable events that change rows of it.
    pub events: &'static [&'static str],
    /// Whoever reaches one of these may read the rows that the event changed. Reads no payload.
    pub whose: fn(&Event) -> Vec<ReadScope>,
    /// What the event did to rows, from the event alone.
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

/// PostgreSQL's types, as far as declared tables have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Uuid,
    Text,
    Int4,
    Int8,
    Bool,
    Timestamptz,
    Jsonb,
    /// An enumeration of the schema's own, by its name. Compared as text.
    Enum(&'static str),
}

impl ColumnType {
    /// As `pg_type.typname` has it, and as front ends are told.
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

/// What an event did to rows of a table.
#[derive(Debug)]
pub enum Rows {
    Told(Vec<RowChange>),
    /// The event names its rows without their content: `Host::changed_rows` has to read them.
    Asked,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RowChange {
    pub kind: ChangeKind,
    /// A value for each column, in the table's order, as JSON has it.
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

/// Part of what a person may read, as the index of listeners knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReadScope {
    /// Everything that is a client's, of all clients of the tenant.
    AllClients,
    Client(ClientId),
    /// What concerns this person alone, and the one they speak with.
    Person(UserId),
}
