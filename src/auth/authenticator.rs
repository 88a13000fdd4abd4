//! From a token to the actor that it authenticates.
//!
//! The role comes from the person's row, not from the token. With `JIT_USERS`, a new token first updates the row.

use std::net::IpAddr;
use std::sync::Arc;

use guichet_base::id::TenantId;
use guichet_base::{Actor, Error, Result, Role, Timestamp};

use crate::auth::connect::{self, ConnectToken};
use crate::auth::jit;
use crate::auth::token::{Claims, TokenVerifier};
use crate::directory::{AccountState, Directory, TenantName};

/// Turns tokens into actors. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    pub directory: Directory,
    pub tokens: TokenVerifier,
    /// Whether the first valid token of an unknown person creates that person.
    pub jit_users: bool,
}

/// A verified caller, and when the token or connect token that they used expires.
#[derive(Debug, Clone)]
pub struct Credential {
    pub actor: Actor,
    pub expires_at: Timestamp,
}

/// The tenant that a request names beside its token. It counts only for service tokens of all tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedTenant<'a> {
    /// The request names none.
    Unspecified,
    /// `X-Tenant`: a UUID or a slug.
    Named(&'a str),
    /// The request creates the tenant.
    New,
}

impl Authenticator {
    /// Authenticates `token`. Errors: `UNAUTHENTICATED`; `VALIDATION_ERROR` when a token of all tenants names no
    /// tenant; `UNAVAILABLE`.
    pub async fn authenticate(
        &self,
        token: &str,
        ip: Option<IpAddr>,
        asked: RequestedTenant<'_>,
    ) -> Result<Credential> {
        let verified = self.tokens.verify(token).await?;
        let claims = verified.claims;
        let actor = if claims.role == Role::Service {
            self.service_actor(&claims, asked).await?
        } else {
            self.person_actor(&claims, verified.is_new).await?
        };
        Ok(Credential { actor: Actor { ip, ..actor }, expires_at: claims.expires_at })
    }

    /// Redeems a connect token, which works once. The credential expires with the access token that the connect token
    /// was issued for. Errors: `UNAUTHENTICATED`.
    pub async fn redeem(&self, ticket: &ConnectToken, ip: Option<IpAddr>) -> Result<Credential> {
        let used = connect::redeem(self.directory.db(), ticket, self.directory.clock().now()).await?;
        let found = self.directory.find_account((used.tenant, used.user)).await?;
        let person = found.ok_or_else(|| Error::unauthenticated().with_source("the person is gone"))?;
        let person = person.check_token(used.authenticated_at)?;
        let actor = Actor {
            tenant: used.tenant,
            user: used.user,
            role: person.role,
            scopes: Arc::default(),
            locale: person.locale,
            ip,
            authenticated_at: used.authenticated_at,
        };
        Ok(Credential { actor, expires_at: used.token_expires_at })
    }

    async fn service_actor(&self, claims: &Claims, asked: RequestedTenant<'_>) -> Result<Actor> {
        let (tenant, role) = match (&claims.tenant, asked) {
            (TenantName::Any, RequestedTenant::New) => (TenantId::new(), Role::Platform),
            (TenantName::Any, RequestedTenant::Unspecified) => {
                return Err(Error::invalid("X-Tenant", "missing"));
            }
            (TenantName::Any, RequestedTenant::Named(word)) => {
                let name = TenantName::parse(word);
                let tenant = self.directory.find_tenant(&name).await?;
                (tenant.ok_or_else(|| Error::invalid("X-Tenant", "unknown_id"))?, Role::Service)
            }
            (name, _) => (self.directory.require_tenant(name).await?, Role::Service),
        };
        Ok(Actor {
            tenant,
            user: claims.user,
            role,
            scopes: Arc::clone(&claims.scopes),
            locale: claims.locale.unwrap_or_default(),
            ip: None,
            authenticated_at: claims.issued_at,
        })
    }

    async fn person_actor(&self, claims: &Arc<Claims>, is_new: bool) -> Result<Actor> {
        let tenant = self.directory.require_tenant(&claims.tenant).await?;
        let person = self.load_account(tenant, claims, is_new).await?.check_token(claims.issued_at)?;
        Ok(Actor {
            tenant,
            user: claims.user,
            role: person.role,
            scopes: Arc::default(),
            locale: person.locale,
            ip: None,
            authenticated_at: claims.issued_at,
        })
    }

    async fn load_account(
        &self,
        tenant: TenantId,
        claims: &Arc<Claims>,
        is_new: bool,
    ) -> Result<AccountState> {
        let key = (tenant, claims.user);
        let jit_users = self.jit_users;
        if !(jit_users && is_new)
            && let Some(person) = self.directory.find_account(key).await?
        {
            return Ok(person);
        }
        if !jit_users {
            return Err(Error::unauthenticated().with_source("nobody knows this person"));
        }
        let (claims, directory, asked) =
            (Arc::clone(claims), self.directory.clone(), self.directory.start_lookup());
        let user = self
            .directory
            .db()
            .write(&Directory::service_actor(tenant), move |tx| {
                jit::provision(tx, &directory, tenant, &claims)
            })
            .await?;
        Ok(self.directory.cache_account(asked, key, &user))
    }
}
