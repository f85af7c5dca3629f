//! Files of `/proc` that may not be readable for a while, or ever: those of a process that holds the lock of its memory
//! while it waits for a dead server. They are read by a thread of the helper process, in the order in which they were
//! asked for; who asked waits as long as it likes.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt, net::UnixStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use crate::sys::helper;

/// What a line to the helper process carries: questions for files.
pub(super) const FILES: u8 = b'f';

/// Questions in one message: what comes of them fits the sockets, so that neither end waits for the other to read.
pub(super) const AT_ONCE: usize = 1024;
/// Longer command lines are cut.
const PIECE: usize = 4096;
/// Longer files are cut.
const WHOLE: usize = 1 << 20;
/// Answers are sent when so many bytes have gathered.
const FLUSH: usize = 32 << 10;

/// What is asked of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What one read gives, at most 4 KiB: the whole of most files of `/proc`.
    Piece,
    /// The file to its end, at most 1 MiB.
    Whole,
}

const KINDS: [Kind; 2] = [Kind::Piece, Kind::Whole];

/// A line to a reader.
pub(super) struct Files {
    line: UnixStream,
    /// What has come; from `at` on it was not yet taken.
    come: Vec<u8>,
    at: usize,
}

impl Files {
    /// A reader in the helper, or a thread of ours where there is no helper.
    pub(super) fn open() -> io::Result<Files> {
        match helper::line(FILES) {
            Some(line) => Ok(Files::on(line)),
            None => Files::here(),
        }
    }

    fn here() -> io::Result<Files> {
        let (line, theirs) = UnixStream::pair()?;
        let name = format!("{}files", super::lane::THREAD_PREFIX);
        thread::Builder::new().name(name).stack_size(256 << 10).spawn(move || serve(theirs))?;
        Ok(Files::on(line))
    }

    fn on(line: UnixStream) -> Files {
        Files { line, come: Vec::new(), at: 0 }
    }

    /// Asks for all of these, at most [`AT_ONCE`]. With `each`, every answer is sent when it is there, so that one that
    /// does not come is known by its place.
    ///
    /// # Errors
    /// When the helper has ended.
    pub(super) fn ask(&mut self, each: bool, questions: impl Iterator<Item = (Kind, PathBuf)>) -> io::Result<()> {
        let mut bytes = vec![0, 0, 0, 0, u8::from(each)];
        for (kind, path) in questions {
            let path = path.as_os_str().as_bytes();
            bytes.push(kind as u8);
            bytes.extend(u16::try_from(path.len()).map_err(io::Error::other)?.to_le_bytes());
            bytes.extend(path);
        }
        let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        self.line.write_all(&bytes)
    }

