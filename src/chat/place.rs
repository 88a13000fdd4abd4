//! The kind and the owner of a conversation: the room of a client, or a direct conversation of two operators.
//!
//! Everything that differs between the two kinds is here: the topic, the owner of the rows, and the other side.

use guichet_base::id::{ClientId, ConversationId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Error, Result};
use uuid::Uuid;

use crate::chat::model::RoomRef;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationPlace {
    pub conversation: ConversationId,
    pub owner: ConversationOwner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationOwner {
    Client(ClientId),
    /// In the order of the columns.
    Pair([UserId; 2]),
}

impl ConversationPlace {
    /// From the owner columns of a row; the database guarantees that exactly one of the two kinds is set.
    pub fn new(
        conversation: ConversationId,
        client: Option<ClientId>,
        pair: (Option<UserId>, Option<UserId>),
    ) -> Result<Self> {
        let whose = match (client, pair) {
            (Some(client), (None, None)) => ConversationOwner::Client(client),
            (None, (Some(one), Some(two))) => ConversationOwner::Pair([one, two]),
            _ => return Err(Error::internal("a conversation is neither a client's nor a pair's")),
        };
        Ok(Self { conversation, owner: whose })
    }

    /// The topic that numbers its events.
    pub fn topic(&self) -> String {
        match self.owner {
            ConversationOwner::Client(client) => format!("chat:room:{client}"),
            ConversationOwner::Pair(_) => format!("chat:direct:{}", self.conversation),
        }
    }

    /// The conversation as its topic names it.
    pub fn room_ref(&self) -> RoomRef {
        match self.owner {
            ConversationOwner::Client(client) => RoomRef::Client(client),
            ConversationOwner::Pair(_) => RoomRef::Conversation(self.conversation),
        }
    }

    pub fn is_direct(&self) -> bool {
        matches!(self.owner, ConversationOwner::Pair(_))
    }

    pub fn client(&self) -> Option<ClientId> {
        match self.owner {
            ConversationOwner::Client(client) => Some(client),
            ConversationOwner::Pair(_) => None,
        }
    }

    /// The two people of a direct conversation, in the order of their columns.
    pub fn pair(&self) -> [Option<UserId>; 2] {
        match self.owner {
            ConversationOwner::Client(_) => [None, None],
            ConversationOwner::Pair([one, two]) => [Some(one), Some(two)],
        }
    }

    /// The people who own the events of a direct conversation (`outbox.user_ids`); empty in a client's room.
    pub fn owner_ids(&self) -> Vec<Uuid> {
        self.pair().into_iter().flatten().map(|user| user.0).collect()
    }

    /// The other person of a direct conversation.
    pub fn peer(&self, me: UserId) -> Option<UserId> {
        self.pair().into_iter().flatten().find(|user| *user != me)
    }

    /// The user type of the authors whose messages the actor reads. In a direct conversation both are operators.
    pub fn other_side(&self, actor: &Actor) -> UserType {
        match self.owner {
            ConversationOwner::Client(_) => actor.role.user_type().other(),
            ConversationOwner::Pair(_) => UserType::Operator,
        }
    }

    /// Whether a person of the given side is on the other side from the actor.
    pub fn is_other_side(&self, actor: &Actor, user: UserId, side: UserType) -> bool {
        user != actor.user && side == self.other_side(actor)
    }
}
