//! S3: memory of an idle socket: authenticated, with three topics joined.

use std::time::Instant;

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit};

use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::Service;
use crate::socket::Socket;
use crate::times::count;
use crate::world::{ROOMS_PER_EMPLOYEE, World};

const BYTES: f64 = 20.0 * 1024.0;
/// Opened before the measurement, so that one-time allocations do not count.
const FIRST: usize = 40;
/// Open files besides the sockets.
const OTHER_FILES: u64 = 200;

pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    report.section("S3: memory of an idle connection with three topics (room, person, tenant)");
    let (files, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = scale.idle_connections.min(usize::try_from(files.saturating_sub(OTHER_FILES))?);
    if wanted < scale.idle_connections {
        report.line("connections", format!("only {wanted}: the limit of open files is {files}"));
    }
    let tokens: Vec<String> =
        (1..=world.employees).map(|e| world.employee_token(e)).collect::<Result<_>>()?;
    let mut sockets = Vec::with_capacity(wanted + FIRST);
    for number in 0..FIRST {
        sockets.push(open(service, world, &tokens, number).await?);
    }
    let before = service.memory_kib()?;
    let (cpu, started) = (service.cpu()?, Instant::now());
    for number in FIRST..wanted {
        sockets.push(open(service, world, &tokens, number).await?);
    }
    let opened = count(wanted - FIRST);
    let grown = f64::from(u32::try_from(service.memory_kib()?.saturating_sub(before))?) * 1024.0;
    report.figure(&format!("bytes of each of {wanted}"), grown / opened, "", Bar::AtMost(BYTES));
    let cpu = (service.cpu()? - cpu).as_secs_f64() * 1e6 / opened;
    let rate = 3.0 * opened / started.elapsed().as_secs_f64();
    report.line(
        "one after the other",
        format!("{rate:.0} joins a second; {cpu:.0} µs of the service's CPU to connect and join three"),
    );
    Ok(())
}

/// An operator, since members may not join the tenant's topic.
async fn open(service: &Service, world: &World, tokens: &[String], number: usize) -> Result<Socket> {
    let employee = number % world.employees;
    let token = tokens.get(employee).context("no such employee")?;
    let room = employee * ROOMS_PER_EMPLOYEE + number / world.employees % ROOMS_PER_EMPLOYEE + 1;
    let mut socket = Socket::connect(service.address, token, number).await?;
    for topic in [world.room_topic(room), world.employee_topic(employee + 1), world.tenant_topic()] {
        socket.join(&topic).await?;
    }
    Ok(socket)
}
