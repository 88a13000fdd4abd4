//! Permissions within a conversation. Row-level security decides whether the caller sees it at all; what it hides is
//! not found. These checks decide what a person who sees it may do.

use std::time::Duration;

use guichet_base::role::Role;
use guichet_base::{Actor, Error, ErrorKind, Result, Timestamp};

use crate::chat::model::{Message, RoomRef};
use crate::chat::place::ConversationPlace;
use crate::config::Feature;
use crate::directory::FeatureSet;

/// Rooms are for people: producers announce events instead.
pub fn may_use_rooms(actor: &Actor) -> Result<()> {
    if actor.role.is_service() { Err(Error::forbidden()) } else { Ok(()) }
}

/// Naming a colleague means a direct conversation. Errors: `FEATURE_DISABLED`.
pub fn may_name(features: &FeatureSet, room: RoomRef) -> Result<()> {
    if matches!(room, RoomRef::Person(_)) { features.require(Feature::Direct) } else { Ok(()) }
}

/// A direct conversation is closed while the feature is off, even if it has messages. Errors: `FEATURE_DISABLED`.
pub fn may_enter(features: &FeatureSet, place: &ConversationPlace) -> Result<()> {
    if place.is_direct() { features.require(Feature::Direct) } else { Ok(()) }
}

/// Direct conversations are for operators.
pub fn may_write_to_colleagues(actor: &Actor) -> Result<()> {
    if actor.role.is_operator() { Ok(()) } else { Err(Error::forbidden()) }
}

/// Owners and managers may write to every colleague, employees to all except owners. `rank` is the colleague's
/// current role, `None` if they were deleted. `authz.may_write_to` enforces the same in the database.
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

/// Only operators follow rooms; members of the client always receive their room's events.
pub fn may_follow(actor: &Actor) -> Result<()> {
    if actor.role.is_operator() { Ok(()) } else { Err(Error::forbidden()) }
}

/// The author may edit, within the window.
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
        return Err(
            Error::new(ErrorKind::Forbidden, "EDIT_WINDOW_CLOSED").with_arg("seconds", window.as_secs())
        );
    }
    Ok(())
}
