//! The file of a recording, on the helper's side: for its owner alone, no link followed, nothing of anybody else's
//! replaced, and with an end: when it is half as large as both may be, it becomes `FILE.1` and a new one begins.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::fs::OFlags;

use crate::{
    sys::helper::{self, message},
    units::bytes_long,
};

/// Both files have at least so many bytes.
pub const LEAST: u64 = 1 << 20;
/// What every recording of ours begins with.
const FIRST: &[u8] = b"{\"header\":";
/// A line that is longer is none of ours.
const LONGEST: usize = 64 << 20;
/// A file that could not be written is tried again after this: on a full disk a short line may fit now and then.
const AGAIN: Duration = Duration::from_secs(60);

/// Has the other end of `line` begin a file.
pub(super) fn begin(mut line: UnixStream, path: &Path, most: u64, patience: Duration) -> io::Result<UnixStream> {
    // It need not be text.
    message::write(&mut line, &(path.as_os_str().as_bytes(), most))?;
    if !helper::wait(&line, Some(Instant::now() + patience))? {
        return Err(io::Error::other("the filesystem it is on does not answer"));
    }
    match message::read::<Option<String>>(&mut line)? {
        None => Ok(line),
        Some(why) => Err(io::Error::other(why)),
    }
}

/// The helper's side: begins the file, and writes into it what comes until the line is closed.
pub fn serve(mut line: UnixStream) {
    let Ok((path, most)) = message::read::<(Vec<u8>, u64)>(&mut line) else { return };
    let begun = Rotated::begin(PathBuf::from(OsString::from_vec(path)), most);
    let why = begun.as_ref().err().map(ToString::to_string);
    let (Ok(()), Ok(mut file)) = (message::write(&mut line, &why), begun) else { return };
    let (mut bytes, mut whole) = (vec![0; 64 << 10], Vec::new());
    while let Ok(count @ 1..) = line.read(&mut bytes) {
        whole.extend_from_slice(&bytes[..count]);
        let Some(end) = whole.iter().rposition(|byte| *byte == b'\n') else {
            if whole.len() > LONGEST {
                return;
            }
            continue;
        };
        let rest = whole.split_off(end + 1);
        let words = file.put(&whole);
        whole = rest;
        // Nobody is there to hear it where this fails.
        if let Some(words) = words
            && message::write(&mut line, &words).is_err()
        {
            return;
        }
    }
}

/// The file that is written, and what it becomes.
struct Rotated {
    path: PathBuf,
    most: u64,
    file: fs::File,
    size: u64,
    /// The first line: every file begins with it.
    header: Vec<u8>,
    /// Bytes that were lost since it could not be written, and when it is tried again.
    lost: Option<(u64, Instant)>,
    again: Duration,
}

impl Rotated {
    fn begin(path: PathBuf, most: u64) -> io::Result<Self> {
        match is_recording(&path)? {
            Some(true) => set_aside(&path)?,
            Some(false) => return Err(io::Error::other("it is there and is no recording")),
            None => {}
        }
        let file = open(&path)?;
        Ok(Rotated { path, most: most.max(LEAST), file, size: 0, header: Vec::new(), lost: None, again: AGAIN })
    }

    /// Writes whole lines; what the user should know.
    fn put(&mut self, lines: &[u8]) -> Option<String> {
        if self.header.is_empty() {
            self.header = lines.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
        }
        let (count, path) = (lines.len() as u64, self.path.display().to_string());
        if let Some((lost, again)) = &mut self.lost
            && Instant::now() < *again
        {
            *lost += count;
            return None;
        }
        match (self.write(lines), self.lost) {
            (Ok(()), None) => None,
            (Ok(()), Some((lost, _))) => {
                self.lost = None;
                Some(format!("{path}: is written again; {} were lost", bytes_long(lost as f64)))
            }
            (Err(error), lost) => {
                self.lost = Some((lost.map_or(0, |(lost, _)| lost) + count, Instant::now() + self.again));
                // A line that was cut is taken back: what follows later stands on its own.
                let _ = self.file.set_len(self.size);
                lost.is_none().then(|| format!("{path}: could not be written: {error}: what comes now is not recorded"))
            }
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let holds_more = self.size > self.header.len() as u64;
        if holds_more && self.size + lines.len() as u64 > self.most / 2 {
            set_aside(&self.path)?;
            self.begin_next()?;
        } else if self.size > 0 && self.file.metadata()?.nlink() == 0 {
            // Somebody has removed it.
            self.begin_next()?;
        }
        self.file.write_all(lines)?;
        self.size += lines.len() as u64;
        Ok(())
    }

    fn begin_next(&mut self) -> io::Result<()> {
        (self.file, self.size) = (open(&self.path)?, 0);
        self.file.write_all(&self.header)?;
        self.size = self.header.len() as u64;
        Ok(())
    }
}

/// Opens an empty file for its owner alone. A link is not followed: in a folder that others may write to it would lead to
/// any file of ours.
fn open(path: &Path) -> io::Result<fs::File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let file = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(flags).open(path);
    let file = file.map_err(words)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Whether a file that holds something is a recording; `None`: nothing is lost with what is there.
fn is_recording(path: &Path) -> io::Result<Option<bool>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(found) if found.is_symlink() => Err(io::Error::other("it is a link, which is not followed")),
        Ok(found) if found.is_dir() => Err(io::Error::other("it is a directory")),
        Ok(found) if !found.is_file() => Err(io::Error::other("it is not a regular file")),
        Ok(found) if found.len() == 0 => Ok(None),
        Ok(_) => {
            let mut first = [0; FIRST.len()];
            let read = fs::File::open(path)?.read_exact(&mut first);
            Ok(Some(read.is_ok() && first == FIRST))
        }
    }
}

