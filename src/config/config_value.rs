//! Conversion of a variable's text to a value, and to the text that `guichet config` displays.
//!
//! An error message completes the sentence "NAME …, not {value}", for example "must be true or false".

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use reqwest::Url;
use secrecy::SecretString;

pub(super) const MASK: &str = "***";

pub(super) trait ConfigValue: Sized {
    fn parse(text: &str) -> Result<Self, String>;

    /// The text for display: secrets are masked.
    fn display_text(text: &str) -> String {
        text.to_owned()
    }
}

macro_rules! numbers {
    ($($Number:ty),+) => {$(
        impl ConfigValue for $Number {
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("must be a whole number up to {}", <$Number>::MAX))
            }
        }
    )+};
}

numbers!(u32, u64, usize);

impl ConfigValue for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }
}

impl ConfigValue for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl ConfigValue for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(PathBuf::from(text))
    }
}

impl ConfigValue for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.replace("localhost:", "127.0.0.1:");
        text.parse().map_err(|_| "must be an address and a port, such as 127.0.0.1:8080".to_owned())
    }
}

impl ConfigValue for IpNet {
    fn parse(text: &str) -> Result<Self, String> {
        let parse_address = || text.parse().map(|address: std::net::IpAddr| IpNet::from(address));
        text.parse()
            .or_else(|_| parse_address())
            .map_err(|_| "must be addresses or networks, such as 10.0.0.0/8,192.168.1.7".to_owned())
    }
}

impl ConfigValue for Url {
    fn parse(text: &str) -> Result<Self, String> {
        let error = || "must be an http:// or https:// URL without a password".to_owned();
        let url = Url::parse(text).map_err(|_| error())?;
        let has_no_credentials = url.username().is_empty() && url.password().is_none();
        if matches!(url.scheme(), "http" | "https") && url.has_host() && has_no_credentials {
            Ok(url)
        } else {
            Err(error())
        }
    }

    fn display_text(text: &str) -> String {
        mask_password(text)
    }
}

impl ConfigValue for SecretString {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(SecretString::from(text))
    }

    fn display_text(_: &str) -> String {
        MASK.to_owned()
    }
}

impl<T: ConfigValue> ConfigValue for Option<T> {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }

    fn display_text(text: &str) -> String {
        if text.is_empty() { String::new() } else { T::display_text(text) }
    }
}

impl<T: ConfigValue> ConfigValue for Vec<T> {
    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(T::parse).collect()
    }
}

/// A URL with its password masked, and its query too if that may contain one.
pub(super) fn mask_password(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return MASK.to_owned() };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    if url.query().is_some() {
        url.set_query(Some(MASK));
    }
    url.to_string()
}
