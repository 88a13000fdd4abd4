//! Deliveries contain what their notifications say: only the system reads and writes them, not the worker.

use super::notifications::{BY_AGE, SYSTEM_ONLY};
use super::{Access, Anyone, Columns, NONE, SYSTEM, TABLE, Table};

pub const DELIVERIES: Table = Table {
    name: "deliveries",
    blind: "attempts = 1",
    app: Access {
        update: Columns::Only(&[
            "status",
            "attempts",
            "next_attempt_at",
            "deadline_at",
            "lease_until",
            "lease_token",
            "rendered",
            "payload_excerpt",
            "provider",
            "provider_id",
            "last_error",
            "sent_at",
            "delivered_at",
            "opened_at",
            "updated_at",
        ]),
        ..SYSTEM_ONLY
    },
    // Claims of every tenant: neither address nor content.
    worker: Access {
        select: Columns::Only(&[
            "tenant_id",
            "id",
            "channel",
            "lane",
            "status",
            "next_attempt_at",
            "lease_until",
            "lease_token",
            "attempts",
            "created_at",
            "updated_at",
        ]),
        update: Columns::Only(&[
            "status",
            "attempts",
            "lease_until",
            "lease_token",
            "updated_at",
            "next_attempt_at",
        ]),
        may_update: Anyone,
        ..BY_AGE
    },
    ..TABLE
};

pub const DIGESTS: Table = Table { name: "digests", app: SYSTEM_ONLY, worker: BY_AGE, ..TABLE };

pub const EMAIL_EVENTS: Table = Table {
    name: "email_events",
    is_view: true,
    app: Access { select: Columns::All, may_select: SYSTEM, ..NONE },
    ..TABLE
};
