//! `guichet seed`.

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
    let engine = PostgresServer::open(config, DataFolderUse::Share)?;
    let clock = Clock::system();
    let db = Db::new(&engine.settings);
    let made = actix_web::rt::System::new().block_on(demo::create_or_restore(
        &db,
        &config.tokens,
        &config.server.data_dir,
        &clock,
    ))?;
    if args.json {
        println!("{}", serde_json::to_string(&made)?);
    } else {
        print!("{}", made.people_text());
    }
    engine.stop()
}
