//! Turns an engine's answer about one container into our cleaned type. Missing fields stay unknown; a field that cannot
//! be parsed is dropped alone, and named.

use serde_json::Value;

use crate::{
    model::container::{Check, Container, Health, Mounted, NO_LIMIT_FROM, RunState, SWAP_UNLIMITED},
    sys::json::{Field, Unread},
    text::{clean, without_escapes},
};

use super::event::is_id;

/// Health check outputs stored, and characters of each.
const CHECKS: (usize, usize) = (5, 400);
/// Characters stored of a name, of an image or path, and of a command.
const NAME: usize = 256;
const PATH: usize = 1024;
const COMMAND: usize = 4096;
/// Ports, mounts, networks, arguments and variables read per container.
const MANY: usize = 512;

/// Parses the answer to `GET /containers/ID/json`; `None` without an id.
pub(super) fn describe(engine: u16, answer: &Value) -> Option<Container> {
    let unread = Unread::default();
    let fields = Field::new(answer, &unread);
    let (state, config, host) = (fields.object("State"), fields.object("Config"), fields.object("HostConfig"));
    let health = state.object("Health");
    let (run_state, state_word) = run_state(&state, "Status");
    let (ports, networks) = network(&fields.object("NetworkSettings"));
    let (project, service) = compose(&config.object("Labels"));
    let command: Vec<String> =
        fields.text("Path").into_iter().chain(fields.texts("Args", MANY).into_iter().map(str::to_owned)).collect();
    let driver = fields.object("GraphDriver");
    let dataset = driver.text("Name").filter(|name| name == "zfs").and_then(|_| driver.object("Data").text("Dataset"));
    let small = |value: Option<i64>| value.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let container = Container {
        id: fields.text("Id").filter(|id| is_id(id))?,
        engine,
        name: name(fields.text("Name"), fields.text("Id")),
        image: short(config.text("Image"), PATH),
        image_id: fields.text("Image").as_deref().and_then(digest),
        command: short(Some(command.join(" ")), COMMAND),
        state: run_state,
        state_word,
        health: health_of(&health),
        failing_streak: small(health.int("FailingStreak")),
        health_log: checks(&health),
        exit_code: state.int("ExitCode"),
        oom_killed: state.flag("OOMKilled").unwrap_or(false),
        error: filled(short(state.text("Error"), PATH)),
        created_unix_ms: fields.text("Created").as_deref().and_then(moment),
        started_unix_ms: state.text("StartedAt").as_deref().and_then(moment),
        finished_unix_ms: state.text("FinishedAt").as_deref().and_then(moment),
        restarts: small(fields.int("RestartCount")),
        restart_policy: filled(short(host.object("RestartPolicy").text("Name"), NAME))
            .unwrap_or_else(|| "no".to_owned()),
        pid: small(state.int("Pid")),
        project,
        service,
        ports,
        layer_dataset: dataset.map(|name| clean(&name).into_owned()),
        mounts: mounts(&fields),
        networks,
        network_mode: filled(short(host.text("NetworkMode"), NAME)),
        cgroup_parent: filled(short(host.text("CgroupParent"), PATH)),
        environment_names: names(&config.texts("Env", MANY)),
        cpu_limit: cpu_limit(&host),
        memory_limit: host.int("Memory").filter(|b| *b > 0 && *b < NO_LIMIT_FROM).and_then(|b| u64::try_from(b).ok()),
        memory_swap: host
            .int("MemorySwap")
            .filter(|b| *b != 0)
            .map(|b| if b < NO_LIMIT_FROM { b } else { SWAP_UNLIMITED }),
        tty: config.flag("Tty").unwrap_or(false),
        ..Container::default()
    };
    Some(Container { not_understood: unread.into_lines(), ..container })
}

