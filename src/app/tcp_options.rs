//! Socket options of accepted connections.

use std::any::Any;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;

/// How long sent data may wait for its acknowledgement, or for a peer's window to open. Longer than a session waits
/// for a stalled reader before it closes what it can; the rest of such a connection only the kernel can close.
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// For `HttpServer::on_connect`.
pub fn set_options(stream: &dyn Any, _: &mut Extensions) {
    if let Some(stream) = stream.downcast_ref::<TcpStream>()
        && let Err(error) = set_user_timeout(stream, USER_TIMEOUT)
    {
        tracing::debug!(%error, "an accepted connection keeps the system's patience");
    }
}

#[cfg(target_os = "linux")]
fn set_user_timeout(stream: &TcpStream, patience: Duration) -> nix::Result<()> {
    let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    nix::sys::socket::setsockopt(stream, nix::sys::socket::sockopt::TcpUserTimeout, &millis)
}

/// Other systems have no such option.
#[cfg(not(target_os = "linux"))]
fn set_user_timeout(_: &TcpStream, _: Duration) -> nix::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn a_connection_whose_window_stays_shut_is_ended_by_the_kernel() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = TcpSocket::new_v4().unwrap();
        reader.set_recv_buffer_size(4_096).unwrap();
        let reader = reader.connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut writer, _) = listener.accept().await.unwrap();
        set_user_timeout(&writer, Duration::from_millis(300)).unwrap();
        let bytes = vec![0; 1 << 20];
        let error = loop {
            if let Err(error) = writer.write_all(&bytes).await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(reader);
    }
}
