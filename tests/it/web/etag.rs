//! Versions of records: 304 for known ones, and preconditions of changes.

use std::time::Duration;

use actix_web::test::TestRequest;
use actix_web::{FromRequest, http::header};
use guichet::web::{Etag, IfMatch, PreconditionResult};
use guichet_base::{ErrorKind, Timestamp};
use uuid::Uuid;

use super::server::start;

const ID: Uuid = Uuid::from_u128(7);

async fn if_match(value: Option<&str>) -> IfMatch {
    let mut request = TestRequest::get();
    if let Some(value) = value {
        request = request.insert_header((header::IF_MATCH, value));
    }
    IfMatch::extract(&request.to_http_request()).await.unwrap()
}

#[actix_web::test]
async fn a_change_is_judged_by_what_it_was_based_on() {
    let now = Timestamp::from_millis(1_700_000_000_123);
    let before = now.minus(Duration::from_millis(1));
    let text = |id, updated_at| Etag::new(id, updated_at).to_header().to_string();
    let (tag, stale) = (text(ID, now), text(ID, before));
    let others = text(Uuid::from_u128(8), now);
    let weak = format!("\"x\", W/{tag}");
    for (header, updated_at, force, verdict) in [
        (None, None, false, PreconditionResult::Missing),
        (Some("*"), None, false, PreconditionResult::Missing),
        (None, Some(before), false, PreconditionResult::Conflict),
        (Some(stale.as_str()), None, false, PreconditionResult::PreconditionFailed),
        (Some(stale.as_str()), Some(now), false, PreconditionResult::PreconditionFailed),
        (Some(others.as_str()), None, false, PreconditionResult::PreconditionFailed),
        (Some("nonsense"), None, false, PreconditionResult::PreconditionFailed),
        (None, Some(now), false, PreconditionResult::Apply),
        (Some("*"), Some(now), false, PreconditionResult::Apply),
        (Some(tag.as_str()), None, false, PreconditionResult::Apply),
        (Some(weak.as_str()), None, false, PreconditionResult::Apply),
        (Some(stale.as_str()), Some(before), true, PreconditionResult::Overwrite),
        (None, None, true, PreconditionResult::Overwrite),
    ] {
        let based_on = if_match(header).await.edit_basis(updated_at, force);
        assert_eq!(based_on.check(now, ID), verdict, "{header:?} {updated_at:?} {force}");
    }
}

#[test]
fn a_refused_change_has_its_status_and_code() {
    let error = |verdict: PreconditionResult| verdict.error().map(|error| (error.kind(), error.code()));
    assert_eq!(
        error(PreconditionResult::Missing),
        Some((ErrorKind::PreconditionRequired, "PRECONDITION_REQUIRED"))
    );
    assert_eq!(error(PreconditionResult::Conflict), Some((ErrorKind::Conflict, "CONFLICT")));
    assert_eq!(
        error(PreconditionResult::PreconditionFailed),
        Some((ErrorKind::PreconditionFailed, "CONFLICT"))
    );
    assert_eq!(error(PreconditionResult::Apply), None);
    assert_eq!(error(PreconditionResult::Overwrite), None);
}

#[test]
fn a_known_version_is_not_sent_again() {
    let server = start();
    let path = "/api/v1/notes/0190163d-8694-739b-aea5-966c26f8ad91";
    let tag = server.get(path).header("etag").unwrap().to_owned();
    let with = |known: &str| server.send("GET", path, &[&format!("If-None-Match: {known}")], b"");
    assert_eq!(with("\"other\"").status, 200);
    let known = with(&tag);
    assert_eq!((known.status, known.header("etag"), known.body.len()), (304, Some(tag.as_str()), 0));
    assert_eq!(with(&format!("\"other\", W/{tag}")).status, 304);
}
