//! A notification is visible to its owner only: no role reads another's. The system writes them.

use super::{
    ALL_ROOMS, Access, All, Any, Anyone, Columns, Field, Mine, NONE, PROVISIONS, Rule, SYSTEM, TABLE, Table,
};

/// Read and written by the system only.
pub const SYSTEM_ONLY: Access = Access {
    select: Columns::All,
    insert: Columns::All,
    may_select: SYSTEM,
    may_insert: SYSTEM,
    may_update: SYSTEM,
    ..NONE
};

/// Retention: rows by age, whatever their content and owner.
pub const BY_AGE: Access = Access {
    select: Columns::Only(&["created_at"]),
    delete: true,
    tenant: None,
    may_select: Anyone,
    may_delete: Anyone,
    ..NONE
};

const OWN_OR_SYSTEM: Rule = Any(&[Mine("user_id"), SYSTEM]);
/// A row that exists only for its mails is hidden.
const READER_OR_SYSTEM: Rule = Any(&[All(&[Mine("recipient_id"), Field("visible", &["true"])]), SYSTEM]);

pub const NOTIFICATION_TEMPLATES: Table = Table {
    name: "notification_templates",
    key: &["tenant_id", "code"],
    blind: "fields = '{}'",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&["fields", "updated_by"]),
        delete: true,
        may_select: Any(&[ALL_ROOMS, SYSTEM]),
        may_insert: ALL_ROOMS,
        may_update: ALL_ROOMS,
        may_delete: ALL_ROOMS,
        ..NONE
    },
    ..TABLE
};

/// The payload of internal events is the content of a message: not even producers and owners read it here.
pub const NOTIFICATION_EVENTS: Table = Table {
    name: "notification_events",
    blind: "written = 1",
    app: Access {
        update: Columns::Only(&[
            "status",
            "planned",
            "written",
            "skipped",
            "up_to",
            "updated_at",
            "finished_at",
        ]),
        ..SYSTEM_ONLY
    },
    // Unfinished events in order; and retention.
    worker: Access {
        select: Columns::Only(&["tenant_id", "id", "priority", "status", "updated_at", "created_at"]),
        ..BY_AGE
    },
    ..TABLE
};

pub const NOTIFICATION_EVENT_KEYS: Table = Table {
    name: "notification_event_keys",
    key: &["tenant_id", "key"],
    blind: "created_at = now()",
    app: Access { update: Columns::Only(&["event_id", "body_hash", "created_at"]), ..SYSTEM_ONLY },
    worker: BY_AGE,
    ..TABLE
};

/// Rejected events, for producers, owners and managers.
pub const REJECTED_EVENTS: Table = Table {
    name: "rejected_events",
    blind: "retries = 1",
    app: Access {
        update: Columns::Only(&["code", "reason", "retries", "event_id", "updated_at"]),
        may_select: Any(&[PROVISIONS, SYSTEM]),
        ..SYSTEM_ONLY
    },
    worker: BY_AGE,
    ..TABLE
};

/// Created with its person, by a trigger.
pub const NOTIFICATION_FEEDS: Table = Table {
    name: "notification_feeds",
    key: &["tenant_id", "user_id"],
    blind: "unread = 7",
    app: Access {
        select: Columns::All,
        update: Columns::Only(&["head", "unread", "pushes", "held", "held_since", "summary_due_at"]),
        may_select: OWN_OR_SYSTEM,
        may_update: OWN_OR_SYSTEM,
        ..NONE
    },
    // The due summaries.
    worker: Access {
        select: Columns::Only(&["tenant_id", "user_id", "summary_due_at"]),
        tenant: None,
        may_select: Anyone,
        ..NONE
    },
    authz: Access { insert: Columns::Only(&["tenant_id", "user_id"]), may_insert: Anyone, ..NONE },
    ..TABLE
};

pub const NOTIFICATIONS: Table = Table {
    name: "notifications",
    blind: "changed_seq = 1000",
    app: Access {
        update: Columns::Only(&[
            "changed_seq",
            "event_id",
            "title",
            "body",
            "link",
            "data",
            "status",
            "decision",
            "in_digest",
            "digest_id",
            "last_event_at",
            "read_at",
            "archived_at",
            "snoozed_until",
            "expires_at",
            "deleted_at",
            "processed_at",
            "push_sent_at",
            "updated_at",
        ]),
        may_select: READER_OR_SYSTEM,
        may_update: READER_OR_SYSTEM,
        ..SYSTEM_ONLY
    },
    // What is due, never its content.
    worker: Access {
        select: Columns::Only(&[
            "tenant_id",
            "id",
            "recipient_id",
            "status",
            "visible",
            "snoozed_until",
            "expires_at",
            "deleted_at",
            "processed_at",
            "created_at",
            "updated_at",
        ]),
        ..BY_AGE
    },
    ..TABLE
};

pub const NOTIFICATION_SKIPS: Table = Table {
    name: "notification_skips",
    key: &["tenant_id", "event_id", "user_id"],
    app: Access { may_select: OWN_OR_SYSTEM, ..SYSTEM_ONLY },
    worker: BY_AGE,
    ..TABLE
};

pub const CLIENT_SILENCES: Table = Table {
    name: "client_silences",
    key: &["tenant_id", "client_id"],
    blind: "raised_at = now()",
    app: Access { update: Columns::Only(&["since", "raised_at"]), ..SYSTEM_ONLY },
    ..TABLE
};
