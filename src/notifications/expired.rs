//! Expired notifications that the counter still includes.

/// Counts a person's unread notifications that have expired and that the job has not removed yet, so that responses
/// can subtract them. The condition is written so that the partial index answers it: for `<=` with an unknown value,
/// PostgreSQL expects a third of the table and plans every query from scratch, which takes ten times as long as the
/// query.
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
