//! Raw SQL for what Diesel's DSL cannot express (such as one statement that writes several tables), prepared once per
//! connection.
//!
//! PostgreSQL parses and plans a `diesel::sql_query` at every call; `sql` is prepared and cached by its text.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{
    Array, BigInt, Bool, Bytea, Double, Integer, Json, Jsonb, Nullable, Text, Timestamptz, Untyped,
    Uuid as SqlUuid,
};
use diesel::{PgConnection, RunQueryDsl};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use guichet_base::Timestamp;

/// A value for a placeholder `$1`, `$2` ….
pub enum Bind {
    Uuid(Option<Uuid>),
    Uuids(Vec<Uuid>),
    Texts(Vec<String>),
    NullableTexts(Vec<Option<String>>),
    Bools(Vec<bool>),
    Integers(Vec<i32>),
    BigInts(Vec<i64>),
    Text(Option<String>),
    BigInt(Option<i64>),
    Integer(i32),
    Double(f64),
    Bool(bool),
    Time(Option<Timestamp>),
    Jsonb(Option<JsonValue>),
    Json(JsonValue),
    Bytes(Vec<u8>),
}

/// A statement and its values. The text is built from constants only, never from input.
///
/// `$n` is the n-th bind. A bind whose placeholder occurs twice is sent twice.
pub struct Statement {
    text: Cow<'static, str>,
    binds: Vec<Bind>,
}

pub fn sql(text: impl Into<Cow<'static, str>>) -> Statement {
    Statement { text: text.into(), binds: Vec::new() }
}

impl Statement {
    pub fn bind(mut self, value: impl Into<Bind>) -> Self {
        self.binds.push(value.into());
        self
    }

    /// Reads the columns by position as `ST`. For rows of many columns: `QueryableByName` looks up each name in
    /// each row, which costs about a tenth of the time of a page.
    pub fn typed<ST>(self) -> TypedStatement<ST> {
        TypedStatement { statement: self, columns: PhantomData }
    }
}

/// A statement whose columns are read by position.
pub struct TypedStatement<ST> {
    statement: Statement,
    columns: PhantomData<ST>,
}

impl<ST> QueryId for TypedStatement<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for TypedStatement<ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<PgConnection> for TypedStatement<ST> {}

impl<ST> QueryFragment<Pg> for TypedStatement<ST> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.statement.walk_ast(out)
    }
}

impl QueryId for Statement {
    type QueryId = ();
    // Different texts have the same type, so the cache compares the text itself.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl RunQueryDsl<PgConnection> for Statement {}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut rest = self.text.as_ref();
        while let Some(position) = rest.find('$') {
            let (before, after) = rest.split_at(position);
            out.push_sql(before);
            let digits = after.bytes().skip(1).take_while(u8::is_ascii_digit).count();
            let (placeholder, tail) = after.split_at(digits + 1);
            let bind = placeholder
                .get(1..)
                .and_then(|n| n.parse::<usize>().ok())
                .and_then(|n| self.binds.get(n.checked_sub(1)?));
            match bind {
                Some(bind) => bind.push(&mut out)?,
                None => out.push_sql(placeholder),
            }
            rest = tail;
        }
        out.push_sql(rest);
        Ok(())
    }
}

impl Bind {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Bind::Uuid(value) => out.push_bind_param::<Nullable<SqlUuid>, _>(value),
            Bind::Uuids(value) => out.push_bind_param::<Array<SqlUuid>, _>(value),
            Bind::Texts(value) => out.push_bind_param::<Array<Text>, _>(value),
            Bind::NullableTexts(value) => out.push_bind_param::<Array<Nullable<Text>>, _>(value),
            Bind::Bools(value) => out.push_bind_param::<Array<Bool>, _>(value),
            Bind::Integers(value) => out.push_bind_param::<Array<Integer>, _>(value),
            Bind::BigInts(value) => out.push_bind_param::<Array<BigInt>, _>(value),
            Bind::Text(value) => out.push_bind_param::<Nullable<Text>, _>(value),
            Bind::BigInt(value) => out.push_bind_param::<Nullable<BigInt>, _>(value),
            Bind::Integer(value) => out.push_bind_param::<Integer, _>(value),
            Bind::Double(value) => out.push_bind_param::<Double, _>(value),
            Bind::Bool(value) => out.push_bind_param::<Bool, _>(value),
            Bind::Time(value) => out.push_bind_param::<Nullable<Timestamptz>, _>(value),
            Bind::Jsonb(value) => out.push_bind_param::<Nullable<Jsonb>, _>(value),
            Bind::Json(value) => out.push_bind_param::<Json, _>(value),
            Bind::Bytes(value) => out.push_bind_param::<Bytea, _>(value),
        }
    }
}

macro_rules! into_bind {
    ($($from:ty => |$v:ident| $make:expr),+ $(,)?) => {$(
        impl From<$from> for Bind {
            fn from($v: $from) -> Self {
                $make
            }
        }
    )+};
}

macro_rules! id_binds {
    ($($id:ident),+) => {$(
        into_bind! {
            guichet_base::id::$id => |v| Bind::Uuid(Some(v.0)),
            Option<guichet_base::id::$id> => |v| Bind::Uuid(v.map(|id| id.0)),
        }
    )+};
}

id_binds!(
    TenantId,
    UserId,
    ClientId,
    TeamId,
    ProjectId,
    ConversationId,
    MessageId,
    EventId,
    NotificationId,
    DeliveryId
);

into_bind! {
    Uuid => |v| Bind::Uuid(Some(v)),
    Option<Uuid> => |v| Bind::Uuid(v),
    Vec<Uuid> => |v| Bind::Uuids(v),
    Vec<String> => |v| Bind::Texts(v),
    Vec<bool> => |v| Bind::Bools(v),
    Vec<i32> => |v| Bind::Integers(v),
    Vec<i64> => |v| Bind::BigInts(v),
    &str => |v| Bind::Text(Some(v.to_owned())),
    String => |v| Bind::Text(Some(v)),
    Option<String> => |v| Bind::Text(v),
    i64 => |v| Bind::BigInt(Some(v)),
    Option<i64> => |v| Bind::BigInt(v),
    i32 => |v| Bind::Integer(v),
    f64 => |v| Bind::Double(v),
    bool => |v| Bind::Bool(v),
    Timestamp => |v| Bind::Time(Some(v)),
    Option<Timestamp> => |v| Bind::Time(v),
    Option<JsonValue> => |v| Bind::Jsonb(v),
    Vec<u8> => |v| Bind::Bytes(v),
}
