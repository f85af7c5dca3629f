//! `zfs list`: filesystems and volumes, and their snapshots counted.

use std::collections::HashMap;

use crate::{model::pool::Dataset, text::clean};

/// Columns of the list of datasets.
pub(super) const DATASETS: [&str; 6] = [
    "list",
    "-Hp",
    "-t",
    "filesystem,volume",
    "-o",
    "name,type,used,available,usedbysnapshots,compressratio,recordsize,volblocksize,compression,quota,mounted,mountpoint,sync,primarycache,atime",
];
/// The last of them.
const OTHERS: [&str; 3] = ["sync", "primarycache", "atime"];
/// Columns of the list of snapshots.
pub(super) const SNAPSHOTS: [&str; 6] = ["list", "-Hp", "-t", "snapshot", "-o", "name,creation"];

/// How many snapshots a dataset has, and when the newest was made.
pub(super) type Snapshots = HashMap<String, (u32, i64)>;

/// The datasets, by name. Names may hold blanks: tabs part the columns.
pub(super) fn datasets(text: &str, snapshots: &Snapshots) -> Vec<Dataset> {
    let mut datasets: Vec<Dataset> = text.lines().filter_map(|line| dataset(line, snapshots)).collect();
    datasets.sort_by(|a, b| a.name.cmp(&b.name));
    datasets
}

fn dataset(line: &str, snapshots: &Snapshots) -> Option<Dataset> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [
        name,
        kind,
        used,
        available,
        by_snapshots,
        ratio,
        record,
        block,
        compression,
        quota,
        mounted,
        mountpoint,
        others @ ..,
    ] = &columns[..]
    else {
        return None;
    };
    let bytes = |text: &str| text.parse::<u64>().ok();
    let known = snapshots.get(*name);
    let others = OTHERS.iter().zip(others).filter(|(_, value)| **value != "-");
    Some(Dataset {
        name: clean(name).into_owned(),
        volume: *kind == "volume",
        used: bytes(used)?,
        available: bytes(available).unwrap_or(0),
        by_snapshots: bytes(by_snapshots).unwrap_or(0),
        ratio: ratio.trim_end_matches('x').parse().ok(),
        record: bytes(record).or_else(|| bytes(block)),
        compression: clean(compression).into_owned(),
        others: others.map(|(name, value)| ((*name).to_owned(), clean(value).into_owned())).collect(),
        quota: bytes(quota).filter(|bytes| *bytes > 0),
        mountpoint: (*mounted == "yes").then(|| clean(mountpoint).into_owned()),
        snapshots: known.map_or(0, |(count, _)| *count),
        newest_snapshot_unix: known.map(|(_, at)| *at),
    })
}

/// Counts `pool/fs@name <tab> seconds`.
pub(super) fn snapshots(text: &str) -> Snapshots {
    let mut all = Snapshots::new();
    for line in text.lines() {
        let Some((name, created)) = line.split_once('\t') else { continue };
        let (Some((dataset, _)), Ok(created)) = (name.split_once('@'), created.trim().parse::<i64>()) else { continue };
        let entry = all.entry(dataset.to_owned()).or_insert((0, i64::MIN));
        *entry = (entry.0 + 1, entry.1.max(created));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_and_snapshots_are_joined_and_names_may_hold_blanks() {
        let snapshots = snapshots("tank/db@a\t100\ntank/db@b\t300\ntank/db@c\t200\nodd line\n");
        let text = "tank\tfilesystem\t500\t900\t0\t1.00\t131072\t-\tlz4\t0\tyes\t/tank\tstandard\tmetadata\ton\n\
            tank/db\tfilesystem\t400\t900\t50\t2.50\t16384\t-\tzstd\t1000\tno\t/tank/db\n\
            exotic/with space\tvolume\t1\t2\t0\t1.00\t-\t8192\toff\t-\t-\t-\tdisabled\tall\t-\n";
        let all = datasets(text, &snapshots);
        assert_eq!(all.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["exotic/with space", "tank", "tank/db"]);
        assert_eq!((all[0].volume, all[0].record, all[0].mountpoint.as_deref()), (true, Some(8192), None));
        let others = |of: &Dataset| of.others.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(" ");
        assert_eq!(others(&all[0]), "sync=disabled primarycache=all");
        assert_eq!(
            (others(&all[1]), others(&all[2])),
            ("sync=standard primarycache=metadata atime=on".into(), "".into())
        );
        assert_eq!((all[1].mountpoint.as_deref(), all[1].quota), (Some("/tank"), None));
        assert_eq!((all[2].snapshots, all[2].newest_snapshot_unix), (2 + 1, Some(300)));
        assert_eq!((all[2].ratio, all[2].quota, all[2].mountpoint.as_deref()), (Some(2.5), Some(1000), None));
    }
}
