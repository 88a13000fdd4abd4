//! `guichet token`: creates and prints a token.

use std::time::Duration;

use anyhow::{Context, bail};
use guichet_base::{Clock, Role};

use crate::auth::token::{NewToken, mint};
use crate::config::Config;

#[derive(clap::Args)]
pub struct Args {
    /// owner, manager, employee, client, or service
    #[arg(long)]
    role: String,
    /// The `sub` of the token: a person's id, or a name for a service
    #[arg(long)]
    user: String,
    /// The tenant's id or slug; `*` for a service token of all tenants
    #[arg(long)]
    tenant: String,
    /// Client of a person to be created by their first token; may be repeated
    #[arg(long = "client", value_name = "ID")]
    clients: Vec<uuid::Uuid>,
    /// A scope of a service token; may be repeated [default: everything]
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// Name of a person to be created by their first token
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    email: Option<String>,
    /// Validity of the token in hours
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
    hours: u32,
}

pub fn run(config: &Config, args: &Args) -> anyhow::Result<()> {
    let secret = config.tokens.hs256_secret(&config.server.data_dir)?.context(
        "JWT_SECRET is not set, so guichet cannot sign tokens: with JWT_JWKS_URL only the identity provider signs them",
    )?;
    let role = match (args.role.as_str(), Role::parse_person_role(&args.role)) {
        ("service", _) => Role::Service,
        (_, Some(role)) => role,
        (other, None) => {
            bail!("there is no role {other:?}; roles are owner, manager, employee, client, service")
        }
    };
    if args.tenant == "*" && role != Role::Service {
        bail!("only a service token can be valid for all tenants");
    }
    let scopes = match (role, args.scopes.is_empty()) {
        (Role::Service, true) => vec!["*".to_owned()],
        _ => args.scopes.clone(),
    };
    let now = Clock::system().now();
    let new = NewToken {
        subject: args.user.clone(),
        tenant: args.tenant.clone(),
        role,
        clients: args.clients.iter().copied().map(guichet_base::id::ClientId).collect(),
        scopes,
        name: args.name.clone(),
        email: args.email.clone(),
        locale: None,
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(u64::from(args.hours) * 3600)),
    };
    println!("{}", mint(&config.tokens, &secret, &new)?);
    Ok(())
}
