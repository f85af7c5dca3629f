//! An engine's answer about one container, cleaned and made ours. Whatever is missing stays unknown.

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, HealthStatusEnum, HealthcheckResult, HostConfig, MountPoint,
    NetworkSettings,
};

use crate::{
    model::container::{Check, Container, Health, Mounted, NO_LIMIT_FROM, RunState, SWAP_UNLIMITED},
    text::{clean, without_escapes},
};

/// Outputs of the health check that are kept, and letters of each.
const CHECKS: (usize, usize) = (5, 400);

/// The container; `None` without an id.
pub(super) fn describe(engine: u16, answer: ContainerInspectResponse) -> Option<Container> {
    let state = answer.state.unwrap_or_default();
    let config = answer.config.unwrap_or_default();
    let host = answer.host_config.unwrap_or_default();
    let labels = config.labels.unwrap_or_default();
    // Podman names its labels after Docker's compose.
    let label = |name: &str| labels.get(name).map(|value| clean(value).into_owned()).filter(|value| !value.is_empty());
    let health = state.health.unwrap_or_default();
    let (ports, networks) = answer.network_settings.map(network).unwrap_or_default();
    let text = |text: Option<String>| clean(&text.unwrap_or_default()).into_owned();
    let command: Vec<String> = answer.path.into_iter().chain(answer.args.unwrap_or_default()).collect();
    Some(Container {
        id: answer.id?,
        engine,
        name: text(answer.name).trim_start_matches('/').to_owned(),
        image: text(config.image),
        command: clean(&command.join(" ")).into_owned(),
        state: state.status.map_or(RunState::Unknown, run_state),
        health: health.status.and_then(health_of),
        failing_streak: health.failing_streak.and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        health_log: checks(health.log.unwrap_or_default()),
        exit_code: state.exit_code,
        oom_killed: state.oom_killed.unwrap_or(false),
        error: state.error.map(|error| clean(&error).into_owned()).filter(|error| !error.is_empty()),
        created_unix_ms: answer.created.as_deref().and_then(moment),
        started_unix_ms: state.started_at.as_deref().and_then(moment),
        finished_unix_ms: state.finished_at.as_deref().and_then(moment),
        restarts: answer.restart_count.and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        restart_policy: host
            .restart_policy
            .as_ref()
            .and_then(|policy| policy.name)
            .map(|name| name.to_string())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "no".to_owned()),
        pid: state.pid.and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0),
        project: label("com.docker.compose.project").or_else(|| label("io.podman.compose.project")),
        service: label("com.docker.compose.service"),
        ports,
        layer_dataset: answer
            .graph_driver
            .filter(|driver| driver.name == "zfs")
            .and_then(|mut driver| driver.data.remove("Dataset"))
            .map(|name| clean(&name).into_owned()),
        mounts: mounts(answer.mounts.unwrap_or_default()),
        networks,
        environment_names: names(config.env.unwrap_or_default()),
        cpu_limit: cpu_limit(&host),
        memory_limit: host.memory.filter(|b| *b > 0 && *b < NO_LIMIT_FROM).and_then(|b| u64::try_from(b).ok()),
        memory_swap: host.memory_swap.filter(|b| *b != 0).map(|b| if b < NO_LIMIT_FROM { b } else { SWAP_UNLIMITED }),
        tty: config.tty.unwrap_or(false),
        ..Container::default()
    })
}

fn run_state(status: ContainerStateStatusEnum) -> RunState {
    match status {
        ContainerStateStatusEnum::CREATED => RunState::Created,
        ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::STOPPING => RunState::Running,
        ContainerStateStatusEnum::PAUSED => RunState::Paused,
        ContainerStateStatusEnum::RESTARTING => RunState::Restarting,
        ContainerStateStatusEnum::REMOVING => RunState::Removing,
        ContainerStateStatusEnum::EXITED => RunState::Exited,
        ContainerStateStatusEnum::DEAD => RunState::Dead,
        ContainerStateStatusEnum::EMPTY => RunState::Unknown,
    }
}

