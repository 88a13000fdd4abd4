//! S9: joins of authorized rooms, each authorized in PostgreSQL with the rights of the person who joins.

use std::time::Instant;

use anyhow::Result;
use tokio::task::LocalSet;

use crate::minimal_client::MinimalClient;
use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::Service;
use crate::times::{Times, count, micros};
use crate::world::{ROOMS_PER_EMPLOYEE, World};

const A_SECOND: f64 = 1_000.0;
/// Sockets of each employee, all at once, each with one pending join.
const SOCKETS: usize = 4;

pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    let sockets = world.employees * SOCKETS;
    report.section(&format!("S9: joins of rooms, {sockets} sockets at once"));
    let mut open = Vec::new();
    for number in 0..sockets {
        let employee = number % world.employees + 1;
        let token = world.employee_token(employee)?;
        open.push((employee, MinimalClient::connect(service.address, &token, number).await?));
    }
    for round in 1..=scale.rounds {
        let (cpu, postgres, started) = (service.cpu()?, service.postgres_cpu()?, Instant::now());
        let local = LocalSet::new();
        let tasks: Vec<_> = std::mem::take(&mut open)
            .into_iter()
            .map(|(employee, mut socket)| {
                let first = world.first_room_of(employee);
                let topics: Vec<String> =
                    (first..first + ROOMS_PER_EMPLOYEE).map(|room| world.room_topic(room)).collect();
                local.spawn_local(async move {
                    let mut times = Times::default();
                    for topic in topics {
                        let asked = Instant::now();
                        socket.join(&topic).await?;
                        times.push(asked.elapsed());
                    }
                    anyhow::Ok((employee, socket, times))
                })
            })
            .collect();
        let mut times = Times::default();
        local
            .run_until(async {
                for task in tasks {
                    let (employee, socket, more) = task.await??;
                    times.extend(more);
                    open.push((employee, socket));
                }
                anyhow::Ok(())
            })
            .await?;
        let joins = count(times.len());
        report.figure(
            &format!("joins a second, round {round}"),
            joins / started.elapsed().as_secs_f64(),
            "",
            Bar::AtLeast(A_SECOND),
        );
        report.line(
            "CPU a join",
            format!(
                "{:.0} µs of the service, {:.0} µs of PostgreSQL; {}",
                micros(service.cpu()? - cpu) / joins,
                micros(service.postgres_cpu()?.saturating_sub(postgres)) / joins,
                times.summary()
            ),
        );
    }
    Ok(())
}
