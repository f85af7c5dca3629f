//! A ledger on disk: one small file a destination, replaced as a whole, so that a crash leaves the one before or the new one.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// A ledger has a few hundred notices at most.
const MOST: u64 = 16 << 20;

/// A file that holds one value.
pub(super) struct Kept {
    path: Option<PathBuf>,
}

impl Kept {
    /// In `folder`, by the destination's name.
    pub(super) fn new(folder: Option<&Path>, name: &str) -> Self {
        Kept { path: folder.map(|folder| folder.join(format!("notify-{name}.json"))) }
    }

    /// What it holds. One that is damaged is set aside: its end in words.
    pub(super) fn read<T: DeserializeOwned + Default>(&self) -> (T, Option<String>) {
        let Some(path) = &self.path else { return (T::default(), None) };
        let text = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return (T::default(), None),
            Ok(found) if found.is_file() && found.len() <= MOST => fs::read(path),
            Ok(_) => Err(io::Error::other("it is not one of ours")),
            Err(error) => Err(error),
        };
        let read = text.and_then(|text| serde_json::from_slice(&text).map_err(io::Error::other));
        match read {
            Ok(value) => (value, None),
            Err(error) => {
                let aside = path.with_extension("damaged");
                let words = match fs::rename(path, &aside) {
                    Ok(()) => format!("{} was damaged ({error}) and is now {}", path.display(), aside.display()),
                    Err(_) => format!("{} cannot be read: {error}", path.display()),
                };
                (T::default(), Some(words))
            }
        }
    }

    /// Writes it, for its owner alone, and waits until the disk has it.
    pub(super) fn write<T: Serialize>(&self, value: &T) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let beside = path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(value).map_err(io::Error::other)?)?;
        file.sync_data()?;
        fs::rename(&beside, path)?;
        // The name is on disk with the folder.
        fs::File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn what_was_written_comes_back_and_a_damaged_file_is_set_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Kept::new(Some(&folder.path().join("new")), "ntfy");
        assert_eq!(kept.read::<Vec<u32>>(), (vec![], None));
        for value in [vec![1, 2], vec![3]] {
            kept.write(&value).expect("written");
            assert_eq!(kept.read::<Vec<u32>>(), (value, None));
        }
        let path = folder.path().join("new/notify-ntfy.json");
        assert_eq!(path.metadata().expect("there").mode() & 0o077, 0);
        fs::write(&path, "[3, ").expect("damaged");
        let (value, why) = kept.read::<Vec<u32>>();
        assert!(value.is_empty() && why.is_some_and(|why| why.contains("notify-ntfy.damaged")));
        assert!(!path.exists());
        assert_eq!(Kept::new(None, "x").read::<Vec<u32>>(), (vec![], None));
    }

    #[test]
    fn an_unreadable_file_is_reported_and_a_missing_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let none = folder.path().join("none");
        assert_eq!(Kept::new(Some(&none), "ntfy").read::<Vec<u32>>(), (vec![], None));
        fs::write(&none, "").expect("a file in the place of the folder");
        let (value, why) = Kept::new(Some(&none), "ntfy").read::<Vec<u32>>();
        let why = why.expect("a reason");
        assert!(value.is_empty() && why.contains("none/notify-ntfy.json cannot be read: "), "{why}");
    }

    #[test]
    fn what_is_not_one_of_ours_is_set_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify-ntfy.json");
        let kept = Kept::new(Some(folder.path()), "ntfy");
        let file = fs::File::create(&path).expect("a file");
        file.set_len(MOST + 1).expect("a hole");
        let why = kept.read::<Vec<u32>>().1.expect("a reason");
        assert!(why.contains("(it is not one of ours) and is now "), "{why}");
        assert!(!path.exists() && path.with_extension("damaged").exists());
    }
}
