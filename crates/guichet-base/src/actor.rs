//! The actor of a request, from a verified token.

use std::net::IpAddr;
use std::sync::Arc;

use crate::id::{TenantId, UserId};
use crate::{Locale, Role, Timestamp};

/// The identity under which a request, command or join runs. Created by `auth` from a verified token.
#[derive(Debug, Clone)]
pub struct Actor {
    pub tenant: TenantId,
    pub user: UserId,
    pub role: Role,
    /// Scopes of a service token. Empty for a person.
    pub scopes: Arc<[String]>,
    /// The language of messages to this caller.
    pub locale: Locale,
    /// The caller's address, for the activity log.
    pub ip: Option<IpAddr>,
    /// When the token was issued, if the token states it. A later revocation makes the actor invalid.
    pub authenticated_at: Option<Timestamp>,
}

impl Actor {
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope || granted == "*")
    }
}
