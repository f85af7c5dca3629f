//! ZFS and containers on cgroup v2 for real: a kernel with the ZFS module and a Docker engine, in a virtual
//! machine that runs the program. What a user of such a machine must see.

#[path = "zfs-vm/vm.rs"]
mod vm;

use serde_json::Value;
use vm::{ALL, Guest, Seen};

/// All kinds of containers, the noisy ones last.
const CONTAINERS: &str = "web stack done failed oom paused created sick busy loop";

/// The entry of this name in a list of the document.
fn named<'a>(document: &'a Value, list: &str, name: &str) -> &'a Value {
    let all = document[list].as_array().expect("a list");
    all.iter().find(|entry| entry["name"] == name).unwrap_or_else(|| panic!("no {name} in {list}: {all:#?}"))
}

fn says<'a>(document: &'a Value, words: &str) -> &'a Value {
    let all = document["alerts"].as_array().expect("alerts");
    let fits = |alert: &&Value| alert["message"].as_str().is_some_and(|said| said.contains(words));
    all.iter().find(fits).unwrap_or_else(|| panic!("nothing says {words:?}: {all:#?}"))
}

fn metric(document: &Value, id: &str, label: (&str, &str)) -> f64 {
    let all = document["metrics"].as_array().expect("metrics");
    let fits = |m: &&Value| m["id"] == id && (label.0.is_empty() || m["labels"][label.0] == label.1);
    let found = all.iter().find(fits).unwrap_or_else(|| panic!("no {id} of {label:?}"));
    found["value"].as_f64().expect("a number")
}

