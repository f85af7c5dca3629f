//! Paths of the user's that may lead to a server or a program (NFS, FUSE): a thread of ours that opens one may hang in the
//! kernel, and keeps the process from ending. They are known from the mounts alone, without touching them, and the helper
//! process asks them first.

use std::{
    collections::{BTreeSet, VecDeque},
    ffi::{OsStr, OsString},
    fs,
    io::Read,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    helper,
    mounts::{self, Mount},
};

/// How long a filesystem may take for its first answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// And once it took longer: several files of one dead server do not add up.
const SHORT: Duration = Duration::from_millis(20);
/// The list of mounts serves for so long: several files are asked for one after the other, most of all at the start.
const FRESH: Duration = Duration::from_millis(100);
/// As the kernel follows them.
const MOST_LINKS: u32 = 40;

/// Mount points that did not answer in time.
static SILENT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The mounts, and when they were listed.
static MOUNTS: Mutex<Option<(Instant, Arc<[Mount]>)>> = Mutex::new(None);

/// False when `path` lies on a filesystem that asks a server or a program, and that one does not answer. Local paths are
/// not asked.
#[must_use]
pub fn answers(path: &Path) -> bool {
    let Some(mount) = leads_to(path, &mounts(), |link| fs::read_link(link).ok()) else { return true };
    has_answered(mount, |patience| helper::responds(path, patience))
}

/// Asks what is mounted there: once it was silent, it gets less time.
fn has_answered(mount: PathBuf, responds: impl Fn(Duration) -> bool) -> bool {
    let silent = || SILENT.lock().unwrap_or_else(PoisonError::into_inner);
    let patience = if silent().contains(&mount) { SHORT } else { PATIENCE };
    let answered = responds(patience);
    if answered {
        silent().remove(&mount)
    } else {
        silent().insert(mount)
    };
    answered
}

fn mounts() -> Arc<[Mount]> {
    let mut kept = MOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((listed, mounts)) = &*kept
        && listed.elapsed() < FRESH
    {
        return mounts.clone();
    }
    // The kernel gives a page at a time: fewer calls than with a buffer that grows from nothing.
    let mut text = Vec::with_capacity(16 << 10);
    let read = fs::File::open("/proc/self/mountinfo").and_then(|mut file| file.read_to_end(&mut text));
    let mounts: Arc<[Mount]> = read.map(|_| mounts::parse(&text)).unwrap_or_default().into();
    *kept = Some((Instant::now(), mounts.clone()));
    mounts
}

/// The first mount that may hang on the way along `path`, links followed. No part of it beyond that mount is touched.
fn leads_to(path: &Path, mounts: &[Mount], link: impl Fn(&Path) -> Option<PathBuf>) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let mut ahead: VecDeque<OsString> = parts(&path).collect();
    let mut here = PathBuf::from("/");
    let mut links = 0;
    loop {
        // The one mounted last hides the others.
        let mount = mounts.iter().rev().find(|mount| OsStr::from_bytes(&mount.point) == here);
        if mount.is_some_and(|mount| mounts::may_hang(&mount.kind)) {
            return Some(here);
        }
        let part = ahead.pop_front()?;
        if part == ".." {
            here.pop();
            continue;
        }
        here.push(part);
        let is_mount = mounts.iter().any(|mount| OsStr::from_bytes(&mount.point) == here);
        let target = if is_mount { None } else { link(&here) };
        let Some(target) = target.filter(|_| links < MOST_LINKS) else { continue };
        links += 1;
        here.pop();
        if target.is_absolute() {
            here = PathBuf::from("/");
        }
        parts(&target).collect::<Vec<_>>().into_iter().rev().for_each(|part| ahead.push_front(part));
    }
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
        2 1 0:40 / /net/nas rw - nfs4 nas:/ rw\n\
        3 1 0:41 / /data rw - fuse.rclone remote: rw\n\
        4 3 8:2 / /data rw - xfs /dev/sdb1 rw\n";

    fn way(path: &str) -> Option<String> {
        let links = |path: &Path| match path.to_str()? {
            "/home/ada/.config" => Some("../../net/nas/config".into()),
            "/etc/benchtop" => Some("/home/ada/.config/benchtop".into()),
            "/loop" => Some("/loop/deeper".into()),
            other => {
                assert!(other != "/net/nas" && !other.starts_with("/net/nas/"), "{other} is touched");
                None
            }
        };
        let mounts = mounts::parse(MOUNTS.as_bytes());
        leads_to(Path::new(path), &mounts, links).map(|mount| mount.display().to_string())
    }

    #[test]
    fn only_paths_to_a_server_are_suspected() {
        let nas = Some("/net/nas".to_owned());
        for (path, expected) in [
            ("/home/ada/x.toml", None),
            ("/net/nas", nas.clone()),
            ("/net/nas/a/b", nas.clone()),
            ("/net/nasty/a", None),
            ("/net/nas/../x", nas.clone()),
            ("/home/ada/.config/benchtop/config.toml", nas.clone()),
            ("/etc/benchtop/config.toml", nas),
            ("/data/x", None),
            ("/loop/x", None),
        ] {
            assert_eq!(way(path), expected, "{path}");
        }
    }

    #[test]
    fn links_are_followed_as_often_as_the_kernel_does() {
        let mounts = mounts::parse(MOUNTS.as_bytes());
        // Each link leads to the next one, the last to the server.
        let way = |links: u32| {
            let link = |path: &Path| {
                let number: u32 = path.to_str()?.strip_prefix("/link")?.parse().ok()?;
                Some(if number == 1 { "/net/nas".into() } else { format!("/link{}", number - 1).into() })
            };
            leads_to(Path::new(&format!("/link{links}")), &mounts, link)
        };
        assert_eq!((way(40), way(41)), (Some("/net/nas".into()), None));
    }

    #[test]
    fn what_was_silent_is_waited_for_less_long() {
        let ask = |answers: bool| {
            let waited = std::cell::Cell::new(Duration::ZERO);
            let answered = has_answered("/nowhere/silent".into(), |patience| {
                waited.set(patience);
                answers
            });
            assert_eq!(answered, answers);
            waited.get()
        };
        let (long, short) = (Duration::from_secs(1), Duration::from_millis(20));
        let waited = [true, false, false, true, true].map(ask);
        assert_eq!(waited, [long, long, short, short, long]);
    }

    #[test]
    fn the_list_of_mounts_is_kept_for_a_moment() {
        let first = mounts();
        assert!(first.iter().any(|mount| mount.point == b"/"), "{first:?}");
        // Others may ask at the same time, and the machine may be busy.
        let alike = || std::iter::repeat_with(|| (mounts(), mounts())).take(1000).any(|(a, b)| Arc::ptr_eq(&a, &b));
        assert!(alike(), "it is not listed each time");
        std::thread::sleep(FRESH);
        assert!(!Arc::ptr_eq(&first, &mounts()), "it is listed again");
    }

    #[test]
    fn local_paths_answer_without_being_asked() {
        assert!(answers(Path::new("/nowhere/at/all")));
    }
}
