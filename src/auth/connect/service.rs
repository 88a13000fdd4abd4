//! What can be done with connect tickets.

use std::time::Duration;

use guichet_base::{Actor, Error, Result, Timestamp};
use guichet_db::Db;

use super::model::{ConnectToken, NewConnectToken, RedeemedToken};
use super::store;
use crate::directory::{Directory, policy};

/// How long a ticket may wait for its socket.
const LASTS: Duration = Duration::from_secs(30);
/// Tickets of one person that wait at once; one more takes the place of the oldest.
const MOST_WAITING: i64 = 20;

/// A ticket for the caller's next socket, and when it ends. `token_expires_at`: of the caller's own token.
///
/// An `Idempotency-Key` counts for nothing here: its answer would be kept, and with it the ticket.
pub(super) async fn issue(
    directory: &Directory,
    actor: &Actor,
    token_expires_at: Timestamp,
) -> Result<(ConnectToken, Timestamp)> {
    policy::is_person(actor)?;
    let (ticket, expires_at) = (ConnectToken::random()?, directory.clock().now().plus(LASTS));
    let new = NewConnectToken {
        tenant_id: actor.tenant,
        digest: ticket.digest(),
        user_id: actor.user,
        authenticated_at: actor.authenticated_at,
        token_expires_at,
        expires_at,
    };
    directory
        .db()
        .write(actor, move |tx| {
            store::trim(tx.conn(), new.tenant_id, new.user_id, MOST_WAITING - 1)?;
            store::insert(tx.conn(), &new)
        })
        .await?;
    Ok((ticket, expires_at))
}

/// Uses the ticket up. Errors: `UNAUTHENTICATED` where it is none, is used already, or came too late.
pub(crate) async fn redeem(db: &Db, ticket: &ConnectToken, now: Timestamp) -> Result<RedeemedToken> {
    let digest = ticket.digest();
    // Asked again after a lost connection, it can only find the ticket gone.
    let used = db.anonymous(move |conn| store::redeem(conn, digest.clone())).await?;
    let used = used.ok_or_else(|| Error::unauthenticated().because("no such ticket, or not any more"))?;
    if used.expires_at <= now {
        return Err(Error::unauthenticated().because("the ticket has expired"));
    }
    Ok(used)
}

/// Removes expired tickets; how many there were.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<usize> {
    db.worker(move |tx| store::sweep(tx.conn(), now)).await
}
