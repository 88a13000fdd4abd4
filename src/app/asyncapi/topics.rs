//! The topics, who may join them, and what they carry.

use super::catalogue::CatalogueTopic;

const CHAT: [&str; 6] = [
    "messaging:new",
    "messaging:updated",
    "messaging:deleted",
    "messaging:read",
    "messaging:delivered",
    "messaging:typing",
];

pub const TOPICS: [CatalogueTopic; 6] = [
    CatalogueTopic {
        key: "chatRoom",
        address: "chat:room:{client_id}",
        title: "The room of a client",
        may_join: "the client's members, and the operators who may see the client",
        parameters: &[("client_id", "The client whose room it is")],
        numbered: true,
        events: &CHAT,
        description: "Everything that happens in the one conversation of a client with the operators.",
    },
    CatalogueTopic {
        key: "chatDirect",
        address: "chat:direct:{conversation_id}",
        title: "A direct conversation",
        may_join: "its two people",
        parameters: &[("conversation_id", "The conversation")],
        numbered: true,
        events: &CHAT,
        description: "Everything that happens in the conversation of two operators.",
    },
    CatalogueTopic {
        key: "user",
        address: "user:{user_id}",
        title: "Everything meant for one person",
        may_join: "that person",
        parameters: &[("user_id", "The person's own id")],
        numbered: false,
        events: &[
            "messaging:new",
            "messaging:updated",
            "messaging:deleted",
            "messaging:read",
            "messaging:delivered",
            "messaging:typing",
            "messaging:unread",
        ],
        description: "A live merge of the person's conversations, each event with its own topic and number \
               (`meta.topic`, `meta.seq`), and the person's own counters. The join's reply lists the conversations \
               that moved since `replay.after`. The plain dialect and Socket.IO join it by themselves.",
    },
    CatalogueTopic {
        key: "clientNotifications",
        address: "client:notifications:{user_id}",
        title: "The notifications of one person",
        may_join: "that person",
        parameters: &[("user_id", "The person's own id")],
        numbered: true,
        events: &["notify:new", "notify:updated", "notify:unread", "notify:summary", "notify:deleted"],
        description: "The person's notifications, and their changes on any device. The plain dialect and \
               Socket.IO join it automatically and first receive the newest unread notifications \
               (`NOTIFICATION_REPLAY_LIMIT`), oldest first, as `notify:new` with their own `meta.seq` and \
               `meta.replayed`, then `notify:unread`, whose `meta.seq` is the topic's number at that moment.",
    },
    CatalogueTopic {
        key: "presenceOperator",
        address: "presence:operator:{operator_id}",
        title: "Who is there around an operator",
        may_join: "that operator, and the members of the clients they are in charge of",
        parameters: &[("operator_id", "The operator")],
        numbered: false,
        events: &["presence:update"],
        description: "The operator sees all of their clients' members; a member sees the operator and themselves, never \
               another client.",
    },
    CatalogueTopic {
        key: "tenant",
        address: "tenant:{tenant_id}",
        title: "The operators of a tenant",
        may_join: "the operators of the tenant",
        parameters: &[("tenant_id", "The tenant")],
        numbered: false,
        events: &["presence:update"],
        description: "Operators receive the presence of all operators, and of the members of clients that they may see. The plain dialect \
               and Socket.IO join it for operators by themselves.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::asyncapi::events::EVENTS;

    #[test]
    fn every_event_is_carried_by_a_topic_and_topics_carry_no_others() {
        let carried = |name| TOPICS.iter().any(|topic| topic.events.contains(&name));
        assert!(EVENTS.iter().all(|event| carried(event.name)));
        let known = |name: &str| EVENTS.iter().any(|event| event.name == name);
        assert!(TOPICS.iter().flat_map(|topic| topic.events).all(|name| known(name)));
    }
}
