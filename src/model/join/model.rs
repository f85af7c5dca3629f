//! Model servers with what belongs to them: their process and its children, the container, and the cards that they use.

use super::container::{container_of_process, process};
use crate::model::{
    container::ContainerRow,
    gpu::{CardState, GpuRow},
    host::Host,
    model_server::{Around, ServerRow},
    process::Process,
};

/// Parents that are followed: servers start runners, which start no further ones.
const DEEP: usize = 4;

/// The process of a server.
#[must_use]
pub fn process_of_model_server<'a>(host: &'a Host, row: &ServerRow) -> Option<&'a Process> {
    let runner = row.raw.process.as_ref()?;
    process(host, runner.pid).filter(|process| process.key.start_ticks == runner.started)
}

/// The container that it runs in.
#[must_use]
pub fn container_of_model_server<'a>(host: &'a Host, row: &ServerRow) -> Option<&'a ContainerRow> {
    container_of_process(host, process_of_model_server(host, row)?)
}

/// The cards that it or its children use, with the bytes that they hold there.
#[must_use]
pub fn cards_of_model_server<'a>(host: &'a Host, row: &ServerRow) -> Vec<(&'a GpuRow, Option<u64>)> {
    let Some(server) = process_of_model_server(host, row) else { return Vec::new() };
    let of = |gpu: &'a GpuRow| {
        let own: Vec<_> = gpu.raw.processes.iter().filter(|p| is_below(host, p.pid, server.key.pid)).collect();
        let memory = own.iter().filter_map(|p| p.memory).reduce(u64::saturating_add);
        (!own.is_empty()).then_some((gpu, memory))
    };
    host.gpus.rows.iter().filter_map(of).collect()
}

/// A process is another one, or was started by it or its children.
fn is_below(host: &Host, pid: u32, ancestor: u32) -> bool {
    let mut pid = pid;
    for _ in 0..DEEP {
        if pid == ancestor {
            return true;
        }
        match process(host, pid) {
            Some(process) if process.parent > 1 => pid = process.parent,
            _ => return false,
        }
    }
    false
}

/// What the machine does around a server: of one elsewhere nothing is known.
#[must_use]
pub fn around_model_server(host: &Host, row: &ServerRow) -> Around {
    if process_of_model_server(host, row).is_none() {
        return Around::default();
    }
    let cards = cards_of_model_server(host, row);
    let busiest =
        cards.iter().map(|(gpu, _)| *gpu).max_by(|a, b| a.busy.unwrap_or(-1.0).total_cmp(&b.busy.unwrap_or(-1.0)));
    let slowed = busiest.and_then(|gpu| {
        let by: Vec<&str> = gpu.slowed_by().map(|throttle| throttle.word()).collect();
        let at = gpu.raw.temperature.map_or_else(String::new, |t| format!(" at {t:.0} °C"));
        (!by.is_empty()).then(|| format!("GPU {}: {}{at}", gpu.raw.label(), by.join(", ")))
    });
    Around {
        card_busy: busiest.and_then(|gpu| gpu.busy),
        card_memory_busy: busiest.and_then(|gpu| gpu.raw.memory_busy),
        card_memory_used: busiest.filter(|gpu| !gpu.raw.unified).and_then(|gpu| gpu.raw.memory_ratio()),
        slowed_by: slowed,
        has_card: host.gpus.rows.iter().any(|gpu| matches!(gpu.raw.state, CardState::Up | CardState::Asleep)),
        cpu_busy: host.cpu.shares.map(|shares| shares.busy),
    }
}

