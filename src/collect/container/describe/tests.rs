//! Answers of engines, whole, short and odd.

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

#[test]
fn each_field_of_an_answer_has_its_place() {
    let answer = serde_json::json!({
        "Id": "8a41f2c9d0b7", "Name": "/web", "Created": "2026-01-02T03:04:05.678Z", "Image": "sha256:8a41f2c9d0b7e6a5",
        "Path": "nginx", "Args": ["-g", "daemon off;"], "RestartCount": 3,
        "State": {"Status": "exited", "OOMKilled": true, "Pid": 1612, "ExitCode": 137, "Error": "no such file",
            "StartedAt": "2026-01-02T03:04:06Z", "FinishedAt": "2026-01-02T03:04:07Z",
            "Health": {"Status": "healthy", "FailingStreak": 4}},
        "HostConfig": {"Memory": 1 << 28, "MemorySwap": 1 << 29, "NanoCpus": 1_500_000_000_u64,
            "RestartPolicy": {"Name": "always"}, "NetworkMode": "host", "CgroupParent": "web.slice"},
        "GraphDriver": {"Name": "zfs", "Data": {"Dataset": "tank/docker/ab"}},
        "Config": {"Image": "nginx:1.27", "Tty": true, "Env": ["B=1", "A"],
            "Labels": {"io.podman.compose.project": "shop", "com.docker.compose.service": "web"}},
        "Mounts": [{"Type": "volume", "Name": "www", "Source": "", "Destination": "/b"},
            {"Type": "bind", "Source": "/tank", "Destination": "/a", "RW": false}],
        "NetworkSettings": {
            "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "53/udp": [{"HostPort": "53"}]},
            "Networks": {"shop": {"IPAddress": "172.18.0.2"}, "back": {}}},
    });
    let mount = |kind: &str, source: &str, destination: &str, writable| Mounted {
        kind: kind.into(),
        source: source.into(),
        destination: destination.into(),
        writable,
    };
    let expected = Container {
        id: "8a41f2c9d0b7".into(),
        engine: 2,
        name: "web".into(),
        image: "nginx:1.27".into(),
        image_id: Some("8a41f2c9d0b7".into()),
        command: "nginx -g daemon off;".into(),
        state: RunState::Exited,
        health: Some(Health::Healthy),
        failing_streak: 4,
        exit_code: Some(137),
        oom_killed: true,
        error: Some("no such file".into()),
        created_unix_ms: Some(1_767_323_045_678),
        started_unix_ms: Some(1_767_323_046_000),
        finished_unix_ms: Some(1_767_323_047_000),
        restarts: 3,
        restart_policy: "always".into(),
        pid: 1612,
        project: Some("shop".into()),
        service: Some("web".into()),
        ports: vec!["127.0.0.1:8080→80/tcp".into(), "53→53/udp".into()],
        layer_dataset: Some("tank/docker/ab".into()),
        mounts: vec![mount("bind", "/tank", "/a", false), mount("volume", "www", "/b", true)],
        networks: vec![("back".into(), String::new()), ("shop".into(), "172.18.0.2".into())],
        network_mode: Some("host".into()),
        cgroup_parent: Some("web.slice".into()),
        environment_names: vec!["A".into(), "B".into()],
        cpu_limit: Some(1.5),
        memory_limit: Some(1 << 28),
        memory_swap: Some(1 << 29),
        tty: true,
        ..Container::default()
    };
    assert_eq!(describe(2, &answer), Some(expected));
}

