//! SQL that counts expired notifications which the unread counter still includes.

/// Counts a person's unread notifications that have expired but were not yet removed by the job, so that responses
/// can subtract them. `(… > now) IS FALSE` lets the partial index answer: for `<=` with an unknown value,
/// PostgreSQL estimates a third of the table and uses no cached plan, and planning takes ten times as long as the
/// query.
macro_rules! expired_but_counted {
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

pub(super) use expired_but_counted;