/// Parses one entry of the container list: enough for a row when it cannot be inspected.
pub(super) fn listed(engine: u16, answer: &Value) -> Option<Container> {
    let unread = Unread::default();
    let fields = Field::new(answer, &unread);
    let (run_state, state_word) = run_state(&fields, "State");
    let status = fields.text("Status").unwrap_or_default();
    let (project, service) = compose(&fields.object("Labels"));
    let networks = addresses(&fields.object("NetworkSettings"));
    let mut ports: Vec<String> = fields.list("Ports", MANY).filter_map(|port| published(&port)).collect();
    ports.sort();
    ports.dedup();
    let container = Container {
        id: fields.text("Id").filter(|id| is_id(id))?,
        engine,
        name: name(fields.texts("Names", 1).first().map(|name| (*name).to_owned()), fields.text("Id")),
        image: short(fields.text("Image"), PATH),
        command: short(fields.text("Command"), COMMAND),
        state: run_state,
        state_word,
        health: [("(healthy)", Health::Healthy), ("(unhealthy)", Health::Unhealthy), ("(health: ", Health::Starting)]
            .into_iter()
            .find(|(word, _)| status.contains(word))
            .map(|(_, health)| health),
        exit_code: status.strip_prefix("Exited (").and_then(|rest| rest.split(')').next()?.parse().ok()),
        created_unix_ms: fields.int("Created").filter(|at| *at > 0).and_then(|at| at.checked_mul(1000)),
        restart_policy: "?".to_owned(),
        project,
        service,
        ports,
        mounts: mounts(&fields),
        networks,
        network_mode: filled(short(fields.object("HostConfig").text("NetworkMode"), NAME)),
        ..Container::default()
    };
    Some(Container { not_understood: unread.into_lines(), ..container })
}

/// The start of a text, cleaned.
fn short(text: Option<String>, letters: usize) -> String {
    let text: String = text.unwrap_or_default().chars().take(letters).collect();
    clean(&text).into_owned()
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The name, or the short id without one.
fn name(raw: Option<String>, id: Option<String>) -> String {
    let name = filled(short(raw, NAME).trim_start_matches('/').to_owned());
    name.unwrap_or_else(|| short(id, 12))
}

/// Compose project and service. Podman uses Docker Compose's labels.
fn compose(labels: &Field<'_>) -> (Option<String>, Option<String>) {
    let label = |name: &str| filled(short(labels.text(name), NAME));
    let project = label("com.docker.compose.project").or_else(|| label("io.podman.compose.project"));
    (project, label("com.docker.compose.service"))
}

/// The state, and the engine's own word if it is another: Podman has more states than Docker.
fn run_state(fields: &Field<'_>, name: &str) -> (RunState, Option<String>) {
    let word = fields.text(name).unwrap_or_default();
    let state = match word.as_str() {
        "created" | "configured" | "initialized" => RunState::Created,
        "running" | "stopping" => RunState::Running,
        "paused" => RunState::Paused,
        "restarting" => RunState::Restarting,
        "removing" => RunState::Removing,
        "exited" | "stopped" => RunState::Exited,
        "dead" => RunState::Dead,
        "" | "unknown" => RunState::Unknown,
        _ => {
            fields.unknown(name, "a state");
            RunState::Unknown
        }
    };
    (state, filled(short(Some(word), NAME)).filter(|word| word != state.word()))
}

fn health_of(health: &Field<'_>) -> Option<Health> {
    match health.text("Status")?.as_str() {
        "starting" => Some(Health::Starting),
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        "" | "none" => None,
        _ => {
            health.unknown("Status", "a state of health");
            None
        }
    }
}

/// The last runs, one line of output each.
fn checks(health: &Field<'_>) -> Vec<Check> {
    let (count, letters) = CHECKS;
    let one_line = |output: String| -> String {
        let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        clean(&without_escapes(&lines.join(" · "))).chars().take(letters).collect()
    };
    let mut log: Vec<Field<'_>> = health.list("Log", MANY).collect();
    log.drain(..log.len().saturating_sub(count));
    let check = |check: Field<'_>| Check {
        unix_ms: check.text("Start").as_deref().and_then(moment),
        exit_code: check.int("ExitCode"),
        output: one_line(check.text("Output").unwrap_or_default()),
    };
    log.into_iter().map(check).collect()
}

/// Unix milliseconds; the engine writes the year 1 for "never".
fn moment(text: &str) -> Option<i64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_millisecond()).filter(|ms| *ms > 0)
}

