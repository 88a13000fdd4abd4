//! S10: the time to ready on an existing data folder, and the memory at rest.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::report::{Bar, Report};
use crate::service::{BINARY, Folder, Service};

const START_SECONDS: f64 = 3.0;
const BINARY_MB: f64 = 60.0;
const MEMORY_MB: f64 = 60.0;
/// After this time the memory of the start has been released.
const REST: Duration = Duration::from_secs(30);

/// Leaves the service running.
pub async fn run(report: &mut Report, folder: &Folder) -> Result<Service> {
    report.section("S10: start, size, memory at rest");
    let service = Service::start(folder).await?;
    report.figure(
        "start to ready, on existing data",
        service.ready_after.as_secs_f64(),
        " s",
        Bar::AtMost(START_SECONDS),
    );
    report.figure("program, stripped", megabytes(&stripped(folder))?, " MB", Bar::AtMost(BINARY_MB));
    report.line("program, as built", format!("{:.0} MB", megabytes(BINARY.as_ref())?));
    tokio::time::sleep(REST).await;
    let memory = f64::from(u32::try_from(service.memory_kib()?)?) * 1024.0 / 1e6;
    report.figure("resident memory at rest", memory, " MB", Bar::AtMost(MEMORY_MB));
    Ok(service)
}

fn megabytes(file: &std::path::Path) -> Result<f64> {
    let bytes = std::fs::metadata(file)?.len();
    Ok(f64::from(u32::try_from(bytes)?) / 1e6)
}

/// A copy without symbols, if `strip` is available.
fn stripped(folder: &Folder) -> std::path::PathBuf {
    let copy = folder.path().join("stripped");
    let status = Command::new("strip").arg("-o").arg(&copy).arg(BINARY).status();
    if status.is_ok_and(|status| status.success()) { copy } else { BINARY.into() }
}
