//! An engine's answer about one container, cleaned and made ours. Whatever is missing stays unknown, and what is not
//! understood costs that field alone and is named.

use serde_json::Value;

use crate::{
    model::container::{Check, Container, Health, Mounted, NO_LIMIT_FROM, RunState, SWAP_UNLIMITED},
    sys::json::{Field, Unread},
    text::{clean, without_escapes},
};

use super::event::is_id;

/// Outputs of the health check that are kept, and letters of each.
const CHECKS: (usize, usize) = (5, 400);
/// Letters kept of a name, of an image or path, and of a command.
const NAME: usize = 256;
const PATH: usize = 1024;
const COMMAND: usize = 4096;
/// Ports, mounts, networks, arguments and variables that are read of one container.
const MANY: usize = 512;

/// The container, by the answer to `GET /containers/ID/json`; `None` without an id.
pub(super) fn describe(engine: u16, answer: &Value) -> Option<Container> {
    let unread = Unread::default();
    let told = Field::new(answer, &unread);
    let (state, config, host) = (told.object("State"), told.object("Config"), told.object("HostConfig"));
    let health = state.object("Health");
    let (run_state, state_word) = run_state(&state, "Status");
    let (ports, networks) = network(&told.object("NetworkSettings"));
    let (project, service) = compose(&config.object("Labels"));
    let command: Vec<String> =
        told.text("Path").into_iter().chain(told.texts("Args", MANY).into_iter().map(str::to_owned)).collect();
    let driver = told.object("GraphDriver");
    let dataset = driver.text("Name").filter(|name| name == "zfs").and_then(|_| driver.object("Data").text("Dataset"));
    let small = |value: Option<i64>| value.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let container = Container {
        id: told.text("Id").filter(|id| is_id(id))?,
        engine,
        name: name(told.text("Name"), told.text("Id")),
        image: short(config.text("Image"), PATH),
        command: short(Some(command.join(" ")), COMMAND),
        state: run_state,
        state_word,
        health: health_of(&health),
        failing_streak: small(health.int("FailingStreak")),
        health_log: checks(&health),
        exit_code: state.int("ExitCode"),
        oom_killed: state.flag("OOMKilled").unwrap_or(false),
        error: filled(short(state.text("Error"), PATH)),
        created_unix_ms: told.text("Created").as_deref().and_then(moment),
        started_unix_ms: state.text("StartedAt").as_deref().and_then(moment),
        finished_unix_ms: state.text("FinishedAt").as_deref().and_then(moment),
        restarts: small(told.int("RestartCount")),
        restart_policy: filled(short(host.object("RestartPolicy").text("Name"), NAME))
            .unwrap_or_else(|| "no".to_owned()),
        pid: small(state.int("Pid")),
        project,
        service,
        ports,
        layer_dataset: dataset.map(|name| clean(&name).into_owned()),
        mounts: mounts(&told),
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

/// What the list of containers tells of one: enough for a row when it cannot be inspected.
pub(super) fn listed(engine: u16, answer: &Value) -> Option<Container> {
    let unread = Unread::default();
    let told = Field::new(answer, &unread);
    let (run_state, state_word) = run_state(&told, "State");
    let status = told.text("Status").unwrap_or_default();
    let (project, service) = compose(&told.object("Labels"));
    let networks = addresses(&told.object("NetworkSettings"));
    let mut ports: Vec<String> = told.list("Ports", MANY).filter_map(|port| published(&port)).collect();
    ports.sort();
    ports.dedup();
    let container = Container {
        id: told.text("Id").filter(|id| is_id(id))?,
        engine,
        name: name(told.texts("Names", 1).first().map(|name| (*name).to_owned()), told.text("Id")),
        image: short(told.text("Image"), PATH),
        command: short(told.text("Command"), COMMAND),
        state: run_state,
        state_word,
        health: [("(healthy)", Health::Healthy), ("(unhealthy)", Health::Unhealthy), ("(health: ", Health::Starting)]
            .into_iter()
            .find(|(word, _)| status.contains(word))
            .map(|(_, health)| health),
        exit_code: status.strip_prefix("Exited (").and_then(|rest| rest.split(')').next()?.parse().ok()),
        created_unix_ms: told.int("Created").filter(|at| *at > 0).and_then(|at| at.checked_mul(1000)),
        restart_policy: "?".to_owned(),
        project,
        service,
        ports,
        mounts: mounts(&told),
        networks,
        network_mode: filled(short(told.object("HostConfig").text("NetworkMode"), NAME)),
        ..Container::default()
    };
    Some(Container { not_understood: unread.into_lines(), ..container })
}

/// The front of a text, cleaned.
fn short(text: Option<String>, letters: usize) -> String {
    let text: String = text.unwrap_or_default().chars().take(letters).collect();
    clean(&text).into_owned()
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Its name; the front of its id where it has none.
fn name(told: Option<String>, id: Option<String>) -> String {
    let name = filled(short(told, NAME).trim_start_matches('/').to_owned());
    name.unwrap_or_else(|| short(id, 12))
}

/// Compose project and service. Podman names its labels after Docker's compose.
fn compose(labels: &Field<'_>) -> (Option<String>, Option<String>) {
    let label = |name: &str| filled(short(labels.text(name), NAME));
    let project = label("com.docker.compose.project").or_else(|| label("io.podman.compose.project"));
    (project, label("com.docker.compose.service"))
}

/// The state, and the engine's own word where it is another one: Podman has more of them than Docker.
fn run_state(told: &Field<'_>, name: &str) -> (RunState, Option<String>) {
    let word = told.text(name).unwrap_or_default();
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
            told.unknown(name, "a state");
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

/// The last runs, each output on one line.
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

/// Milliseconds since 1970; the engine writes the year 1 for "never".
fn moment(text: &str) -> Option<i64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_millisecond()).filter(|ms| *ms > 0)
}

/// Quota as cores: set directly, or as a share of a period.
fn cpu_limit(host: &Field<'_>) -> Option<f64> {
    let positive = |name: &str| host.int(name).filter(|n| *n > 0);
    let nano = positive("NanoCpus").map(|n| n as f64 / 1e9);
    let quota = positive("CpuQuota").map(|quota| {
        let period = positive("CpuPeriod").unwrap_or(100_000);
        quota as f64 / period as f64
    });
    nano.or(quota)
}

/// Names alone: the values are secrets more often than not.
fn names(environment: &[&str]) -> Vec<String> {
    let name = |entry: &&str| short(entry.split('=').next().map(str::to_owned), NAME);
    let mut names: Vec<String> = environment.iter().map(name).collect();
    names.sort();
    names
}

/// In the order of their places in the container: engines tell them in another order each time.
fn mounts(told: &Field<'_>) -> Vec<Mounted> {
    let mut all: Vec<Mounted> = told.list("Mounts", MANY).map(|mount| mounted(&mount)).collect();
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
    // The same port on all addresses of version 4 and 6 is one line.
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

/// A port of the list; `None` for one that is not published.
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn mounts_stand_in_one_order_whatever_the_engine_s_is() {
        let places = |told: [&str; 3]| -> Vec<String> {
            let mounts = told.map(|at| serde_json::json!({"Destination": at}));
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
        assert_eq!(c.ports, ["8080→80/tcp"], "both families are one line, an unpublished port is none");
        assert_eq!((c.project.as_deref(), c.service.as_deref()), (Some("shop"), Some("web")));
        assert_eq!(c.mounts[0].source, "/tank/www");
        assert!(!c.mounts[0].writable);
        let check = Check { unix_ms: Some(1_767_323_100_000), exit_code: Some(1), output: "refused".into() };
        assert_eq!(c.health_log, [check]);
    }

    #[test]
    fn secrets_and_control_bytes_stay_outside() {
        let c = container();
        assert_eq!(c.environment_names, ["A", "PASSWORD"]);
        assert!(!c.name.contains('\u{1b}'), "{:?}", c.name);
    }

    #[test]
    fn an_answer_with_hardly_anything_is_a_container_too() {
        let c = described(r#"{"Id":"ab"}"#);
        assert_eq!((c.state, c.cpu_limit, c.pid), (RunState::Unknown, None, 0));
        assert_eq!(c.name, "ab", "its id stands for its name");
    }

    #[test]
    fn an_unknown_word_costs_its_field() {
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
    fn podmans_states_are_known() {
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
        assert_eq!(describe(0, &serde_json::json!({"Id": "../../x"})), None, "an id is a piece of a path");
    }

    #[test]
    fn a_line_of_the_list_is_a_container() {
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
}
