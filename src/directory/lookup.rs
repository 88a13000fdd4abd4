//! The directory of tenants, people and features, with its caches.
//!
//! - Data that every request needs (tenant, person, features) is cached for seconds. A changed role, a deletion or a
//!   revocation takes effect at once in the process that made it, and elsewhere when that process reads the outbox
//!   ([`Directory::invalidate_account`]), after [`ACCOUNT_TTL`] at the latest.
//! - Misses are not cached, so that a newly created person is admitted at once.

use std::sync::Arc;
use std::time::Duration;

use guichet_base::id::{TenantId, UserId};
use guichet_base::{Actor, Clock, Error, Locale, Result, Role, Timestamp};
use guichet_db::{Db, Tx};
use serde_json::json;
use uuid::Uuid;

use crate::config;
use crate::directory::TenantName;
use crate::directory::cache::{self, Cache};
use crate::directory::features::FeatureSet;
use crate::directory::last_seen::LastSeen;
use crate::directory::presence::PresenceReader;
use crate::directory::rights_changed::RightsChanged;
use crate::directory::store;
use crate::directory::users::{self, User};

/// How long a change by another process may go unnoticed.
pub const ACCOUNT_TTL: Duration = Duration::from_secs(10);
/// Long, because neither the id nor the slug of a tenant ever changes.
const TENANT_TTL: Duration = Duration::from_secs(600);
const MAX_TENANT_NAME_BYTES: usize = 200;
const CACHED_ACCOUNTS: usize = 100_000;
const CACHED_TENANTS: usize = 10_000;

/// Looks up tenants, people and features. Cheap to clone; clones share the caches.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
}

struct Inner {
    parts: DirectoryParts,
    tenants: Cache<TenantName, TenantId>,
    features: Cache<TenantId, FeatureSet>,
    accounts: Cache<(TenantId, UserId), AccountState>,
    signs: LastSeen,
}

/// The dependencies of a [`Directory`].
#[derive(Clone)]
pub struct DirectoryParts {
    pub db: Db,
    pub clock: Clock,
    pub features: config::FeaturesConfig,
    /// The presence of people, from the realtime hub.
    pub presence: PresenceReader,
    /// Notified at once when rights change.
    pub on_rights_changed: RightsChanged,
}

/// The cached part of a person's row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountState {
    pub role: Role,
    pub locale: Locale,
    is_deleted: bool,
    sessions_valid_after: Option<Timestamp>,
}

impl From<&User> for AccountState {
    fn from(user: &User) -> Self {
        Self {
            role: user.role,
            locale: user.locale,
            is_deleted: user.deleted_at.is_some(),
            sessions_valid_after: user.sessions_valid_after,
        }
    }
}

impl AccountState {
    /// Admits a token issued at `issued_at`. Errors: `UNAUTHENTICATED` if the person was deleted or the token
    /// revoked.
    pub fn check_token(self, issued_at: Option<Timestamp>) -> Result<Self> {
        if self.is_deleted {
            return Err(Error::unauthenticated().with_source("the person was deleted"));
        }
        if users::is_token_revoked(self.sessions_valid_after, issued_at) {
            let revoked = Error::unauthenticated().with_details(json!({ "reason": "revoked" }));
            return Err(revoked.with_source("the token was revoked"));
        }
        Ok(self)
    }
}

