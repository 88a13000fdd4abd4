//! Preferences are visible to their person only; overrides to the operators of the client.

use super::{
    ALL_ROOMS, Access, All, Any, Anyone, Columns, Mine, MyClient, NONE, Role, Rule, SYSTEM, TABLE, Table,
};

/// The pipeline reads everyone's.
const OWN_OR_SYSTEM: Rule = Any(&[Mine("user_id"), SYSTEM]);
/// All of the tenant, or of one's own clients. Never a member, and no service.
const FORCES: Rule = Any(&[ALL_ROOMS, All(&[Role(&["employee"]), MyClient("client_id")])]);

const CHANNELS: Columns = Columns::Only(&["channel_inapp", "channel_email", "channel_sms", "channel_push"]);

pub const NOTIFICATION_PREFERENCES: Table = Table {
    name: "notification_preferences",
    key: &["tenant_id", "user_id", "category"],
    blind: "channel_sms = true",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: CHANNELS,
        may_select: OWN_OR_SYSTEM,
        may_insert: Mine("user_id"),
        may_update: Mine("user_id"),
        ..NONE
    },
    ..TABLE
};

pub const NOTIFICATION_SETTINGS: Table = Table {
    name: "notification_settings",
    key: &["tenant_id", "user_id"],
    blind: "digest_due_at = '2027-01-01T00:00:00Z'",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&[
            "digest_mode",
            "digest_hour",
            "digest_timezone",
            "digest_due_at",
            "quiet_from",
            "quiet_to",
            "quiet_timezone",
        ]),
        may_select: OWN_OR_SYSTEM,
        may_insert: Mine("user_id"),
        // The system sets the next digest; a trigger prevents other changes.
        may_update: OWN_OR_SYSTEM,
        ..NONE
    },
    // The due digests.
    worker: Access {
        select: Columns::Only(&["tenant_id", "user_id", "digest_due_at"]),
        tenant: None,
        may_select: Anyone,
        ..NONE
    },
    ..TABLE
};

pub const NOTIFICATION_OVERRIDES: Table = Table {
    name: "notification_overrides",
    key: &["tenant_id", "client_id", "category"],
    blind: "channel_sms = true",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: CHANNELS,
        delete: true,
        // Members see their overrides.
        may_select: Any(&[ALL_ROOMS, SYSTEM, MyClient("client_id")]),
        may_insert: FORCES,
        may_update: FORCES,
        may_delete: FORCES,
        ..NONE
    },
    ..TABLE
};
