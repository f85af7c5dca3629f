//! The user's files as text: not a file, too large, unreadable and not UTF-8 are each reported, with a hint.

use std::{
    fs,
    io::{ErrorKind, Read},
    path::Path,
};

use crate::{diag::Diagnostic, sys::remote};

/// Reads a whole text file of at most `max` bytes.
///
/// # Errors
/// A diagnostic that names the file, what is wrong with it, and a hint.
pub fn read_text(path: &Path, max: u64) -> Result<String, Diagnostic> {
    let place = path.display().to_string();
    let failed = |error: std::io::Error| {
        let diagnostic = Diagnostic::new(&place, "");
        match error.kind() {
            ErrorKind::NotFound => Diagnostic { what: "no such file".to_owned(), ..diagnostic },
            ErrorKind::PermissionDenied => {
                Diagnostic { what: "no permission to read the file".to_owned(), ..diagnostic }
                    .hint(format!("allow reading it: chmod u+r {place}"))
            }
            _ => Diagnostic { what: format!("the file cannot be read: {error}"), ..diagnostic },
        }
    };
    if !remote::answers(path) {
        return Err(silent(path));
    }
    // A pipe or a device would make the program wait, perhaps forever: asked before it is opened.
    let kind = fs::metadata(path).map_err(failed)?;
    if kind.is_dir() {
        return Err(Diagnostic::new(&place, "this is a directory, not a file"));
    }
    if !kind.is_file() {
        return Err(Diagnostic::new(&place, "this is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        let what = format!("the file is larger than {}", crate::units::bytes_long(max as f64));
        return Err(Diagnostic::new(&place, what));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        Diagnostic::new(&place, format!("byte {:#04x} is not UTF-8", error.as_bytes()[valid]))
            .at_offset(&before, valid)
            .hint("save the file as UTF-8")
    })
}

/// A file that nobody can read now: its server, or the program that shows it, does not answer.
pub fn silent(path: &Path) -> Diagnostic {
    Diagnostic::new(path.display().to_string(), "the filesystem it is on does not answer")
        .hint("`benchtop doctor` lists the mounts that do not answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("latin"), b"a = 1\nb = \"\xe4\"\n").unwrap();
        fs::write(at("large"), [b'#'; 100]).unwrap();
        let what = |name: &str| {
            let diagnostic = read_text(&at(name), 99).unwrap_err();
            (diagnostic.what, diagnostic.position)
        };
        assert_eq!(what("latin"), ("byte 0xe4 is not UTF-8".to_owned(), Some((2, 6))));
        assert_eq!(what("large"), ("the file is larger than 99 B".to_owned(), None));
        assert_eq!(what("none"), ("no such file".to_owned(), None));
        assert_eq!(what("."), ("this is a directory, not a file".to_owned(), None));
    }

    #[test]
    fn a_file_may_be_as_large_as_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        let of = |length: usize| {
            fs::write(&file, "#".repeat(length)).unwrap();
            read_text(&file, 99).map(|text| text.len()).map_err(|diagnostic| diagnostic.what)
        };
        assert_eq!((of(0), of(99), of(100)), (Ok(0), Ok(99), Err("the file is larger than 99 B".to_owned())));
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(
            read_text(&pipe, 99).unwrap_err().to_string(),
            format!("{}: this is not a regular file", pipe.display())
        );
        let below = read_text(&file.join("y"), 99).unwrap_err().what;
        assert!(below.starts_with("the file cannot be read: Not a directory"), "{below}");
        let silent = silent(&pipe).to_string();
        let hint = "hint: `benchtop doctor` lists the mounts that do not answer";
        assert_eq!(silent, format!("{}: the filesystem it is on does not answer\n  {hint}", pipe.display()));
    }

    #[test]
    fn a_file_that_may_not_be_read_says_how_it_can() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        fs::write(&file, "a = 1\n").unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o000)).unwrap();
        match read_text(&file, 99) {
            // Root may read anything.
            Ok(text) => assert!(rustix::process::geteuid().is_root() && text == "a = 1\n"),
            Err(said) => {
                assert_eq!(said.what, "no permission to read the file");
                assert_eq!(said.hint, Some(format!("allow reading it: chmod u+r {}", file.display())));
            }
        }
    }
}
