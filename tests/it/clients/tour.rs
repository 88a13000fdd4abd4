//! A newcomer's steps: start, paste the printed lines, kill the service, start again.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_curl_lines_work_and_a_pulled_plug_loses_nothing() -> Result<()> {
    let mut service = Service::unstarted()?;
    service.start_demo().await?;
    let [writes, lists, reads] = curl_lines(&service.tour()?)?;
    let said = run(&writes)?;
    assert_eq!(said["content"], "Bonjour, où en est ma commande ?");
    assert_eq!(run(&lists)?[0]["unread_count"], 1);
    assert_eq!(run(&reads)?[0]["id"], said["id"]);

    service.kill()?;
    service.leaves_no_orphan()?;
    service.start_demo().await?;
    let [_, _, reads] = curl_lines(&service.tour()?)?;
    assert_eq!(run(&reads)?[0]["id"], said["id"]);

    let status = service.stop()?;
    ensure!(status.success(), "the service stopped with {status}");
    service.leaves_no_orphan()
}

fn curl_lines(tour: &str) -> Result<[String; 3]> {
    let lines: Vec<_> = tour.lines().filter(|line| line.starts_with("curl ")).map(str::to_owned).collect();
    <[String; 3]>::try_from(lines).ok().with_context(|| format!("three curl lines:\n{tour}"))
}

/// Runs the line unchanged, and returns `data` of the response.
fn run(line: &str) -> Result<Value> {
    let output = Command::new("sh").args(["-c", line]).output()?;
    ensure!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(answer["error"].is_null(), "{line}: {answer}");
    Ok(answer["data"].clone())
}
