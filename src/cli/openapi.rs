//! `guichet openapi`: prints openapi.yaml.

pub fn run() -> anyhow::Result<()> {
    print!("{}", crate::app::openapi::yaml()?);
    Ok(())
}
