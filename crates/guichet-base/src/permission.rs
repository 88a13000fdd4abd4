//! The permissions of each role. This table is the single source for `GET /me` and the docs page.
//!
//! A permission allows an action; policies decide on which records. A service token has the permissions of its
//! role that one of its scopes covers; without scopes it has none.

use crate::{Actor, Error, Result, Role};

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident => $word:literal: $($role:ident)|+,)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Permission {
            $($(#[doc = $doc])* $name,)+
        }

        impl Permission {
            pub const ALL: &[Permission] = &[$(Permission::$name,)+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Permission::$name => $word,)+
                }
            }

            const fn is_of(self, role: Role) -> bool {
                match self {
                    $(Permission::$name => matches!(role, $(Role::$role)|+),)+
                }
            }
        }
    };
}

permissions! {
    /// Write in the rooms of visible clients.
    MessageSend => "message.send": Owner | Manager | Employee | Client,
    /// Write to another operator.
    MessageDirect => "message.direct": Owner | Manager | Employee,
    /// Delete messages of others.
    MessageModerate => "message.moderate": Owner,
    NotificationView => "notification.view": Owner | Manager | Employee | Client,
    NotificationMarkRead => "notification.mark_read": Owner | Manager | Employee | Client,
    NotificationDelete => "notification.delete": Owner | Manager | Employee | Client,
    NotificationSendManual => "notification.send_manual": Owner | Manager,
    /// Override the notification preferences of a client's members.
    NotificationOverride => "notification.override": Owner | Manager | Employee,
    TicketCreate => "ticket.create": Owner | Manager | Employee | Client,
    /// Status, priority, assignment and internal notes of tickets.
    TicketManage => "ticket.manage": Owner | Manager | Employee,
    /// Categories, priorities and deadlines.
    TicketConfigure => "ticket.configure": Owner | Manager,
    TemplateManage => "template.manage": Owner | Manager,
    AuditView => "audit.view": Owner,
    AnalyticsView => "analytics.view": Owner | Manager,
    /// Send business events.
    EventEmit => "event.emit": Service,
    /// Look up visible people and clients.
    DirectoryView => "directory.view": Owner | Manager | Employee | Client | Service,
    /// See teams and their members.
    DirectoryTeams => "directory.teams": Owner | Manager | Employee | Service,
    /// Create, change and delete people.
    DirectoryUsersManage => "directory.users.manage": Owner | Manager | Service,
    DirectoryTeamsManage => "directory.teams.manage": Owner | Manager | Service,
    /// Create clients, and set their members and operators in charge.
    DirectoryClientsManage => "directory.clients.manage": Owner | Manager | Service,
    /// Change visible clients and their projects.
    ClientEdit => "directory.clients.edit": Owner | Manager | Employee | Service,
    TenantView => "tenant.view": Owner | Manager | Employee | Service,
    TenantManage => "tenant.manage": Owner | Service,
    TenantCreate => "tenant.create": Platform,
}

impl Permission {
    pub fn is_granted_to(self, actor: &Actor) -> bool {
        self.is_of(actor.role)
            && (!actor.role.is_service() || actor.scopes.iter().any(|scope| self.is_covered_by(scope)))
    }

    /// Whether a scope covers this permission: by its name, `directory.*`, or `*`.
    fn is_covered_by(self, scope: &str) -> bool {
        match scope.strip_suffix('*') {
            Some("") => true,
            Some(prefix) => prefix.ends_with('.') && self.as_str().starts_with(prefix),
            None => scope == self.as_str(),
        }
    }

    /// The names of all permissions of `actor`.
    pub fn names_of(actor: &Actor) -> Vec<&'static str> {
        Self::ALL
            .iter()
            .filter(|permission| permission.is_granted_to(actor))
            .map(|held| held.as_str())
            .collect()
    }
}

/// Errors: `FORBIDDEN` if the actor does not have the permission.
pub fn may(actor: &Actor, permission: Permission) -> Result<()> {
    if permission.is_granted_to(actor) { Ok(()) } else { Err(Error::forbidden()) }
}

#[cfg(test)]
mod tests {
    use super::Permission::{self, *};

    #[test]
    fn a_scope_covers_what_it_names_and_nothing_that_only_begins_like_it() {
        let covers = |permission: Permission, scope| permission.is_covered_by(scope);
        assert!(covers(EventEmit, "event.emit") && covers(EventEmit, "event.*") && covers(EventEmit, "*"));
        assert!(!covers(EventEmit, "event") && !covers(EventEmit, "event.emitter"));
        assert!(!covers(EventEmit, "ev*") && !covers(EventEmit, "") && !covers(EventEmit, "tenant.*"));
        assert!(
            covers(DirectoryUsersManage, "directory.*") && covers(DirectoryUsersManage, "directory.users.*")
        );
    }
}
