//! The names of topics, and what they stand for.

use guichet_base::id::{ClientId, ConversationId, TenantId, UserId};

/// A topic that guichet knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Room(ClientId),
    Direct(ConversationId),
    /// Everything meant for one person.
    Person(UserId),
    Tenant(TenantId),
    /// Presence around an operator.
    Operator(UserId),
    /// A person's feed.
    Notifications(UserId),
}

impl Topic {
    pub fn parse(topic: &str) -> Option<Self> {
        if let Some(id) = topic.strip_prefix("chat:room:") {
            return id.parse().ok().map(Topic::Room);
        }
        if let Some(id) = topic.strip_prefix("chat:direct:") {
            return id.parse().ok().map(Topic::Direct);
        }
        if let Some(id) = topic.strip_prefix("user:") {
            return id.parse().ok().map(Topic::Person);
        }
        if let Some(id) = topic.strip_prefix("presence:operator:") {
            return id.parse().ok().map(Topic::Operator);
        }
        if let Some(id) = topic.strip_prefix("client:notifications:") {
            return id.parse().ok().map(Topic::Notifications);
        }
        topic.strip_prefix("tenant:")?.parse().ok().map(Topic::Tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_topics_are_topics() {
        let id = "0198c0de-0000-7000-8000-000000000001";
        assert!(Topic::parse(&format!("chat:room:{id}")).is_some());
        assert!(Topic::parse(&format!("user:{id}")).is_some());
        assert!(Topic::parse(&format!("chat:direct:{id}")).is_some());
        let feed = crate::notifications::topic(id.parse().unwrap());
        assert!(matches!(Topic::parse(&feed), Some(Topic::Notifications(_))), "{feed}");
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
            assert_eq!(Topic::parse(wrong), None, "{wrong}");
        }
    }
}
