//! `guichet config`: prints the configuration.

use crate::config::Config;

#[derive(clap::Args)]
pub struct Args {
    /// Print `.env.example` instead: every variable with its default and meaning
    #[arg(long)]
    example: bool,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let text = if args.example { Config::render_example() } else { Config::from_env()?.render() };
    print!("{text}");
    Ok(())
}