/// Whole hundredths of seconds since boot that steps wrote with `cut -d' ' -f1 /proc/uptime`, as `name seconds` lines.
fn stamp(seen: &Seen, name: &str) -> f64 {
    let line = seen.said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|text| text.trim().parse().ok()).unwrap_or_else(|| panic!("no stamp {name}: {}", seen.said))
}

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS on first use"]
fn every_state_of_a_pool_reads_as_what_it_is() {
    let all = Guest::with(ALL).once();
    let pool = |name| named(&all, "pools", name);
    for (name, state, cause) in [
        ("tank", "online", None),
        ("fast", "online", None),
        ("dozer", "degraded", Some("dozer1 offline")),
        ("hotspare", "degraded", Some("hotspare1 faulted")),
        ("gone", "degraded", Some("gone1 unavail")),
    ] {
        assert_eq!((pool(name)["state"].as_str(), pool(name)["cause"].as_str()), (Some(state), cause), "{name}");
    }
    says(&all, "dozer is degraded: dozer1 offline");
    says(&all, "hotspare is degraded: hotspare1 faulted");
    says(&all, "gone is degraded: gone1 unavail");
    says(&all, "/vdev/sick1 of sick has");
    assert_eq!(says(&all, "permanent data errors")["level"], "crit");
    assert_eq!(says(&all, "cramped is 86% full")["level"], "warn");
    assert!(metric(&all, "pool_data_errors", ("pool", "lossy")) > 0.0);
    let scan = |name| {
        let scan = &pool(name)["scan"];
        (scan["kind"].as_str().unwrap_or("none"), scan["state"].as_str().unwrap_or("none"))
    };
    assert_eq!(scan("tank"), ("scrub", "finished"));
    assert_eq!(scan("busy"), ("scrub", "running"));
    assert_eq!(scan("paused"), ("scrub", "paused"));
    assert_eq!(scan("resilver"), ("resilver", "running"));
    assert_eq!(scan("cramped"), ("none", "none"));
    assert!(pool("lossy")["scan"]["errors"].as_u64() > Some(0));
    for name in ["busy", "resilver"] {
        let done = pool(name)["scan"]["done_ratio"].as_f64().expect("a share");
        assert!(done > 0.0 && done < 1.0, "{name}: {done}");
    }
    let classes = |name| -> Vec<&str> {
        pool(name)["vdevs"].as_array().expect("vdevs").iter().filter_map(|v| v["class"].as_str()).collect()
    };
    for (name, wanted) in
        [("fast", ["data", "log", "cache", "spare"]), ("exotic", ["data", "dedup", "special", "spare"])]
    {
        assert!(wanted.iter().all(|class| classes(name).contains(class)), "{name}: {:?}", classes(name));
    }
    let tank = pool("tank")["datasets"].as_array().expect("datasets");
    let dataset = |name: &str| tank.iter().find(|d| d["name"] == name).unwrap_or_else(|| panic!("{name}: {tank:#?}"));
    assert_eq!(
        (dataset("tank/db")["record_bytes"].as_u64(), &dataset("tank/db")["compression"]),
        (Some(16384), &"off".into())
    );
    assert_eq!(dataset("tank/home/alice")["quota_bytes"].as_u64(), Some(64 << 20));
    assert!(dataset("tank/home/alice")["snapshots"].as_u64() > Some(0));
    assert!(named(&all, "pools", "exotic")["datasets"].to_string().contains("exotic/with space"));
    assert!(metric(&all, "arc_size_bytes", ("", "")) > 0.0 && metric(&all, "l2arc_size_bytes", ("", "")) > 0.0);
    assert!(metric(&all, "dataset_write_bytes_per_second", ("dataset", "tank/db")) >= 0.0, "from its kstat");
}

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS on first use"]
fn a_disk_taken_offline_is_named_within_two_refreshes() {
    let seen = Guest::with("tank").also(&["--env", "BENCHTOP_REFRESH=2"]).live(&[
        "until tank",
        "wait 8",
        "sh zpool offline tank /dev/vdb1; echo off $(cut -d' ' -f1 /proc/uptime)",
        "until vdb1 offline",
        "sh echo named $(cut -d' ' -f1 /proc/uptime)",
        "shot named",
        "sh zpool online tank /dev/vdb1",
        "gone vdb1 offline",
        "shot well",
    ]);
    assert!(seen.line("named", "tank is degraded").contains("tank is degraded: vdb1 offline"));
    assert!(seen.line("well", "● online").contains("tank"), "{}", seen.shot("well"));
    let took = stamp(&seen, "named") - stamp(&seen, "off");
    assert!(took <= 4.0, "two refreshes of 2 s are 4 s, it took {took}");
}

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS on first use"]
fn filled_memory_is_an_alert_until_it_is_given_back() {
    let fill =
        "sh mkdir /fill && mount -t tmpfs -o size=100% fill /fill && dd if=/dev/zero of=/fill/x bs=1M count=1140";
    let seen = Guest::with("none").live(&[
        "wait 8",
        fill,
        "patience 90",
        "until memory is 9",
        "gone alert in",
        "shot fires",
        "sh umount /fill",
        "gone memory is 9",
        "shot given-back",
        "keys a",
        "until Recent",
        "shot recent",
    ]);
    assert!(seen.line("fires", "memory is 9").contains(" 1  memory is"), "{}", seen.shot("fires"));
    let recent = seen.shot("recent");
    assert!(recent.lines().any(|line| line.contains("memory is 9") && line.contains("new, for")), "{recent}");
    assert!(!seen.shot("given-back").contains("memory is 9"));
}

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS on first use"]
fn suspended_pool_is_reported_at_once_and_blocks_nothing() {
    let children = "sh ps -o pid,args | grep -E '[z]pool|[z]fs list' | grep -vc 'zpool iostat' | sed 's/^/children /'";
    let seen = Guest::with("tank").live(&[
        "until tank",
        "wait 6",
        "sh . /job/pools.sh; pool_stuck; echo stuck $(cut -d' ' -f1 /proc/uptime)",
        "until suspended",
        "sh echo said $(cut -d' ' -f1 /proc/uptime)",
        "until stuck is suspended",
        "shot said",
        // A tool that hangs for good, as a user's own would.
        "sh (exec dd if=/stuck/data of=/dev/null bs=128k count=1 >/dev/null 2>&1) &",
        "wait 12",
        children,
        "wait 12",
        children,
        "keys ?",
        "until help · benchtop",
        "shot help",
        "keys Escape",
        "wait 2",
        "shot still",
        "sh . /job/pools.sh; unstick_stuck",
        "gone suspended",
        "wait 2",
        "shot well",
    ]);
    assert!(stamp(&seen, "said") - stamp(&seen, "stuck") <= 5.0, "{}", seen.said);
    assert!(seen.line("still", "✖ suspended").contains("stuck"));
    assert!(seen.line("still", "tank").contains("● online"));
    for line in seen.said.lines().filter_map(|line| line.strip_prefix("children ")) {
        assert!(line.trim().parse::<u32>().is_ok_and(|n| n <= 1), "children pile up: {}", seen.said);
    }
    // What was being written when it stopped is lost, and says so.
    let well = seen.line("well", "│ stuck ");
    assert!(well.contains(" online") && !well.contains("suspended"), "{}", seen.shot("well"));
    // Rates come from `zpool iostat`, for which one report of an emulated machine does not wait long enough.
    assert!(well.contains(" ms"), "zpool iostat says how long an operation takes: {well}");
}

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS on first use"]
fn scrubs_errors_and_properties_change_by_keys_and_undo() {
    let scan = "sh zpool status tank | grep -E 'scan:'";
    let compression = "sh zfs get -Ho value compression tank | sed 's/^/compression /'";
    let record = "sh zfs get -Ho value recordsize tank | sed 's/^/record /'";
    let seen = Guest::with("tank").live(&[
        "until tank",
        "wait 6",
        "sh echo 1 >/sys/module/zfs/parameters/zfs_scan_suspend_progress",
        "keys 1",
        "keys x",
        "until clear errors",
        "keys Enter",
        "until scrub tank?",
        "keys y",
        "until scrub of tank started",
        scan,
        "until scrub 0%",
        "keys x",
        "until pause the scrub",
        "keys Enter",
        "wait 1",
        "keys y",
        "until scrub of tank paused",
        scan,
        "until scrub paused",
        "keys x",
        "until resume the scrub",
        "keys Down",
        "keys Enter",
        "until stop the scrub of tank?",
        "keys y",
        "until scrub of tank stopped",
        scan,
        "until scrub canceled",
        // Something to clear.
        "sh zinject -q -d vda -e io -T write -f 100 tank; dd if=/dev/urandom of=/tank/x bs=128k count=8; zpool sync tank; zinject -q -c all",
        "keys x",
        "until clear errors",
        "keys Down",
        "keys Enter",
        "until clear the errors of tank?",
        "keys y",
        "until errors of tank cleared",
        compression,
        "keys x",
        "until record size",
        "keys Down",
        "keys Down",
        "keys Enter",
        "until compression of which dataset of tank?",
        "keys Enter",
        "until compression of tank",
        "keys Down",
        "keys Enter",
        "until now lz4",
        "shot asked",
        "keys y",
        "until ctrl-u undoes it",
        compression,
        "keys C-u",
        "until undo the last operation?",
        "keys y",
        "until (was zstd)",
        compression,
        record,
        "keys x",
        "until record size",
        "keys Down",
        "keys Down",
        "keys Down",
        "keys Enter",
        "until recordsize of which dataset of tank?",
        "keys Enter",
        "until recordsize of tank",
        "keys Up",
        "keys Up",
        "keys Enter",
        "wait 1",
        "shot record",
        "keys y",
        "until ctrl-u undoes it",
        record,
        "keys C-u",
        "until undo the last operation?",
        "keys y",
        "wait 4",
        record,
    ]);
    let said = |start: &str| -> Vec<&str> { seen.said.lines().filter_map(|l| l.trim().strip_prefix(start)).collect() };
    let scans = said("scan:");
    for (scan, words) in scans.iter().zip(["scrub in progress", "scrub paused", "scrub canceled"]) {
        assert!(scan.contains(words), "{words}: {scans:?}");
    }
    assert_eq!(scans.len(), 3, "{}", seen.said);
    assert_eq!(said("compression "), ["lz4", "zstd", "lz4"], "{}", seen.said);
    assert!(seen.shot("asked").contains("set compression of tank to zstd?"));
    let records = said("record ");
    assert!(records.len() == 3 && records[0] == "128K" && records[1] != "128K" && records[2] == "128K", "{records:?}");
}

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS on first use"]
fn without_root_changes_are_refused() {
    let seen = Guest::with("tank").also(&["--user", "nobody"]).live(&[
        "until ● online",
        "wait 6",
        "keys 1",
        "keys x",
        "until clear errors",
        "keys Enter",
        "until scrub tank?",
        "keys y",
        "until could not scrub tank",
        "shot denied",
    ]);
    let denied = seen.line("denied", "could not scrub tank");
    assert!(denied.contains("permission denied"), "{denied}");
}

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS and Docker on first use"]
fn containers_on_cgroup_v2_are_read() {
    let all = Guest::with("tank").containers(CONTAINERS).once();
    let container = |name| named(&all, "containers", name);
    for (name, state, health, exit_code, oom_killed) in [
        ("web", "running", Some("healthy"), None, false),
        ("sick", "running", Some("unhealthy"), None, false),
        ("paused", "paused", None, None, false),
        ("done", "exited", None, Some(0), false),
        ("failed", "exited", None, Some(7), false),
        ("oom", "exited", None, Some(137), true),
        ("created", "created", None, None, false),
        ("media-db-1", "running", None, None, false),
    ] {
        let c = container(name);
        let read = (c["state"].as_str(), c["health"].as_str(), c["exit_code"].as_i64(), c["oom_killed"].as_bool());
        assert_eq!(read, (Some(state), health, exit_code, Some(oom_killed)), "{name}");
    }
    assert!(container("loop")["restarts"].as_u64() > Some(0), "{:#?}", container("loop"));
    assert_eq!(container("media-db-1")["project"], "media");
    let busy = container("busy");
    assert_eq!((busy["cpu_limit_cores"].as_f64(), busy["memory_limit_bytes"].as_u64()), (Some(0.5), Some(64 << 20)));
    assert!(busy["memory_bytes"].as_u64() > Some(0) && busy["processes"].as_u64() == Some(1));
    says(&all, "sick is unhealthy");
    let datasets = |name| -> Vec<&str> {
        let mounts = container(name)["mounts"].as_array().expect("mounts");
        mounts.iter().filter_map(|mount| mount["dataset"].as_str()).collect()
    };
    assert_eq!(datasets("web"), ["tank/home", "tank/media"]);
    assert_eq!(named(&all, "pools", "tank")["containers"], serde_json::json!(["web"]), "and back");
}

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS and Docker on first use"]
fn mount_links_its_dataset_and_a_killed_engine_comes_back() {
    let seen = Guest::with("tank").containers(CONTAINERS).live(&[
        // Each is asked for one by one: that takes its time in the guest.
        "until web ",
        "until unhealthy",
        "until paused ",
        "until oom ",
        "wait 2",
        "shot table",
        "keys 1",
        "keys Enter",
        "until Containers on it",
        "wait 2",
        "shot pool",
        "keys Escape",
        "keys 2",
        "type /web",
        "keys Enter",
        "keys Enter",
        "until Mounts",
        "shot web",
        "keys Escape",
        "type /busy",
        "keys Enter",
        "keys Enter",
        "until of 50 %",
        "wait 8",
        "shot busy",
        "sh docker update --cpus 0.25 busy",
        "until of 25 %",
        "keys Escape",
        "sh engine kill",
        "until connection refused: nothing is listening",
        "sh engine up",
        "gone connection refused: nothing is listening",
        // Of a slow machine it listens before it answers.
        "gone it does not answer",
        "until media-db-1",
        "wait 4",
        "shot back",
    ]);
    for (name, word) in [("web", "healthy"), ("sick", "unhealthy"), ("paused", "paused"), ("oom", "oom")] {
        let line = seen.line("table", &format!(" {name} "));
        assert!(line.contains(word), "{name}: {line}");
    }
    assert!(seen.line("pool", "web  ").contains("tank/home, tank/media"), "{}", seen.shot("pool"));
    assert!(seen.line("web", "/tank/media").contains("on dataset tank/media"));
    let share =
        seen.line("busy", " % of 50 %").split(" % of 50 %").next().and_then(|line| line.split_whitespace().last());
    let share: f64 = share.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{}", seen.shot("busy")));
    assert!(share > 5.0 && share < 75.0, "half a core is all that it may have: {share}");
    // It has no restart policy, and went with its engine.
    assert!(seen.line("back", " web ").contains("exited"), "{}", seen.shot("back"));
    assert!(seen.line("back", " media-db-1 ").contains("bb:1"), "{}", seen.shot("back"));
}

