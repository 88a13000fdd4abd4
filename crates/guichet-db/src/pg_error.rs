//! Classifies errors of PostgreSQL: violated constraint, closed connection, retriable.

use std::error::Error as _;
use std::fmt;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use guichet_base::diesel_error::is_outage;
use guichet_base::{Error, ErrorKind};

/// The name of the constraint that `error` violates.
pub fn violated_constraint(error: &Error) -> Option<&str> {
    match diesel_error(error)? {
        DieselError::DatabaseError(_, info) => info.constraint_name(),
        _ => None,
    }
}

/// Mapper for `map_err`: `to_error()` if the error violates the constraint `name`, otherwise the unchanged error.
pub fn on_constraint(
    name: &'static str,
    to_error: impl FnOnce() -> Error,
) -> impl FnOnce(DieselError) -> Error {
    move |error| {
        let error = Error::from(error);
        if violated_constraint(&error) == Some(name) { to_error().with_source(error) } else { error }
    }
}

/// Source of an error that occurred before the work ran, so the work can be retried on another connection.
#[derive(Debug)]
struct NotExecuted(String);

impl fmt::Display for NotExecuted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the connection was closed before the work ran: {}", self.0)
    }
}

impl std::error::Error for NotExecuted {}

pub(super) fn not_begun_error(error: DieselError) -> Error {
    Error::unavailable(NotExecuted(error.to_string()))
}

/// Marks the error of a query outside a transaction as `NotExecuted` if the connection was closed: it is retried.
pub(super) fn not_executed_if_closed(error: Error) -> Error {
    match diesel_error(&error) {
        Some(cause) if is_closed(&error) => Error::unavailable(NotExecuted(cause.to_string())),
        _ => error,
    }
}

pub(super) fn is_not_executed(error: &Error) -> bool {
    error.source().is_some_and(|source| source.is::<NotExecuted>())
}

/// Whether the connection is unusable.
pub(super) fn is_closed(error: &Error) -> bool {
    match diesel_error(error) {
        Some(DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _))
        | Some(DieselError::BrokenTransactionManager) => true,
        Some(DieselError::DatabaseError(_, info)) => is_outage(info.message()),
        _ => error.kind() == ErrorKind::Unavailable,
    }
}

/// Whether running the same work again may succeed: a serialization failure, a
/// deadlock, or a race between a request and its repetition.
pub(super) fn is_retriable(error: &Error) -> bool {
    match diesel_error(error) {
        Some(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
        Some(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)) => {
            info.constraint_name().is_some_and(|name| RETRIED_CONSTRAINTS.contains(&name))
        }
        // Diesel has no kind for SQLSTATE 40P01. The text is English only if the server's `lc_messages` is.
        Some(DieselError::DatabaseError(_, info)) => info.message().starts_with("deadlock detected"),
        _ => false,
    }
}

/// Unique constraints that services check before they insert: a violation means a race between repeated requests.
const RETRIED_CONSTRAINTS: [&str; 2] = ["messages_client_message_id_key", "idempotency_keys_pkey"];

fn diesel_error(error: &Error) -> Option<&DieselError> {
    error.source()?.downcast_ref::<DieselError>()
}
