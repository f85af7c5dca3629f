//! What a service reports to systemd: that it is ready, how it is, that it ends ("sd_notify(3)"). A datagram to the socket that
//! NOTIFY_SOCKET names; nothing where there is none.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

/// The way to systemd.
#[derive(Debug)]
pub struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// The socket of this service, by its environment.
    #[must_use]
    pub fn from_env() -> Notify {
        let address = std::env::var("NOTIFY_SOCKET").ok();
        Notify::to(address.as_deref())
    }

    /// `/run/…`, or `@…` in the abstract namespace.
    #[must_use]
    pub fn to(address: Option<&str>) -> Notify {
        let open = |address: &str| -> io::Result<(UnixDatagram, SocketAddr)> {
            let address = match address.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name)?,
                None => SocketAddr::from_pathname(address)?,
            };
            let socket = UnixDatagram::unbound()?;
            // systemd may be stopped; we go on.
            socket.set_nonblocking(true)?;
            Ok((socket, address))
        };
        Notify(address.filter(|address| !address.is_empty()).and_then(|address| open(address).ok()))
    }

    /// It works from now on.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// It ends.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// One line on how it is.
    pub fn status(&self, words: &str) {
        self.send(&format!("STATUS={}", words.replace('\n', " ")));
    }

    /// It is alive.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, state: &str) {
        if let Some((socket, address)) = &self.0 {
            // Nobody may listen any more.
            let _ = socket.send_to_addr(state.as_bytes(), address);
        }
    }
}

/// How often systemd wants to hear that the service is alive: half of WATCHDOG_USEC.
#[must_use]
pub fn watchdog() -> Option<Duration> {
    half(&std::env::var("WATCHDOG_USEC").ok()?)
}

fn half(usec: &str) -> Option<Duration> {
    let micros: u64 = usec.parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_hears_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let notify = Notify::to(path.to_str());
        notify.ready();
        notify.status("1 critical:\nmedia");
        let heard = || {
            let mut buffer = [0; 100];
            let length = socket.recv(&mut buffer).expect("a datagram");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        assert_eq!([heard(), heard()], ["READY=1", "STATUS=1 critical: media"]);
        notify.alive();
        notify.stopping();
        assert_eq!([heard(), heard()], ["WATCHDOG=1", "STOPPING=1"]);
    }

    #[test]
    fn without_a_socket_nothing_is_said() {
        Notify::to(None).ready();
        Notify::to(Some("")).ready();
        Notify::to(Some("/nowhere/at/all")).stopping();
    }

    #[test]
    fn the_watchdog_is_set_by_a_variable() {
        const NAME: &str = "sys::systemd::tests::the_watchdog_is_set_by_a_variable";
        if std::env::var_os("WATCHDOG_USEC").is_some() {
            assert_eq!(watchdog(), Some(Duration::from_secs(15)));
            return;
        }
        assert_eq!(watchdog(), None);
        // The same test in a process that has it.
        let mut again = std::process::Command::new(std::env::current_exe().expect("its path"));
        let ended = again.args(["--exact", NAME]).env("WATCHDOG_USEC", "30000000").output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success() && said.contains("1 passed"), "{said}");
    }

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time() {
        assert_eq!(half("30000000"), Some(Duration::from_secs(15)));
        assert_eq!([half("0"), half(""), half("x")], [None; 3]);
    }
}
