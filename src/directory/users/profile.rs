//! Validation of profile fields.

use chrono_tz::Tz;
use reqwest::Url;

use crate::web::{Patch, Validator};

pub(in crate::directory) fn email(check: &mut Validator, email: Patch<String>) -> Patch<String> {
    let email = check.text_patch("email", email, 3..=320);
    if let Patch::Value(text) = &email {
        let is_address = text.split_once('@').is_some_and(|(name, host)| {
            let is_plain = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
            is_plain(name) && is_plain(host) && !host.contains('@')
        });
        check.ensure(is_address, "email", "invalid");
    }
    email
}

pub(in crate::directory) fn phone(check: &mut Validator, phone: Patch<String>) -> Patch<String> {
    let phone = check.text_patch("phone", phone, 3..=40);
    if let Patch::Value(text) = &phone {
        let is_number = text.chars().all(|c| c.is_ascii_digit() || "+ ().-/".contains(c));
        check.ensure(is_number && text.contains(|c: char| c.is_ascii_digit()), "phone", "invalid");
    }
    phone
}

/// https only, since other people's pages load it.
pub(in crate::directory) fn avatar_url(check: &mut Validator, url: Patch<String>) -> Patch<String> {
    let url = check.text_patch("avatar_url", url, 1..=2000);
    if let Patch::Value(text) = &url {
        let is_https = Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host());
        check.ensure(is_https, "avatar_url", "not_https");
    }
    url
}

/// A name of the IANA time zone database.
pub(in crate::directory) fn timezone(check: &mut Validator, timezone: Option<String>) -> Option<String> {
    if let Some(name) = &timezone {
        check.ensure(name.parse::<Tz>().is_ok(), "timezone", "unknown_value");
    }
    timezone
}
