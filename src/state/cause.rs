//! Which alert is the cause of which: an engine that is down takes its containers along, a pool its devices and datasets
//! and the containers on them, a driver its cards. What has a cause is shown below it, and is not sent: one failure is
//! one message.

use crate::{
    alert::{AlertKey, Rule, Watch},
    model::{
        alert::Labels,
        gpu::GpuRow,
        host::Host,
        join::{
            cards_of_model_server, container_of_port, containers_of_pool, filesystem_of, process_of_model_server,
            subject_of_device,
        },
        metrics::{self, MetricId},
        pool::pool_of,
        socket::Protocol,
        subject::Subject,
    },
};

/// Metrics whose alert may be the cause of others.
const CAUSES: [MetricId; 8] = [
    metrics::ENGINE_UP,
    metrics::POOL_HEALTHY,
    metrics::GPU_DRIVER_OK,
    metrics::NETWORK_REACHABLE,
    metrics::CONTAINER_FAILED,
    metrics::CONTAINER_RESTARTING,
    metrics::CONTAINER_RESTARTS_10M,
    metrics::CONTAINER_HEALTHY,
];
/// What a pool that is not healthy does not cause.
const OWN: [MetricId; 2] = [metrics::POOL_USED_RATIO, metrics::FILESYSTEM_USED_RATIO];
/// What happens to a container whose files cannot be read or written.
const OF_FILES: [MetricId; 4] = [
    metrics::CONTAINER_FAILED,
    metrics::CONTAINER_RESTARTING,
    metrics::CONTAINER_RESTARTS_10M,
    metrics::CONTAINER_HEALTHY,
];

/// For each alert the one that is its cause, where one fires.
pub(super) fn causes(watches: &[Watch], rules: &[Rule], host: &Host) -> Vec<Option<AlertKey>> {
    let metric_of = |watch: &Watch| rules.iter().find(|rule| rule.id == watch.rule).map(|rule| rule.metric);
    let metrics: Vec<Option<MetricId>> = watches.iter().map(metric_of).collect();
    let fires = |at: &usize| watches[*at].held && metrics[*at].is_some_and(|metric| CAUSES.contains(&metric));
    let causes: Vec<usize> = (0..watches.len()).filter(fires).collect();
    if causes.is_empty() {
        return vec![None; watches.len()];
    }
    let cause_of = |at: usize| {
        let metric = metrics[at]?;
        let follows = |cause: &&usize| {
            let cause = **cause;
            cause != at && metrics[cause].is_some_and(|by| follows((by, &watches[cause]), (metric, &watches[at]), host))
        };
        // The nearest one: a container before the engine or the pool that is the cause of both.
        let found: Vec<usize> = causes.iter().filter(follows).copied().collect();
        let near = |at: &&usize| label(&watches[**at].labels, "container").is_some();
        found.iter().find(near).or(found.first()).map(|cause| watches[*cause].key())
    };
    (0..watches.len()).map(cause_of).collect()
}

fn label<'a>(labels: &'a Labels, name: &str) -> Option<&'a str> {
    labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
}

/// True when the first alert, which fires, explains the second.
fn follows((by, cause): (MetricId, &Watch), (metric, watch): (MetricId, &Watch), host: &Host) -> bool {
    if let Some(service) = label(&watch.labels, "service") {
        return of_service(by, cause, service, host);
    }
    if [metrics::ENGINE_UP, metrics::POOL_HEALTHY, metrics::GPU_DRIVER_OK].iter().all(|deep| *deep != by) {
        return false;
    }
    if by == metrics::ENGINE_UP {
        return metric != metrics::ENGINE_UP && label(&watch.identity, "engine") == label(&cause.identity, "engine");
    }
    if by == metrics::GPU_DRIVER_OK {
        return metric != by && of_driver(watch, host);
    }
    let Some(pool) = label(&cause.labels, "pool") else { return false };
    if metric == metrics::POOL_HEALTHY || OWN.contains(&metric) {
        return false;
    }
    if let Some(own) = label(&watch.labels, "pool") {
        return own == pool;
    }
    if serves(cause) {
        return false;
    }
    if let Some(dataset) = label(&watch.labels, "dataset") {
        return pool_of(dataset) == pool;
    }
    if let Some(mount) = label(&watch.labels, "mount") {
        let lies = filesystem_of(host, mount).and_then(|filesystem| subject_of_device(host, filesystem));
        return matches!(lies, Some(Subject::Dataset(dataset)) if pool_of(&dataset) == pool);
    }
    let container = label(&watch.labels, "container").filter(|_| OF_FILES.contains(&metric));
    container.is_some_and(|name| containers_of_pool(host, pool).iter().any(|(row, _)| *row.label == *name))
}

