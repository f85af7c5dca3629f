//! A folder of a run: made with a marker in it, and removed only if that is there. No link is followed on the way to it
//! or in it, and no other filesystem is entered: what somebody put in its place, or mounted on it, stays.

use std::{
    ffi::CStr,
    fs,
    io::Write,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            ffi::OsStrExt,
            fs::{DirBuilderExt, OpenOptionsExt},
        },
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, statat, unlinkat},
    io::Errno,
};

use super::kind::{MARKER, PREFIX, Scratch, name};
use crate::bench::{contract::RunCx, stop::Stop};

/// Folders in one another; no benchmark makes more.
const DEPTH: u32 = 16;
const MARKER_C: &CStr = c".benchtop-scratch";

pub(super) fn make(cx: &mut dyn RunCx, parent: &Path) -> Result<PathBuf, Stop> {
    let place = |error: std::io::Error| Stop::Failed(format!("{}: {error}", parent.display()));
    let parent = parent.canonicalize().map_err(place)?;
    let base = name(cx.batch(), "");
    let numbered = (1..100).map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") });
    let free = numbered.map(|name| parent.join(name)).find(|path| fs::symlink_metadata(path).is_err());
    let path = free.ok_or_else(|| Stop::Failed(format!("{}: too many scratch folders", parent.display())))?;
    let failed = |error: std::io::Error| Stop::Failed(format!("{}: {error}", path.display()));
    cx.will_make(Scratch::Folder(path.clone()))?;
    fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed)?;
    let marker = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path.join(MARKER));
    let words = format!("{}\nThis folder was made by benchtop for a benchmark, which removes it.\n", cx.batch());
    marker.and_then(|mut marker| marker.write_all(words.as_bytes())).map_err(failed)?;
    Ok(path)
}

/// What identifies the filesystem that holds `path`: the folder may be looked for when another one is mounted there.
pub(super) fn filesystem(path: &Path) -> Option<u64> {
    Some(rustix::fs::statvfs(path.parent()?).ok()?.f_fsid)
}

pub(super) fn remove(path: &Path, batch: &str) -> Result<(), String> {
    match attempt(path, batch) {
        Ok(()) | Err(Trouble::System(Errno::NOENT)) => Ok(()),
        Err(Trouble::System(error)) => {
            Err(format!("{}: {}", path.display(), std::io::Error::from_raw_os_error(error.raw_os_error())))
        }
        Err(Trouble::NotOurs(why)) => Err(format!("{} was left alone: {why}", path.display())),
    }
}

enum Trouble {
    System(Errno),
    NotOurs(&'static str),
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Self {
        Trouble::System(error)
    }
}

fn attempt(path: &Path, batch: &str) -> Result<(), Trouble> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Trouble::NotOurs("it is no path of ours"));
    };
    let own = [PREFIX.as_bytes(), batch.as_bytes()].concat();
    if !path.is_absolute() {
        return Err(Trouble::NotOurs("its path is not absolute"));
    }
    if batch.is_empty() || !name.as_bytes().starts_with(&own) {
        return Err(Trouble::NotOurs("its name is not one of ours"));
    }
    let parent = open_without_links(parent)?;
    let folder = open_folder(&parent, name)?;
    let (above, found) = (fstat(&parent)?, fstat(&folder)?);
    if found.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Trouble::NotOurs("it belongs to another user"));
    }
    if found.st_dev != above.st_dev {
        return Err(Trouble::NotOurs("another filesystem is mounted on it"));
    }
    if !is_marked(&folder, batch)? {
        return Err(Trouble::NotOurs("the marker file of this run is not in it"));
    }
    empty(&folder, found.st_dev, DEPTH, true)?;
    // The marker goes last, so that what was begun can be ended later.
    match unlinkat(&folder, MARKER_C, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(unlinkat(&parent, name, AtFlags::REMOVEDIR)?)
}

/// Opens a folder by its absolute path, of which no part may be a link.
fn open_without_links(path: &Path) -> Result<OwnedFd, Trouble> {
    let mut folder = openat(CWD, c"/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    for part in path.components() {
        match part {
            Component::RootDir => {}
            Component::Normal(name) => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                folder = openat(&folder, name, flags, Mode::empty()).map_err(link)?;
            }
            _ => return Err(Trouble::NotOurs("its path goes back")),
        }
    }
    Ok(folder)
}

fn open_folder(parent: impl AsFd, name: impl rustix::path::Arg) -> Result<OwnedFd, Trouble> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    openat(parent, name, flags, Mode::empty()).map_err(link)
}

/// A link where a folder should be.
fn link(error: Errno) -> Trouble {
    match error {
        Errno::LOOP | Errno::NOTDIR => Trouble::NotOurs("it is no longer a folder, or a link leads to it"),
        other => Trouble::System(other),
    }
}

