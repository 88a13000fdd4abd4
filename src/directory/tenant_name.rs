//! How a token or a request names its tenant.

use guichet_base::id::TenantId;

/// The tenant of a token or a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TenantName {
    Id(TenantId),
    Slug(String),
    /// `*`, in service tokens only: the request names the tenant.
    Any,
}

impl TenantName {
    /// Parses a UUID; everything else is a slug.
    pub fn parse(word: &str) -> Self {
        word.parse().map_or_else(|_| TenantName::Slug(word.to_owned()), TenantName::Id)
    }
}