    /// The next answer, in the order of the questions; `None` when it has not come at `until`.
    ///
    /// # Errors
    /// When the helper has ended.
    pub(super) fn next(&mut self, until: Instant) -> io::Result<Option<Result<&[u8], Errno>>> {
        let (error, from, to) = loop {
            let rest = &self.come[self.at..];
            if let [a, b, c, d, e, f, g, h, bytes @ ..] = rest {
                let length = u32::from_le_bytes([*e, *f, *g, *h]) as usize;
                if bytes.len() >= length {
                    let from = self.at + 8;
                    break (i32::from_le_bytes([*a, *b, *c, *d]), from, from + length);
                }
            }
            if !helper::wait(&self.line, Some(until))? {
                return Ok(None);
            }
            self.fill()?;
        };
        self.at = to;
        Ok(Some(if error == 0 { Ok(&self.come[from..to]) } else { Err(Errno::from_raw_os_error(error)) }))
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.at == self.come.len() {
            // A great answer is not kept room for.
            if self.come.capacity() > 4 * FLUSH {
                self.come = Vec::new();
            }
            self.come.clear();
            self.at = 0;
        }
        let before = self.come.len();
        self.come.resize(before + FLUSH, 0);
        let count = self.line.read(&mut self.come[before..])?;
        self.come.truncate(before + count);
        if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// One answer, waited for; `None` when it is late: then the line must not be used for anything else.
    ///
    /// # Errors
    /// When the helper has ended.
    pub(super) fn one(
        &mut self,
        kind: Kind,
        path: &Path,
        patience: Duration,
    ) -> io::Result<Option<Result<Vec<u8>, Errno>>> {
        self.ask(true, std::iter::once((kind, path.to_owned())))?;
        Ok(self.next(Instant::now() + patience)?.map(|answer| answer.map(<[u8]>::to_vec)))
    }
}

/// The helper's side: answers until the line is closed.
pub(super) fn serve(mut line: UnixStream) {
    let mut question = Vec::new();
    let mut answers = Vec::new();
    loop {
        let mut length = [0; 4];
        if helper::wait(&line, None).is_err() || line.read_exact(&mut length).is_err() {
            return;
        }
        question.resize(u32::from_le_bytes(length) as usize, 0);
        if line.read_exact(&mut question).is_err() {
            return;
        }
        let Some((each, mut rest)) = question.split_first() else { return };
        while let [kind, a, b, more @ ..] = rest {
            let length = usize::from(u16::from_le_bytes([*a, *b])).min(more.len());
            let (path, after) = more.split_at(length);
            rest = after;
            let Some(kind) = KINDS.get(usize::from(*kind)) else { return };
            answer(*kind, Path::new(OsStr::from_bytes(path)), &mut answers);
            if (*each != 0 || answers.len() >= FLUSH || rest.is_empty()) && line.write_all(&answers).is_err() {
                return;
            } else if *each != 0 || answers.len() >= FLUSH {
                answers.clear();
            }
        }
        answers.clear();
    }
}

/// Adds one answer: an error's number or zero, a length, the bytes.
fn answer(kind: Kind, path: &Path, into: &mut Vec<u8>) {
    let from = into.len();
    into.extend([0; 8]);
    let outcome = match kind {
        Kind::Piece => piece(path, into),
        Kind::Whole => fs::File::open(path).and_then(|file| file.take(WHOLE as u64).read_to_end(into)).map(|_| ()),
    };
    if let Err(error) = outcome {
        into.truncate(from + 8);
        let number = error.raw_os_error().unwrap_or_else(|| Errno::IO.raw_os_error());
        into[from..from + 4].copy_from_slice(&number.to_le_bytes());
    }
    let length = u32::try_from(into.len() - from - 8).unwrap_or(0);
    into[from + 4..from + 8].copy_from_slice(&length.to_le_bytes());
}

fn piece(path: &Path, into: &mut Vec<u8>) -> io::Result<()> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let from = into.len();
    into.resize(from + PIECE, 0);
    let count = rustix::io::read(&file, &mut into[from..]);
    into.truncate(from + count.unwrap_or(0));
    Ok(count.map(|_| ())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn answers_come_in_order() {
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("long"), "x".repeat(9000)).expect("file");
        let asked = [(Kind::Piece, path("long")), (Kind::Whole, path("long")), (Kind::Piece, path("none"))];
        for each in [false, true] {
            let mut files = Files::here().expect("a thread");
            for _ in 0..2 {
                files.ask(each, asked.iter().cloned()).expect("asked");
                let until = Instant::now() + LONG;
                let mut next = || files.next(until).expect("a reader").expect("in time").map(<[u8]>::to_vec);
                assert_eq!(next().map(|bytes| bytes.len()), Ok(PIECE));
                assert_eq!(next().map(|bytes| bytes.len()), Ok(9000));
                assert_eq!(next(), Err(Errno::NOENT));
            }
        }
    }

    #[test]
    fn a_blocking_file_is_identified_by_its_position() {
        let folder = tempfile::tempdir().expect("folder");
        let (plain, never) = (folder.path().join("plain"), folder.path().join("never"));
        fs::write(&plain, "here").expect("file");
        rustix::fs::mknodat(rustix::fs::CWD, &never, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .expect("a pipe");
        let mut files = Files::here().expect("a thread");
        let asked = [&plain, &never, &plain];
        files.ask(true, asked.into_iter().map(|path| (Kind::Piece, path.clone()))).expect("asked");
        assert_eq!(files.next(Instant::now() + LONG).expect("a reader"), Some(Ok(&b"here"[..])));
        assert_eq!(files.next(Instant::now()).expect("a reader"), None);
        // Somebody writes into it at last.
        fs::write(&never, "late").expect("written");
        assert_eq!(files.next(Instant::now() + LONG).expect("a reader"), Some(Ok(&b"late"[..])));
        assert_eq!(files.next(Instant::now() + LONG).expect("a reader"), Some(Ok(&b"here"[..])));
    }
}