#[test]
fn each_field_of_a_list_entry_has_its_place() {
    let answer = serde_json::json!({
        "Id": "ab", "Names": ["/web", "/other"], "Image": "nginx", "Command": "nginx -g", "Created": 1_700_000_000,
        "State": "stopped", "Status": "Exited (3) 3 hours ago",
        "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"},
        "Ports": [
            {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
            {"IP": "10.0.0.1", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
            {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
        "Mounts": [{"Type": "bind", "Source": "/tank", "Destination": "/a"}],
        "HostConfig": {"NetworkMode": "bridge"}, "NetworkSettings": {"Networks": {"shop": {"IPAddress": "::1"}}},
    });
    let expected = Container {
        id: "ab".into(),
        engine: 1,
        name: "web".into(),
        image: "nginx".into(),
        command: "nginx -g".into(),
        state: RunState::Exited,
        state_word: Some("stopped".into()),
        exit_code: Some(3),
        created_unix_ms: Some(1_700_000_000_000),
        restart_policy: "?".into(),
        project: Some("shop".into()),
        service: Some("web".into()),
        ports: vec!["10.0.0.1:53→53/udp".into(), "8080→80/tcp".into()],
        mounts: vec![Mounted { kind: "bind".into(), source: "/tank".into(), destination: "/a".into(), writable: true }],
        networks: vec![("shop".into(), "::1".into())],
        network_mode: Some("bridge".into()),
        ..Container::default()
    };
    assert_eq!(listed(1, &answer), Some(expected));
    let of = |field: &str, value: serde_json::Value| {
        listed(0, &serde_json::json!({"Id": "ab", "State": "running", field: value})).expect("an id")
    };
    for (status, health) in [
        ("Up 2 hours (healthy)", Some(Health::Healthy)),
        ("Up 2 hours (unhealthy)", Some(Health::Unhealthy)),
        ("Up 2 seconds (health: starting)", Some(Health::Starting)),
        ("Up 2 hours", None),
    ] {
        let found = of("Status", status.into());
        assert_eq!((found.health, found.exit_code), (health, None), "{status}");
    }
    assert_eq!(of("Created", 0.into()).created_unix_ms, None);
    assert_eq!(of("Created", 1.into()).created_unix_ms, Some(1000));
    assert_eq!(of("Labels", serde_json::json!({"other": "x"})).project, None);
    assert_eq!(listed(0, &serde_json::json!({"Id": "a/b"})), None);
}

#[test]
fn limits_of_cpu_and_memory_have_many_spellings() {
    let host = |config: serde_json::Value| {
        let c = described(&serde_json::json!({"Id": "ab", "HostConfig": config}).to_string());
        (c.cpu_limit, c.memory_limit, c.memory_swap)
    };
    let no_limit = NO_LIMIT_FROM;
    for (config, expected) in [
        (serde_json::json!({}), (None, None, None)),
        (serde_json::json!({"NanoCpus": 0, "Memory": 0, "MemorySwap": 0}), (None, None, None)),
        (serde_json::json!({"NanoCpus": 1, "Memory": 1, "MemorySwap": 1}), (Some(1e-9), Some(1), Some(1))),
        (serde_json::json!({"CpuQuota": 50_000, "MemorySwap": -1}), (Some(0.5), None, Some(-1))),
        (serde_json::json!({"CpuQuota": 50_000, "CpuPeriod": 25_000}), (Some(2.0), None, None)),
        (serde_json::json!({"CpuQuota": 50_000, "CpuPeriod": 0}), (Some(0.5), None, None)),
        (serde_json::json!({"CpuQuota": -1, "CpuPeriod": 25_000}), (None, None, None)),
        (serde_json::json!({"NanoCpus": 3_000_000_000_u64, "CpuQuota": 50_000}), (Some(3.0), None, None)),
        (
            serde_json::json!({"Memory": no_limit - 1, "MemorySwap": no_limit - 1}),
            (None, u64::try_from(no_limit - 1).ok(), Some(no_limit - 1)),
        ),
        (serde_json::json!({"Memory": no_limit, "MemorySwap": no_limit}), (None, None, Some(SWAP_UNLIMITED))),
    ] {
        assert_eq!(host(config.clone()), expected, "{config}");
    }
}

#[test]
fn the_last_checks_are_kept_in_one_line_each() {
    let entry = |n: usize| serde_json::json!({"ExitCode": n, "Output": format!(" {n}\r\n\n  more \n")});
    let log = |count: usize| {
        let log: Vec<_> = (1..=count).map(entry).collect();
        let state = serde_json::json!({"Health": {"Status": "healthy", "Log": log}});
        described(&serde_json::json!({"Id": "ab", "State": state}).to_string()).health_log
    };
    let outputs = |count: usize| log(count).into_iter().map(|check| check.output).collect::<Vec<_>>();
    assert_eq!(outputs(2), ["1 · more", "2 · more"]);
    assert_eq!(outputs(7), ["3 · more", "4 · more", "5 · more", "6 · more", "7 · more"]);
    assert_eq!(log(7)[0], Check { unix_ms: None, exit_code: Some(3), output: "3 · more".into() });
}

#[test]
fn what_is_missing_or_of_another_driver_is_left_out() {
    let of = |field: &str, value: serde_json::Value| {
        described(&serde_json::json!({"Id": "0123456789abcdef", field: value}).to_string())
    };
    assert_eq!(of("Name", "/".into()).name, "0123456789ab");
    let driver = |name: &str| serde_json::json!({"Name": name, "Data": {"Dataset": "tank/a"}});
    assert_eq!(of("GraphDriver", driver("zfs")).layer_dataset.as_deref(), Some("tank/a"));
    assert_eq!(of("GraphDriver", driver("overlay2")).layer_dataset, None);
    let plain = of("HostConfig", serde_json::json!({"RestartPolicy": {"Name": ""}, "NetworkMode": ""}));
    assert_eq!((plain.restart_policy.as_str(), plain.network_mode), ("no", None));
    let never = of("State", serde_json::json!({"StartedAt": "0001-01-01T00:00:00Z", "Pid": -1, "Error": ""}));
    assert_eq!((never.started_unix_ms, never.pid, never.error), (None, 0, None));
    let epoch = |at: &str| of("Created", at.into()).created_unix_ms;
    assert_eq!((epoch("1970-01-01T00:00:00Z"), epoch("1970-01-01T00:00:00.001Z")), (None, Some(1)));
    let port =
        |port: serde_json::Value| listed(0, &serde_json::json!({"Id": "ab", "Ports": [port]})).expect("an id").ports;
    assert_eq!(port(serde_json::json!({"PublicPort": 81})), [""; 0]);
}