/// Moves a recording out of the way, onto an older one or where nothing is.
fn set_aside(path: &Path) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or(OsStr::new("events")).as_bytes().to_vec();
    name.extend_from_slice(b".1");
    let aside = path.with_file_name(OsStr::from_bytes(&name));
    if is_recording(&aside).map_err(|error| named(&aside, &error))? == Some(false) {
        return Err(named(&aside, &io::Error::other("it is there and is no recording")));
    }
    fs::rename(path, aside)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

fn words(error: io::Error) -> io::Error {
    // What O_NOFOLLOW says of a link is not what people look for.
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::LOOP) => io::Error::other("it is a link, which is not followed"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const HEADER: &[u8] = b"{\"header\":{}}\n";

    fn text(path: &Path) -> String {
        fs::read_to_string(path).expect("text")
    }

    #[test]
    fn both_files_of_a_recording_are_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events");
        let mut file = Rotated::begin(path.clone(), 0).expect("begun");
        assert_eq!(file.put(HEADER), None);
        let line = format!("{}\n", "x".repeat(9_999));
        (0..200).for_each(|_| assert_eq!(file.put(line.as_bytes()), None));
        let (now, before) = (text(&path), text(&folder.path().join("events.1")));
        assert!(now.len() + before.len() <= usize::try_from(LEAST).expect("small"));
        for text in [now, before] {
            assert!(text.starts_with("{\"header\":{}}\nxxx") && text.ends_with("x\n"));
        }
        assert_eq!(path.metadata().expect("there").mode() & 0o777, 0o600);
        let next = Rotated::begin(path.clone(), 0).expect("a recording gives way to the next one");
        assert_eq!((text(&path).len(), next.size), (0, 0));
        assert!(text(&folder.path().join("events.1")).starts_with("{\"header\":"));
    }

    #[test]
    fn nothing_of_others_is_replaced_and_no_link_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let refused = |path: &Path| Rotated::begin(path.to_owned(), 0).err().expect("refused").to_string();
        symlink(at("made"), at("link")).expect("a link");
        assert!(refused(&at("link")).contains("it is a link"));
        assert!(!at("made").exists());
        assert!(refused(Path::new("/dev/null")).contains("not a regular file"));
        fs::write(at("events"), HEADER).expect("a file");
        fs::write(at("events.1"), "mine").expect("a file");
        assert!(refused(&at("events")).contains("events.1: it is there and is no recording"));
        assert_eq!((text(&at("events.1")).as_str(), text(&at("events")).as_bytes()), ("mine", HEADER));
    }

    #[test]
    fn a_full_disk_is_said_once_and_leaves_no_line_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events");
        let mut file = Rotated::begin(path.clone(), 0).expect("begun");
        assert_eq!(file.put(HEADER), None);
        file.again = Duration::ZERO;
        let well = std::mem::replace(&mut file.file, fs::File::options().write(true).open("/dev/full").expect("full"));
        let why = file.put(b"one\n").expect("said");
        assert!(why.contains("No space left on device"), "{why}");
        assert_eq!(file.put(b"two\n"), None, "said once");
        file.again = Duration::from_secs(600);
        assert_eq!(file.put(b"two\n"), None);
        file.file = well;
        assert_eq!(file.put(b"now?\n"), None, "not before its time");
        file.lost = file.lost.map(|(lost, _)| (lost, Instant::now()));
        assert!(file.put(b"three\n").is_some_and(|words| words.contains("is written again; 17 B were lost")));
        assert_eq!(text(&path), "{\"header\":{}}\nthree\n");
    }

    #[test]
    fn a_recording_that_was_removed_begins_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events");
        let mut file = Rotated::begin(path.clone(), 0).expect("begun");
        assert_eq!((file.put(HEADER), file.put(b"one\n")), (None, None));
        fs::remove_file(&path).expect("removed");
        assert_eq!(file.put(b"two\n"), None);
        assert_eq!(text(&path), "{\"header\":{}}\ntwo\n");
    }

    #[test]
    fn lines_that_come_in_pieces_are_written_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events");
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let helper = std::thread::spawn(move || serve(theirs));
        let mut line = begin(ours, &path, 0, Duration::from_secs(60)).expect("begun");
        let sent = format!("{{\"header\":{{}}}}\n{}\ncut", "x".repeat(200_000));
        for piece in sent.as_bytes().chunks(7_001) {
            line.write_all(piece).expect("sent");
        }
        drop(line);
        helper.join().expect("it ends with the line");
        assert_eq!(text(&path), sent.strip_suffix("cut").expect("its end"));
    }

    #[test]
    fn what_came_in_the_place_of_the_file_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        symlink(at("made"), at("link")).expect("a link");
        assert_eq!(open(&at("link")).expect_err("refused").to_string(), "it is a link, which is not followed");
        assert!(!at("made").exists());
        let pipe = at("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
        assert!(open(&pipe).is_err(), "nobody reads it, and nobody is waited for");
    }
}
