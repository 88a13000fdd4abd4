//! Localized texts, in French and English, from `locales/<language>/*.ftl`.

use std::borrow::Cow;
use std::collections::HashMap;
use strum::IntoStaticStr;

use fluent_templates::{Loader, fluent_bundle::FluentValue, static_loader};
use serde::{Deserialize, Serialize};
use unic_langid::{LanguageIdentifier, langid};
use utoipa::ToSchema;

static_loader! {
    static TEXTS = {
        locales: "../../locales",
        fallback_language: "fr",
        // Unicode isolation marks only matter where text directions mix; JSON and logs must not contain them.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema, IntoStaticStr,
)]
#[strum(serialize_all = "lowercase", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    #[default]
    Fr,
    En,
}

const FR: LanguageIdentifier = langid!("fr");
const EN: LanguageIdentifier = langid!("en");

impl Locale {
    /// Parses a language tag by its first two letters: `fr`, `fr-CA`, `en_US`.
    pub fn parse(tag: &str) -> Option<Self> {
        match tag.trim().get(..2)?.to_ascii_lowercase().as_str() {
            "fr" => Some(Locale::Fr),
            "en" => Some(Locale::En),
            _ => None,
        }
    }

    /// The supported language with the highest weight in an `Accept-Language` header.
    pub fn from_accept_language(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Locale)> = None;
        for item in header.split(',').take(20) {
            let mut parts = item.split(';');
            let Some(locale) = parts.next().and_then(Locale::parse) else { continue };
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()))
                .unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(best_weight, _)| weight > best_weight) {
                best = Some((weight, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }
}

/// Parses a column that a constraint restricts to the supported languages.
impl TryFrom<String> for Locale {
    type Error = String;

    fn try_from(tag: String) -> Result<Self, String> {
        Self::parse(&tag).ok_or(tag)
    }
}

/// The localized text of `key` with its arguments. A missing key is returned unchanged; a test checks that every key
/// that the code uses exists in both languages.
pub fn localize(locale: Locale, key: &str, args: &[(&'static str, String)]) -> String {
    let language = match locale {
        Locale::Fr => &FR,
        Locale::En => &EN,
    };
    let args: HashMap<Cow<'static, str>, FluentValue<'_>> =
        args.iter().map(|(name, value)| (Cow::Borrowed(*name), FluentValue::from(value.as_str()))).collect();
    TEXTS.try_lookup_with_args(language, key, &args).unwrap_or_else(|| key.to_owned())
}
