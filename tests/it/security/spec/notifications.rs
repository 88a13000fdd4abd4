//! A notification is its person's alone: no rank reads another's. What makes notifications is the system's.

use super::{
    ALL_ROOMS, Access, All, Any, Anyone, Columns, Field, Mine, NONE, PROVISIONS, Rule, SYSTEM, TABLE, Table,
};

/// What nobody but the system reads or writes.
pub const SYSTEM_ONLY: Access = Access {
    select: Columns::All,
    insert: Columns::All,
    may_select: SYSTEM,
    may_insert: SYSTEM,
    may_update: SYSTEM,
    ..NONE
};

/// Retention: rows go by their age, whatever they say and whose they are.
pub const BY_AGE: Access = Access {
    select: Columns::Only(&["created_at"]),
    delete: true,
    tenant: None,
    may_select: Anyone,
    may_delete: Anyone,
    ..NONE
};

const OWN_OR_SYSTEM: Rule = Any(&[Mine("user_id"), SYSTEM]);
/// A row that is there for its mails alone is shown to nobody.
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

/// Of internal events the payload is what somebody said in a conversation: not even a producer or an owner reads it here.
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
    // Which are not written to their end, in which order; and retention.
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

/// What producers sent and could not be taken over: for producers, and for those who see to it.
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

/// Made with its person, by a trigger.
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
    // Whose summary is due.
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
    // What is due, never what it says.
    worker: Access {
        select: Columns::Only(&[
            "tenant_id",
            "id",
            "recipient_id",
            "status",
            "snoozed_until",
            "expires_at",
            "deleted_at",
            "processed_at",
            "created_at",
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
