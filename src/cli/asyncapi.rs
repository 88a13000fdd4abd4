//! `guichet asyncapi`: prints asyncapi.yaml.

pub fn run() -> anyhow::Result<()> {
    print!("{}", crate::app::asyncapi::yaml()?);
    Ok(())
}
