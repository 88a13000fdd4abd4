//! `guichet seed`: creates or restores the demo tenant.

use guichet_base::Clock;
use guichet_db::Db;

use crate::app::demo;
use crate::app::postgres::{DataFolderUse, PostgresServer};
use crate::config::Config;

#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object only
    #[arg(long)]
    json: bool,
}

pub fn run(config: &Config, args: &Args) -> anyhow::Result<()> {
    let postgres = PostgresServer::open(config, DataFolderUse::Share)?;
    let clock = Clock::system();
    let db = Db::new(&postgres.settings);
    let demo_tenant = actix_web::rt::System::new().block_on(demo::create_or_restore(
        &db,
        &config.tokens,
        &config.server.data_dir,
        &clock,
    ))?;
    if args.json {
        println!("{}", serde_json::to_string(&demo_tenant)?);
    } else {
        print!("{}", demo_tenant.people_text());
    }
    postgres.stop()
}
