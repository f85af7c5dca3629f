//! The module's own counters in /proc/spl/kstat/zfs: safe to read even while a pool is suspended.

use std::fs;

use crate::{
    model::pool::DatasetCounters,
    sys::{
        parse::{lines, number, words},
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

/// What each mounted dataset counts, by name.
pub(super) fn counters(root: &Root, pools: &[(String, String)]) -> Vec<DatasetCounters> {
    let mut counters = Vec::new();
    for (pool, _) in pools {
        let Ok(entries) = fs::read_dir(root.path(format!("{FOLDER}/{pool}"))) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.starts_with("objset-")) else { continue };
            if let Ok(text) = root.read(format!("{FOLDER}/{pool}/{name}")) {
                counters.extend(objset(&text));
            }
        }
    }
    counters.sort_by(|a, b| a.name.cmp(&b.name));
    counters
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
}