/// The marker of the batch is in it. One that was killed before it had written it leaves nothing else in it.
fn is_marked(folder: &OwnedFd, batch: &str) -> Result<bool, Trouble> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut words = [0; 256];
    let read = match openat(folder, MARKER_C, flags, Mode::empty()) {
        Ok(file) if FileType::from_raw_mode(fstat(&file)?.st_mode) == FileType::RegularFile => {
            rustix::io::read(&file, &mut words)?
        }
        Ok(_) | Err(Errno::LOOP) => return Ok(false),
        Err(Errno::NOENT) => 0,
        Err(error) => return Err(error.into()),
    };
    if read > 0 {
        return Ok(words[..read].split(|b| *b == b'\n').next() == Some(batch.as_bytes()));
    }
    for entry in Dir::read_from(folder)? {
        if ![c".", c"..", MARKER_C].contains(&entry?.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes all in it but, at the top, the marker.
fn empty(folder: &OwnedFd, device: u64, depth: u32, top: bool) -> Result<(), Trouble> {
    if depth == 0 {
        return Err(Trouble::NotOurs("folders in it are too deep to be ours"));
    }
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_owned();
        let stays = [c".", c".."].contains(&&*name) || top && *name == *MARKER_C;
        if !stays {
            names.push(name);
        }
    }
    for name in names {
        let found = statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
            unlinkat(folder, &name, AtFlags::empty())?;
            continue;
        }
        if found.st_dev != device {
            return Err(Trouble::NotOurs("another filesystem is mounted in it"));
        }
        let inner = open_folder(folder, &name)?;
        empty(&inner, device, depth - 1, false)?;
        unlinkat(folder, &name, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::bench::testing::TestCx;

    #[test]
    fn a_folder_goes_with_all_in_it() {
        let top = tempfile::tempdir().expect("a folder");
        let mut cx = TestCx::new(1, 1);
        let (one, two) = (make(&mut cx, top.path()).expect("made"), make(&mut cx, top.path()).expect("a second"));
        assert_eq!(cx.made, [Scratch::Folder(one.clone()), Scratch::Folder(two.clone())]);
        fs::create_dir_all(one.join("a/b")).expect("inside");
        fs::write(one.join("a/b/data"), "x").expect("inside");
        let outside = top.path().join("kept");
        fs::create_dir(&outside).expect("outside");
        fs::write(outside.join("data"), "x").expect("outside");
        symlink(&outside, one.join("link")).expect("a link");
        remove(&one, "test").expect("removed");
        remove(&one, "test").expect("gone is as good");
        assert!(!one.exists() && two.exists() && outside.join("data").exists());
        remove(&two, "other").expect_err("another batch");
        remove(&two, "tes").expect_err("the marker names another one");
    }

    #[test]
    fn what_is_not_marked_stays() {
        let top = tempfile::tempdir().expect("a folder");
        let path = top.path().canonicalize().expect("real").join("benchtop-bench-test");
        fs::create_dir(&path).expect("a folder of that name");
        fs::write(path.join("data"), "x").expect("somebody's file");
        let refused = remove(&path, "test").expect_err("no marker");
        assert!(refused.ends_with("was left alone: the marker file of this run is not in it"), "{refused}");
        symlink("/dev/null", path.join(MARKER)).expect("a link");
        remove(&path, "test").expect_err("a link is no marker");
        fs::remove_file(path.join(MARKER)).expect("removed");
        fs::write(path.join(MARKER), "test2\n").expect("written");
        remove(&path, "test").expect_err("the marker of another run");
        fs::write(path.join(MARKER), "").expect("written");
        remove(&path, "test").expect_err("an empty marker and a file");
        fs::remove_file(path.join("data")).expect("removed");
        remove(&path, "test").expect("killed before the marker was written");
        assert!(!path.exists());
        remove(&top.path().join("other"), "test").expect_err("a name that is not ours");
        remove(Path::new("benchtop-bench-test"), "test").expect_err("not absolute");
    }

    #[test]
    fn links_are_not_followed() {
        let top = tempfile::tempdir().expect("a folder");
        let real = top.path().canonicalize().expect("real");
        let path = make(&mut TestCx::new(1, 1), &real).expect("made");
        let name = path.file_name().expect("a name");
        symlink(&real, real.join("way")).expect("a link");
        let refused = remove(&real.join("way").join(name), "test").expect_err("a link on the way");
        assert!(refused.contains("a link leads to it"), "{refused}");
        let moved = real.join("moved");
        fs::rename(&path, &moved).expect("moved");
        symlink(&moved, &path).expect("a link in its place");
        remove(&path, "test").expect_err("a link in its place");
        assert!(moved.join(MARKER).exists());
    }
}