/// True for a pool that has lost devices and still reads and writes: nothing but what is said of the pool itself follows.
fn serves(cause: &Watch) -> bool {
    label(&cause.labels, "state") == Some("degraded")
}

/// True when a driver that fails, or a card that is lost, explains what is said of a card, or of a model on it.
fn of_driver(watch: &Watch, host: &Host) -> bool {
    let is_lost = |card: &GpuRow| card.lost().is_some();
    if let Some(gpu) = label(&watch.labels, "gpu") {
        return host.gpus.labelled(gpu).is_none_or(is_lost);
    }
    if label(&watch.labels, "model").is_none() {
        return false;
    }
    // One on another machine has other cards.
    let server = label(&watch.labels, "server").and_then(|name| host.model_servers.named(name));
    let Some(server) = server.filter(|server| process_of_model_server(host, server).is_some()) else { return false };
    let rows = &host.gpus.rows;
    let all = !rows.is_empty() && rows.iter().all(is_lost);
    all || cards_of_model_server(host, server).iter().any(|(card, _)| is_lost(card))
}

/// True when the alert explains the one of a service: of the container behind its port, of that one's engine or pool, or of
/// the network where it lies outside.
fn of_service(by: MetricId, cause: &Watch, service: &str, host: &Host) -> bool {
    let Some(row) = host.services.find(service) else { return false };
    if by == metrics::NETWORK_REACHABLE {
        return row.outside == Some(true);
    }
    if row.outside == Some(true) {
        return false;
    }
    let Some(container) = container_of_port(host, Protocol::Tcp, row.probe.port) else { return false };
    if by == metrics::ENGINE_UP {
        let engine = host.containers.engines.get(usize::from(container.meta.engine));
        return engine.is_some_and(|engine| label(&cause.labels, "engine") == Some(engine.address.as_str()));
    }
    if by == metrics::POOL_HEALTHY {
        let Some(pool) = label(&cause.labels, "pool").filter(|_| !serves(cause)) else { return false };
        return containers_of_pool(host, pool).iter().any(|(row, _)| row.meta.id == container.meta.id);
    }
    label(&cause.labels, "container") == Some(&*container.label)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        container::{Container, ContainerRow, Engine, Mounted},
        pool::{Dataset, DatasetRow},
    };

    fn watch(rule: &str, labels: &[(&str, &str)]) -> Watch {
        let labels: Labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Watch { rule: rule.into(), identity: labels.clone(), labels, held: true, ..Watch::default() }
    }

    /// The rule of the cause of each.
    fn found(watches: &[Watch], host: &Host) -> Vec<Option<String>> {
        let rules = crate::alert::shipped();
        causes(watches, &rules, host).into_iter().map(|cause| cause.map(|key| key.rule)).collect()
    }

    fn host() -> Host {
        let mut host = Host::default();
        host.containers.engines.push(Engine { address: "unix:///run/docker.sock".into(), ..Engine::default() });
        let mount = Mounted { kind: "bind".into(), source: "/tank/media".into(), ..Mounted::default() };
        let meta = Container { id: "ab".into(), name: "web".into(), mounts: vec![mount], ..Container::default() };
        let row = ContainerRow { meta: Arc::new(meta), label: "web".into(), ..ContainerRow::default() };
        host.containers.rows.push(row);
        let reported =
            Dataset { name: "tank/media".into(), mountpoint: Some("/tank/media".into()), ..Dataset::default() };
        host.pools.datasets = vec![DatasetRow { reported, ..DatasetRow::default() }];
        host
    }

    #[test]
    fn a_pool_explains_its_devices_and_the_containers_on_it() {
        let watches = [
            watch("pool_healthy", &[("pool", "tank"), ("state", "faulted")]),
            watch("vdev_errors", &[("pool", "tank"), ("vdev", "sda"), ("kind", "read")]),
            watch("container_healthy", &[("container", "web")]),
            watch("container_healthy", &[("container", "db")]),
            watch("container_out_of_memory", &[("container", "web")]),
            watch("pool_full", &[("pool", "tank")]),
            watch("vdev_errors", &[("pool", "other"), ("vdev", "sdb"), ("kind", "read")]),
            watch("cpu_busy", &[]),
        ];
        let by = Some("pool_healthy".to_owned());
        assert_eq!(found(&watches, &host()), [None, by.clone(), by, None, None, None, None, None]);
    }

    #[test]
    fn a_degraded_pool_still_serves_its_containers() {
        let watches = [
            watch("pool_healthy", &[("pool", "tank"), ("state", "degraded")]),
            watch("vdev_errors", &[("pool", "tank"), ("vdev", "sda"), ("kind", "read")]),
            watch("container_healthy", &[("container", "web")]),
        ];
        assert_eq!(found(&watches, &host()), [None, Some("pool_healthy".to_owned()), None]);
    }

    #[test]
    fn a_lost_card_explains_no_other_card_and_no_server_elsewhere() {
        use crate::model::gpu::{CardState, Gpu};
        let mut host = host();
        let card = |index, state| GpuRow { raw: Gpu { index, state, ..Gpu::default() }, ..GpuRow::default() };
        host.gpus.rows = vec![card(0, CardState::Up), card(1, CardState::Lost("it fell off the bus".into()))];
        let watches = [
            watch("gpu_driver", &[]),
            watch("gpu_temperature", &[("gpu", &host.gpus.rows[0].raw.label())]),
            watch("gpu_temperature", &[("gpu", &host.gpus.rows[1].raw.label())]),
            watch("model_failures", &[("server", "elsewhere"), ("model", "llama")]),
        ];
        assert_eq!(found(&watches, &host), [None, None, Some("gpu_driver".to_owned()), None]);
    }

    #[test]
    fn an_engine_explains_its_containers_and_a_driver_its_cards() {
        let engine = [("engine", "unix:///run/docker.sock")];
        let watches = [
            watch("engine_up", &engine),
            watch("container_failed", &[engine[0], ("container_id", "ab")]),
            watch("container_failed", &[("engine", "unix:///other"), ("container_id", "cd")]),
            watch("gpu_driver", &[]),
            watch("gpu_temperature", &[("gpu", "0")]),
        ];
        let cause = |rule: &str| Some(rule.to_owned());
        assert_eq!(found(&watches, &host()), [None, cause("engine_up"), None, None, cause("gpu_driver")]);
    }

    #[test]
    fn a_service_is_explained_by_the_container_behind_its_port() {
        use crate::{
            clock::Stamp,
            model::service::{Probe, ServiceRow},
        };
        let mut host = host();
        let row = &mut host.containers.rows[0];
        let meta = Container { ports: vec!["0.0.0.0:8096→8096/tcp".into()], ..(*row.meta).clone() };
        row.meta = Arc::new(meta);
        let probe = |name: &str, port| Arc::new(Probe { name: name.into(), port, ..Probe::default() });
        host.services.rows = [("jellyfin", 8096), ("other", 9000)]
            .map(|(name, port)| ServiceRow::new(probe(name, port), Stamp::default()))
            .into();
        let watches = [
            watch("service_down", &[("service", "jellyfin")]),
            watch("service_down", &[("service", "other")]),
            watch("container_failed", &[("container", "web")]),
            watch("pool_healthy", &[("pool", "tank"), ("state", "suspended")]),
        ];
        let cause = |rule: &str| Some(rule.to_owned());
        assert_eq!(found(&watches, &host), [cause("container_failed"), None, cause("pool_healthy"), None]);
    }

    #[test]
    fn what_is_pending_explains_nothing() {
        let engine = [("engine", "unix:///run/docker.sock")];
        let pending = Watch { held: false, ..watch("engine_up", &engine) };
        let watches = [pending, watch("container_failed", &[engine[0], ("container_id", "ab")])];
        assert_eq!(found(&watches, &host()), [None, None]);
    }

    #[test]
    fn a_server_is_explained_by_its_own_cards_or_the_loss_of_all() {
        use crate::model::{
            gpu::{CardState, Gpu, GpuProcess},
            model_server::{Runner, Server, ServerRow},
            process::{ProcKey, Process},
        };
        let lost = || CardState::Lost("it fell off the bus".into());
        let explained = |cards: [CardState; 2], pid: Option<u32>, label: &str| {
            let mut host = Host::default();
            let key = ProcKey { pid: 10, start_ticks: 5 };
            host.processes.rows = vec![Process { key, tgid: 10, ..Process::default() }];
            let raw =
                Server { name: "a".into(), process: pid.map(|pid| Runner { pid, started: 5 }), ..Server::default() };
            host.model_servers.rows = vec![ServerRow { raw, ..ServerRow::default() }];
            // It uses the first of the two.
            host.gpus.rows = (0..)
                .zip(cards)
                .map(|(index, state)| {
                    let processes = (index == 0).then(|| GpuProcess { pid: 10, ..GpuProcess::default() });
                    let raw = Gpu { index, state, processes: processes.into_iter().collect(), ..Gpu::default() };
                    GpuRow { raw, ..GpuRow::default() }
                })
                .collect();
            let watches = [watch("gpu_driver", &[]), watch("model_failures", &[("server", "a"), (label, "llama")])];
            found(&watches, &host)[1].is_some()
        };
        assert!(explained([lost(), CardState::Up], Some(10), "model"), "its card");
        assert!(!explained([CardState::Up, lost()], Some(10), "model"), "another card");
        assert!(explained([lost(), lost()], Some(10), "model"));
        assert!(!explained([lost(), lost()], None, "model"), "it may run elsewhere");
        assert!(!explained([lost(), lost()], Some(10), "other"), "it is not about a model");
        let mut none = Host::default();
        let key = ProcKey { pid: 10, start_ticks: 5 };
        none.processes.rows = vec![Process { key, tgid: 10, ..Process::default() }];
        let raw = Server { name: "a".into(), process: Some(Runner { pid: 10, started: 5 }), ..Server::default() };
        none.model_servers.rows = vec![ServerRow { raw, ..ServerRow::default() }];
        let watches = [watch("gpu_driver", &[]), watch("model_failures", &[("server", "a"), ("model", "llama")])];
        assert_eq!(found(&watches, &none)[1], None, "there are no cards");
    }

    #[test]
    fn what_is_outside_or_behind_a_port_has_its_own_cause() {
        use crate::{
            clock::Stamp,
            model::service::{Probe, ServiceRow},
        };
        let explained = |outside: Option<bool>, port: u16, cause: Watch| {
            let mut host = host();
            let row = &mut host.containers.rows[0];
            let meta = Container { ports: vec!["0.0.0.0:8096→8096/tcp".into()], ..(*row.meta).clone() };
            row.meta = Arc::new(meta);
            let probe = Probe { name: "web".into(), port, ..Probe::default() };
            let mut row = ServiceRow::new(Arc::new(probe), Stamp::default());
            row.outside = outside;
            host.services.rows = vec![row];
            found(&[watch("service_down", &[("service", "web")]), cause], &host)[0].is_some()
        };
        let network = || watch("network_reachable", &[]);
        let engine = |address: &str| watch("engine_up", &[("engine", address)]);
        let own = "unix:///run/docker.sock";
        assert!(explained(Some(true), 8096, network()) && !explained(Some(true), 8096, engine(own)));
        assert!(!explained(Some(false), 8096, network()) && !explained(None, 8096, network()));
        assert!(explained(Some(false), 8096, engine(own)) && explained(None, 8096, engine(own)));
        assert!(!explained(Some(false), 8096, engine("unix:///other")) && !explained(Some(false), 1, engine(own)));
    }
}
