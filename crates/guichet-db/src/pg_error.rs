//! Interprets errors of PostgreSQL.

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

/// For `map_err`: `then()` if `error` violates the constraint `name`, else `error` unchanged.
pub fn on_constraint(name: &'static str, then: impl FnOnce() -> Error) -> impl FnOnce(DieselError) -> Error {
    move |error| {
        let error = Error::from(error);
        if violated_constraint(&error) == Some(name) { then().with_source(error) } else { error }
    }
}

/// A transaction that did not begin: its work has not run, so another connection may run it.
#[derive(Debug)]
struct NotExecuted(String);

impl fmt::Display for NotExecuted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the connection was closed before the work ran: {}", self.0)
    }
}

impl std::error::Error for NotExecuted {}

pub(super) fn begin_error(error: DieselError) -> Error {
    Error::unavailable(NotExecuted(error.to_string()))
}

/// The same for a query outside any transaction: a closed connection did not answer it, and another may.
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

/// Whether the transaction lost a race that the same work may win when it runs again: a serialization failure, a
/// deadlock, or a repeated request that ran concurrently with the original.
pub(super) fn is_retriable(error: &Error) -> bool {
    match diesel_error(error) {
        Some(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
        Some(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)) => {
            info.constraint_name().is_some_and(|name| RETRIED_CONSTRAINTS.contains(&name))
        }
        // Diesel has no kind for 40P01; the text is PostgreSQL's, in the C locale that guichet sets.
        Some(DieselError::DatabaseError(_, info)) => info.message().starts_with("deadlock detected"),
        _ => false,
    }
}

/// Unique constraints that services check first: violating one means a race with a repeat of the same request.
const RETRIED_CONSTRAINTS: [&str; 2] = ["messages_client_message_id_key", "idempotency_keys_pkey"];

fn diesel_error(error: &Error) -> Option<&DieselError> {
    error.source()?.downcast_ref::<DieselError>()
}
