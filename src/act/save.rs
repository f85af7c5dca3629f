//! Text written into a new file of the current folder: what is there is never overwritten.

use crate::request::Outcome;
use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use crate::alert::Level;

/// How many files of one name are tried.
const MOST: u32 = 1000;

/// Writes `text` into `name`, for its owner alone (a log may hold anything), or into `name` with a number before its ending when there is one.
#[must_use]
pub fn save(name: &str, text: &str) -> Outcome {
    save_in(Path::new("."), name, text)
}

fn save_in(folder: &Path, name: &str, text: &str) -> Outcome {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "txt"));
    // A container's name is another's word: it may not lead out of the folder.
    let stem: String =
        stem.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect();
    let stem = stem.trim_start_matches('.');
    for number in 0..MOST {
        let name = if number == 0 { format!("{stem}.{ending}") } else { format!("{stem}-{number}.{ending}") };
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(&name)) {
            Ok(mut file) => {
                return match file.write_all(text.as_bytes()) {
                    Ok(()) => {
                        Outcome { level: Level::Ok, text: format!("saved {} lines in ./{name}", text.lines().count()) }
                    }
                    Err(error) => Outcome { level: Level::Warn, text: format!("./{name}: {error}") },
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Outcome { level: Level::Warn, text: format!("./{name}: {error}") },
        }
    }
    Outcome { level: Level::Warn, text: format!("./{stem}.{ending} and {MOST} more are there already") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_file_is_new_and_its_owner_s() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, written) in [("web.log", "web.log"), ("web.log", "web-1.log"), ("../a/b.log", "_a_b.log")] {
            let outcome = save_in(folder.path(), name, "one\ntwo\n");
            assert_eq!(outcome.text, format!("saved 2 lines in ./{written}"));
            let mode = folder.path().join(written).metadata().expect("written").mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        }
    }
}
