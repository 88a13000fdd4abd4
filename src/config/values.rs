//! Types of structured values: origins, JSON pointers, role maps, log filters. Parsed once at the start.

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
    /// `origin` is the value of the `Origin` header.
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
                .map(parse_origin)
                .collect::<Result<_, _>>()
                .map(AllowedOrigins::Only),
        }
    }
}

fn parse_origin(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/').to_ascii_lowercase();
    let serialized = Url::parse(&text).map(|url| url.origin().ascii_serialization());
    if serialized.is_ok_and(|origin| origin == text) {
        Ok(text)
    } else {
        Err("must be *, none, or origins such as https://app.example.com,https://admin.example.com"
            .to_owned())
    }
}

/// The location of a claim in a token: a JSON pointer (RFC 6901), for `serde_json::Value::pointer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPointer(String);

impl JsonPointer {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ConfigValue for JsonPointer {
    fn parse(text: &str) -> Result<Self, String> {
        let has_valid_escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && has_valid_escapes {
            Ok(JsonPointer(text.to_owned()))
        } else {
            Err("must be a JSON pointer, such as /app_metadata/tenant_id".to_owned())
        }
    }
}

/// Maps role names of an identity provider to roles. guichet's own names are valid too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleMap(BTreeMap<String, Role>);

impl RoleMap {
    /// The role for the name in a token: mapped, or guichet's own name. Never `Platform`: a service token of all
    /// tenants is recognized by its tenant claim.
    pub fn resolve(&self, name: &str) -> Option<Role> {
        self.0.get(name).copied().or_else(|| parse_role(name))
    }
}

impl ConfigValue for RoleMap {
    fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (provider_name, name) = pair.rsplit_once(':')?;
                Some((provider_name.trim().to_owned(), parse_role(name.trim())?)).filter(|(word, _)| !word.is_empty())
            })
            .collect::<Option<_>>()
            .map(RoleMap)
            .ok_or_else(|| {
                "must be word:role pairs (owner, manager, employee, client, service), such as PDG:owner,DG:manager"
                    .to_owned()
            })
    }
}

fn parse_role(name: &str) -> Option<Role> {
    Role::parse_person_role(name).or_else(|| (name == Role::Service.into_str()).then_some(Role::Service))
}

/// The log levels: a default, and levels per module, such as `info,guichet_realtime=debug`.
#[derive(Debug, Clone)]
pub struct LogFilter(Targets);

impl LogFilter {
    pub fn targets(&self) -> &Targets {
        &self.0
    }
}

impl ConfigValue for LogFilter {
    fn parse(text: &str) -> Result<Self, String> {
        // `Targets` parses a bare word that is not a level as a target with all levels, which would hide a typo.
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
