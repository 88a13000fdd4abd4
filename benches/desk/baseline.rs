//! Baselines of the machine: `send()` of sockets, `fdatasync` of the disk, an empty actix handler.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::http::Http;
use crate::pgbench;
use crate::report::Report;
use crate::scale::Scale;
use crate::service::Service;
use crate::times::{count, micros};

const SOCKETS: usize = 1_000;
const FRAME_BYTES: usize = 160;
const ROUNDS: usize = 20;
const REPEATS: usize = 10;

pub async fn run(report: &mut Report, service: &Service, scale: &Scale) -> Result<()> {
    report.section("Floors");
    let [one, eight] = [1, 8].map(send_cost);
    report.line("send() of 160 bytes to one of 1,000 sockets", format!("{:.2} µs", micros(one?)));
    report.line("eight of them in one send()", format!("{:.2} µs each", micros(eight?) / 8.0));
    report.line(
        "fdatasync (pg_test_fsync)",
        format!("{:.0} a second", pgbench::fsyncs_per_second(service).await?),
    );
    report.line(
        "an empty actix handler, 8 in flight",
        format!("{:.0} a second", empty_handler(scale.turn).await?),
    );
    Ok(())
}

/// Raises the limit of open files to the maximum.
pub fn raise_file_limit() -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

/// CPU time of this thread per `send()` of `frames` frames.
pub fn send_cost(frames: usize) -> Result<Duration> {
    let mut pairs = pairs()?;
    let bytes = vec![b'x'; frames * FRAME_BYTES];
    let mut spent = Duration::ZERO;
    for _ in 0..REPEATS {
        let before = thread_cpu()?;
        for _ in 0..ROUNDS {
            for (near, _) in &mut pairs {
                near.write_all(&bytes)?;
            }
        }
        spent += thread_cpu()? - before;
        for (_, far) in &mut pairs {
            drain(far)?;
        }
    }
    Ok(spent / u32::try_from(REPEATS * ROUNDS * SOCKETS)?)
}

fn pairs() -> Result<Vec<(TcpStream, TcpStream)>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    (0..SOCKETS)
        .map(|_| {
            let near = TcpStream::connect(address)?;
            let (far, _) = listener.accept()?;
            near.set_nodelay(true)?;
            far.set_nonblocking(true)?;
            Ok((near, far))
        })
        .collect()
}

fn drain(socket: &mut TcpStream) -> Result<()> {
    let mut buffer = [0; 64 * 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn thread_cpu() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = stat.split(' ').next().and_then(|word| word.parse().ok());
    Ok(Duration::from_nanos(nanos.context("no schedstat")?))
}

/// Requests per second, with the client that also measures guichet.
async fn empty_handler(lasts: Duration) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = || App::new().route("/", web::get().to(|| async { HttpResponse::Ok().body("ok") }));
            let server = HttpServer::new(app).disable_signals().listen(listener)?.run();
            let handle = server.handle();
            actix_web::rt::spawn(server);
            let _ = stopped.await;
            handle.stop(false).await;
            std::io::Result::Ok(())
        })
    });
    let rate = rate(address, lasts).await;
    drop(stop);
    thread.join().map_err(|_| anyhow::anyhow!("the empty server failed"))??;
    rate
}

async fn rate(address: SocketAddr, lasts: Duration) -> Result<f64> {
    let started = std::time::Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut http = Http::connect(address).await?;
        tasks.spawn(async move {
            let mut done = 0;
            while started.elapsed() < lasts {
                http.get("/", "").await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(one) = tasks.join_next().await {
        done += one??;
    }
    Ok(count(done) / started.elapsed().as_secs_f64())
}
