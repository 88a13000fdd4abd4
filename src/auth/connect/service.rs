//! Issues and redeems connect tokens.

use std::time::Duration;

use guichet_base::{Actor, Error, Result, Timestamp};
use guichet_db::Db;

use super::model::{ConnectToken, NewConnectToken, RedeemedToken};
use super::store;
use crate::directory::{Directory, policy};

/// How long a connect token is valid.
const TOKEN_LIFETIME: Duration = Duration::from_secs(30);
/// Unredeemed tokens per person. One more replaces the oldest.
const MAX_UNREDEEMED: i64 = 20;

/// Issues a connect token for the caller's next socket, and returns it with its expiry. `token_expires_at` is the
/// expiry of the caller's access token.
///
/// An `Idempotency-Key` has no effect here: storing the response would store the token.
pub(super) async fn issue(
    directory: &Directory,
    actor: &Actor,
    token_expires_at: Timestamp,
) -> Result<(ConnectToken, Timestamp)> {
    policy::require_person(actor)?;
    let (ticket, expires_at) = (ConnectToken::random()?, directory.clock().now().plus(TOKEN_LIFETIME));
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
            store::delete_older(tx.conn(), new.tenant_id, new.user_id, MAX_UNREDEEMED - 1)?;
            store::insert(tx.conn(), &new)
        })
        .await?;
    Ok((ticket, expires_at))
}

/// Redeems the token. Errors: `UNAUTHENTICATED` if it is unknown, already redeemed, or expired.
pub(crate) async fn redeem(db: &Db, ticket: &ConnectToken, now: Timestamp) -> Result<RedeemedToken> {
    let digest = ticket.digest();
    // Repeating this after a lost connection is safe: the token is then found to be redeemed.
    let used = db.anonymous(move |conn| store::redeem(conn, digest.clone())).await?;
    let used = used.ok_or_else(|| Error::unauthenticated().with_source("no such ticket, or not any more"))?;
    if used.expires_at <= now {
        return Err(Error::unauthenticated().with_source("the ticket has expired"));
    }
    Ok(used)
}

/// Deletes expired tokens and returns their number.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<usize> {
    db.worker(move |tx| store::sweep(tx.conn(), now)).await
}
