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
                        let count = text.lines().count();
                        let lines = if count == 1 { "line" } else { "lines" };
                        Outcome { level: Level::Ok, text: format!("saved {count} {lines} in ./{name}") }
                    }
                    Err(error) => Outcome { level: Level::Warn, text: format!("./{name}: {error}") },
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Outcome { level: Level::Warn, text: format!("./{name}: {error}") },
        }
    }
    Outcome { level: Level::Warn, text: format!("./{stem}.{ending} and {} more are there already", MOST - 1) }
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

    #[test]
    fn a_name_stays_within_the_folder_and_has_an_ending() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, written) in [(".web.log", "web.log"), ("we b", "we_b.txt"), ("a-b_c.d.log", "a-b_c.d.log")] {
            assert_eq!(save_in(folder.path(), name, "one").text, format!("saved 1 line in ./{written}"));
            assert_eq!(std::fs::read_to_string(folder.path().join(written)).expect("written"), "one");
        }
        let nowhere = save_in(&folder.path().join("gone"), "web.log", "one");
        assert_eq!(nowhere.level, Level::Warn);
        assert!(nowhere.text.starts_with("./web.log: No such file"), "{}", nowhere.text);
    }

    #[test]
    fn a_folder_full_of_them_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("web.log"), "").expect("a file");
        for number in 1..MOST {
            std::fs::write(folder.path().join(format!("web-{number}.log")), "").expect("a file");
        }
        let outcome = save_in(folder.path(), "web.log", "one");
        assert_eq!((outcome.level, outcome.text.as_str()), (Level::Warn, "./web.log and 999 more are there already"));
    }
}
