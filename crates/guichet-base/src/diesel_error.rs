//! Converts Diesel errors to [`Error`] (feature `diesel`): outages and overload become `UNAVAILABLE`.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::Error;

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::NotFound => Error::not_found("row").with_source(error),
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
            | DieselError::BrokenTransactionManager => Error::unavailable(error),
            DieselError::DatabaseError(_, info)
                if is_outage(info.message()) || is_overload(info.message()) =>
            {
                Error::unavailable(error)
            }
            _ => Error::internal(error),
        }
    }
}

/// Whether `message` is one of the texts by which PostgreSQL and libpq report a stopped, restarting or lost server.
pub fn is_outage(message: &str) -> bool {
    const OUTAGE_MESSAGES: [&str; 6] = [
        "terminating connection",
        "the database system is",
        "server closed the connection",
        "could not connect",
        "connection to server",
        "no connection to the server",
    ];
    OUTAGE_MESSAGES.iter().any(|text| message.contains(text))
}

/// Whether `message` reports `lock_timeout` or `statement_timeout`, which `roles.sql` sets. Only overload reaches
/// them; no single request does.
fn is_overload(message: &str) -> bool {
    message.starts_with("canceling statement due to")
}
