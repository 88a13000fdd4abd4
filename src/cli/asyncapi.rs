//! `guichet asyncapi`.

pub fn run() -> anyhow::Result<()> {
    print!("{}", crate::app::asyncapi::yaml()?);
    Ok(())
}
