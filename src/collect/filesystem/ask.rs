//! What is asked of one mount: its space, and before that whether the answer would be its own.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::Path,
    thread,
    time::Duration,
};

use super::asker::Question;
use crate::{
    model::{fault::Fault, filesystem::Space},
    sys::root::fault,
};

/// How often, and with what pauses, a mark that somebody holds is tried.
const MARK_TRIES: u32 = 25;
const MARK_PAUSE: Duration = Duration::from_millis(10);

/// A mark that holds while a filesystem is asked: a name of a socket, which the kernel gives back with the process. The
/// helper of an earlier run that still hangs there holds it too: a report that is made each minute leaves one helper
/// behind, not one each.
///
/// # Errors
/// [`Fault::Timeout`] while another run of this user hangs there.
pub(super) fn mark(question: &Question) -> Result<Option<UnixDatagram>, Fault> {
    let (major, minor) = question.device;
    let name = format!("benchtop {} asks {major}:{minor}", rustix::process::getuid().as_raw());
    let Ok(address) = SocketAddr::from_abstract_name(name) else { return Ok(None) };
    for _ in 0..MARK_TRIES {
        match UnixDatagram::bind_addr(&address) {
            Ok(mark) => return Ok(Some(mark)),
            // One that does not hang is done in a moment.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => thread::sleep(MARK_PAUSE),
            // Where there are no sockets, it is asked all the same.
            Err(_) => return Ok(None),
        }
    }
    Err(Fault::Timeout)
}

/// statvfs(3) in bytes.
pub(super) fn space(path: &Path) -> Result<Space, Fault> {
    let s = rustix::fs::statvfs(path).map_err(|e| {
        fault(path, &e.into(), "run as root, or mount it with allow_other so that others may ask for its space")
    })?;
    let unit = if s.f_frsize > 0 { s.f_frsize } else { s.f_bsize };
    Ok(Space {
        size: s.f_blocks.saturating_mul(unit),
        free: s.f_bfree.saturating_mul(unit),
        available: s.f_bavail.saturating_mul(unit),
        inodes: s.f_files,
        inodes_free: s.f_ffree,
    })
}

/// The host's mounts are seen through our own: only a folder on the right filesystem has the right space.
pub(super) fn same(question: &Question) -> Result<(), Fault> {
    let stat = rustix::fs::stat(&question.path).map_err(|e| fault(&question.path, &e.into(), "run as root"))?;
    let here = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
    if here == question.device {
        return Ok(());
    }
    let path = question.path.display();
    Err(Fault::Absent(format!("{path} does not show the host's mount: bind the host's / with rslave or rprivate")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_on_another_filesystem_is_not_the_mount() {
        let stat = rustix::fs::stat("/").expect("the root");
        let device = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
        assert_eq!(same(&Question { path: "/".into(), device }), Ok(()));
        let other = same(&Question { path: "/".into(), device: (device.0, device.1 + 1) });
        assert!(matches!(&other, Err(Fault::Absent(what)) if what.starts_with("/ does not show")), "{other:?}");
        let none = same(&Question { path: "/no such folder".into(), device });
        assert!(matches!(none, Err(Fault::Absent(_))), "{none:?}");
    }

    #[test]
    fn what_an_earlier_run_hangs_on_is_not_asked() {
        // A number that no device has: tests run side by side.
        let question = |minor| Question { path: "/".into(), device: (4095, minor) };
        let earlier = mark(&question(std::process::id())).expect("nobody asks");
        if earlier.is_some() {
            assert_eq!(mark(&question(std::process::id())).map(|_| ()), Err(Fault::Timeout));
            drop(earlier);
            assert!(mark(&question(std::process::id())).is_ok());
        }
    }
}
