//! The presence of the other side of a conversation.

use guichet_base::id::UserId;
use guichet_base::role::UserType;
use guichet_base::{Actor, PresenceStatus, Timestamp, text};

use crate::chat::Chat;
use crate::chat::model::Counterpart;

/// The presence returned to a sender: the highest status among `others`, and for a member, who will answer while no
/// operator is online. `last_seen` comes from the rows of the others; people who are connected were seen later.
pub fn counterpart_of(
    chat: &Chat,
    actor: &Actor,
    others: &[UserId],
    operator_name: Option<&str>,
    last_seen: Option<Timestamp>,
) -> Counterpart {
    let there = others.iter().filter_map(|user| chat.hub.presence_state(actor.tenant, *user));
    let (status, seen_at) = there.fold((PresenceStatus::Offline, last_seen), |(status, seen_at), stand| {
        (status.max(stand.status), seen_at.max(Some(stand.seen_at)))
    });
    if status == PresenceStatus::Online {
        return Counterpart { status, last_seen: None, message: None };
    }
    let message = (actor.role.user_type() == UserType::Client).then(|| match operator_name {
        Some(name) => text::localize(actor.locale, "chat-away", &[("operator", name.to_owned())]),
        None => text::localize(actor.locale, "chat-away-unassigned", &[]),
    });
    Counterpart { status, last_seen: seen_at, message }
}
