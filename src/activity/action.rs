//! The actions of the activity log: a closed set, so that filters and dashboards can rely on the names.

use strum::{EnumString, IntoStaticStr, VariantArray};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(const_into_str)]
pub enum ActivityAction {
    #[strum(serialize = "ws.connect")]
    WsConnect,
    #[strum(serialize = "ws.disconnect")]
    WsDisconnect,
    #[strum(serialize = "message.send")]
    MessageSend,
    #[strum(serialize = "message.read")]
    MessageRead,
    #[strum(serialize = "message.edit")]
    MessageEdit,
    #[strum(serialize = "message.delete")]
    MessageDelete,
    #[strum(serialize = "conversation.create")]
    ConversationCreate,
    #[strum(serialize = "forbidden_attempt")]
    ForbiddenAttempt,
    #[strum(serialize = "notification.send_manual")]
    NotificationSendManual,
    #[strum(serialize = "email.failed")]
    EmailFailed,
    #[strum(serialize = "override.set")]
    OverrideSet,
    #[strum(serialize = "template.update")]
    TemplateUpdate,
    #[strum(serialize = "template.reset")]
    TemplateReset,
    #[strum(serialize = "record.overwrite")]
    RecordOverwrite,
    #[strum(serialize = "tenant.create")]
    TenantCreate,
    #[strum(serialize = "tenant.update")]
    TenantUpdate,
    #[strum(serialize = "user.create")]
    UserCreate,
    #[strum(serialize = "user.update")]
    UserUpdate,
    #[strum(serialize = "user.delete")]
    UserDelete,
    #[strum(serialize = "user.erased")]
    UserErased,
    #[strum(serialize = "user.tokens_revoked")]
    UserTokensRevoked,
    #[strum(serialize = "team.create")]
    TeamCreate,
    #[strum(serialize = "team.delete")]
    TeamDelete,
    #[strum(serialize = "member.add")]
    MemberAdd,
    #[strum(serialize = "member.remove")]
    MemberRemove,
    #[strum(serialize = "client.create")]
    ClientCreate,
    #[strum(serialize = "client.update")]
    ClientUpdate,
}
