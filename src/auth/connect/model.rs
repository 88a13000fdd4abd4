//! A connect token and its rows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use guichet_base::id::{TenantId, UserId};
use guichet_base::{Error, Result, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::schema::connect_tickets;

/// Distinguishes a connect token from a JWT, which never starts like this.
const PREFIX: &str = "ct_";
/// 256 bits in base64url.
const SECRET_CHARS: usize = 43;

/// The token as its holder sends it.
pub struct ConnectToken(SecretString);

impl ConnectToken {
    /// A new token of 256 random bits.
    pub fn random() -> Result<Self> {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).map_err(Error::internal)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bits)).into()))
    }

    /// `None` if `text` does not have the form of a connect token.
    pub fn parse(text: &str) -> Option<Self> {
        let secret = text.strip_prefix(PREFIX)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_ticket = secret.len() == SECRET_CHARS && secret.bytes().all(is_plain);
        is_ticket.then(|| Self(text.to_owned().into()))
    }

    /// The token as text, for the response to its holder only.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// The SHA-256 that is stored.
    pub fn digest(&self) -> Vec<u8> {
        Sha256::digest(self.reveal().as_bytes()).to_vec()
    }
}

/// A new row of `connect_tickets`.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = connect_tickets)]
pub struct NewConnectToken {
    pub tenant_id: TenantId,
    pub digest: Vec<u8>,
    pub user_id: UserId,
    pub authenticated_at: Option<Timestamp>,
    pub token_expires_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The person that a redeemed connect token authenticates.
#[derive(Debug, Clone, Copy)]
pub struct RedeemedToken {
    pub tenant: TenantId,
    pub user: UserId,
    pub authenticated_at: Option<Timestamp>,
    pub token_expires_at: Timestamp,
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_as_it_was_made_and_nothing_else_is_one() {
        let ticket = ConnectToken::random().unwrap();
        let read = ConnectToken::parse(ticket.reveal()).map(|read| read.digest());
        assert_eq!(read, Some(ticket.digest()));
        assert_ne!(ticket.digest(), ConnectToken::random().unwrap().digest());
        for wrong in ["", "ct_", "ct_short", &ticket.reveal()[3..], &format!("{}x", ticket.reveal())] {
            assert!(ConnectToken::parse(wrong).is_none(), "{wrong}");
        }
        assert!(ConnectToken::parse(&format!("ct_{}", "é".repeat(22))).is_none());
    }
}
