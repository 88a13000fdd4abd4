//! A person: the stored row, the view that the API returns, and changes to it.

use diesel::pg::Pg;
use diesel::prelude::*;
use guichet_base::id::{TenantId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Actor, Locale, Role, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::schema::users;

/// A row of `users`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub struct User {
    pub id: UserId,
    pub external_id: Option<String>,
    #[diesel(deserialize_as = String)]
    pub role: Role,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub display_name: String,
    pub avatar_url: Option<String>,
    #[diesel(deserialize_as = String)]
    pub locale: Locale,
    pub timezone: String,
    pub updated_by: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub sessions_valid_after: Option<Timestamp>,
}

/// A new row of `users`.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = users)]
pub struct NewUser {
    pub tenant_id: TenantId,
    pub id: UserId,
    pub external_id: Option<String>,
    pub role: &'static str,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub display_name: String,
    pub avatar_url: Option<String>,
    pub locale: &'static str,
    pub timezone: String,
    pub updated_by: UserId,
}

pub const DEFAULT_TIMEZONE: &str = "Europe/Paris";

/// A change of a person; `None` leaves a column unchanged. Serializes to the fields that were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, AsChangeset, Serialize)]
#[diesel(table_name = users)]
pub struct UserChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// A person as the API returns them to others.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserView {
    pub id: UserId,
    pub role: Role,
    pub user_type: UserType,
    pub display_name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub avatar_url: Option<String>,
    pub locale: Locale,
    pub timezone: String,
    pub external_id: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl User {
    /// Whether a token issued at `issued_at` is revoked. Times in tokens have a resolution of one second, so a token
    /// of the same second counts as revoked, and so does a token without `iat` once anything was revoked.
    pub fn is_token_revoked(&self, issued_at: Option<Timestamp>) -> bool {
        is_token_revoked(self.sessions_valid_after, issued_at)
    }

    /// The person as `reader` sees them. Members see the email, phone and external id of no one but themselves.
    pub fn view_for(self, reader: &Actor) -> UserView {
        let sees_contact_details = reader.role != Role::Client || reader.user == self.id;
        UserView {
            id: self.id,
            role: self.role,
            user_type: self.role.user_type(),
            display_name: self.display_name,
            email: self.email.filter(|_| sees_contact_details),
            phone: self.phone.filter(|_| sees_contact_details),
            avatar_url: self.avatar_url,
            locale: self.locale,
            timezone: self.timezone,
            external_id: self.external_id.filter(|_| sees_contact_details),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// The same check for a cached account.
pub fn is_token_revoked(valid_after: Option<Timestamp>, issued_at: Option<Timestamp>) -> bool {
    let second = |time: Timestamp| time.as_millis().div_euclid(1000);
    match (valid_after, issued_at) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(valid_after), Some(issued_at)) => second(issued_at) <= second(valid_after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_the_second_of_the_revocation_is_revoked_and_one_of_the_next_is_not() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        assert!(is_token_revoked(at(5_400), at(4_000)) && is_token_revoked(at(5_400), at(5_000)));
        assert!(is_token_revoked(at(5_400), at(5_999)), "a token with a fraction of a second");
        assert!(!is_token_revoked(at(5_400), at(6_000)));
        assert!(
            is_token_revoked(at(5_400), None)
                && !is_token_revoked(None, None)
                && !is_token_revoked(None, at(1))
        );
    }
}
