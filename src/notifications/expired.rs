//! What a counter counts and no answer does.

/// How many unread ones of a person are over and not yet taken off the counter, which a job does: whoever answers the
/// counter takes them off. Said so that the index gives all that will ever be over: for a `<=` that it does not know,
/// PostgreSQL fears a third of the table, and plans each question anew, which takes ten times as long as answering it.
macro_rules! over_and_counted {
    ($tenant:literal, $user:literal, $now:literal) => {
        concat!(
            "SELECT count(*) FROM notifications e WHERE e.tenant_id = ",
            $tenant,
            " AND e.recipient_id = ",
            $user,
            " AND e.visible AND e.status = 'unread' AND e.deleted_at IS NULL AND e.snoozed_until IS NULL \
             AND e.expires_at IS NOT NULL AND (e.expires_at > ",
            $now,
            ") IS FALSE"
        )
    };
}

pub(super) use over_and_counted;
