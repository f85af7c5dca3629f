//! Containers as their engine has them: a real one where there is one, and sockets of our own that are no engine, are
//! silent, or report a container whose name no real engine would take.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "containers/engine.rs"]
mod engine;
#[path = "containers/fake.rs"]
mod fake;
#[path = "pty/terminal.rs"]
#[expect(dead_code, reason = "the terminal can more than is asked of it here")]
mod terminal;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use engine::{Engine, Second};
use fake::http;
use serde_json::Value;
use terminal::{PATIENCE, Setup, Terminal};

/// A config that shows the containers above the processes, with more engines.
fn config(folder: &Path, engines: &[String]) -> PathBuf {
    let path = folder.join("benchtop.toml");
    let layout = "[layout]\nrows = [[\"containers\"], [\"processes\"]]\n";
    fs::write(&path, format!("{layout}[containers]\nengines = {engines:?}\n")).unwrap();
    path
}

/// benchtop with this config, the containers in focus on the whole screen.
fn show(config: &Path, more: &[&str]) -> Terminal {
    let arguments = [&["-c", config.to_str().unwrap()], more].concat();
    let mut t = Terminal::with(&Setup { columns: 160, rows: 50, arguments: &arguments, ..Setup::default() });
    // The test itself may be listed under that word.
    t.until_shows("¹containers");
    t.send(b"1z");
    t
}

/// Leaves the containers in the list with this word in their names.
fn only(t: &mut Terminal, word: &str) {
    t.send(format!("fname~{word}\r").as_bytes());
    t.until_shows(&format!("filter name~{word}"));
}

/// The row with this word below the verdict, which may name it too.
fn line(screen: &str, word: &str) -> String {
    screen.lines().skip(1).find(|line| line.contains(word)).unwrap_or_default().to_owned()
}

fn once(config: &Path) -> Value {
    let said = Command::new(env!("CARGO_BIN_EXE_benchtop"))
        .args(["once", "--json", "-c"])
        .arg(config)
        .env_remove("DOCKER_HOST")
        .output()
        .unwrap();
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

fn container<'a>(document: &'a Value, name: &str) -> &'a Value {
    let all = document["containers"].as_array().unwrap();
    all.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no container {name}"))
}

