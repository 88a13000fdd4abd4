//! Who acts: what a verified token says, and where the request came from.

use std::net::IpAddr;
use std::sync::Arc;

use crate::id::{TenantId, UserId};
use crate::{Locale, Role, Timestamp};

/// The identity that one request, command or join runs under. Made by `identity` from a verified token.
#[derive(Debug, Clone)]
pub struct Actor {
    pub tenant: TenantId,
    pub user: UserId,
    pub role: Role,
    /// Of a service token: what it may do. Empty for people.
    pub scopes: Arc<[String]>,
    /// The language of messages to this caller.
    pub locale: Locale,
    /// The caller's address, kept in the activity log.
    pub ip: Option<IpAddr>,
    /// When the token was issued that this actor stands on, where it says so: what was revoked since is not theirs.
    pub authenticated_at: Option<Timestamp>,
}

impl Actor {
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope || held == "*")
    }
}