/// Three runs of the selected benchmark, after its question.
const THREE_RUNS: [&str; 6] =
    ["keys r", "until  yes ", "keys y", "until 1 of 3", "until 3 of 3", "until 3 measured in"];

#[test]
#[ignore = "needs qemu-system-x86 and root: builds a guest with ZFS on first use; half an hour"]
fn compression_is_found_and_undone() {
    let mut steps = vec!["until big", "wait 6", "patience 900", "keys b", "type /sequential write", "keys Enter"];
    steps.extend(["keys g", "until big · sequential write", "shot never"]);
    // The baseline.
    steps.extend(THREE_RUNS);
    steps.extend(THREE_RUNS);
    steps.extend(["shot normal", "keys Escape", "keys Escape", "keys 1", "keys x", "until record size"]);
    steps.extend(["keys Down", "keys Down", "keys Enter", "until compression of which dataset of big?", "keys Enter"]);
    steps.extend(["until compression of big", "keys Down", "keys Down", "keys Down", "keys Down", "keys Enter"]);
    steps.extend(["until set compression of big to gzip?", "keys y", "until ctrl-u undoes it", "keys b"]);
    steps.extend(["type /sequential write", "keys Enter", "keys g", "until big · sequential write"]);
    steps.extend(THREE_RUNS);
    steps.extend(["until third run in a row: regression", "until compression lz4 → gzip", "shot regressed"]);
    steps.extend(["keys u", "until undo what changed before", "shot undo", "keys y", "until  yes ", "keys y"]);
    steps.extend(["until 1 of 3", "until 3 measured in", "until helped", "shot helped", "keys Escape", "keys Escape"]);
    steps.push("sh zfs get -Ho value compression big | sed 's/^/compression /'");
    let settings = "[bench]\nstorage = [\"big\"]\nfile_size = \"64M\"\n";
    // Less than 1 GiB is not measured.
    let folder = tempfile::tempdir().expect("a folder");
    let setup = folder.path().join("setup");
    std::fs::write(&setup, "zpool create -f -O compression=lz4 -O atime=off big /dev/vde\nzfs create big/other\n")
        .expect("written");
    let setup = ["--setup", setup.to_str().expect("a path"), "--disk", "2048"];
    let guest = Guest::with("none").settings(settings).also(&setup);
    let guest = guest.also(&["--run-timeout", "3400", "--timeout", "3600"]);
    let seen = guest.live(&steps);
    assert!(seen.said.contains("compression lz4"), "{}", seen.said);
    for shot in ["normal", "regressed", "undo", "helped"] {
        println!("{}", seen.shot(shot));
    }
}
