//! The permissions on rows and columns of each table: one entry per table, compared with the catalog.
//!
//! A table without an entry fails the suite, and so does an entry without a table.

mod deliveries;
mod notifications;
mod preferences;
mod tickets;

use super::chat::{CONVERSATIONS, MESSAGES, PARTICIPANTS, SEES_ROOM};
use super::queues::{OUTBOX_READERS, SCHEDULED_JOBS};
use super::rule::Rule::{
    self, All, Among, Any, AnyRole, Anyone, Field, Mine, MyClient, MyPeople, Nobody, Not, Role,
};

/// Columns on which a role has a grant for a verb.
#[derive(Debug, Clone, Copy)]
pub enum Columns {
    All,
    None,
    Only(&'static [&'static str]),
}

impl Columns {
    pub fn has(self, column: &str) -> bool {
        match self {
            Columns::All => true,
            Columns::None => false,
            Columns::Only(columns) => columns.contains(&column),
        }
    }
}

/// The access of one database role: columns by grant, rows by policy.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    pub select: Columns,
    pub insert: Columns,
    pub update: Columns,
    pub delete: bool,
    /// The column that must be the identity's tenant, for every verb.
    pub tenant: Option<&'static str>,
    pub may_select: Rule,
    pub may_insert: Rule,
    pub may_update: Rule,
    pub may_delete: Rule,
}

pub struct Table {
    pub name: &'static str,
    pub key: &'static [&'static str],
    /// The SET clause of an UPDATE that reads no column, and so is checked by the UPDATE policy alone.
    pub blind: &'static str,
    /// A view, with the rights of its caller on the rows of its table.
    pub is_view: bool,
    pub app: Access,
    pub worker: Access,
    pub authz: Access,
    pub search: Access,
}

impl Table {
    pub fn access(&self, db_role: &str) -> Access {
        match db_role {
            "guichet_app" => self.app,
            "guichet_worker" => self.worker,
            "guichet_authz" => self.authz,
            "guichet_search" => self.search,
            // The owner has every grant and, because of FORCE, no row.
            "guichet_owner" => Access {
                select: Columns::All,
                insert: Columns::All,
                update: Columns::All,
                delete: true,
                ..NONE
            },
            other => panic!("{other} is no role of guichet"),
        }
    }
}

pub const NONE: Access = Access {
    select: Columns::None,
    insert: Columns::None,
    update: Columns::None,
    delete: false,
    tenant: Some("tenant_id"),
    may_select: Nobody,
    may_insert: Nobody,
    may_update: Nobody,
    may_delete: Nobody,
};
/// Access of `guichet_authz` to most tables: it reads the actor's tenant.
pub const AUTHZ_READS: Access = Access { select: Columns::All, may_select: Anyone, ..NONE };
pub const TABLE: Table = Table {
    name: "",
    key: &["tenant_id", "id"],
    blind: "",
    is_view: false,
    app: NONE,
    worker: NONE,
    authz: NONE,
    search: NONE,
};

pub const ALL_ROOMS: Rule = Role(&["owner", "manager"]);
pub const PROVISIONS: Rule = Role(&["owner", "manager", "service"]);
/// The system phase of an action, and jobs.
pub const SYSTEM: Rule = Role(&["system"]);
const SEES_TEAMS: Rule = Role(&["owner", "manager", "employee", "service", "system"]);
const EDITS_CLIENT: Rule = Any(&[PROVISIONS, All(&[Role(&["employee"]), MyClient("client_id")])]);
const TENANTS: Table = Table {
    name: "tenants",
    key: &["id"],
    blind: "name = 'x'",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&["name", "settings"]),
        tenant: Some("id"),
        may_select: Anyone,
        may_insert: Role(&["platform"]),
        may_update: Role(&["owner", "service"]),
        ..NONE
    },
    // The ids of tenants only: jobs process them one by one.
    worker: Access { select: Columns::Only(&["id"]), tenant: None, may_select: Anyone, ..NONE },
    authz: Access { tenant: None, ..AUTHZ_READS },
    ..TABLE
};

const USERS: Table = Table {
    name: "users",
    blind: "timezone = 'UTC'",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&[
            "external_id",
            "role",
            "email",
            "phone",
            "display_name",
            "avatar_url",
            "locale",
            "timezone",
            "last_seen_at",
            "deleted_at",
            "sessions_valid_after",
        ]),
        may_select: Any(&[
            PROVISIONS,
            SYSTEM,
            Mine("id"),
            MyPeople("id"),
            All(&[Role(&["employee"]), Not(&Field("role", &["client"]))]),
        ]),
        may_insert: Any(&[
            Role(&["owner", "service"]),
            All(&[Role(&["manager"]), Not(&Field("role", &["owner"]))]),
        ]),
        may_update: Any(&[
            Role(&["owner", "service"]),
            All(&[Role(&["manager"]), Not(&Field("role", &["owner"]))]),
            All(&[Mine("id"), Role(&["manager", "employee", "client"])]),
        ]),
        ..NONE
    },
    authz: AUTHZ_READS,
    ..TABLE
};

