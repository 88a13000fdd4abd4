//! The actions of the activity log: a closed set, so that filters and dashboards can rely on the names.

macro_rules! actions {
    ($($name:ident => $word:literal,)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ActivityAction {
            $($name,)+
        }

        impl ActivityAction {
            pub const ALL: &[ActivityAction] = &[$(ActivityAction::$name,)+];

            /// The name in the table and in `GET /activity-logs`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(ActivityAction::$name => $word,)+
                }
            }

            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.as_str() == word)
            }
        }
    };
}

actions! {
    WsConnect => "ws.connect",
    WsDisconnect => "ws.disconnect",
    MessageSend => "message.send",
    MessageRead => "message.read",
    MessageEdit => "message.edit",
    MessageDelete => "message.delete",
    ConversationCreate => "conversation.create",
    ForbiddenAttempt => "forbidden_attempt",
    NotificationSendManual => "notification.send_manual",
    EmailFailed => "email.failed",
    OverrideSet => "override.set",
    TemplateUpdate => "template.update",
    TemplateReset => "template.reset",
    RecordOverwrite => "record.overwrite",
    TenantCreate => "tenant.create",
    TenantUpdate => "tenant.update",
    UserCreate => "user.create",
    UserUpdate => "user.update",
    UserDelete => "user.delete",
    UserErased => "user.erased",
    UserTokensRevoked => "user.tokens_revoked",
    TeamCreate => "team.create",
    TeamDelete => "team.delete",
    MemberAdd => "member.add",
    MemberRemove => "member.remove",
    ClientCreate => "client.create",
    ClientUpdate => "client.update",
}
