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

    /// A peer that answers the pings of one socket: `reply` gives the messages for each of them, by its number.
    fn peer(reply: impl Fn(u8) -> Vec<Vec<u8>> + Send + 'static) -> UdpSocket {
        let bind = || std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let (ours, theirs) = (bind(), bind());
        ours.connect(theirs.local_addr().expect("bound")).expect("connected");
        theirs.connect(ours.local_addr().expect("bound")).expect("connected");
        ours.set_nonblocking(true).expect("a socket");
        std::thread::spawn(move || {
            let mut request = [0; 128];
            // It ends when nobody listens any more.
            while let Ok(64) = theirs.recv(&mut request) {
                assert_eq!(request[..7], [8, 0, 0, 0, 0, 0, 0]);
                for message in reply(request[7]) {
                    let _ = theirs.send(&message);
                }
            }
        });
        UdpSocket::from_std(ours).expect("a socket")
    }

    fn echo(number: u8) -> Vec<u8> {
        vec![0, 0, 0, 0, 0, 0, 0, number]
    }

    async fn burst_of(
        seconds: f64,
        reply: impl Fn(u8) -> Vec<Vec<u8>> + Send + 'static,
    ) -> (Result<f64, Trouble>, Found) {
        let socket = peer(reply);
        let mut found = Found::default();
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let here = IpAddr::from([127, 0, 0, 1]);
        (burst(&socket, here, end, &mut found).await, found)
    }

    #[tokio::test]
    async fn each_ping_wants_its_own_answer() {
        let (seconds, found) = burst_of(60.0, |number| {
            // What is no answer, is too short, or answers another.
            vec![vec![8, 0, 0, 0, 0, 0, 0, number], vec![0; 7], echo(number + 1), echo(number)]
        })
        .await;
        assert!(seconds.expect("answered") < 30.0);
        assert_eq!(found.loss, Some(0.0));
    }

    #[tokio::test]
    async fn what_is_no_answer_does_not_count_as_one() {
        let kinds: [fn(u8) -> Vec<u8>; 3] =
            [|number| vec![8, 0, 0, 0, 0, 0, 0, number], |_| vec![0; 7], |n| echo(n + 1)];
        for of in kinds {
            let (none, found) = burst_of(0.4, move |number| vec![of(number)]).await;
            assert_eq!((none.is_ok(), found.loss), (false, Some(1.0)), "{:?}", of(1));
        }
    }

    #[tokio::test]
    async fn this_machine_answers_in_one_way_or_the_other() {
        let (mut ways, mut found) = (Ways::default(), Found::default());
        let end = Instant::now() + Duration::from_secs(60);
        let here = IpAddr::from([127, 0, 0, 1]);
        assert!(ways.ping(here, end, &mut found).await.is_ok());
        // Where ICMP is refused a connection stands in for it.
        assert_ne!(found.loss.is_some(), found.instead_of_ping.is_some(), "{found:?}");
    }

    #[tokio::test]
    async fn the_first_ping_is_not_counted_and_a_lost_one_is() {
        let except = |lost: &'static [u8]| {
            burst_of(1.0, move |number| if lost.contains(&number) { Vec::new() } else { vec![echo(number)] })
        };
        let (seconds, found) = except(&[0]).await;
        assert!(seconds.is_ok());
        assert_eq!(found.loss, Some(0.0), "the first waits for others");
        assert_eq!(except(&[2]).await.1.loss, Some(0.25));
        let (none, found) = except(&[0, 1, 2, 3, 4]).await;
        assert_eq!(none.expect_err("no answer").words(), "127.0.0.1: no answer to 5 pings");
        assert_eq!(found.loss, Some(1.0));
    }

    #[tokio::test]
    async fn a_host_that_is_gone_says_so() {
        let gone = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|closed| closed.local_addr()).expect("a port");
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        socket.connect(gone).await.expect("connected");
        let mut found = Found::default();
        let end = Instant::now() + Duration::from_secs(5);
        let trouble = burst(&socket, gone.ip(), end, &mut found).await.expect_err("nobody is there");
        assert!(trouble.words().contains("refused"), "{}", trouble.words());
    }

    #[test]
    fn only_a_refusal_of_the_socket_leads_to_tcp() {
        for (number, refused) in [(1, true), (13, true), (93, true), (94, true), (97, true), (24, false), (101, false)]
        {
            assert_eq!(is_refused(&io::Error::from_raw_os_error(number)), refused, "{number}");
        }
    }

    #[tokio::test]
    async fn a_port_that_fails_is_forgotten() {
        let (mut ways, mut found) = (Ways { port: Some(7) }, Found::default());
        let nowhere = IpAddr::from([255, 255, 255, 255]);
        let end = Instant::now() + Duration::from_secs(5);
        let trouble = ways.connect(nowhere, end, &mut found).await.expect_err("nobody is there");
        assert!(trouble.words().ends_with("255.255.255.255"), "{}", trouble.words());
        assert_eq!((ways.port, found.instead_of_ping), (None, None), "another may answer");
        assert!(found.phases.get(Phase::Connect).is_some());
    }

    #[tokio::test]
    async fn a_host_without_an_answer_is_waited_for_until_the_end() {
        use rustix::net::{bind, getsockname, listen};
        let busy = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::empty(), None).expect("a socket");
        bind(&busy, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        listen(&busy, 0).expect("it listens");
        let at = SocketAddr::try_from(getsockname(&busy).expect("bound")).expect("an address");
        // Its queue is full after the first one.
        let _first = std::net::TcpStream::connect(at).expect("one is queued");
        let (mut ways, mut found) = (Ways { port: Some(at.port()) }, Found::default());
        let end = Instant::now() + Duration::from_millis(300);
        let trouble = ways.connect(at.ip(), end, &mut found).await.expect_err("no answer");
        assert_eq!(trouble.words(), "127.0.0.1: no answer for 1s (by TCP, as ICMP is refused here)");
        assert_eq!(ways.port, None);
    }
}