const TEAMS: Table = Table {
    name: "teams",
    blind: "name = 'x'",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&["name"]),
        delete: true,
        may_select: SEES_TEAMS,
        may_insert: PROVISIONS,
        may_update: PROVISIONS,
        may_delete: PROVISIONS,
        ..NONE
    },
    ..TABLE
};

const TEAM_MEMBERS: Table = Table {
    name: "team_members",
    key: &["tenant_id", "team_id", "user_id"],
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        delete: true,
        may_select: SEES_TEAMS,
        may_insert: PROVISIONS,
        may_delete: PROVISIONS,
        ..NONE
    },
    authz: AUTHZ_READS,
    ..TABLE
};

const CLIENTS: Table = Table {
    name: "clients",
    blind: "name = 'x'",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&["name", "operator_id", "team_id", "status", "details"]),
        may_select: Any(&[PROVISIONS, SYSTEM, MyClient("id")]),
        may_insert: PROVISIONS,
        may_update: Any(&[PROVISIONS, All(&[Role(&["employee"]), MyClient("id")])]),
        ..NONE
    },
    authz: AUTHZ_READS,
    ..TABLE
};

const CLIENT_MEMBERS: Table = Table {
    name: "client_members",
    key: &["tenant_id", "client_id", "user_id"],
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        delete: true,
        may_select: Any(&[PROVISIONS, SYSTEM, MyClient("client_id")]),
        may_insert: PROVISIONS,
        may_delete: PROVISIONS,
        ..NONE
    },
    authz: AUTHZ_READS,
    ..TABLE
};

const PROJECTS: Table = Table {
    name: "projects",
    blind: "name = 'x'",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&["name"]),
        delete: true,
        may_select: Any(&[PROVISIONS, MyClient("client_id")]),
        may_insert: EDITS_CLIENT,
        may_update: EDITS_CLIENT,
        may_delete: EDITS_CLIENT,
        ..NONE
    },
    ..TABLE
};

/// The rows about changed rights: for the tail only.
const OF_RIGHTS: Rule = Field("topic", &["rights:someone"]);

const OUTBOX: Table = Table {
    name: "outbox",
    key: &["tenant_id", "topic", "seq"],
    app: Access {
        select: Columns::Only(&[
            "tenant_id",
            "topic",
            "seq",
            "id",
            "event",
            "payload",
            "client_id",
            "created_at",
        ]),
        insert: Columns::All,
        may_select: Any(&[SEES_ROOM, Among("user_ids")]),
        may_insert: Role(&["system"]),
        ..NONE
    },
    worker: Access { select: Columns::All, tenant: None, may_select: Anyone, ..NONE },
    authz: Access { insert: Columns::All, may_insert: OF_RIGHTS, ..NONE },
    ..TABLE
};

const ACTIVITY_LOGS: Table = Table {
    name: "activity_logs",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        may_select: Role(&["owner"]),
        // Without a person: actions of the service itself.
        may_insert: Any(&[All(&[Mine("user_id"), AnyRole]), All(&[SYSTEM, Field("user_id", &[""])])]),
        ..NONE
    },
    worker: Access { insert: Columns::All, tenant: None, may_insert: Anyone, ..NONE },
    ..TABLE
};

const IDEMPOTENCY_KEYS: Table = Table {
    name: "idempotency_keys",
    key: &["tenant_id", "user_id", "key"],
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        may_select: Mine("user_id"),
        may_insert: Mine("user_id"),
        ..NONE
    },
    worker: tickets::QUEUE,
    ..TABLE
};

pub static TABLES: [Table; 30] = [
    TENANTS,
    USERS,
    TEAMS,
    TEAM_MEMBERS,
    CLIENTS,
    CLIENT_MEMBERS,
    PROJECTS,
    CONVERSATIONS,
    MESSAGES,
    PARTICIPANTS,
    OUTBOX,
    tickets::CONNECT_TICKETS,
    ACTIVITY_LOGS,
    OUTBOX_READERS,
    IDEMPOTENCY_KEYS,
    SCHEDULED_JOBS,
    preferences::NOTIFICATION_PREFERENCES,
    preferences::NOTIFICATION_SETTINGS,
    preferences::NOTIFICATION_OVERRIDES,
    notifications::NOTIFICATION_TEMPLATES,
    notifications::NOTIFICATION_EVENTS,
    notifications::NOTIFICATION_EVENT_KEYS,
    notifications::REJECTED_EVENTS,
    notifications::NOTIFICATION_FEEDS,
    notifications::NOTIFICATIONS,
    notifications::NOTIFICATION_SKIPS,
    notifications::CLIENT_SILENCES,
    deliveries::DELIVERIES,
    deliveries::DIGESTS,
    deliveries::EMAIL_EVENTS,
];
