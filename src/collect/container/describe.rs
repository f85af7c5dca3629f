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
mod tests;
