//! The response of `GET /me`.

use std::collections::BTreeMap;

use guichet_base::id::{ClientId, TenantId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::directory::users::UserView;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Me {
    pub user: UserView,
    pub tenant: MyTenant,
    /// For a member, their own clients; for an operator, the clients in their charge. At most 200.
    pub clients: Vec<MyClient>,
    /// The names of the caller's permissions.
    pub permissions: Vec<&'static str>,
    pub unread: UnreadTotals,
    /// The features, on or off.
    pub features: BTreeMap<&'static str, bool>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MyTenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    #[schema(value_type = Object)]
    pub branding: Value,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MyClient {
    pub id: ClientId,
    pub name: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnreadTotals {
    pub messages: i64,
    pub notifications: i64,
}
