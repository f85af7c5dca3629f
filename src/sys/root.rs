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

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Root::new(folder.path());
        (folder, root)
    }

    #[test]
    fn a_root_is_the_machine_a_view_of_it_or_a_recording() {
        let (folder, root) = folder();
        std::fs::create_dir(folder.path().join("proc")).expect("a folder");
        assert_eq!((root.is_live(), root.is_this_machine()), (false, false));
        let live = Root::default();
        assert_eq!((live.is_live(), live.is_this_machine()), (true, true));
        let (folder, host) = self::folder();
        std::os::unix::fs::symlink("/proc", folder.path().join("proc")).expect("a link");
        assert_eq!((host.is_live(), host.is_this_machine()), (false, true), "as a container sees its host");
        assert_eq!(
            (root.path("/proc/stat"), root.path("proc/stat")),
            (root.path("proc/stat"), root.path("proc").join("stat"))
        );
    }

    #[test]
    fn files_are_read_as_bytes_text_lines_and_numbers() {
        let (folder, root) = folder();
        let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).expect("written");
        write("name", b"  a\xffb\x1b \n\n");
        write("model", b"Acme 7\0");
        write("blank", b" \n");
        write("number", b" 17 \n");
        assert_eq!(root.read("name").expect("there"), b"  a\xffb\x1b \n\n");
        assert_eq!(root.text("/name").expect("there"), "  a\u{fffd}b\u{1b}");
        let lines = ["name", "model", "blank", "none"].map(|name| root.line(name));
        assert_eq!(lines, [Some("a\u{fffd}b?".to_owned()), Some("Acme 7".to_owned()), None, None]);
        assert_eq!(["name", "model"].map(|name| root.line_at_once(name)), [lines[0].clone(), lines[1].clone()]);
        assert_eq!(
            (root.number::<u8>("number"), root.number::<u8>("name"), root.number::<u8>("none")),
            (Some(17), None, None)
        );
        assert_eq!(root.names(""), ["blank", "model", "name", "number"]);
        assert_eq!((root.names("name"), root.names("none")), (Vec::new(), Vec::<String>::new()));
        write("long", &vec![b'x'; (4 << 20) + 1]);
        assert_eq!(root.read("long").expect("there").len(), 4 << 20);
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let (folder, root) = folder();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
        assert_eq!((root.line_at_once("pipe"), root.line_at_once("none")), (None, None));
        let live = Root::default();
        assert_eq!(live.line_at_once("proc/sys/kernel/ostype"), live.line("proc/sys/kernel/ostype"));
        assert!(live.line_at_once("proc/self/stat").is_some());
    }

    #[test]
    fn an_error_is_a_fault_of_its_kind() {
        let of = |kind: io::ErrorKind| fault(Path::new("/proc/x"), &kind.into(), "run as root");
        assert_eq!(of(io::ErrorKind::NotFound), Fault::Absent("no /proc/x".to_owned()));
        let denied = Fault::Denied { what: "/proc/x may not be read".to_owned(), hint: "run as root".to_owned() };
        assert_eq!(of(io::ErrorKind::PermissionDenied), denied);
        assert_eq!(of(io::ErrorKind::TimedOut), Fault::Broken("/proc/x: timed out".to_owned()));
    }
}