impl Directory {
    pub fn new(parts: DirectoryParts) -> Self {
        let inner = Inner {
            parts,
            tenants: Cache::new(CACHED_TENANTS),
            features: Cache::new(CACHED_TENANTS),
            accounts: Cache::new(CACHED_ACCOUNTS),
            signs: LastSeen::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn db(&self) -> &Db {
        &self.inner.parts.db
    }

    pub fn clock(&self) -> &Clock {
        &self.inner.parts.clock
    }

    pub fn last_seen(&self) -> &LastSeen {
        &self.inner.signs
    }

    pub fn presence(&self) -> &PresenceReader {
        &self.inner.parts.presence
    }

    /// The actor with their current role, for contexts that outlive a request, such as a socket. Errors:
    /// `UNAUTHENTICATED` if the person was deleted or the token revoked.
    pub async fn refresh_actor(&self, actor: &Actor) -> Result<Actor> {
        if actor.role.is_service() {
            return Ok(actor.clone());
        }
        match self.find_account((actor.tenant, actor.user)).await? {
            Some(person) => {
                let person = person.check_token(actor.authenticated_at)?;
                Ok(Actor { role: person.role, ..actor.clone() })
            }
            None => Err(Error::unauthenticated().with_source("the person is gone")),
        }
    }

    /// The tenant with this UUID or slug.
    pub async fn find_tenant_by_name(&self, word: &str) -> Result<Option<TenantId>> {
        // No slug is this long, and PostgreSQL would answer U+0000 with an internal error.
        if word.len() > MAX_TENANT_NAME_BYTES || word.contains('\0') {
            return Ok(None);
        }
        self.find_tenant(&TenantName::parse(word)).await
    }

    /// Call this before loading a person that [`Self::cache_account`] will cache.
    pub(crate) fn start_lookup(&self) -> cache::LookupStart {
        self.inner.accounts.start_lookup()
    }

    /// The features of a tenant with these settings.
    pub fn features_from_settings(&self, settings: &serde_json::Value) -> FeatureSet {
        FeatureSet::new(&self.inner.parts.features, settings)
    }

    /// The features of a tenant. The caller must be authenticated in it.
    pub async fn features(&self, tenant: TenantId) -> Result<FeatureSet> {
        let now = self.clock().now();
        if let Some(features) = self.inner.features.get(&tenant, now) {
            return Ok(features);
        }
        let settings =
            self.db().read(&service_actor(tenant), move |tx| store::settings(tx.conn(), tenant)).await?;
        let features = FeatureSet::new(&self.inner.parts.features, &settings);
        self.inner.features.put(tenant, features.clone(), now.plus(ACCOUNT_TTL), now);
        Ok(features)
    }

    /// The service itself as an actor of `tenant`, for work without a user.
    pub fn service_actor(tenant: TenantId) -> Actor {
        service_actor(tenant)
    }

    /// Errors: `FEATURE_DISABLED`.
    pub async fn require(&self, actor: &Actor, feature: config::Feature) -> Result<()> {
        self.features(actor.tenant).await?.require(feature)
    }

    /// Drops a person from the cache once `tx` is committed.
    pub(crate) fn invalidate_account_after_commit(&self, tx: &mut Tx<'_>, tenant: TenantId, user: UserId) {
        let directory = self.clone();
        tx.after_commit(move || directory.inner.accounts.invalidate(&(tenant, user)));
    }

    /// Drops a person from the cache.
    pub fn invalidate_account(&self, tenant: TenantId, user: UserId) {
        self.inner.accounts.invalidate(&(tenant, user));
    }

    /// Once `tx` is committed, drops `people` from the cache and notifies the listeners for changed rights.
    pub(crate) fn notify_rights_changed(&self, tx: &mut Tx<'_>, tenant: TenantId, people: Vec<UserId>) {
        let directory = self.clone();
        tx.after_commit(move || {
            for user in &people {
                directory.invalidate_account(tenant, *user);
            }
            directory.inner.parts.on_rights_changed.notify(tenant, &people);
        });
    }

    pub(crate) fn invalidate_features_after_commit(&self, tx: &mut Tx<'_>, tenant: TenantId) {
        let directory = self.clone();
        tx.after_commit(move || directory.inner.features.invalidate(&tenant));
    }

    /// The cached state of a person, or that of their row.
    pub(crate) async fn find_account(&self, key: (TenantId, UserId)) -> Result<Option<AccountState>> {
        if let Some(person) = self.inner.accounts.get(&key, self.clock().now()) {
            return Ok(Some(person));
        }
        let asked = self.inner.accounts.start_lookup();
        let found = self.db().read(&service_actor(key.0), move |tx| store::person(tx.conn(), key)).await?;
        Ok(found.map(|user| self.cache_account(asked, key, &user)))
    }

    pub(crate) fn cache_account(
        &self,
        asked: cache::LookupStart,
        key: (TenantId, UserId),
        user: &User,
    ) -> AccountState {
        let (person, now) = (AccountState::from(user), self.clock().now());
        self.inner.accounts.put_if_current(asked, key, person, now.plus(ACCOUNT_TTL), now);
        person
    }

    pub(crate) async fn require_tenant(&self, name: &TenantName) -> Result<TenantId> {
        let tenant = self.find_tenant(name).await?;
        tenant.ok_or_else(|| Error::unauthenticated().with_source("nobody knows this tenant"))
    }

    pub(crate) async fn find_tenant(&self, name: &TenantName) -> Result<Option<TenantId>> {
        let now = self.clock().now();
        if let Some(tenant) = self.inner.tenants.get(name, now) {
            return Ok(Some(tenant));
        }
        let asked = name.clone();
        let found = self.db().anonymous(move |conn| store::tenant(conn, &asked)).await?;
        if let Some(tenant) = found {
            self.inner.tenants.put(name.clone(), tenant, now.plus(TENANT_TTL), now);
        }
        Ok(found)
    }
}

/// The service itself, as the actor that looks people up during authentication.
fn service_actor(tenant: TenantId) -> Actor {
    Actor {
        tenant,
        user: service_user_id(),
        role: Role::Service,
        scopes: Arc::default(),
        locale: Locale::default(),
        ip: None,
        authenticated_at: None,
    }
}

/// The user id under which the service itself creates and looks up people.
pub(crate) fn service_user_id() -> UserId {
    UserId(Uuid::new_v5(&Uuid::NAMESPACE_URL, b"guichet:jit"))
}
