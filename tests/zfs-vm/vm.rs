//! A guest with real pools, and containers on cgroup v2: made on first use, started from a snapshot after that.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Mutex,
};

/// The pools of most tests, in all states but SUSPENDED.
pub const ALL: &str = "all";
/// What the guest reads on its slow processor: the sources under test and few others. Panes 1 and 2 are the pools and the
/// containers.
const CONFIG: &str = r#"[layout]
rows = [["pools"], ["containers"]]
[sources]
disabled = ["cpu", "pressure", "load", "disks", "network", "sensors", "power", "sockets", "facts", "limits", "gpus",
            "filesystems", "processes"]
"#;

/// Where bundles and snapshots are kept: `$BENCHTOP_ZFS_VM`, else beside what Cargo builds.
fn cache() -> PathBuf {
    match std::env::var_os("BENCHTOP_ZFS_VM") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).join("../zfs-vm"),
    }
}

fn tool(name: &str) -> Command {
    Command::new(format!("{}/tests/zfs-vm/{name}", env!("CARGO_MANIFEST_DIR")))
}

/// The bundle; building it takes some minutes, once.
fn bundle(engine: bool) -> PathBuf {
    static BUILDER: Mutex<()> = Mutex::new(());
    let _one = BUILDER.lock();
    let mut build = tool("build.sh");
    build.arg(cache()).args(std::env::var("BENCHTOP_ZFS_RELEASE").ok().iter().flat_map(|r| ["--release", r]));
    if engine {
        build.arg("--engine");
    }
    let built = build.output().expect("tests/zfs-vm/build.sh can be started");
    let said = String::from_utf8_lossy(&built.stdout);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    said.lines().last().expect("the path of the bundle").into()
}

/// One run in a guest.
pub struct Guest {
    run: Command,
    engine: bool,
    folder: tempfile::TempDir,
    out: PathBuf,
}

/// What a run on a terminal left behind.
pub struct Seen {
    shots: BTreeMap<String, String>,
    /// What the commands of its steps said.
    pub said: String,
}

impl Seen {
    /// The screen of this name.
    pub fn shot(&self, name: &str) -> &str {
        self.shots.get(name).unwrap_or_else(|| panic!("no shot {name}: there are {:?}", self.shots.keys()))
    }

    /// The line of that screen that holds `words`.
    pub fn line(&self, name: &str, words: &str) -> &str {
        let shot = self.shot(name);
        shot.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no line with {words:?}:\n{shot}"))
    }
}

impl Guest {
    /// With these pools of `guest/pools.sh`.
    pub fn with(pools: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("few.toml");
        fs::write(&config, CONFIG).expect("written");
        let out = folder.path().join("out");
        let mut run = tool("run.sh");
        run.arg("--snapshot").arg(cache().join("snapshots")).args(["--pools", pools, "--run-timeout", "300"]);
        run.arg("--timeout").arg("1500").arg("--out").arg(&out);
        run.arg("--file").arg(format!("{}:/few.toml", config.display()));
        Guest { run, engine: false, folder, out }
    }

    /// With more settings.
    pub fn settings(self, more: &str) -> Self {
        fs::write(self.folder.path().join("few.toml"), CONFIG.to_owned() + more).expect("written");
        self
    }

    /// A Docker engine too, with these of `guest/containers.sh`.
    pub fn containers(mut self, containers: &str) -> Self {
        self.engine = true;
        self.run.args(["--engine", "--containers", containers]);
        self
    }

    /// More for run.sh.
    pub fn also(mut self, arguments: &[&str]) -> Self {
        self.run.args(arguments);
        self
    }

    fn go(&mut self, arguments: &[&str]) -> Output {
        self.run.arg(bundle(self.engine)).arg(env!("CARGO_BIN_EXE_benchtop")).args(["--config", "/few.toml"]);
        self.run.args(arguments).output().expect("tests/zfs-vm/run.sh can be started")
    }

    /// `benchtop once --json`.
    pub fn once(mut self) -> serde_json::Value {
        // An emulated machine is slow.
        let said = self.go(&["once", "--json", "--wait", "30"]);
        let complaint = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{}: {complaint}", said.status);
        serde_json::from_slice(&said.stdout).unwrap_or_else(|e| panic!("{e}: {complaint}"))
    }

    /// The live screen, with these steps of `guest/tty.sh`; it must come to its end.
    pub fn live(mut self, steps: &[&str]) -> Seen {
        self.run.args(["--tty", "160x45"]);
        steps.iter().for_each(|step| {
            self.run.args(["--step", step]);
        });
        self.run.args(["--step", "keys q", "--step", "end"]);
        let said = self.go(&[]);
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        let shots = fs::read_dir(self.out.join("shots")).into_iter().flatten().flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name.strip_suffix(".txt")?.to_owned(), read(entry.path())))
        });
        let seen = Seen { shots: shots.collect(), said: read(self.out.join("steps.log")) };
        assert!(
            said.status.success(),
            "{}: {}\n{}\n{}",
            said.status,
            String::from_utf8_lossy(&said.stderr),
            seen.said,
            seen.shots.get("last").map_or("", String::as_str)
        );
        seen
    }
}
