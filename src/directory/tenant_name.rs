//! How a token or a request names its tenant.

use guichet_base::id::TenantId;

/// How a token names its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TenantName {
    Id(TenantId),
    Slug(String),
    /// `*`, of service tokens alone: the request names its tenant.
    Any,
}

impl TenantName {
    /// A UUID, or else a slug.
    pub fn of_word(word: &str) -> Self {
        word.parse().map_or_else(|_| TenantName::Slug(word.to_owned()), TenantName::Id)
    }
}
