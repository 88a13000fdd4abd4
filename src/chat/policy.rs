//! Who may do what in a room. Whether a room is the caller's to see at all is row-level security's to say: what it
//! hides is not found. Here stands what a person who sees the room may do in it.

use std::time::Duration;

use guichet_base::role::Role;
use guichet_base::{Actor, Error, Kind, Result, Timestamp};

use crate::chat::model::{Message, RoomRef};
use crate::chat::place::ConversationPlace;
use crate::config::Feature;
use crate::directory::FeatureSet;

/// Rooms are for people: a producer announces events instead.
pub fn may_use_rooms(actor: &Actor) -> Result<()> {
    if actor.role.is_service() { Err(Error::forbidden()) } else { Ok(()) }
}

/// Whoever names a colleague means a direct conversation. Errors: `FEATURE_DISABLED`.
pub fn may_name(features: &FeatureSet, room: RoomRef) -> Result<()> {
    if matches!(room, RoomRef::Person(_)) { features.require(Feature::Direct) } else { Ok(()) }
}

/// A direct conversation is closed where the feature is off, whatever was said in it. Errors: `FEATURE_DISABLED`.
pub fn may_enter(features: &FeatureSet, place: &ConversationPlace) -> Result<()> {
    if place.is_direct() { features.require(Feature::Direct) } else { Ok(()) }
}

/// Direct conversations are for operators.
pub fn may_write_to_colleagues(actor: &Actor) -> Result<()> {
    if actor.role.is_operator() { Ok(()) } else { Err(Error::forbidden()) }
}

/// Owners and managers write to every colleague, employees to all but owners. `rank` is the colleague's now; none
/// where they are gone. `authz.may_write_to` says the same in the database.
pub fn may_write_to(actor: &Actor, rank: Option<Role>) -> Result<()> {
    let may = match (actor.role, rank) {
        (Role::Owner | Role::Manager, Some(Role::Owner | Role::Manager | Role::Employee))
        | (Role::Employee, Some(Role::Manager | Role::Employee)) => true,
        (Role::Owner | Role::Manager | Role::Employee | Role::Client | Role::Service | Role::Platform, _) => {
            false
        }
    };
    if may { Ok(()) } else { Err(Error::forbidden()) }
}

/// Following is for operators; members of the client are told of their room anyway.
pub fn may_follow(actor: &Actor) -> Result<()> {
    if actor.role.is_operator() { Ok(()) } else { Err(Error::forbidden()) }
}

/// The author, within the window.
pub fn may_edit(actor: &Actor, message: &Message, now: Timestamp, window: Duration) -> Result<()> {
    if message.sender_id != actor.user {
        return Err(Error::forbidden());
    }
    in_window(message, now, window)
}

/// The author within the window, or an owner at any time.
pub fn may_delete(actor: &Actor, message: &Message, now: Timestamp, window: Duration) -> Result<()> {
    if actor.role == Role::Owner {
        return Ok(());
    }
    may_edit(actor, message, now, window)
}

fn in_window(message: &Message, now: Timestamp, window: Duration) -> Result<()> {
    if message.created_at < now.minus(window) {
        return Err(Error::new(Kind::Forbidden, "EDIT_WINDOW_CLOSED").arg("seconds", window.as_secs()));
    }
    Ok(())
}
