//! Values that are more than a number or a word, parsed once at the start.

use std::collections::BTreeMap;

use guichet_base::Role;
use reqwest::Url;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::config_value::ConfigValue;

/// The web origins that may call the API and open sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// `*`: every origin. Refused in production mode.
    Any,
    /// Exactly these, as browsers send them in `Origin`: `https://app.example.com`.
    Only(Vec<String>),
}

impl AllowedOrigins {
    /// `origin` is the header's text.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            AllowedOrigins::Any => true,
            AllowedOrigins::Only(origins) => {
                origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
            }
        }
    }
}

impl ConfigValue for AllowedOrigins {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "*" => Ok(AllowedOrigins::Any),
            "none" => Ok(AllowedOrigins::Only(Vec::new())),
            list => list
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(origin)
                .collect::<Result<_, _>>()
                .map(AllowedOrigins::Only),
        }
    }
}

fn origin(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/').to_ascii_lowercase();
    let serialized = Url::parse(&text).map(|url| url.origin().ascii_serialization());
    if serialized.is_ok_and(|origin| origin == text) {
        Ok(text)
    } else {
        Err("must be *, none, or origins such as https://app.example.com,https://admin.example.com"
            .to_owned())
    }
}

/// The place of a claim in a token: a JSON pointer (RFC 6901), for `serde_json::Value::pointer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPointer(String);

impl JsonPointer {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ConfigValue for JsonPointer {
    fn parse(text: &str) -> Result<Self, String> {
        let escapes_are_whole = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && escapes_are_whole {
            Ok(JsonPointer(text.to_owned()))
        } else {
            Err("must be a JSON pointer, such as /app_metadata/tenant_id".to_owned())
        }
    }
}

/// An identity provider's names for roles, besides guichet's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleMap(BTreeMap<String, Role>);

impl RoleMap {
    /// The role of a token's word: as mapped, else by guichet's own name. Never `Platform`: a service token of all
    /// tenants is recognized by its tenant claim.
    pub fn resolve(&self, word: &str) -> Option<Role> {
        self.0.get(word).copied().or_else(|| parse_role(word))
    }
}

impl ConfigValue for RoleMap {
    fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (word, name) = pair.rsplit_once(':')?;
                Some((word.trim().to_owned(), parse_role(name.trim())?)).filter(|(word, _)| !word.is_empty())
            })
            .collect::<Option<_>>()
            .map(RoleMap)
            .ok_or_else(|| {
                "must be word:role pairs (owner, manager, employee, client, service), such as PDG:owner,DG:manager"
                    .to_owned()
            })
    }
}

fn parse_role(word: &str) -> Option<Role> {
    Role::parse_person_role(word).or_else(|| (word == Role::Service.into_str()).then_some(Role::Service))
}

/// The log levels: one for all, and levels for modules, such as `info,guichet_realtime=debug`.
#[derive(Debug, Clone)]
pub struct LogFilter(Targets);

impl LogFilter {
    pub fn targets(&self) -> &Targets {
        &self.0
    }
}

impl ConfigValue for LogFilter {
    fn parse(text: &str) -> Result<Self, String> {
        // A bare word that is not a level would silently mean "everything of the target of that name".
        let bare_words_are_levels = text
            .split(',')
            .map(str::trim)
            .all(|part| part.contains('=') || part.parse::<LevelFilter>().is_ok());
        let targets = text.parse::<Targets>().ok().filter(|_| bare_words_are_levels);
        targets.map(LogFilter).ok_or_else(|| {
            "must be off, error, warn, info, debug or trace, or a list such as info,guichet=debug".to_owned()
        })
    }
}
