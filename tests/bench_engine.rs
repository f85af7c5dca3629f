//! Benchmarks on a real engine, as a user runs them: what is left after kill -9 in the middle of each; a service that a
//! limit slows down is found, explained by the limit, and given it back. `DOCKER_HOST` says which engine.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "containers/engine.rs"]
#[expect(dead_code, reason = "a second engine is not needed here")]
mod engine;
#[path = "pty/terminal.rs"]
#[expect(dead_code, reason = "the terminal can more than is asked of it here")]
mod terminal;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use engine::Engine;
use terminal::{Setup, Terminal};

/// Three runs of a service that is ten times slower than usual.
const RUNS: Duration = Duration::from_secs(300);
/// A machine that is looked at, a plan.
const SOON: Duration = Duration::from_secs(40);

/// A home of the test's own.
struct House {
    home: tempfile::TempDir,
    config: PathBuf,
}

impl House {
    fn new(config: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        fs::write(&file, config).unwrap();
        House { home, config: file }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.run(&[&["bench"], arguments].concat())
    }

    fn run(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_benchtop"));
        command.args(arguments).env("BENCHTOP_CONFIG", &self.config);
        command.env("HOME", self.home.path()).env("XDG_STATE_HOME", self.state()).env_remove("STATE_DIRECTORY");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    fn show(&self) -> Terminal {
        let state = self.state();
        let environment = [("XDG_STATE_HOME", state.to_str().unwrap())];
        let arguments = ["-c", self.config.to_str().unwrap()];
        Terminal::with(&Setup {
            columns: 160,
            rows: 45,
            arguments: &arguments,
            environment: &environment,
            ..Setup::default()
        })
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn until(t: &Terminal, within: Duration, words: &str) {
    let end = Instant::now() + within;
    while !t.text().contains(words) {
        assert!(Instant::now() < end, "never on the screen: {words}\n{}", t.text());
        sleep(Duration::from_millis(50));
    }
}

/// Whatever a benchmark could leave on the engine and in the scratch folders.
fn traces(engine: &Engine) -> BTreeSet<String> {
    let lists = [
        ["ps", "-a", "--format", "container {{.Names}}"],
        ["network", "ls", "--format", "network {{.Name}}"],
        ["volume", "ls", "--format", "volume {{.Name}}"],
        ["images", "-a", "--format", "image {{.Repository}}:{{.Tag}} {{.ID}}"],
    ];
    let lines = lists.iter().map(|list| engine.docker(list)).collect::<Vec<_>>().join("\n");
    let folders = ["/tmp", "/var/tmp"].into_iter().flat_map(|folder| fs::read_dir(Path::new(folder)).unwrap());
    let folders = folders.flatten().map(|entry| entry.path().display().to_string());
    let ours = folders.filter(|path| path.contains("benchtop-bench-"));
    lines.lines().map(str::to_owned).chain(ours).collect()
}

#[test]
#[ignore = "needs a Docker engine and root"]
fn nothing_is_left_after_kill_9_in_the_middle_of_each() {
    let (engine, house) = (Engine::own(), House::new(""));
    let before = traces(&engine);
    // Of several engines of one kind each is called by its address.
    let listed = house.command(&["list"]).output().unwrap();
    let address = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let is_listed = String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.trim() == address);
    let on = if is_listed { address.as_str() } else { "docker" };
    for bench in [
        "container-start",
        "container-stop",
        "container-mount",
        "engine-api",
        "container-density",
        "engine-overhead",
        "network-latency",
        "network-throughput",
        "subnet-overhead",
    ] {
        // Early, and when it has begun to measure.
        for more in [Duration::ZERO, Duration::from_millis(1500)] {
            let mut child = house.command(&[bench, "--on", on, "--yes", "--no-history"]).spawn().unwrap();
            let end = Instant::now() + Duration::from_secs(60);
            while traces(&engine).is_subset(&before) {
                let ended = child.try_wait().unwrap();
                if bench == "engine-api" && ended.is_some() {
                    break;
                }
                assert!(ended.is_none(), "{bench}: {}", said(&child.wait_with_output().unwrap()));
                assert!(Instant::now() < end, "{bench} made nothing");
            }
            sleep(more);
            child.kill().unwrap();
            child.wait().unwrap();
            let left = traces(&engine).difference(&before).count();
            let next = house.command(&["list"]).output().unwrap();
            assert!(next.status.success(), "{}", said(&next));
            assert_eq!(traces(&engine), before, "{bench}: {}", said(&next));
            println!("{bench}: {left} left by kill -9: {}", said(&next).trim());
        }
    }
}

/// The published port is open before the process in the container listens.
fn until_served(address: &str) {
    let end = Instant::now() + SOON;
    loop {
        let mut answer = String::new();
        let asked = TcpStream::connect(address).and_then(|mut stream| {
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
            Read::take(stream, 400).read_to_string(&mut answer)
        });
        if answer.starts_with("HTTP/1.") && answer.contains(" 200 ") {
            return;
        }
        assert!(Instant::now() < end, "{address} is not served: {asked:?}\n{answer}");
        sleep(Duration::from_millis(100));
    }
}

/// A document with styles and scripts, for a management page.
const SERVE: &str = "mkdir /tmp/w; cd /tmp/w; i=0; while [ $i -lt 4000 ]; do i=$((i+1)); \
    echo 'line of a style sheet that is long enough to be worth sending, over and over again'; done >all.css; \
    { echo '<html><head>'; for n in 1 2 3 4 5 6; do cat all.css >$n.css; echo \"<link rel=stylesheet href=$n.css>\"; done; \
    echo '</head><body>'; cat all.css; echo '</body></html>'; } >index.html; exec httpd -f -p 80 -h /tmp/w";

#[test]
#[ignore = "needs a Docker engine with a bridge, and minutes"]
fn limit_is_found_and_undone() {
    let engine = Engine::own();
    let id = engine.start("web", &["-p", "127.0.0.1:0:80"], SERVE);
    let port = engine.docker(&["port", &id, "80/tcp"]);
    let layout = "[layout]\nrows = [[\"containers\"], [\"processes\"]]\n";
    let house = House::new(&format!("{layout}[bench]\nmanagement_url = \"http://{port}/\"\n"));
    let cores = || engine.docker(&["inspect", "-f", "{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}", &id]);
    assert_eq!(cores(), "0 0");
    until_served(&port);
    let normal = house.command(&["management-page", "--runs", "6", "--yes", "--json"]).output().unwrap();
    assert!(normal.status.success(), "{}", said(&normal));

    let mut t = house.show();
    t.until_shows("¹containers");
    t.send(b"1z");
    t.send(format!("fname~{}\r", engine.prefix).as_bytes());
    t.until_shows(&engine.name("web"));
    t.send(b"x");
    t.until_shows("change its CPU and memory limits");
    t.send(b"jjjj\r");
    t.until_shows("a proposal needs a peak");
    t.send(b"\x15cpus 0.02\r");
    t.until_shows("set limits of");
    t.send(b"y");
    t.until_shows("0.02 (was");

    let measured_again = |t: &mut Terminal, words: &str| {
        // The question before it may still be there, and has a yes too.
        until(t, RUNS, "management page, 3 times?");
        t.send(b"y");
        until(t, RUNS, words);
    };
    t.send(b"b/management\r");
    until(&t, RUNS, "its document");
    t.send(b"gr");
    measured_again(&mut t, "run in a row: regression");
    until(&t, RUNS, "CPU limit none → 0.02");
    println!("{}", t.text());
    // It is an alert, whatever else is wrong with the machine meanwhile.
    let checked = house.run(&["check"]).output().unwrap();
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.contains("it has regressed"), "{checked}");
    t.send(b"u");
    t.until_shows("undo what changed before");
    t.until_shows("cpus none");
    t.send(b"y");
    measured_again(&mut t, "helped");
    println!("{}", t.text());
    assert!(["0 0", "0 -1"].contains(&cores().as_str()), "{}", cores());
}

/// Runs of the page: the first six are its normal; how they ended, and what they said.
fn page(house: &House, runs: &str) -> (Option<i32>, String) {
    let output = house.command(&["management-page", "--runs", runs, "--yes"]).output().unwrap();
    let said = said(&output);
    println!("{said}\n{}", String::from_utf8_lossy(&output.stdout));
    (output.status.code(), said)
}

/// What the history's file holds of undoing.
fn journal(house: &House) -> Vec<String> {
    let file = house.state().join("benchtop/history.db");
    let file = rusqlite::Connection::open(file).unwrap();
    let mut rows = file.prepare("SELECT step || ': ' || text FROM undos ORDER BY id").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
#[ignore = "needs a Docker engine with a bridge, and minutes"]
fn limit_is_found_and_undone_automatically() {
    let engine = Engine::own();
    let id = engine.start("web", &["-p", "127.0.0.1:0:80"], SERVE);
    let port = engine.docker(&["port", &id, "80/tcp"]);
    let house = House::new(&format!("[bench]\nmanagement_url = \"http://{port}/\"\nundo = [\"management-page\"]\n"));
    until_served(&port);
    assert_eq!(page(&house, "6").0, Some(0));
    assert_eq!(journal(&house), [""; 0]);
    engine.docker(&["update", "--cpus", "0.02", &id]);
    let (_, said) = page(&house, "3");
    assert!(said.contains("bench.undo allows it for management-page"), "{said}");
    let cores = engine.docker(&["inspect", "-f", "{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}", &id]);
    // It was set in cores: these cannot be taken away while it runs, and all cores come to the same.
    let all = format!("{}000000000 0", std::thread::available_parallelism().unwrap());
    assert_eq!(cores, all);
    let steps = journal(&house);
    assert_eq!(steps.len(), 3, "{steps:?}");
    assert!(steps[0].starts_with("begins: set limits of ") && steps[0].ends_with("none → 0.02"), "{steps:?}");
    assert!(steps[1].starts_with("done: ") && steps[2].starts_with("helped"), "{steps:?}");
}

#[test]
#[ignore = "needs a Docker engine with a bridge, and minutes"]
fn limit_is_found_to_be_no_cause_and_set_again() {
    let engine = Engine::own();
    let id = engine.start("web", &["-p", "127.0.0.1:0:80", "--memory", "64m"], SERVE);
    let port = engine.docker(&["port", &id, "80/tcp"]);
    let house = House::new(&format!("[bench]\nmanagement_url = \"http://{port}/\"\nundo = [\"*\"]\n"));
    until_served(&port);
    assert_eq!(page(&house, "6").0, Some(0));
    engine.docker(&["update", "--memory", "48m", "--memory-swap", "96m", &id]);
    engine.docker(&[
        "exec",
        &id,
        "sh",
        "-c",
        "cd /tmp/w; for n in 1 2 3 4; do cat [1-6].css >>all.css; done; \
        for n in 1 2 3 4 5 6; do cp all.css $n.css; done",
    ]);
    let (code, said) = page(&house, "3");
    assert_eq!(code, Some(1), "{said}");
    let limits = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}";
    assert_eq!(engine.docker(&["inspect", "-f", limits, &id]), format!("{} {}", 48 << 20, 96 << 20));
    let steps = journal(&house);
    let words: Vec<&str> = steps.iter().map(|step| step.split(':').next().unwrap()).collect();
    assert_eq!(words, ["begins", "done", "did_not_help", "restored"], "{steps:?}");
    let (code, _) = page(&house, "1");
    assert_eq!((code, journal(&house).len()), (Some(1), 4), "once");
}

#[test]
#[ignore = "needs a Docker engine and root"]
fn x_stops_each_phase_and_removes_all() {
    let (engine, house) = (Engine::own(), House::new(""));
    let before = traces(&engine);
    let mut t = house.show();
    t.until_shows("processes");
    t.send(b"b");
    until(&t, SOON, "containers");
    for words in ["density", "volume mount", "internal latency"] {
        t.send(format!("/\x15{words}\r").as_bytes());
        until(&t, SOON, &format!("filter {words}"));
        until(&t, SOON, &format!("{words}  "));
        t.send(b"g");
        for (phase, more) in
            [("preparing", 0), ("preparing", 300), ("warming up", 0), ("measuring", 0), ("measuring", 700)]
        {
            t.send(b"\r");
            until(&t, SOON, " yes ");
            t.send(b"y");
            // A short phase may be over before it is drawn.
            let end = Instant::now() + Duration::from_secs(20);
            let later = ["warming up", "measuring"].into_iter().skip_while(|later| *later != phase);
            let later: Vec<&str> = later.chain([phase]).collect();
            while !later.iter().any(|phase| t.text().contains(&format!("{phase} ·"))) {
                assert!(Instant::now() < end, "never {phase}\n{}", t.text());
                sleep(Duration::from_millis(5));
            }
            sleep(Duration::from_millis(more));
            let asked = Instant::now();
            t.send(b"x");
            until(&t, Duration::from_secs(30), "stopped, 0 measured");
            println!("{words}, {phase} +{more} ms: stopped after {:.1?}", asked.elapsed());
            assert_eq!(traces(&engine), before, "{words}, {phase}\n{}", t.text());
        }
    }
}