fn until(what: &str, fits: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !fits() {
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn faulty_engines_are_named_and_do_not_affect_others() {
    let folder = tempfile::tempdir().unwrap();
    let all: [(&str, fake::Answer); 5] = [
        ("silent", |_| None),
        ("garbage", |_| Some(b"\x00\x01\xff nonsense\n".to_vec())),
        ("page", |_| Some(http("200 OK", "<html>hello</html>"))),
        ("old", |_| Some(http("200 OK", r#"{"Version":"1.9.1","ApiVersion":"1.21"}"#))),
        ("new", |_| Some(http("200 OK", r#"{"Version":"99.0","ApiVersion":"3.0","MinAPIVersion":"2.5"}"#))),
    ];
    let mut engines = Vec::new();
    for (name, answer) in all {
        let socket = folder.path().join(name);
        fake::listen(&socket, answer);
        engines.push(format!("unix://{}", socket.display()));
    }
    engines.push(format!("unix://{}/missing", folder.path().display()));
    let t = show(&config(folder.path(), &engines), &[]);
    for (name, words) in [
        ("silent", "not responding"),
        ("garbage", "not a container engine"),
        ("page", "not a container engine"),
        ("old", "engine 1.9.1 is too old: it supports API 1.21"),
        ("new", "engine 99.0 is too new: it requires API 2.5"),
        ("missing", "no such socket"),
    ] {
        let place = format!("{}/{name}", folder.path().display());
        t.until(&format!("{name}: {words}"), |screen| line(screen, &place).contains(words));
    }
    let place = format!("{}/missing", folder.path().display());
    let age = |screen: &str| {
        line(screen, &place).split(", ").nth(1).and_then(|words| words.split(':').next().map(str::to_owned))
    };
    let first = age(&t.text());
    t.until("its silence grows older", |screen| age(screen) != first);
}

#[test]
fn once_does_not_wait_for_a_slow_list() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("slow");
    fake::listen(&socket, |path| match path {
        "/version" => Some(http("200 OK", r#"{"Version":"24.0","ApiVersion":"1.43","MinAPIVersion":"1.12"}"#)),
        "/info" => Some(http("200 OK", r#"{"ID":"slow"}"#)),
        _ => None,
    });
    let began = Instant::now();
    let once = Command::new(env!("CARGO_BIN_EXE_benchtop"))
        .arg("--config")
        .arg(config(folder.path(), &[format!("unix://{}", socket.display())]))
        .arg("once")
        .output()
        .unwrap();
    let took = began.elapsed();
    let page = String::from_utf8(once.stdout).unwrap();
    assert!(page.contains("slow · containers not listed yet"), "{page}");
    // Two seconds, and what a loaded machine takes to start a program.
    assert!(took < Duration::from_millis(3500), "{took:?}");
}

/// An engine with one container, with hostile values throughout.
fn hostile(path: &str) -> Option<Vec<u8>> {
    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    Some(match path {
        "/version" => http("200 OK", r#"{"Version":"24.0\u001b[31m","ApiVersion":"1.43","MinAPIVersion":"1.12"}"#),
        "/info" => http("200 OK", r#"{"ID":"hostile","Name":"x","DockerRootDir":"/x"}"#),
        "/containers/json" => http("200 OK", &format!(r#"[{{"Id":"{ID}"}}]"#)),
        path if path.starts_with("/containers/") => http(
            "200 OK",
            &format!(
                r#"{{"Id":"{ID}","Name":"/evil\u001b[2J\u0007\u009b31m[bold](fg:red)<b>","Created":"2026-01-02T03:04:05Z",
                "Path":"run\u001b]0;owned\u0007","Args":["\r\n\u202egnp.exe"],"RestartCount":0,
                "State":{{"Status":"exited","ExitCode":3,"Error":"no\u001b[1mway","FinishedAt":"2026-01-02T03:04:06Z",
                    "Health":{{"Status":"unhealthy","FailingStreak":2,"Log":[{{"ExitCode":1,"Output":"\u001b[2Jbad\u0000"}}]}}}},
                "HostConfig":{{"RestartPolicy":{{"Name":"no"}}}},
                "Config":{{"Image":"img\u001b[31m:1","Env":["TOKEN\u001b=s3cr3tvalue"],
                    "Labels":{{"com.docker.compose.project":"proj\u0007"}}}},
                "Mounts":[{{"Type":"bind","Source":"/a\u001b[1m","Destination":"/b\u0008","RW":true}}],
                "NetworkSettings":{{"Networks":{{"net\u001b":{{"IPAddress":"10.0.0.2"}}}}}}}}"#
            ),
        ),
        // The stream of events begins and stays silent.
        "/events" => return None,
        _ => http("404 Not Found", r#"{"message":"none"}"#),
    })
}

#[test]
fn hostile_container_is_shown_cleaned_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine");
    fake::listen(&socket, hostile);
    let config = config(folder.path(), &[format!("unix://{}", socket.display())]);
    let mut t = show(&config, &[]);
    only(&mut t, "evil");
    // Markup is text like any other.
    t.until("its name", |screen| line(screen, "exited (3)").contains("evil"));
    t.send(b"\r");
    t.until_shows("[bold](fg:red)<b>");
    t.until_shows("Environment, names only");
    t.until_shows("failed, code 1");
    assert!(!t.text().contains("s3cr3tvalue"), "{}", t.text());
    let document = once(&config).to_string();
    assert!(document.contains("evil") && !document.contains("s3cr3tvalue"));
    let control = |c: char| c.is_control() || c == '\u{202e}';
    assert!(!document.contains("\\u001b") && !document.chars().any(control), "{document}");
}

#[test]
#[ignore = "needs a Docker engine"]
fn states_are_read_and_the_worst_come_first() {
    let engine = Engine::own();
    engine.start("busy", &["--cpus", "0.3"], "while true; do :; done");
    engine.start("idle", &[], "sleep 1000");
    engine.start("paused", &[], "sleep 1000");
    engine.docker(&["pause", &engine.name("paused")]);
    let check = ["--health-cmd", "echo no use; exit 1", "--health-interval", "1s", "--health-retries", "1"];
    engine.start("sick", &check, "sleep 1000");
    engine.start("failed", &[], "exit 7");
    engine.start("hungry", &["--memory", "16m", "--memory-swap", "16m"], "tail /dev/zero");
    engine.make("create", &[], "made", "sleep 1");
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &[]);
    let mut t = show(&config, &[]);
    only(&mut t, &engine.prefix);
    for (short, word) in [
        ("busy", "running"),
        ("idle", "running"),
        ("paused", "paused"),
        ("sick", "unhealthy"),
        ("failed", "exited (7)"),
        ("hungry", "OOM-killed"),
        ("made", "created"),
    ] {
        t.until(&format!("{short} is {word}"), |screen| line(screen, &engine.name(short)).contains(word));
    }
    let order = ["failed", "sick", "paused", "busy", "idle", "made"];
    t.until("the most urgent first", |screen| {
        let places = order.map(|short| screen.lines().skip(1).position(|line| line.contains(&engine.name(short))));
        places.iter().all(Option::is_some) && places.is_sorted()
    });
    t.send(b"a");
    t.until_shows(&format!("{} is unhealthy", engine.name("sick")));
    t.until_shows(&format!("{} was OOM-killed", engine.name("hungry")));
    t.until_shows(&format!("{} exited (7)", engine.name("failed")));
    let document = once(&config);
    let state = |short: &str| container(&document, &engine.name(short))["state"].as_str().unwrap().to_owned();
    assert_eq!([state("paused"), state("failed"), state("made")], ["paused", "exited", "created"]);
    assert_eq!(container(&document, &engine.name("failed"))["exit_code"], 7);
    assert_eq!(container(&document, &engine.name("hungry"))["oom_killed"], true);
    assert_eq!(container(&document, &engine.name("sick"))["health"], "unhealthy");
}

#[test]
#[ignore = "needs a Docker engine"]
fn a_loop_is_counted_and_what_a_person_asked_for_is_not() {
    let engine = Engine::own();
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &[]);
    let mut t = show(&config, &[]);
    engine.start("calm", &["--restart", "always"], "trap 'exit 0' TERM; while true; do sleep 0.1; done");
    engine.start("loop", &["--restart", "always"], "exit 3");
    engine.start("killed", &[], "sleep 1000");
    engine.docker(&["kill", &engine.name("killed")]);
    engine.start("died", &[], "exit 1");
    only(&mut t, &engine.prefix);
    t.until_shows(&engine.name("loop"));
    engine.docker(&["stop", &engine.name("calm")]);
    engine.docker(&["start", &engine.name("calm")]);
    engine.docker(&["restart", &engine.name("calm")]);
    t.send(b"a");
    t.until_shows(&format!("{} restarted", engine.name("loop")));
    let document = once(&config);
    let restarts = |short: &str| container(&document, &engine.name(short))["restarts_10m"].as_u64().unwrap();
    assert!(restarts("loop") >= 3, "{}", restarts("loop"));
    assert_eq!(restarts("calm"), 0);
    let counted = engine.docker(&["inspect", "-f", "{{.RestartCount}}", &engine.name("loop")]);
    assert!(restarts("loop") <= counted.parse().unwrap(), "no more than the engine counted");
    let alerts = document["alerts"].to_string();
    assert!(alerts.contains(&format!("{} exited (1)", engine.name("died"))), "{alerts}");
    assert!(!alerts.contains(&engine.name("killed")), "{alerts}");
}

/// The file that holds a container's memory limit.
fn memory_limit_file(pid: &str) -> PathBuf {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = |line: &str| line.splitn(3, ':').nth(2).map(|path| path.trim_start_matches('/').to_owned());
    match groups.lines().find(|line| line.contains(":memory:")).and_then(path) {
        Some(path) => Path::new("/sys/fs/cgroup/memory").join(path).join("memory.limit_in_bytes"),
        None => {
            let path = groups.lines().find(|line| line.starts_with("0::")).and_then(path).unwrap();
            Path::new("/sys/fs/cgroup").join(path).join("memory.max")
        }
    }
}

#[test]
#[ignore = "needs a Docker engine"]
fn limits_change_after_a_preview_and_not_when_read_only() {
    let engine = Engine::own();
    let id = engine.start("lim", &["--memory", "64m", "--memory-swap", "64m"], "sleep 1000");
    let file = memory_limit_file(&engine.docker(&["inspect", "-f", "{{.State.Pid}}", &id]));
    let limit = || fs::read_to_string(&file).unwrap().trim().to_owned();
    assert_eq!(limit(), (64 << 20).to_string());
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &[]);
    let mut t = show(&config, &["--read-only"]);
    only(&mut t, &engine.prefix);
    t.until_shows(&engine.name("lim"));
    t.send(b"x?");
    t.until_shows("this help");
    assert!(!t.text().contains("change its CPU"), "{}", t.text());
    drop(t);
    let mut t = show(&config, &[]);
    only(&mut t, &engine.prefix);
    t.until_shows(&engine.name("lim"));
    t.send(b"x");
    t.until_shows("change its CPU and memory limits");
    t.send(b"jjjj\r");
    t.until_shows("a proposal needs a peak");
    t.send(b"\x15cpus 0.5 memory 96M");
    t.until_shows("96.0 MiB");
    assert_eq!(limit(), (64 << 20).to_string(), "nothing is done before the answer");
    t.send(b"\r");
    t.until_shows("swap    none, unchanged");
    assert_eq!(limit(), (64 << 20).to_string(), "nothing is done before the yes");
    t.send(b"y");
    until("the group's file follows", || limit() == (96 << 20).to_string());
    t.until_shows("memory limit 96.0 MiB (was 64.0 MiB), no swap");
    t.send(b"\r");
    t.until_shows("0.5 cores · 96.0 MiB of memory");
    let form = "{{.HostConfig.CpuQuota}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}";
    let held = || engine.docker(&["inspect", "-f", form, &id]);
    assert_eq!(held(), format!("50000 {} {}", 96 << 20, 96 << 20));
    t.send(b"\x15");
    t.until_shows("undo the last operation?");
    t.send(b"y");
    until("the former limits are back", || held() == format!("-1 {} {}", 64 << 20, 64 << 20));
}

#[test]
#[ignore = "needs a Docker engine"]
fn a_log_is_followed_over_restarts_searched_and_cleaned() {
    let engine = Engine::own();
    let script = r#"printf 'begin \033[31mred\033[0m \033]0;owned\007 nul\000 [markup](x)\n'; printf 'half'; sleep 1; echo over >&2"#;
    engine.start("noisy", &["--restart", "always"], script);
    engine.start("tty", &["-t"], "i=0; while true; do i=$((i+1)); echo tick $i; sleep 0.2; done");
    let folder = tempfile::tempdir().unwrap();
    let mut t = show(&config(folder.path(), &[]), &[]);
    only(&mut t, &engine.name("noisy"));
    t.until("the row", |screen| screen.matches(&engine.name("noisy")).count() > 1);
    t.send(b"l");
    t.until_shows(&format!("log of {}", engine.name("noisy")));
    let lines = |screen: &str, word: &str| screen.lines().filter(|line| line.trim_matches(['│', ' ']) == word).count();
    t.until("its second run", |screen| lines(screen, "half") >= 2 && lines(screen, "over") >= 2);
    t.until("clean lines", |screen| screen.contains("begin red") && screen.contains("[markup](x)"));
    t.send(b"t");
    t.until("times", |screen| line(screen, "begin red").matches(':').count() >= 2);
    t.send(b"\x1b");
    t.until("the list", |screen| !screen.contains("log of"));
    t.send(format!("f\x15name~{}\r", engine.name("tty")).as_bytes());
    t.until("the row", |screen| screen.matches(&engine.name("tty")).count() > 1);
    t.send(b"l");
    t.until_shows("tick 12");
    t.until_shows("following");
    t.send(b"/tick 2\r");
    t.until_shows("held");
}

#[test]
#[ignore = "needs a Docker engine"]
fn a_shell_has_the_keyboard_to_itself_and_the_screen_comes_back() {
    let engine = Engine::own();
    engine.start("shell", &[], "sleep 1000");
    let folder = tempfile::tempdir().unwrap();
    let mut t = show(&config(folder.path(), &[]), &[]);
    only(&mut t, &engine.prefix);
    t.until_shows(&engine.name("shell"));
    t.send(b"x");
    t.until_shows("open a shell in it");
    t.send(b"jjjjj\r");
    t.until("the shell", |screen| screen.contains("/ #"));
    for key in b"echo sum $((6*7)) of all keys" {
        t.send(&[*key]);
        sleep(Duration::from_millis(2));
    }
    t.send(b"\r");
    t.until_shows("sum 42 of all keys");
    t.send(b"exit\r");
    t.until("the screen again", |screen| screen.contains("COMMAND") || screen.contains("RST"));
    t.send(b"q");
    assert!(t.end().0.success());
    t.until_restored();
}

#[test]
#[ignore = "needs a Docker engine"]
fn container_detail_has_ports_mounts_processes_and_no_secrets() {
    let engine = Engine::own();
    let mounted = tempfile::tempdir().unwrap();
    let mount = format!("{}:/data:ro", mounted.path().display());
    engine.start("web", &["-p", "127.0.0.1::80", "-v", &mount, "-e", "API_TOKEN=s3cr3tvalue"], "httpd -f -p 80");
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &[]);
    let mut t = show(&config, &[]);
    only(&mut t, &engine.prefix);
    t.until_shows(&engine.name("web"));
    t.send(b"\r");
    for words in ["Listens on", ":80   httpd", "/data", "read-only", "→80/tcp", "httpd -f -p 80", "API_TOKEN"] {
        t.until_shows(words);
    }
    assert!(!t.text().contains("s3cr3tvalue"));
    assert!(!once(&config).to_string().contains("s3cr3tvalue"));
}

#[test]
#[ignore = "needs a Docker engine, and root for a second one"]
fn killed_engine_comes_back_with_its_history() {
    let Some(mut second) = Second::start() else { return };
    let engine = second.engine();
    engine.start("loop", &["--restart", "always"], "exit 5");
    let first = Engine::own();
    first.start("calm", &[], "sleep 1000");
    let folder = tempfile::tempdir().unwrap();
    let mut t = show(&config(folder.path(), &[second.address()]), &[]);
    only(&mut t, &format!("bt{}x", std::process::id()));
    let restarts = |screen: &str| -> Option<u32> {
        let row = line(screen, &engine.name("loop"));
        // The figure before the age, which ends in a unit.
        let words: Vec<&str> = row.split_whitespace().collect();
        let age =
            words.iter().position(|word| word.ends_with('s') && word.trim_end_matches('s').parse::<u32>().is_ok())?;
        words.get(age.checked_sub(1)?)?.parse().ok()
    };
    t.until("a loop", |screen| restarts(screen).is_some_and(|count| count >= 3));
    let before = restarts(&t.text()).unwrap_or(3);
    second.kill();
    t.until("the fault", |screen| line(screen, &second.address()).contains("connection refused: nothing is listening"));
    t.until("the other engine's", |screen| line(screen, &first.name("calm")).contains("running"));
    assert!(t.text().contains(&engine.name("loop")), "what it said last stays");
    // Killed while it made a container, an engine may end once more at its start; a service manager starts it again.
    assert!((0..3).any(|_| second.again()), "it was started once, why not again");
    t.until("it answers again", |screen| !screen.contains("connection refused: nothing is listening"));
    t.until("its count went on", |screen| restarts(screen).is_some_and(|count| count >= before));
    t.send(b"q");
    t.end();
}
