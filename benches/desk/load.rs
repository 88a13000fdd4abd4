//! Closed-loop reads over a few connections that never wait for one another.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use crate::http::Http;
use crate::service::Service;
use crate::times::{Times, count};

/// A request, with the expected start and length of its response.
#[derive(Clone)]
pub struct Ask {
    pub path: String,
    pub token: String,
    pub length: usize,
}

pub struct Load {
    pub per_second: f64,
    /// CPU time of the service per request.
    pub cpu: Duration,
    pub times: Times,
}

/// Each connection repeats its own share of `asks`.
pub async fn closed(service: &Service, asks: &[Ask], connections: usize, lasts: Duration) -> Result<Load> {
    let mut tasks = JoinSet::new();
    let (cpu, started) = (service.cpu()?, Instant::now());
    for share in asks.chunks(asks.len().div_ceil(connections)) {
        let mut http = Http::connect(service.address).await?;
        let share = share.to_vec();
        tasks.spawn(async move {
            let mut times = Times::default();
            for ask in share.iter().cycle() {
                let asked = Instant::now();
                if asked - started >= lasts {
                    break;
                }
                let body = http.get(&ask.path, &ask.token).await?;
                ensure!(
                    body.len() == ask.length,
                    "{} was answered with {} bytes, not {}",
                    ask.path,
                    body.len(),
                    ask.length
                );
                times.push(asked.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Times::default();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let took = started.elapsed();
    let requests = u32::try_from(times.len()).ok().filter(|n| *n > 0).context("nothing was answered")?;
    Ok(Load {
        per_second: count(times.len()) / took.as_secs_f64(),
        cpu: (service.cpu()? - cpu) / requests,
        times,
    })
}
