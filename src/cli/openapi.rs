//! `guichet openapi`.

pub fn run() -> anyhow::Result<()> {
    print!("{}", crate::app::openapi::yaml()?);
    Ok(())
}
