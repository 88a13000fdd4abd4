//! From a token to the actor it stands for: tenant, person, role, rights.
//!
//! - What is asked at every request (which tenant, which person) is remembered for seconds: a role that changed, a
//!   person who was deleted or whose tokens were revoked counts at once in the process that did it, and elsewhere as
//!   soon as the outbox is read there ([`Directory::forget`]); within [`PERSON_TTL`] whatever happens.
//! - The person's row says their role, not the token; under `JIT_USERS` a new token first brings the row in line.
//! - Nothing unknown is remembered: who is provisioned now may enter now.

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

/// How long what another process changed about a person may go unnoticed.
pub const PERSON_TTL: Duration = Duration::from_secs(10);
/// A tenant's id never changes, nor does its slug.
const TENANT_TTL: Duration = Duration::from_secs(600);
const MAX_TENANT_WORD_BYTES: usize = 200;
const REMEMBERED_PEOPLE: usize = 100_000;
const REMEMBERED_TENANTS: usize = 10_000;

/// Knows who is who. Cheap to clone; copies share what they remember.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
}

struct Inner {
    parts: DirectoryParts,
    tenants: Cache<TenantName, TenantId>,
    features: Cache<TenantId, FeatureSet>,
    people: Cache<(TenantId, UserId), AccountState>,
    signs: LastSeen,
}

/// What a directory is made of.
#[derive(Clone)]
pub struct DirectoryParts {
    pub db: Db,
    pub clock: Clock,
    pub features: config::FeaturesConfig,
    /// Who is there now, as the realtime hub knows it.
    pub presence: PresenceReader,
    /// Who is to hear at once that rights changed.
    pub rights_moved: RightsChanged,
}

/// What is remembered of a person.
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
    /// Lets in a token issued at `issued_at`. Errors: `UNAUTHENTICATED`.
    pub fn admit(self, issued_at: Option<Timestamp>) -> Result<Self> {
        if self.is_deleted {
            return Err(Error::unauthenticated().because("the person was deleted"));
        }
        if users::is_revoked(self.sessions_valid_after, issued_at) {
            let revoked = Error::unauthenticated().details(json!({ "reason": "revoked" }));
            return Err(revoked.because("the token was revoked"));
        }
        Ok(self)
    }
}

