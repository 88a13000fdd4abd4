//! Diesel's traits for our types (feature `diesel`): ids as `uuid`, timestamps as `timestamptz`.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, Queryable};
use diesel::expression::AsExpression;
use diesel::internal::derives::as_expression::Bound;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::Timestamp;
use crate::id::{
    ClientId, ConversationId, DeliveryId, EventId, MessageId, NotificationId, ProjectId, TeamId, TenantId,
    UserId,
};

/// Implements `AsExpression`, `ToSql` and `Queryable` of `$sql` for a type, its references, and nullable columns.
macro_rules! expression {
    ($value:ty, $sql:ty) => {
        expression!(@value $value, $sql, $value);
        expression!(@value $value, Nullable<$sql>, $value);
        expression!(@ref $value, $sql);
        expression!(@ref $value, Nullable<$sql>);

        impl ToSql<Nullable<$sql>, Pg> for $value {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<$sql, Pg>::to_sql(self, out)
            }
        }

        impl<DB> Queryable<$sql, DB> for $value
        where
            DB: Backend,
            Self: FromSql<$sql, DB>,
        {
            type Row = Self;

            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    };
    (@value $value:ty, $sql:ty, $expr:ty) => {
        impl AsExpression<$sql> for $expr {
            type Expression = Bound<$sql, Self>;

            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
    };
    (@ref $value:ty, $sql:ty) => {
        impl<'e> AsExpression<$sql> for &'e $value {
            type Expression = Bound<$sql, Self>;

            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
    };
}

macro_rules! uuid_ids {
    ($($id:ident),+) => {$(
        expression!($id, SqlUuid);

        impl ToSql<SqlUuid, Pg> for $id {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<SqlUuid, Pg>::to_sql(&self.0, out)
            }
        }

        impl FromSql<SqlUuid, Pg> for $id {
            fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
                <Uuid as FromSql<SqlUuid, Pg>>::from_sql(bytes).map($id)
            }
        }
    )+};
}

uuid_ids!(
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

expression!(Timestamp, Timestamptz);

impl ToSql<Timestamptz, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamptz, Pg>::to_sql(&self.as_datetime(), &mut out.reborrow())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Timestamptz, Pg> for Timestamp {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamptz, Pg>::from_sql(bytes).map(Timestamp::from_datetime)
    }
}
