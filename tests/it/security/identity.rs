//! The identities: every role of the service in every relation to the rows, and every form of a missing actor.

use super::world::id;

/// A database role, and the settings of a transaction. `None` means not set.
pub struct Identity {
    pub label: &'static str,
    pub db_role: &'static str,
    pub tenant: Option<String>,
    pub user: Option<String>,
    pub role: Option<&'static str>,
}

impl Identity {
    /// Settings that are not ids: an error, never access.
    pub fn garbled() -> Self {
        let tenant = Some("*".to_owned());
        Self { tenant, ..app("a garbled tenant", "a", "a.owner", "owner") }
    }

    /// The statements that assume the identity for the rest of the transaction.
    pub fn put_on(&self) -> String {
        let mut sql = format!("SET LOCAL SESSION AUTHORIZATION {};", self.db_role);
        for (name, value) in [
            ("app.tenant_id", self.tenant.as_deref()),
            ("app.user_id", self.user.as_deref()),
            ("app.role", self.role),
        ] {
            if let Some(value) = value {
                sql.push_str(&format!("SELECT set_config('{name}', '{value}', true);"));
            }
        }
        sql
    }

    pub fn has_role(&self, roles: &[&str]) -> bool {
        self.role.is_some_and(|role| roles.contains(&role))
    }

    /// The side on which the identity writes.
    pub fn side(&self) -> &'static str {
        if self.has_role(&["client"]) { "client" } else { "operator" }
    }

    pub fn is(&self, user: &str) -> bool {
        self.user.as_deref().is_some_and(|me| !me.is_empty() && me == user)
    }
}

pub fn identities() -> Vec<Identity> {
    let mut all = people();
    all.extend(nobodies());
    all.extend(machines());
    all
}

fn people() -> Vec<Identity> {
    vec![
        app("the owner", "a", "a.owner", "owner"),
        app("a manager", "a", "a.manager", "manager"),
        app("the employee in charge", "a", "a.emma", "employee"),
        app("an employee in the team", "a", "a.karim", "employee"),
        app("an unrelated employee", "a", "a.ines", "employee"),
        app("a member", "a", "a.chloe", "client"),
        app("a co-member", "a", "a.bruno", "client"),
        app("a member of two clients", "a", "a.both", "client"),
        app("a member of another client", "a", "a.dora", "client"),
        app("a former member", "a", "a.gone", "client"),
        app("a service", "a", "a.producer", "service"),
        app("the platform, making a tenant", "new", "a.producer", "platform"),
        app("the platform, in a tenant that is there", "a", "a.producer", "platform"),
        app("the system, after a member", "a", "a.chloe", "system"),
        app("the system, after the employee in charge", "a", "a.emma", "system"),
        app("the system, after an employee in the team", "a", "a.karim", "system"),
        app("an owner whose token says manager", "a", "a.owner", "manager"),
        app("the owner of another tenant", "b", "b.owner", "owner"),
    ]
}

fn nobodies() -> Vec<Identity> {
    let nobody = |label, value: Option<&str>| Identity {
        label,
        db_role: "guichet_app",
        tenant: value.map(str::to_owned),
        user: value.map(str::to_owned),
        role: value.map(|_| ""),
    };
    vec![
        nobody("no settings", None),
        nobody("empty settings", Some("")),
        app("an owner of no tenant", "nowhere", "a.owner", "owner"),
        app("a member claimed by another tenant", "b", "a.chloe", "client"),
        app("an employee claimed by another tenant", "b", "a.emma", "employee"),
        app("a member with an unheard-of role", "a", "a.chloe", "admin"),
        Identity { role: None, ..app("a member without a role", "a", "a.chloe", "client") },
        Identity { user: None, ..app("an owner who is nobody", "a", "a.owner", "owner") },
    ]
}

fn machines() -> Vec<Identity> {
    let bare = |label, db_role| Identity { label, db_role, tenant: None, user: None, role: None };
    let posing = |label, db_role| Identity { db_role, ..app(label, "a", "a.owner", "owner") };
    vec![
        bare("the worker", "guichet_worker"),
        posing("the worker in a tenant", "guichet_worker"),
        bare("guichet_authz without a tenant", "guichet_authz"),
        posing("guichet_authz in a tenant", "guichet_authz"),
        posing("guichet_search", "guichet_search"),
        bare("the owner of the tables", "guichet_owner"),
        posing("the owner of the tables in a tenant", "guichet_owner"),
    ]
}

fn app(label: &'static str, tenant: &str, user: &str, role: &'static str) -> Identity {
    Identity {
        label,
        db_role: "guichet_app",
        tenant: Some(id(tenant)),
        user: Some(id(user)),
        role: Some(role),
    }
}
