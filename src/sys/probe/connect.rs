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
