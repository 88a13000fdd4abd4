//! The names of topics, and what they stand for.

use guichet_base::id::{ClientId, ConversationId, TenantId, UserId};

/// A topic that guichet knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicName {
    Room(ClientId),
    Direct(ConversationId),
    /// Everything meant for one person.
    Person(UserId),
    Tenant(TenantId),
    /// Presence around an operator.
    OperatorPresence(UserId),
    /// A person's feed.
    Feed(UserId),
}

impl TopicName {
    pub fn parse(topic: &str) -> Option<Self> {
        if let Some(id) = topic.strip_prefix("chat:room:") {
            return id.parse().ok().map(TopicName::Room);
        }
        if let Some(id) = topic.strip_prefix("chat:direct:") {
            return id.parse().ok().map(TopicName::Direct);
        }
        if let Some(id) = topic.strip_prefix("user:") {
            return id.parse().ok().map(TopicName::Person);
        }
        if let Some(id) = topic.strip_prefix("presence:operator:") {
            return id.parse().ok().map(TopicName::OperatorPresence);
        }
        if let Some(id) = topic.strip_prefix("client:notifications:") {
            return id.parse().ok().map(TopicName::Feed);
        }
        topic.strip_prefix("tenant:")?.parse().ok().map(TopicName::Tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_topics_are_topics() {
        let id = "0198c0de-0000-7000-8000-000000000001";
        assert!(TopicName::parse(&format!("chat:room:{id}")).is_some());
        assert!(TopicName::parse(&format!("user:{id}")).is_some());
        assert!(TopicName::parse(&format!("chat:direct:{id}")).is_some());
        let feed = crate::notifications::topic(id.parse().unwrap());
        assert!(matches!(TopicName::parse(&feed), Some(TopicName::Feed(_))), "{feed}");
        for wrong in [
            "",
            "chat:room:",
            "chat:room:x",
            "chat:direct:",
            "user",
            "room:1",
            &format!("chat:direct:{id}:x"),
            "client:notifications:",
            &format!("client:{id}"),
            &format!("notifications:{id}"),
        ] {
            assert_eq!(TopicName::parse(wrong), None, "{wrong}");
        }
    }
}