/// CPU quota in cores: set directly, or as quota and period.
fn cpu_limit(host: &Field<'_>) -> Option<f64> {
    let positive = |name: &str| host.int(name).filter(|n| *n > 0);
    let nano = positive("NanoCpus").map(|n| n as f64 / 1e9);
    let quota = positive("CpuQuota").map(|quota| {
        let period = positive("CpuPeriod").unwrap_or(100_000);
        quota as f64 / period as f64
    });
    nano.or(quota)
}

/// Names only: the values may be secret.
fn names(environment: &[&str]) -> Vec<String> {
    let name = |entry: &&str| short(entry.split('=').next().map(str::to_owned), NAME);
    let mut names: Vec<String> = environment.iter().map(name).collect();
    names.sort();
    names
}

/// Sorted by destination: engines list mounts in varying order.
fn mounts(fields: &Field<'_>) -> Vec<Mounted> {
    let mut all: Vec<Mounted> = fields.list("Mounts", MANY).map(|mount| mounted(&mount)).collect();
    all.sort_by(|a, b| a.destination.cmp(&b.destination));
    all
}

fn mounted(mount: &Field<'_>) -> Mounted {
    let source = mount.text("Source").filter(|s| !s.is_empty()).or_else(|| mount.text("Name"));
    Mounted {
        kind: short(mount.text("Type"), NAME),
        source: short(source, PATH),
        destination: short(mount.text("Destination"), PATH),
        writable: mount.flag("RW").unwrap_or(true),
    }
}

/// Published ports, and networks with the address in each.
fn network(settings: &Field<'_>) -> (Vec<String>, Vec<(String, String)>) {
    let mut ports: Vec<String> = Vec::new();
    for (inside, bindings) in settings.fields("Ports", MANY) {
        for binding in bindings.entries(MANY) {
            ports.push(bound(&binding.text("HostIp"), &binding.text("HostPort").unwrap_or_default(), inside));
        }
    }
    ports.sort();
    // The same port on all IPv4 and IPv6 addresses is one line.
    ports.dedup();
    ports.truncate(MANY);
    (ports, addresses(settings))
}

fn bound(ip: &Option<String>, port: &str, inside: &str) -> String {
    let line = match ip.as_deref() {
        None | Some("" | "0.0.0.0" | "::") => format!("{port}→{inside}"),
        Some(ip) => format!("{ip}:{port}→{inside}"),
    };
    short(Some(line), NAME)
}

/// A port of the list; `None` if it is not published.
fn published(port: &Field<'_>) -> Option<String> {
    let outside = port.int("PublicPort")?;
    let inside = format!("{}/{}", port.int("PrivatePort")?, port.text("Type").unwrap_or_default());
    Some(bound(&port.text("IP"), &outside.to_string(), &inside))
}