fn health_of(status: HealthStatusEnum) -> Option<Health> {
    match status {
        HealthStatusEnum::STARTING => Some(Health::Starting),
        HealthStatusEnum::HEALTHY => Some(Health::Healthy),
        HealthStatusEnum::UNHEALTHY => Some(Health::Unhealthy),
        HealthStatusEnum::EMPTY | HealthStatusEnum::NONE => None,
    }
}

/// The last runs, each output on one line.
fn checks(mut log: Vec<HealthcheckResult>) -> Vec<Check> {
    let (count, letters) = CHECKS;
    let one_line = |output: String| -> String {
        let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        clean(&without_escapes(&lines.join(" · "))).chars().take(letters).collect()
    };
    let check = |check: HealthcheckResult| Check {
        unix_ms: check.start.and_then(|at| moment(&at.to_string())),
        exit_code: check.exit_code,
        output: one_line(check.output.unwrap_or_default()),
    };
    log.drain(..log.len().saturating_sub(count));
    log.into_iter().map(check).collect()
}

/// Milliseconds since 1970; the engine writes the year 1 for "never".
fn moment(text: &str) -> Option<i64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_millisecond()).filter(|ms| *ms > 0)
}

/// Quota as cores: set directly, or as a share of a period.
fn cpu_limit(host: &HostConfig) -> Option<f64> {
    let nano = host.nano_cpus.filter(|n| *n > 0).map(|n| n as f64 / 1e9);
    let quota = host.cpu_quota.filter(|q| *q > 0).map(|quota| {
        let period = host.cpu_period.filter(|p| *p > 0).unwrap_or(100_000);
        quota as f64 / period as f64
    });
    nano.or(quota)
}

/// Names alone: the values are secrets more often than not.
fn names(environment: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> =
        environment.iter().filter_map(|entry| Some(clean(entry.split('=').next()?).into_owned())).collect();
    names.sort();
    names
}

/// In the order of their places in the container: engines tell them in another order each time.
fn mounts(told: Vec<MountPoint>) -> Vec<Mounted> {
    let mut all: Vec<Mounted> = told.into_iter().map(mounted).collect();
    all.sort_by(|a, b| a.destination.cmp(&b.destination));
    all
}

fn mounted(mount: MountPoint) -> Mounted {
    let text = |text: Option<String>| clean(&text.unwrap_or_default()).into_owned();
    let source = mount.source.filter(|s| !s.is_empty()).or(mount.name);
    Mounted {
        kind: mount.typ.map(|kind| kind.to_string()).unwrap_or_default(),
        source: text(source),
        destination: text(mount.destination),
        writable: mount.rw.unwrap_or(true),
    }
}

/// Published ports, and networks with the address in each.
fn network(settings: NetworkSettings) -> (Vec<String>, Vec<(String, String)>) {
    let mut ports: Vec<String> = Vec::new();
    for (inside, bindings) in settings.ports.unwrap_or_default() {
        for binding in bindings.unwrap_or_default() {
            let port = binding.host_port.unwrap_or_default();
            // The same port on all addresses of version 4 and 6 is one line.
            let line = match binding.host_ip.as_deref() {
                None | Some("" | "0.0.0.0" | "::") => format!("{port}→{inside}"),
                Some(ip) => format!("{ip}:{port}→{inside}"),
            };
            ports.push(clean(&line).into_owned());
        }
    }
    ports.sort();
    ports.dedup();
    let mut networks: Vec<(String, String)> = settings
        .networks
        .unwrap_or_default()
        .into_iter()
        .map(|(name, end)| (clean(&name).into_owned(), clean(&end.ip_address.unwrap_or_default()).into_owned()))
        .collect();
    networks.sort();
    (ports, networks)
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

    fn container() -> Container {
        describe(0, serde_json::from_str(ANSWER).expect("an engine's answer")).expect("an id")
    }

    #[test]
    fn mounts_stand_in_one_order_whatever_the_engine_s_is() {
        let mount = |at: &str| MountPoint { destination: Some(at.to_owned()), ..MountPoint::default() };
        let places = |told: [&str; 3]| mounts(told.map(mount).to_vec()).into_iter().map(|m| m.destination).collect();
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
        let c = describe(0, serde_json::from_str(r#"{"Id":"ab"}"#).expect("JSON")).expect("an id");
        assert_eq!((c.state, c.cpu_limit, c.pid), (RunState::Unknown, None, 0));
    }
}
