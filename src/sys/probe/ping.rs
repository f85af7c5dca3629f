//! Ping by a socket that needs no privilege (SOCK_DGRAM and ICMP, "icmp(7)"): the kernel sets the id and the checksum and
//! gives each socket its own answers. Where it is refused, a TCP connection shows as much: a refusal is an answer too.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, ipproto, socket_with};
use tokio::{
    net::{TcpStream, UdpSocket},
    time::{sleep, timeout_at},
};

use super::trouble::Trouble;
use crate::{
    model::service::round::{Found, Phase},
    units::span,
};

/// Pings in a burst. The first is not counted: it waits for ARP and for caches.
const BURST: u16 = 5;
/// One without an answer for so long is lost; on a short deadline a share of that.
const LOST: Duration = Duration::from_secs(1);
/// Between two of them.
const APART: Duration = Duration::from_millis(20);
/// Ports that are connected to where ICMP is refused: what a host answers on most often.
const PORTS: [u16; 3] = [443, 80, 22];
/// Echo request and reply of ICMP ("RFC 792") and of ICMPv6 ("RFC 4443").
const ECHO: [(u8, u8); 2] = [(8, 0), (128, 129)];

/// How a host is pinged, as far as it was found out.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// The port that answered before.
    port: Option<u16>,
}

impl Ways {
    /// A burst of pings; gives the median in seconds.
    pub(super) async fn ping(&mut self, to: IpAddr, end: Instant, found: &mut Found) -> Result<f64, Trouble> {
        match open(to) {
            Ok(socket) => burst(&socket, to, end, found).await,
            Err(error) if is_refused(&error) => self.connect(to, end, found).await,
            Err(error) => Err(Trouble::of_connect(&error, to)),
        }
    }

    /// In place of ICMP: connects, to the port that answered before or to all of them.
    async fn connect(&mut self, to: IpAddr, end: Instant, found: &mut Found) -> Result<f64, Trouble> {
        let began = Instant::now();
        let mut attempts = FuturesUnordered::new();
        for port in self.port.map_or(PORTS.to_vec(), |port| vec![port]) {
            attempts.push(async move { (port, TcpStream::connect(SocketAddr::new(to, port)).await) });
        }
        let answered = timeout_at(end.into(), async {
            let mut failed = Trouble::unanswered(format!("{to}: no answer"));
            while let Some((port, connected)) = attempts.next().await {
                match connected {
                    Err(error) if error.kind() != io::ErrorKind::ConnectionRefused => {
                        failed = Trouble::of_connect(&error, to);
                    }
                    _ => return Ok(port),
                }
            }
            Err(failed)
        })
        .await;
        let seconds = began.elapsed().as_secs_f64();
        found.phases.add(Phase::Connect, seconds);
        match answered {
            Ok(Ok(port)) => {
                (self.port, found.instead_of_ping) = (Some(port), Some(port));
                Ok(seconds)
            }
            // Another port may answer.
            Ok(Err(trouble)) => {
                self.port = None;
                Err(trouble)
            }
            Err(_) => {
                self.port = None;
                Err(Trouble::unanswered(format!(
                    "{to}: no answer for {} (by TCP, as ICMP is refused here)",
                    span_of(began)
                )))
            }
        }
    }
}

fn span_of(began: Instant) -> String {
    span(began.elapsed().max(Duration::from_secs(1)))
}

/// The kernel allows it to the groups of `net.ipv4.ping_group_range` alone; a sandbox may refuse it altogether.
fn is_refused(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, Unsupported};
    /// EPROTONOSUPPORT, ESOCKTNOSUPPORT, EAFNOSUPPORT.
    const NONE: [i32; 3] = [93, 94, 97];
    matches!(error.kind(), PermissionDenied | Unsupported) || error.raw_os_error().is_some_and(|e| NONE.contains(&e))
}

/// A socket that sends to `to` and hears from it alone.
fn open(to: IpAddr) -> io::Result<UdpSocket> {
    let (family, protocol) = match to {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::DGRAM, flags, Some(protocol))?;
    connect(&socket, &SocketAddr::new(to, 0))?;
    // Any datagram socket will do for sending and receiving.
    UdpSocket::from_std(socket.into())
}

/// The burst: those after the first give the median and the loss.
async fn burst(socket: &UdpSocket, to: IpAddr, end: Instant, found: &mut Found) -> Result<f64, Trouble> {
    let began = Instant::now();
    let patience = (end.saturating_duration_since(began) / u32::from(BURST)).min(LOST);
    let mut times = Vec::new();
    let mut failed = None;
    for number in 0..BURST {
        let until = (Instant::now() + patience).min(end);
        match timeout_at(until.into(), once(socket, to, number)).await {
            Ok(Ok(took)) if number > 0 => times.push(took.as_secs_f64()),
            Ok(Err(error)) => failed = Some(error),
            _ => {}
        }
        sleep(APART).await;
    }
    let counted = usize::from(BURST - 1);
    found.loss = Some((counted - times.len()) as f64 / counted as f64);
    times.sort_by(f64::total_cmp);
    match (median(&times), failed) {
        (Some(median), _) => Ok(median),
        (None, Some(error)) => Err(Trouble::of_connect(&error, to)),
        (None, None) => Err(Trouble::unanswered(format!("{to}: no answer to {BURST} pings"))),
    }
}

fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some((low + high) / 2.0)
}

/// One ping: how long its answer took.
async fn once(socket: &UdpSocket, to: IpAddr, number: u16) -> io::Result<Duration> {
    let (request, reply) = ECHO[usize::from(to.is_ipv6())];
    let [high, low] = number.to_be_bytes();
    let mut message = [0; 64];
    // Type, code, checksum, id, number: the kernel fills in the checksum and the id.
    message[..8].copy_from_slice(&[request, 0, 0, 0, 0, 0, high, low]);
    let began = Instant::now();
    socket.send(&message).await?;
    let mut answer = [0; 128];
    loop {
        let read = socket.recv(&mut answer).await?;
        // The answer to an earlier one may come late.
        if read >= 8 && answer[0] == reply && answer[6..8] == [high, low] {
            return Ok(began.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
    }

    #[tokio::test]
    async fn where_icmp_is_refused_a_refused_connection_is_an_answer() {
        let (mut ways, mut found) = (Ways::default(), Found::default());
        let end = Instant::now() + Duration::from_secs(5);
        let here = "127.0.0.1".parse().expect("an address");
        let seconds = ways.connect(here, end, &mut found).await.expect("this machine answers");
        assert!(seconds < 1.0 && PORTS.contains(&found.instead_of_ping.expect("a port")));
        assert_eq!(ways.port, found.instead_of_ping, "it is asked alone from here on");
    }
}
