//! The module's own counters in /proc/spl/kstat/zfs: safe to read even while a pool is suspended.

use std::{collections::BTreeMap, fs};

use crate::{
    model::pool::DatasetCounters,
    sys::{
        parse::{lines, number, words},
        reread::Reread,
        root::Root,
    },
};

/// The folder of all kstats of ZFS.
pub(super) const FOLDER: &str = "proc/spl/kstat/zfs";

/// Imported pools and their state, by name.
pub(super) fn states(root: &Root) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(root.path(FOLDER)) else { return Vec::new() };
    let mut states: Vec<(String, String)> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.to_owned();
            // A pool of 0.7 and before has no state file; it is imported all the same.
            let state = root.line(format!("{FOLDER}/{name}/state")).unwrap_or_else(|| "ONLINE".to_owned());
            Some((name, state))
        })
        .collect();
    states.sort();
    states
}

/// Files that stay open, at most: a process may have 1024 where nobody raised the limit.
const KEPT_OPEN: usize = 400;

/// The counters' files, kept open between readings: with containers on ZFS there are hundreds.
#[derive(Debug, Default)]
pub(super) struct Kstats {
    /// By their path below [`FOLDER`].
    files: BTreeMap<String, Reread>,
}

impl Kstats {
    /// What each mounted dataset counts, by name.
    pub(super) fn counters(&mut self, root: &Root, pools: &[(String, String)]) -> Vec<DatasetCounters> {
        let mut counters = Vec::new();
        let mut before = std::mem::take(&mut self.files);
        for (pool, _) in pools {
            let Ok(entries) = fs::read_dir(root.path(format!("{FOLDER}/{pool}"))) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let Some(name) = name.to_str().filter(|name| name.starts_with("objset-")) else { continue };
                let path = format!("{pool}/{name}");
                let new = || Reread::new(root, format!("{FOLDER}/{path}"));
                let mut file = before.remove(&path).unwrap_or_else(new);
                let Ok(text) = file.read() else { continue };
                counters.extend(objset(text));
                if self.files.len() < KEPT_OPEN {
                    self.files.insert(path, file);
                }
            }
        }
        // Unmounted since: their files are closed.
        drop(before);
        counters.sort_by(|a, b| a.name.cmp(&b.name));
        counters
    }
}

/// `name type data` lines; the name of the dataset may have blanks in it.
fn objset(text: &[u8]) -> Option<DatasetCounters> {
    let mut counters = DatasetCounters::default();
    for line in lines(text).skip(2) {
        let mut parts = words(line);
        let (key, _kind) = (parts.next()?, parts.next());
        if key == b"dataset_name" {
            let at = line.windows(3).position(|w| w == b" 7 ").map_or(line.len(), |at| at + 3);
            counters.name = crate::text::clean_bytes(line[at..].trim_ascii());
            continue;
        }
        let value = parts.next().and_then(number);
        let field = match key {
            b"reads" => &mut counters.reads,
            b"nread" => &mut counters.read_bytes,
            b"writes" => &mut counters.writes,
            b"nwritten" => &mut counters.written_bytes,
            _ => continue,
        };
        *field = value?;
    }
    (!counters.name.is_empty()).then_some(counters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_counts_what_was_read_and_written() {
        let text = b"60 1 0x01 27 7600 14143962072 161121629384\nname                            type data\n\
            dataset_name                    7    exotic/with space\nwrites                          4    3\n\
            nwritten                        4    4096\nreads                           4    1\nnread  4    512\nzil_itx_count 4 0\n";
        let expected = DatasetCounters {
            name: "exotic/with space".into(),
            reads: 1,
            read_bytes: 512,
            writes: 3,
            written_bytes: 4096,
        };
        assert_eq!(objset(text), Some(expected));
        assert_eq!(objset(b"nonsense"), None);
    }

    #[test]
    fn datasets_come_and_go_between_readings() {
        let folder = tempfile::tempdir().expect("folder");
        let root = Root::new(folder.path());
        let pool = folder.path().join(FOLDER).join("tank");
        std::fs::create_dir_all(&pool).expect("folder");
        let put = |objset: &str, name: &str, written: u64| {
            let text = format!("head\nhead\ndataset_name 7 {name}\nnwritten 4 {written}\n");
            std::fs::write(pool.join(objset), text).expect("file");
        };
        let mut kstats = Kstats::default();
        let mut read = || -> Vec<(String, u64)> {
            let counters = kstats.counters(&root, &[("tank".into(), "ONLINE".into())]);
            counters.into_iter().map(|c| (c.name, c.written_bytes)).collect()
        };
        put("objset-0x1", "tank", 5);
        put("objset-0x2", "tank/a", 6);
        assert_eq!(read(), [("tank".into(), 5), ("tank/a".into(), 6)]);
        put("objset-0x1", "tank", 9);
        std::fs::remove_file(pool.join("objset-0x2")).expect("unmounted");
        assert_eq!(read(), [("tank".into(), 9)]);
        put("objset-0x2", "tank/b", 1);
        assert_eq!(read(), [("tank".into(), 9), ("tank/b".into(), 1)]);
    }
}
