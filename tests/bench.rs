//! `benchtop bench` as a process: what is left after kill -9 and the next start, after Ctrl-C, and what a script gets.
//! One after the other: one benchmark runs at a time on a machine.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, Signal, kill_process},
};

static ONE: Mutex<()> = Mutex::new(());

/// A home and a place to measure, of the test's own.
struct House {
    home: tempfile::TempDir,
    place: tempfile::TempDir,
    _one: MutexGuard<'static, ()>,
}

impl House {
    fn new() -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        wait_for_the_machine();
        let (home, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(home.path().join("config.toml"), "[bench]\nfile_size = \"64M\"\n").unwrap();
        House { home, place, _one: one }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_benchtop"));
        command.arg("bench").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("BENCHTOP_CONFIG", self.home.path().join("config.toml"));
        command.env("XDG_STATE_HOME", self.home.path().join("state")).env("HOME", self.home.path());
        command.env_remove("STATE_DIRECTORY");
        command
    }

    fn place(&self) -> String {
        self.place.path().canonicalize().unwrap().display().to_string()
    }

    /// Begins to measure storage.
    fn storage(&self) -> Child {
        self.command(&["storage-random-4k", "--on", &self.place(), "--yes", "--no-history"]).spawn().unwrap()
    }

    /// What is in the place.
    fn found(&self) -> Vec<PathBuf> {
        fs::read_dir(self.place.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// Waits until the file of a run has its size: it is being measured.
    fn wait_for_the_file(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        let is_there = |folder: &PathBuf| size(&folder.join("data")) == 64 << 20;
        while !self.found().iter().any(is_there) {
            assert!(Instant::now() < end, "nothing was made: {:?}", self.found());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Waits until no benchmark of anybody runs on this machine.
fn wait_for_the_machine() {
    let end = Instant::now() + Duration::from_secs(300);
    let free = |path: &str| {
        let Ok(file) = fs::File::open(path) else { return true };
        flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
    };
    while !["/run/lock/benchtop-bench.lock", "/tmp/benchtop-bench.lock"].into_iter().all(free) {
        assert!(Instant::now() < end, "another benchmark runs for 5 minutes now");
        thread::sleep(Duration::from_millis(200));
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn after_kill_9_the_next_start_removes_what_is_left() {
    let house = House::new();
    let mut child = house.storage();
    house.wait_for_the_file();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(house.found().len(), 1, "it had no time to remove it");
    let next = house.command(&["list"]).output().unwrap();
    assert!(next.status.success(), "{}", stderr(&next));
    let words = stderr(&next);
    assert!(words.contains("which a killed benchmark had left"), "{words}");
    assert_eq!(house.found(), Vec::<PathBuf>::new());
    let journals = house.home.path().join("state/benchtop/bench");
    assert_eq!(fs::read_dir(journals).unwrap().count(), 0);
}

#[test]
fn ctrl_c_stops_and_removes() {
    let house = House::new();
    let child = house.storage();
    house.wait_for_the_file();
    let asked = Instant::now();
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("stopped, 0 measured"), "{}", stderr(&output));
    assert_eq!(house.found(), Vec::<PathBuf>::new());
}

#[test]
fn json_alone_is_on_standard_output() {
    let house = House::new();
    let output = house.command(&["cpu", "--yes", "--json", "--no-history"]).output().unwrap();
    // A busy machine misses a target of the cores, which is 1.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/bench.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    let ids: Vec<&str> =
        document["runs"].as_array().unwrap().iter().filter_map(|run| run["benchmark"].as_str()).collect();
    assert_eq!(ids, ["cpu_single_ops", "cpu_all_ops", "cpu_threading_ratio"]);
}

#[test]
fn without_a_terminal_a_yes_is_needed() {
    let house = House::new();
    let output = house.command(&["cpu"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--yes runs it without a question"), "{}", stderr(&output));
    assert!(stderr(&output).contains("cpu: at most "), "the plan is shown: {}", stderr(&output));
    let wrong = house.command(&["storag", "--yes"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("did you mean `storage`?"), "{}", stderr(&wrong));
}
