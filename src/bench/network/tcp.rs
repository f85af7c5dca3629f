//! Latency and throughput without a tool: small messages to and fro, and a stream, over a TCP connection of our own. Both
//! ends are threads here; their sockets are made in the networks that are measured.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::path::Ends;
use crate::bench::{Stop, StopFlag};

/// Bytes of a message that is sent to and fro.
const MESSAGE: usize = 64;
/// Bytes that are written at once.
const BLOCK: usize = 128 << 10;
/// A socket that has nothing for so long lets its thread look whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// A connection that is not there by then never comes.
const CONNECT: Duration = Duration::from_secs(5);
/// TCP finds its pace.
const UNMEASURED: Duration = Duration::from_millis(500);

/// A connected pair: the client's end, the server's end.
fn connect(ends: &Ends) -> Result<(TcpStream, TcpStream), Stop> {
    let listener = ends.server.within(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)))?.map_err(Stop::failed)?;
    let port = listener.local_addr().map_err(Stop::failed)?.port();
    let to = SocketAddr::from((ends.address, port));
    let client = ends.client.within(|| TcpStream::connect_timeout(&to, CONNECT))?;
    let client = client.map_err(|error| Stop::Failed(format!("{to}: {error}")))?;
    // The connection is there: the kernel has completed it.
    let (server, _) = listener.accept().map_err(Stop::failed)?;
    for end in [&client, &server] {
        let set = end.set_nodelay(true).and_then(|()| end.set_read_timeout(Some(LOOK)));
        set.and_then(|()| end.set_write_timeout(Some(LOOK))).map_err(Stop::failed)?;
    }
    Ok((client, server))
}

fn is_quiet(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Reads a whole message; false at the end.
fn message(stream: &mut TcpStream, stop: &impl Fn() -> bool, bytes: &mut [u8; MESSAGE]) -> std::io::Result<bool> {
    let mut got = 0;
    while got < MESSAGE && !stop() {
        match stream.read(&mut bytes[got..]) {
            Ok(0) => return Ok(false),
            Ok(n) => got += n,
            Err(error) if is_quiet(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got == MESSAGE)
}

/// Seconds of `count` round trips, after as many again of a tenth that are not counted.
///
/// # Errors
/// When there is no connection, or the run is stopped.
pub fn round_trips(ends: &Ends, count: usize, stop: &StopFlag) -> Result<Vec<f64>, Stop> {
    let (mut client, mut server) = connect(ends)?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut bytes = [0; MESSAGE];
            let done = || over.load(Ordering::Acquire) || stop.is_set();
            while message(&mut server, &done, &mut bytes).is_ok_and(|whole| whole) && server.write_all(&bytes).is_ok() {
            }
        });
        let mut times = Vec::with_capacity(count);
        let mut bytes = [0; MESSAGE];
        let unmeasured = count / 10;
        let outcome = (0..count + unmeasured).try_for_each(|n| {
            let began = Instant::now();
            client.write_all(&bytes).map_err(Stop::failed)?;
            let whole = message(&mut client, &|| stop.is_set(), &mut bytes).map_err(Stop::failed)?;
            stop.check()?;
            if !whole {
                return Err(Stop::failed("the connection was closed"));
            }
            if n >= unmeasured {
                times.push(began.elapsed().as_secs_f64());
            }
            Ok(())
        });
        over.store(true, Ordering::Release);
        outcome.map(|()| times)
    })
}

/// Writes until it is done; false where the connection ended before. A receiver that does not keep up is waited for.
fn send(client: &mut impl Write, done: &impl Fn() -> bool) -> bool {
    let block = vec![0x5a; BLOCK];
    while !done() {
        match client.write(&block) {
            Err(error) if !is_quiet(&error) => return done(),
            _ => {}
        }
    }
    true
}

/// Counts what arrives until it is done; false where the connection ended before.
fn receive(server: &mut impl Read, received: &AtomicU64, done: &impl Fn() -> bool) -> bool {
    let mut block = vec![0; BLOCK];
    while !done() {
        match server.read(&mut block) {
            Ok(0) => return done(),
            Ok(n) => drop(received.fetch_add(n as u64, Ordering::Relaxed)),
            Err(error) if is_quiet(&error) => {}
            Err(_) => return done(),
        }
    }
    true
}

/// So many bytes in so much time: bytes a second.
fn rate(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64()
}