/// Tokens for each joule of its cards: tokens a second by watts. Cards that others use too have no such figure.
#[must_use]
pub fn tokens_per_joule(host: &Host, row: &ServerRow) -> Option<f64> {
    let cards = cards_of_model_server(host, row);
    let server = process_of_model_server(host, row)?.key.pid;
    let alone = cards.iter().all(|(gpu, _)| gpu.raw.processes.iter().all(|p| is_below(host, p.pid, server)));
    let watts = cards.iter().map(|(gpu, _)| gpu.power).sum::<Option<f64>>().filter(|watts| *watts > 0.0 && alone)?;
    Some(row.tokens()? / watts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        gpu::{Gpu, GpuProcess},
        model_server::{Runner, Server},
        process::ProcKey,
    };

    #[test]
    fn a_server_is_in_the_container_of_its_process() {
        use crate::model::{container::Container, process::ProcInfo};
        let id = "0123456789abcdef".repeat(4);
        let info = ProcInfo { cgroup: format!("/system.slice/docker-{id}.scope").into(), ..ProcInfo::default() };
        let key = ProcKey { pid: 10, start_ticks: 5 };
        let mut host = Host::default();
        host.processes.rows = vec![Process { key, tgid: 10, info: Some(Box::new(info)), ..Process::default() }];
        let meta = Container { id: id.clone(), ..Container::default() };
        host.containers.rows = vec![ContainerRow { meta: std::sync::Arc::new(meta), ..ContainerRow::default() }];
        let of = |process: Option<Runner>| {
            let row = ServerRow { raw: Server { process, ..Server::default() }, ..ServerRow::default() };
            container_of_model_server(&host, &row).map(|container| container.meta.id.clone())
        };
        assert_eq!(of(Some(Runner { pid: 10, started: 5 })), Some(id));
        assert_eq!((of(Some(Runner { pid: 10, started: 4 })), of(None)), (None, None));
    }

    fn process(pid: u32, parent: u32) -> Process {
        Process { key: ProcKey { pid, start_ticks: 5 }, tgid: pid, parent, ..Process::default() }
    }

    #[test]
    fn cards_of_a_server_are_those_of_its_children_too() {
        let mut host = Host::default();
        host.processes.rows = vec![process(10, 1), process(20, 10), process(30, 1)];
        let card = |id: &str, holds: &[(u32, u64)]| {
            let one =
                |(pid, memory): &(u32, u64)| GpuProcess { pid: *pid, memory: Some(*memory), ..GpuProcess::default() };
            let raw = Gpu { id: id.into(), processes: holds.iter().map(one).collect(), ..Gpu::default() };
            GpuRow { raw, ..GpuRow::default() }
        };
        host.gpus.rows = vec![card("a", &[(20, 5), (10, 2), (30, 9)]), card("b", &[(30, 9)])];
        let server = |started: u64| {
            let raw = Server { process: Some(Runner { pid: 10, started }), ..Server::default() };
            ServerRow { raw, ..ServerRow::default() }
        };
        let cards = |row: &ServerRow| {
            let all = cards_of_model_server(&host, row).into_iter();
            all.map(|(gpu, memory)| (gpu.raw.id.clone(), memory)).collect::<Vec<_>>()
        };
        assert_eq!(cards(&server(5)), [("a".to_owned(), Some(7))]);
        assert_eq!(cards(&server(4)), [], "its number was given to another process");
    }

    /// A server with one process, its child, and cards with these watts that these processes use.
    fn powered(cards: &[(f64, &[u32])]) -> (Host, ServerRow) {
        use crate::model::model_server::{ModelRow, ServerState};
        let mut host = Host::default();
        host.processes.rows = vec![process(10, 1), process(20, 10), process(30, 1)];
        let card = |(watts, pids): &(f64, &[u32])| {
            let processes = pids.iter().map(|pid| GpuProcess { pid: *pid, ..GpuProcess::default() }).collect();
            let power = (*watts >= 0.0).then_some(*watts);
            GpuRow { raw: Gpu { processes, ..Gpu::default() }, power, ..GpuRow::default() }
        };
        host.gpus.rows = cards.iter().map(card).collect();
        let mut model = ModelRow::default();
        model.flow.figures.tokens = Some(60.0);
        let raw = Server { process: Some(Runner { pid: 10, started: 5 }), state: ServerState::Up, ..Server::default() };
        (host, ServerRow { raw, models: vec![model], ..ServerRow::default() })
    }

    #[test]
    fn tokens_per_joule_want_cards_of_its_own_with_known_power() {
        for (cards, expected) in [
            (vec![(100.0, &[10][..]), (200.0, &[20])], Some(0.2)),
            (vec![(100.0, &[10]), (200.0, &[30])], Some(0.6)),
            (vec![(100.0, &[10, 30])], None),
            (vec![(100.0, &[10]), (-1.0, &[20])], None),
            (vec![(0.0, &[10])], None),
            (vec![(100.0, &[30])], None),
        ] {
            let (host, row) = powered(&cards);
            assert_eq!(tokens_per_joule(&host, &row), expected, "{cards:?}");
        }
    }

    #[test]
    fn around_a_server_is_its_busiest_card() {
        let (mut host, row) = powered(&[(1.0, &[10]), (1.0, &[20]), (1.0, &[30])]);
        for (row, busy) in host.gpus.rows.iter_mut().zip([None, Some(0.5), Some(0.9)]) {
            row.busy = busy;
            (row.raw.memory_busy, row.raw.memory_total, row.raw.memory_used) = (Some(0.25), Some(8), Some(2));
        }
        let around = around_model_server(&host, &row);
        assert_eq!(
            (around.card_busy, around.card_memory_busy, around.card_memory_used),
            (Some(0.5), Some(0.25), Some(0.25))
        );
        assert!(around.has_card && around.slowed_by.is_none());
        host.gpus.rows[1].raw.unified = true;
        assert_eq!(around_model_server(&host, &row).card_memory_used, None, "it is the machine's own");
        let mut elsewhere = row;
        elsewhere.raw.process = None;
        assert!(!around_model_server(&host, &elsewhere).has_card);
    }
}
