//! A TCP connection to the first of several addresses that answers, without waiting long for one that does not
//! ("RFC 8305", happy eyeballs).

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::{
    net::TcpStream,
    time::{sleep_until, timeout_at},
};

use super::{resolve::local_end, trouble::Trouble};
use crate::{
    model::service::round::{Found, Phase},
    units::countdown,
};

/// The next address is tried when the one before has not answered for so long.
const NEXT: Duration = Duration::from_millis(250);

/// Connects to one of `addresses` before `end`; notes which, and how long it took.
pub(super) async fn to(addresses: &[SocketAddr], end: Instant, found: &mut Found) -> Result<TcpStream, Trouble> {
    let began = Instant::now();
    let raced = timeout_at(end.into(), race(addresses, began)).await;
    found.phases.add(Phase::Connect, began.elapsed().as_secs_f64());
    let (address, stream) = match raced {
        Ok(Ok(won)) => won,
        Ok(Err(trouble)) => return Err(trouble),
        Err(_) => {
            let to = addresses.first().map_or_else(String::new, ToString::to_string);
            let waited = countdown(began.elapsed().max(Duration::from_secs(1)));
            return Err(Trouble::unanswered(format!("{to}: no answer for {waited}")));
        }
    };
    // What is measured is the peer, not how long small pieces are held back.
    let _ = stream.set_nodelay(true);
    found.address = Some(address.ip());
    found.local = stream.local_addr().map(|local| local.ip()).ok().or_else(|| local_end(address));
    Ok(stream)
}

async fn race(addresses: &[SocketAddr], began: Instant) -> Result<(SocketAddr, TcpStream), Trouble> {
    let mut waiting = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let mut worst: Option<Trouble> = None;
    let mut next = began;
    loop {
        if attempts.is_empty() || Instant::now() >= next {
            match waiting.next() {
                Some(address) => {
                    attempts.push(async move { (address, TcpStream::connect(address).await) });
                    next = Instant::now() + NEXT;
                }
                None if attempts.is_empty() => {
                    return Err(worst.unwrap_or_else(|| Trouble::wrong("there is no address to connect to")));
                }
                None => {}
            }
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some((address, connected)) = attempts.next() => match connected {
                Ok(stream) => return Ok((address, stream)),
                Err(error) => {
                    let trouble = Trouble::of_connect(&error, address);
                    if worst.as_ref().is_none_or(|worst| trouble.weight() > worst.weight()) {
                        worst = Some(trouble);
                    }
                    // Its turn is over: the next one need not wait.
                    next = Instant::now();
                }
            },
            () = sleep_until(next.into()), if more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, net::TcpListener, os::fd::OwnedFd};

    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    use super::*;

    /// A port that is taken and refuses connections.
    fn refused() -> (OwnedFd, SocketAddr) {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let at = SocketAddr::try_from(getsockname(&socket).expect("bound")).expect("an address");
        (socket, at)
    }

    /// A server whose queue is full, as long as both are held.
    fn silent() -> (OwnedFd, std::net::TcpStream, SocketAddr) {
        let (socket, at) = refused();
        listen(&socket, 0).expect("it listens");
        let first = std::net::TcpStream::connect(at).expect("one is queued");
        (socket, first, at)
    }

    fn server() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let at = listener.local_addr().expect("bound");
        (listener, at)
    }

    async fn connected(addresses: &[SocketAddr], within: Duration) -> (Result<SocketAddr, String>, Found) {
        let mut found = Found::default();
        let made = to(addresses, Instant::now() + within, &mut found).await;
        (made.map(|s| s.peer_addr().expect("its peer")).map_err(|t| t.words().to_owned()), found)
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_next_address_is_tried_while_one_is_silent() {
        let (_socket, _first, silent) = silent();
        let (_listener, good) = server();
        let (made, found) = connected(&[silent, good], PATIENCE).await;
        assert_eq!(made, Ok(good));
        assert_eq!((found.address, found.local), (Some(good.ip()), Some(good.ip())));
        let took = found.phases.get(Phase::Connect).expect("it was timed");
        assert!((0.25..30.0).contains(&took), "{took}");
    }

    #[tokio::test]
    async fn the_next_address_is_left_alone_when_one_answers() {
        let ((_one, first), (other, second)) = (server(), server());
        assert_eq!(connected(&[first, second], PATIENCE).await.0, Ok(first));
        assert_eq!(other.accept().expect_err("nobody came").kind(), ErrorKind::WouldBlock);
        let (_socket, refused) = refused();
        assert_eq!(connected(&[refused, second], PATIENCE).await.0, Ok(second));
    }

    #[tokio::test]
    async fn a_silent_address_is_waited_for_though_another_refused() {
        let ((_socket, _first, silent), (_other, refused)) = (silent(), refused());
        let (made, found) = connected(&[silent, refused], Duration::from_millis(700)).await;
        assert_eq!(made, Err(format!("{silent}: no answer for 1s")));
        assert_eq!(found.address, None);
        assert_eq!(connected(&[refused], PATIENCE).await.0, Err(format!("{refused}: connection refused")));
        assert_eq!(connected(&[], PATIENCE).await.0, Err("there is no address to connect to".to_owned()));
    }
}
