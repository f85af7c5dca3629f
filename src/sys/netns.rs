//! The network of another process: sockets that are made in a container's network namespace stay there, whichever thread
//! uses them afterwards. Only root may enter one.

use std::{fs::File, io, path::PathBuf, thread};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace; it lives on at least as long as this.
#[derive(Debug)]
pub struct NetworkNamespace {
    file: File,
    path: PathBuf,
}

impl NetworkNamespace {
    /// That of a process.
    ///
    /// # Errors
    /// As the system gives them: the process has ended, or this is not root.
    pub fn of(pid: u32) -> io::Result<Self> {
        let path = PathBuf::from(format!("/proc/{pid}/ns/net"));
        Ok(NetworkNamespace { file: File::open(&path)?, path })
    }

    /// Its place: `/proc/1234/ns/net`.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Does `work` in it, on a thread of its own: a thread that entered is not used for anything else.
    ///
    /// # Errors
    /// As the system gives them: mostly that this is not root.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let enter = || {
            move_into_link_name_space(rustix::fd::AsFd::as_fd(&self.file), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        };
        thread::scope(|scope| {
            let entered = thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, enter)?;
            entered.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_has_ended_has_no_network() {
        assert!(NetworkNamespace::of(u32::MAX).is_err_and(|error| error.kind() == io::ErrorKind::NotFound));
    }

    #[test]
    #[ignore = "needs root, and unshare"]
    fn sockets_stay_where_they_were_made() {
        let mut child =
            std::process::Command::new("unshare").args(["-n", "sleep", "100"]).spawn().expect("unshare of util-linux");
        let own = std::fs::read_link("/proc/self/ns/net").expect("a namespace");
        let theirs = || std::fs::read_link(format!("/proc/{}/ns/net", child.id())).ok();
        while theirs().is_none_or(|theirs| theirs == own) {
            std::thread::yield_now();
        }
        let namespace = NetworkNamespace::of(child.id()).expect("it runs");
        let here = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = here.local_addr().expect("its address").port();
        // Its loopback is down, and its ports are its own.
        let there = namespace.within(|| TcpListener::bind(("0.0.0.0", port)));
        let connected = namespace.within(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(there.is_ok_and(|bound| bound.is_ok()));
        assert!(connected.is_ok_and(|connected| !connected));
        assert_eq!(std::fs::read_link("/proc/self/ns/net").expect("a namespace"), own, "this thread did not move");
    }
}
