//! What an error of PostgreSQL means to the caller (feature `diesel`).

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

/// Shutdown, restart and loss of a server, as PostgreSQL and libpq word them.
pub fn is_outage(message: &str) -> bool {
    const OUTAGE_MESSAGES: [&str; 6] = [
        "terminating connection",
        "the database system is",
        "server closed the connection",
        "could not connect",
        "connection to server",
        "no connection to the server",
    ];
    OUTAGE_MESSAGES.iter().any(|words| message.contains(words))
}

/// The limits that `roles.sql` sets on waiting for a lock and on one statement: reached when too much is asked at
/// once, never by what is asked.
fn is_overload(message: &str) -> bool {
    message.starts_with("canceling statement due to")
}
