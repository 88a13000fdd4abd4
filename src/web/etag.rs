//! Versions of records: `ETag` on reads, and preconditions of changes.
//!
//! A version is the record's id and `updated_at` in milliseconds, which a trigger makes strictly increasing. A change
//! based on the current version is applied; otherwise nothing changes.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, EntityTag, Header as _};
use actix_web::{FromRequest, HttpRequest};
use uuid::Uuid;

use guichet_base::{Error, ErrorKind, Timestamp};

/// The entity tag of one version of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etag(EntityTag);

impl Etag {
    pub fn new(id: Uuid, updated_at: Timestamp) -> Self {
        Self(EntityTag::new_strong(format!("{}-{}", id.simple(), updated_at.as_millis())))
    }

    /// For the header `ETag`.
    pub fn to_header(&self) -> header::ETag {
        header::ETag(self.0.clone())
    }

    /// Whether a list of `If-None-Match` or `If-Match` contains this version. Compares weakly: compressing proxies
    /// make a tag weak (`W/`).
    pub(super) fn matches_any(&self, tags: &[EntityTag]) -> bool {
        tags.iter().any(|tag| tag.weak_eq(&self.0))
    }
}

/// Extractor of the `If-Match` header: `None` if absent; an empty list of tags if malformed.
#[derive(Debug, Clone, Default)]
pub struct IfMatch(Option<header::IfMatch>);

impl IfMatch {
    /// The basis of a change, from the header and the body. Order: `force`, `If-Match`, `updated_at`.
    ///
    /// The caller checks who may use `force`. `If-Match: *` names no version and is ignored; otherwise it would be a
    /// `force` for everyone.
    pub fn edit_basis(self, updated_at: Option<Timestamp>, force: bool) -> EditBasis {
        match (self.0, updated_at) {
            _ if force => EditBasis::Force,
            (Some(header::IfMatch::Items(tags)), _) => EditBasis::IfMatch(tags),
            (_, Some(time)) => EditBasis::UpdatedAt(time),
            (_, None) => EditBasis::Missing,
        }
    }
}

impl FromRequest for IfMatch {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_present = request.headers().contains_key(header::IF_MATCH);
        let parse = || header::IfMatch::parse(request).unwrap_or(header::IfMatch::Items(Vec::new()));
        ready(Ok(Self(is_present.then(parse))))
    }
}

/// The version that a change is based on.
#[derive(Debug, Clone)]
pub enum EditBasis {
    IfMatch(Vec<EntityTag>),
    UpdatedAt(Timestamp),
    /// Overwrites any version.
    Force,
    Missing,
}

/// The result of checking a precondition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreconditionResult {
    /// The record still has the version.
    Apply,
    /// The change is forced; the activity log records what is overwritten.
    Overwrite,
    /// The change is based on another version, from `updated_at` in the body: 409.
    Conflict,
    /// The change is based on another version, from `If-Match`: 412.
    PreconditionFailed,
    /// The change names no version: 428.
    Missing,
}

impl EditBasis {
    pub fn check(&self, current: Timestamp, id: Uuid) -> PreconditionResult {
        match self {
            EditBasis::IfMatch(tags) if Etag::new(id, current).matches_any(tags) => PreconditionResult::Apply,
            EditBasis::IfMatch(_) => PreconditionResult::PreconditionFailed,
            EditBasis::UpdatedAt(time) if *time == current => PreconditionResult::Apply,
            EditBasis::UpdatedAt(_) => PreconditionResult::Conflict,
            EditBasis::Force => PreconditionResult::Overwrite,
            EditBasis::Missing => PreconditionResult::Missing,
        }
    }
}

impl PreconditionResult {
    /// The error if the change must not be applied. The caller adds the details of a conflict: the current record,
    /// who changed it, and when.
    pub fn error(self) -> Option<Error> {
        match self {
            PreconditionResult::Apply | PreconditionResult::Overwrite => None,
            PreconditionResult::Conflict => Some(Error::conflict()),
            PreconditionResult::PreconditionFailed => {
                Some(Error::new(ErrorKind::PreconditionFailed, "CONFLICT"))
            }
            PreconditionResult::Missing => {
                Some(Error::new(ErrorKind::PreconditionRequired, "PRECONDITION_REQUIRED"))
            }
        }
    }
}