fn addresses(settings: &Field<'_>) -> Vec<(String, String)> {
    let network =
        |(name, end): (&str, Field<'_>)| (short(Some(name.to_owned()), NAME), short(end.text("IPAddress"), NAME));
    let mut networks: Vec<(String, String)> = settings.fields("Networks", MANY).map(network).collect();
    networks.sort();
    networks
}

/// `sha256:…` to twelve digits, as the engine's own lists show it.
fn digest(id: &str) -> Option<String> {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    let digits = digits.get(..12)?;
    is_id(digits).then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_name_is_called_by_its_digest() {
        let digits = "8a41f2c9d0b7e6a5";
        assert_eq!(digest(&format!("sha256:{digits}")).as_deref(), Some("8a41f2c9d0b7"));
        assert_eq!(digest(digits).as_deref(), Some("8a41f2c9d0b7"));
        for odd in ["", "sha256:", "8a41", "postgres:17-alpine", "ä8a41f2c9d0b"] {
            assert_eq!(digest(odd), None, "{odd}");
        }
    }

    const ANSWER: &str = r#"{"Id":"8a41f2c9d0b7","Name":"/web\u001b[31m","Created":"2026-01-02T03:04:05.678Z",
        "Path":"nginx","Args":["-g","daemon off;"],"RestartCount":3,
        "State":{"Status":"running","Running":true,"OOMKilled":false,"Pid":1612,"ExitCode":0,
            "StartedAt":"2026-01-02T03:04:06Z","FinishedAt":"0001-01-01T00:00:00Z",
            "Health":{"Status":"unhealthy","FailingStreak":4,"Log":[{"Start":"2026-01-02T03:05:00Z","ExitCode":1,"Output":"\u001b[31mrefused\n"}]}},
        "HostConfig":{"Memory":268435456,"CpuQuota":150000,"CpuPeriod":100000,"RestartPolicy":{"Name":"always"}},
        "Config":{"Image":"nginx:1.27","Tty":false,"Env":["PASSWORD=hunter2","A=1"],
            "Labels":{"com.docker.compose.project":"shop","com.docker.compose.service":"web"}},
        "Mounts":[{"Type":"bind","Source":"/tank/www","Destination":"/usr/share/nginx","RW":false}],
        "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}],
            "443/tcp":null},"Networks":{"shop_default":{"IPAddress":"172.18.0.2"}}}}"#;

    fn described(answer: &str) -> Container {
        describe(0, &serde_json::from_str(answer).expect("an engine's answer")).expect("an id")
    }

    fn container() -> Container {
        described(ANSWER)
    }

    #[test]
    fn mounts_are_sorted() {
        let places = |destinations: [&str; 3]| -> Vec<String> {
            let mounts = destinations.map(|at| serde_json::json!({"Destination": at}));
            let answer = serde_json::json!({"Id": "ab", "Mounts": mounts}).to_string();
            described(&answer).mounts.into_iter().map(|m| m.destination).collect()
        };
        let one: Vec<String> = places(["/media", "/data", "/home"]);
        assert_eq!(one, ["/data", "/home", "/media"]);
        assert_eq!(one, places(["/home", "/media", "/data"]));
    }

    #[test]
    fn an_answer_becomes_a_container() {
        let c = container();
        assert_eq!((c.image.as_str(), c.command.as_str()), ("nginx:1.27", "nginx -g daemon off;"));
        assert_eq!((c.state, c.health, c.failing_streak), (RunState::Running, Some(Health::Unhealthy), 4));
        assert_eq!((c.cpu_limit, c.memory_limit), (Some(1.5), Some(256 << 20)));
        assert_eq!((c.restarts, c.restart_policy.as_str()), (3, "always"));
        assert_eq!((c.started_unix_ms, c.finished_unix_ms), (Some(1_767_323_046_000), None));
        assert_eq!(c.ports, ["8080→80/tcp"], "both families are one line, unpublished ports are left out");
        assert_eq!((c.project.as_deref(), c.service.as_deref()), (Some("shop"), Some("web")));
        assert_eq!(c.mounts[0].source, "/tank/www");
        assert!(!c.mounts[0].writable);
        let check = Check { unix_ms: Some(1_767_323_100_000), exit_code: Some(1), output: "refused".into() };
        assert_eq!(c.health_log, [check]);
    }

    #[test]
    fn secrets_and_control_bytes_are_dropped() {
        let c = container();
        assert_eq!(c.environment_names, ["A", "PASSWORD"]);
        assert!(!c.name.contains('\u{1b}'), "{:?}", c.name);
    }

    #[test]
    fn an_almost_empty_answer_is_a_container() {
        let c = described(r#"{"Id":"ab"}"#);
        assert_eq!((c.state, c.cpu_limit, c.pid), (RunState::Unknown, None, 0));
        assert_eq!(c.name, "ab", "the id replaces a missing name");
    }

    #[test]
    fn an_invalid_value_drops_only_its_field() {
        let c = described(
            r#"{"Id":"ab","Name":"/web","State":{"Status":"thawing\u001b","Pid":"7","ExitCode":[],"Health":{"Status":"so-so"}},
                "HostConfig":"none","Config":{"Image":"nginx"},"Mounts":{"a":1}}"#,
        );
        assert_eq!((c.name.as_str(), c.image.as_str(), c.pid), ("web", "nginx", 7));
        assert_eq!((c.state, c.word(), c.health, c.exit_code), (RunState::Unknown, "thawing?", None, None));
        let said = c.not_understood.join("\n");
        for what in [
            "State.Status: \"thawing?\"",
            "State.ExitCode: a list",
            "State.Health.Status: \"so-so\"",
            "HostConfig",
            "Mounts",
        ] {
            assert!(said.contains(what), "{what} in {said}");
        }
        assert_eq!(described(ANSWER).not_understood, [""; 0]);
    }

    #[test]
    fn podman_states_are_known() {
        let state = |word: &str| {
            let c = described(&serde_json::json!({"Id": "ab", "State": {"Status": word}}).to_string());
            (c.state, c.word().to_owned(), c.not_understood.len())
        };
        assert_eq!(state("stopped"), (RunState::Exited, "stopped".to_owned(), 0));
        assert_eq!(state("initialized"), (RunState::Created, "initialized".to_owned(), 0));
        assert_eq!(state("stopping"), (RunState::Running, "stopping".to_owned(), 0));
        assert_eq!(state("exited"), (RunState::Exited, "exited".to_owned(), 0));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "x".repeat(100_000);
        let answer = serde_json::json!({"Id": "ab", "Name": long, "Path": long, "Args": vec!["y"; 10_000],
            "Config": {"Image": long, "Env": vec!["A=1"; 10_000], "Labels": {"com.docker.compose.project": long}},
            "Mounts": vec![serde_json::json!({"Source": long}); 1000]});
        let c = described(&answer.to_string());
        assert!(c.name.len() <= NAME && c.command.len() <= COMMAND && c.image.len() <= PATH);
        assert!(c.environment_names.len() <= MANY && c.mounts.len() <= MANY);
        assert_eq!(describe(0, &serde_json::json!({"Id": "../../x"})), None, "an id becomes part of a path");
    }

    #[test]
    fn a_list_entry_is_a_container() {
        let line = serde_json::json!({"Id": "ab", "Names": ["/web"], "Image": "nginx", "Created": 1_700_000_000,
            "State": "exited", "Status": "Exited (137) 3 hours ago", "Labels": {"com.docker.compose.project": "shop"},
            "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 443}],
            "HostConfig": {"NetworkMode": "host"}, "NetworkSettings": {"Networks": {"shop": {"IPAddress": "172.18.0.2"}}}});
        let c = listed(0, &line).expect("an id");
        assert_eq!((c.name.as_str(), c.state, c.exit_code), ("web", RunState::Exited, Some(137)));
        assert_eq!((c.ports, c.project.as_deref()), (vec!["8080→80/tcp".to_owned()], Some("shop")));
        assert_eq!((c.network_mode.as_deref(), c.created_unix_ms), (Some("host"), Some(1_700_000_000_000)));
        let up = listed(0, &serde_json::json!({"Id": "ab", "State": "running", "Status": "Up 2 hours (unhealthy)"}));
        assert_eq!(up.and_then(|c| c.health), Some(Health::Unhealthy));
    }

    #[test]
    fn states_are_known_in_the_words_of_both_engines() {
        let state = |word: &str| {
            let c = described(&serde_json::json!({"Id": "ab", "State": {"Status": word}}).to_string());
            (c.state, c.state_word)
        };
        for (word, known) in [
            ("created", RunState::Created),
            ("running", RunState::Running),
            ("paused", RunState::Paused),
            ("restarting", RunState::Restarting),
            ("removing", RunState::Removing),
            ("exited", RunState::Exited),
            ("dead", RunState::Dead),
        ] {
            assert_eq!(state(word), (known, None), "{word}");
        }
        for (word, known) in [
            ("configured", RunState::Created),
            ("initialized", RunState::Created),
            ("stopping", RunState::Running),
            ("stopped", RunState::Exited),
            ("melted", RunState::Unknown),
        ] {
            assert_eq!(state(word), (known, Some(word.to_owned())), "in its own word");
        }
        assert_eq!(state("").0, RunState::Unknown);
    }

    #[test]
    fn health_is_what_the_last_check_found() {
        let health = |word: &str| {
            described(&serde_json::json!({"Id": "ab", "State": {"Health": {"Status": word}}}).to_string()).health
        };
        assert_eq!(health("starting"), Some(Health::Starting));
        assert_eq!(health("healthy"), Some(Health::Healthy));
        assert_eq!(health("unhealthy"), Some(Health::Unhealthy));
        assert_eq!((health("none"), health(""), health("odd")), (None, None, None));
    }
}