impl Directory {
    pub fn new(parts: DirectoryParts) -> Self {
        let inner = Inner {
            parts,
            tenants: Cache::new(REMEMBERED_TENANTS),
            features: Cache::new(REMEMBERED_TENANTS),
            people: Cache::new(REMEMBERED_PEOPLE),
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

    pub fn signs(&self) -> &LastSeen {
        &self.inner.signs
    }

    pub fn presence(&self) -> &PresenceReader {
        &self.inner.parts.presence
    }

    /// The actor as they are by now: whoever was deleted acts no more, nor whose token was revoked; whoever has another
    /// rank acts under it. For what outlives a request, a socket for instance. Errors: `UNAUTHENTICATED`.
    pub async fn renew(&self, actor: &Actor) -> Result<Actor> {
        if actor.role.is_service() {
            return Ok(actor.clone());
        }
        match self.look_up((actor.tenant, actor.user)).await? {
            Some(person) => {
                let person = person.admit(actor.authenticated_at)?;
                Ok(Actor { role: person.role, ..actor.clone() })
            }
            None => Err(Error::unauthenticated().because("the person is gone")),
        }
    }

    /// The tenant that somebody outside calls by this word: a UUID or a slug.
    pub async fn tenant_of(&self, word: &str) -> Result<Option<TenantId>> {
        // No slug is as long, nor has U+0000, which PostgreSQL would refuse as a fault of ours.
        if word.len() > MAX_TENANT_WORD_BYTES || word.contains('\0') {
            return Ok(None);
        }
        self.tenant(&TenantName::of_word(word)).await
    }

    /// Taken before a look-up whose answer [`Self::remember`] shall keep.
    pub(crate) fn asking(&self) -> cache::LookupStart {
        self.inner.people.asking()
    }

    /// What is on for a tenant of these settings.
    pub fn features_of(&self, settings: &serde_json::Value) -> FeatureSet {
        FeatureSet::new(&self.inner.parts.features, settings)
    }

    /// What is on for a tenant. Somebody of it must have been authenticated.
    pub async fn features(&self, tenant: TenantId) -> Result<FeatureSet> {
        let now = self.clock().now();
        if let Some(features) = self.inner.features.get(&tenant, now) {
            return Ok(features);
        }
        let settings = self.db().read(&reader(tenant), move |tx| store::settings(tx.conn(), tenant)).await?;
        let features = FeatureSet::new(&self.inner.parts.features, &settings);
        self.inner.features.put(tenant, features.clone(), now.plus(PERSON_TTL), now);
        Ok(features)
    }

    /// The service itself, when it acts in a tenant on nobody's behalf.
    pub fn itself(tenant: TenantId) -> Actor {
        reader(tenant)
    }

    /// Errors: `FEATURE_DISABLED`.
    pub async fn require(&self, actor: &Actor, feature: config::Feature) -> Result<()> {
        self.features(actor.tenant).await?.require(feature)
    }

    /// Once `tx` is committed, what is remembered of a person is asked anew.
    pub(crate) fn forget_person(&self, tx: &mut Tx<'_>, tenant: TenantId, user: UserId) {
        let directory = self.clone();
        tx.after_commit(move || directory.inner.people.forget(&(tenant, user)));
    }

    /// What is remembered of a person is asked anew.
    pub fn forget(&self, tenant: TenantId, user: UserId) {
        self.inner.people.forget(&(tenant, user));
    }

    /// Once `tx` is committed, `people` are asked anew who they are, and whoever waits for such news is told.
    pub(crate) fn rights_moved(&self, tx: &mut Tx<'_>, tenant: TenantId, people: Vec<UserId>) {
        let directory = self.clone();
        tx.after_commit(move || {
            for user in &people {
                directory.forget(tenant, *user);
            }
            directory.inner.parts.rights_moved.tell(tenant, &people);
        });
    }

    pub(crate) fn forget_features(&self, tx: &mut Tx<'_>, tenant: TenantId) {
        let directory = self.clone();
        tx.after_commit(move || directory.inner.features.forget(&tenant));
    }

    /// What is remembered of a person, or what their row says.
    pub(crate) async fn look_up(&self, key: (TenantId, UserId)) -> Result<Option<AccountState>> {
        if let Some(person) = self.inner.people.get(&key, self.clock().now()) {
            return Ok(Some(person));
        }
        let asked = self.inner.people.asking();
        let found = self.db().read(&reader(key.0), move |tx| store::person(tx.conn(), key)).await?;
        Ok(found.map(|user| self.remember(asked, key, &user)))
    }

    pub(crate) fn remember(
        &self,
        asked: cache::LookupStart,
        key: (TenantId, UserId),
        user: &User,
    ) -> AccountState {
        let (person, now) = (AccountState::from(user), self.clock().now());
        self.inner.people.keep(asked, key, person, now.plus(PERSON_TTL), now);
        person
    }

    pub(crate) async fn known_tenant(&self, name: &TenantName) -> Result<TenantId> {
        let tenant = self.tenant(name).await?;
        tenant.ok_or_else(|| Error::unauthenticated().because("nobody knows this tenant"))
    }

    pub(crate) async fn tenant(&self, name: &TenantName) -> Result<Option<TenantId>> {
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

/// The service itself, which looks people up before they act.
fn reader(tenant: TenantId) -> Actor {
    Actor {
        tenant,
        user: provisioner(),
        role: Role::Service,
        scopes: Arc::default(),
        locale: Locale::default(),
        ip: None,
        authenticated_at: None,
    }
}

/// The user id under which the service itself creates and looks up people.
pub(crate) fn provisioner() -> UserId {
    UserId(Uuid::new_v5(&Uuid::NAMESPACE_URL, b"guichet:jit"))
}
