//! Direct conversations of two colleagues, created on first use.

use guichet_base::id::{ConversationId, UserId};
use guichet_base::{Actor, Error, ErrorKind, Result};
use guichet_db::Tx;
use serde_json::json;

use crate::activity::{self, ActivityAction, ActivityEntry};
use crate::chat::model::RoomRef;
use crate::chat::place::ConversationPlace;
use crate::chat::{policy, store};

/// Checks that the actor may write here, by the current ranks of both people. A client's room is open to everyone who
/// sees it. This is one more round trip for direct conversations only; joined to the query of every send, it would
/// slow down rooms too. Errors: `NOT_FOUND` or a fault of the field, if the named colleague was deleted.
pub(super) fn check_may_write(
    tx: &mut Tx<'_>,
    actor: &Actor,
    place: &ConversationPlace,
    named: Option<RoomRef>,
) -> Result<()> {
    let Some(peer) = place.peer(actor.user) else { return Ok(()) };
    let rank = store::role_of(tx.conn(), actor.tenant, peer)?;
    if rank.is_none() && matches!(named, Some(RoomRef::Person(_))) {
        return Err(Error::invalid("to_user_id", "unknown_id"));
    }
    policy::may_write_to(actor, rank)
}

/// Returns the conversation of the actor with a colleague, and whether it was created now. Ranks are checked only
/// when it is created: existing messages stay readable whatever the ranks are now. `field` is the field that named
/// the colleague.
pub(super) fn open(
    tx: &mut Tx<'_>,
    actor: &Actor,
    peer: UserId,
    field: &'static str,
) -> Result<(ConversationId, bool)> {
    policy::may_write_to_colleagues(actor)?;
    if peer == actor.user {
        return Err(Error::invalid(field, "yourself"));
    }
    let rank = store::role_of(tx.conn(), actor.tenant, peer)?;
    let rank = rank.ok_or_else(|| Error::invalid(field, "unknown_id"))?;
    match store::find_place(tx.conn(), actor.tenant, RoomRef::Person(peer)) {
        Ok((place, _)) => return Ok((place.conversation, false)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    policy::may_write_to(actor, Some(rank))?;
    let Some(made) = store::insert_direct(tx.conn(), actor, peer)? else {
        let (place, _) = store::find_place(tx.conn(), actor.tenant, RoomRef::Person(peer))?;
        return Ok((place.conversation, false));
    };
    let entry = ActivityEntry::new(ActivityAction::ConversationCreate, "conversation", made);
    activity::record(tx, actor, &entry.with_details(json!({"user_id": peer})))?;
    Ok((made, true))
}