/// Bytes a second that arrive at the server within `span`.
///
/// # Errors
/// When there is no connection, it ends meanwhile, or the run is stopped.
pub fn stream(ends: &Ends, span: Duration, stop: &StopFlag) -> Result<f64, Stop> {
    let (mut client, mut server) = connect(ends)?;
    let (over, received) = (AtomicBool::new(false), AtomicU64::new(0));
    let done = || over.load(Ordering::Acquire) || stop.is_set();
    thread::scope(|scope| {
        let arrives = scope.spawn(|| receive(&mut server, &received, &done));
        let leaves = scope.spawn(|| send(&mut client, &done));
        let count = || (Instant::now(), received.load(Ordering::Relaxed));
        let outcome = stop.sleep(UNMEASURED).and_then(|()| {
            let (began, before) = count();
            stop.sleep(span)?;
            let (ended, after) = count();
            Ok(rate(after - before, ended.duration_since(began)))
        });
        over.store(true, Ordering::Release);
        let whole = [arrives, leaves].map(|end| end.join().unwrap_or(false));
        // Less than it could carry has arrived.
        if outcome.is_ok() && whole != [true; 2] {
            return Err(Stop::Failed("the connection ended while it was measured".to_owned()));
        }
        outcome
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bench::network::path::Side;

    fn here() -> Ends {
        Ends { server: Side::Host, client: Side::Host, address: Ipv4Addr::LOCALHOST }
    }

    fn stop() -> (Arc<AtomicBool>, StopFlag) {
        let user = Arc::new(AtomicBool::new(false));
        (user.clone(), StopFlag::new(user))
    }

    #[test]
    fn round_trips_are_counted() {
        let times = round_trips(&here(), 50, &stop().1).expect("measured");
        assert_eq!(times.len(), 50);
        assert!(times.iter().all(|time| *time > 0.0 && *time < 5.0), "{times:?}");
    }

    #[test]
    fn a_stream_is_measured_where_it_arrives() {
        let rate = stream(&here(), Duration::from_millis(300), &stop().1).expect("measured");
        assert!(rate > 1e6, "{rate}");
    }

    /// Fails in these ways, one after the other, and takes everything after that; how often it was written to.
    struct Failing(Vec<ErrorKind>, usize);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1 += 1;
            match self.0.get(self.1 - 1) {
                Some(kind) => Err((*kind).into()),
                None => Ok(bytes.len()),
            }
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_receiver_that_lags_is_waited_for() {
        use ErrorKind::{BrokenPipe, Interrupted, TimedOut, WouldBlock};
        let left = std::cell::Cell::new(10);
        let done = || left.replace(left.get() - 1) == 0;
        let mut lags = Failing(vec![WouldBlock, TimedOut, Interrupted], 0);
        assert!(send(&mut lags, &done));
        assert_eq!(lags.1, 10, "until it is done");
        left.set(10);
        let mut gone = Failing(vec![WouldBlock, BrokenPipe], 0);
        assert!(!send(&mut gone, &done), "less was sent than could be");
        assert_eq!(gone.1, 2, "until nobody is there");
        left.set(10);
        let received = AtomicU64::new(0);
        assert!(!receive(&mut &[7_u8; 100][..], &received, &done), "it ends");
        assert_eq!(received.load(Ordering::Relaxed), 100);
        left.set(0);
        assert!(receive(&mut std::io::empty(), &received, &done), "it is done");
    }

    #[test]
    fn a_stop_ends_both() {
        let (user, stop) = stop();
        let late = stop.until(Instant::now() + Duration::from_millis(100));
        assert_eq!(stream(&here(), Duration::from_secs(1000), &late), Err(Stop::Cancelled));
        user.store(true, Ordering::Release);
        assert_eq!(round_trips(&here(), 1_000_000, &stop), Err(Stop::Cancelled));
    }

    #[test]
    fn where_nothing_is_reached_that_is_said() {
        let ends = Ends { address: Ipv4Addr::BROADCAST, ..here() };
        let Err(Stop::Failed(why)) = round_trips(&ends, 1, &stop().1) else { panic!("it was reached") };
        assert!(why.starts_with("255.255.255.255:"), "{why}");
    }

    #[test]
    fn a_rate_is_of_the_time_that_it_took() {
        assert_eq!(rate(3000, Duration::from_millis(1500)), 2000.0);
        assert_eq!(rate(0, Duration::from_secs(2)), 0.0);
    }
}
