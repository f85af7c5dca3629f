//! Any folder as `/`: the live machine, `/host` in a container, a fixture in a test.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::remote;
use crate::{model::fault::Fault, text::clean_bytes};

/// The folder that holds `proc`, `sys`, `run` and `etc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Default for Root {
    fn default() -> Self {
        Root(PathBuf::from("/"))
    }
}

impl Root {
    /// `folder` in place of `/`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Root(folder.into())
    }

    /// A recorded machine of `tests/fixtures/hosts`.
    #[cfg(test)]
    pub(crate) fn fixture(name: &str) -> Self {
        Root::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hosts").join(name))
    }

    /// True for the machine itself: what is not a file (statvfs of its mounts, uname, users) may be asked too.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// True where `proc` is a kernel's: the live machine, or the host as a container sees it. Else it is a recording.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        const PROC: u64 = 0x9fa0;
        self.is_live()
            || rustix::fs::statfs(self.path("proc")).is_ok_and(|s| u64::try_from(s.f_type).is_ok_and(|t| t == PROC))
    }

    /// `proc/stat` under this root. A leading `/` is dropped.
    #[must_use]
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        let relative = relative.as_ref();
        self.0.join(relative.strip_prefix("/").unwrap_or(relative))
    }

    /// The whole of a small file (kernel files report no size), at most 4 MiB.
    ///
    /// # Errors
    /// As the system gives them.
    pub fn read(&self, relative: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path(relative))?.take(4 << 20).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// [`Root::line`] for a thread that must not wait: `None` for a pipe, and where this root lies on a filesystem that does
    /// not answer.
    #[must_use]
    pub fn line_at_once(&self, relative: impl AsRef<Path>) -> Option<String> {
        let path = self.path(&relative);
        let is_file = || path.metadata().is_ok_and(|file| file.is_file());
        let answers = self.is_live() || (remote::answers(&self.0) && is_file());
        if answers { self.line(relative) } else { None }
    }

    /// [`Root::read`] as text, trimmed at its end; bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// As the system gives them.
    pub fn text(&self, relative: impl AsRef<Path>) -> io::Result<String> {
        let bytes = self.read(relative)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// A short text cleaned for the screen, without the zero byte that devicetree ends it with; `None` when missing or
    /// empty.
    #[must_use]
    pub fn line(&self, relative: impl AsRef<Path>) -> Option<String> {
        let bytes = self.read(relative).ok()?;
        let bytes = bytes.trim_ascii();
        let text = clean_bytes(bytes.strip_suffix(b"\0").unwrap_or(bytes));
        (!text.is_empty()).then_some(text)
    }

    /// A number alone in a file; `None` when there is no such file or no number in it.
    pub fn number<T: std::str::FromStr>(&self, relative: impl AsRef<Path>) -> Option<T> {
        self.text(relative).ok()?.trim().parse().ok()
    }

    /// Names in a folder, sorted; empty when there is none.
    pub fn names(&self, relative: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(relative)) else { return Vec::new() };
        let mut names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}

/// What an error on `path` means for a source: absent, denied with the cure, or broken.
#[must_use]
pub fn fault(path: &Path, error: &io::Error, cure: &str) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => Fault::Absent(format!("no {}", path.display())),
        io::ErrorKind::PermissionDenied => {
            Fault::Denied { what: format!("{} may not be read", path.display()), hint: cure.to_owned() }
        }
        _ => Fault::Broken(format!("{}: {error}", path.display())),
    }
}
