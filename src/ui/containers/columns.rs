//! The columns of the containers: what each says of one, how it compares, and what a filter finds in it.

use std::borrow::Cow;

use super::{
    cells,
    row::{Containers, Row},
};
use crate::{
    model::{container::NetworkOf, join},
    state::levels,
    ui::{
        action::Action,
        table::{
            column::{Column, Columns, Kind, Number},
            needle::Needle,
        },
        theme::Role,
    },
};

impl Columns for Containers {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "name";

    fn matches(row: &Row<'_>, needle: &Needle) -> bool {
        let meta = &row.container.meta;
        [&meta.name, &meta.image, &meta.id, &meta.command].into_iter().any(|text| needle.is_in(text))
            || meta.project.as_deref().is_some_and(|project| needle.is_in(project))
            || needle.is_in(&row.state_words())
    }
}

type Col = Column<Containers>;

/// Every column. On a narrow screen those of the greatest rank go first; name, state, CPU and memory stay.
pub static COLUMNS: &[Col] = &[
    Col::words("name", "NAME", 32, 0, |r| Cow::Borrowed(&r.container.meta.name))
        .between(8, 32)
        .essential()
        .role_of(cells::name_role)
        .doc("its name"),
    Col::words("state", "STATE", 24, 0, |r| r.state_words())
        .between(8, 24)
        .also(&["status", "health"])
        .essential()
        .ordered(|r| levels::container_urgency(r.state, r.container))
        .busy_first(|r| r.container.cpu_lately())
        .drawn_by(2, cells::state)
        .together(cells::states)
        .doc("problems first, then the busiest; health where it is checked"),
    rate("cpu", "CPU%", Kind::Share, 5, 0, |r| r.container.cpu_cores)
        .essential()
        .format(|cores| format!("{:.1}", cores * 100.0))
        .doc("CPU, 100 is one core"),
    Col::figure("cpu_limit", "OF LIM", Kind::Share, 6, 12, |r| r.container.cpu_ratio())
        .absent(|_| "")
        .empty(|state| state.host.containers.rows.iter().all(|r| r.meta.cpu_limit.is_none()))
        .doc("CPU in percent of its limit"),
    Col::drawn("graph", Kind::Text, 8, 9, |r| r.container.cpu_cores, cells::past)
        .between(8, 20)
        .doc("CPU history (full = 1 core, or the limit)"),
    rate("memory", "MEM", Kind::Bytes, 5, 0, |r| r.container.memory_bytes().map(|bytes| bytes as f64))
        .also(&["mem"])
        .essential()
        .doc("memory without reclaimable file cache"),
    Col::drawn("limit", Kind::Share, 8, 4, |r| r.memory_ratio(), cells::limit)
        .between(8, 16)
        .also(&["mem%", "memory_percent"])
        .empty(|state| {
            let total = state.host.memory.raw.total;
            state.host.containers.rows.iter().all(|r| r.memory_limit(total).is_none())
        })
        .doc("memory against its limit"),
    rate("receive", "NET↓/s", Kind::Bytes, 6, 6, |r| r.container.rx_per_second)
        .also(&["rx", "down"])
        .text_of(|r| match r.network_words().filter(|_| r.runs()) {
            // The detail names the owner: most names are longer than a figure.
            Some(_) if matches!(r.container.meta.network(), NetworkOf::Container(_)) => Cow::Borrowed("shared"),
            Some(words) => Cow::Owned(words),
            None => r.bytes(r.container.rx_per_second),
        })
        .doc("received each second"),
    rate("send", "NET↑/s", Kind::Bytes, 6, 6, |r| r.container.tx_per_second)
        .also(&["tx", "up/s"])
        .text_of(|r| match r.network_words() {
            Some(_) => Cow::Borrowed(""),
            None => r.bytes(r.container.tx_per_second),
        })
        .doc("sent each second"),
    rate("read", "READ/s", Kind::Bytes, 6, 7, |r| r.container.read_per_second).doc("read from storage each second"),
    rate("write", "WRIT/s", Kind::Bytes, 6, 7, |r| r.container.write_per_second).doc("written to storage each second"),
    Col::figure("pids", "PIDS", Kind::Count, 5, 10, |r| Some(r.container.usage.as_ref()?.pids? as f64))
        .absent(|r| r.absent())
        .faint_zero(Role::Dim)
        .summed()
        .doc("processes and threads"),
    Col::figure("restarts", "RST", Kind::Count, 3, 2, |r| Some(f64::from(r.restarts())))
        .essential()
        .role_of(cells::restarts_role)
        .summed()
        .doc("automatic restarts in the last ten minutes"),
    Col::figure("up", "UP", Kind::Seconds, 4, 3, |r| r.age().map(|age| age.as_secs_f64()))
        .also(&["age"])
        .essential()
        .absent(|_| "")
        .doc("time since it started or exited"),
    Col::words("image", "IMAGE", 16, 8, |r| Cow::Borrowed(&r.container.meta.image)).between(12, 60).doc("image"),
    Col::words("ports", "PORTS", 13, 11, |r| r.container.meta.ports.join(" ").into())
        .between(6, 40)
        // Hardly any port is not of TCP.
        .show(|r| r.container.meta.ports.join(" ").replace("/tcp", "").into())
        .empty(|state| state.host.containers.rows.iter().all(|r| r.meta.ports.is_empty()))
        .doc("published ports"),
    Col::words("project", "PROJECT", 10, 13, |r| r.container.meta.project.as_deref().unwrap_or_default().into())
        .between(7, 20)
        .also(&["compose"])
        .empty(|state| state.host.containers.rows.iter().all(|r| r.meta.project.is_none()))
        .doc("compose project"),
    Col::words("engine", "ENGINE", 7, 14, |r| r.engine().map_or("", |engine| engine.kind.as_str()).into())
        .doc("docker or podman"),
    Col::words("id", "ID", 12, 15, |r| Cow::Borrowed(r.container.short_id())).doc("short ID"),
    Col::figure("gpu", "GPU", Kind::Bytes, 5, 5, |r| {
        join::gpu_memory_of(&r.state.host, r.container).map(|bytes| bytes as f64)
    })
    .also(&["vram", "gpu_memory"])
    .absent(|_| "")
    .faint_zero(Role::Dim)
    .summed()
    .empty(|state| state.host.gpus.rows.iter().all(|row| row.raw.processes.is_empty()))
    .doc("GPU memory in use"),
    rate("io", "I/O/s", Kind::Bytes, 6, 7, |r| r.container.io_per_second())
        .key(Action::SortIo)
        .doc("read + written per second"),
];

/// A figure of what a container uses: one that does not run uses nothing, and a group uses what its containers do.
const fn rate(
    id: &'static str,
    title: &'static str,
    kind: Kind,
    width: u16,
    rank: u8,
    number: Number<Containers>,
) -> Col {
    Col::figure(id, title, kind, width, rank, number).absent(|r| r.absent()).faint_zero(Role::Text).summed()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        model::container::{Container, ContainerRow, RunState},
        state::State,
        units::ABSENT,
    };

    #[test]
    fn shared_network_fits_its_column() {
        let meta = |mode: &str| Container {
            network_mode: Some(mode.into()),
            state: RunState::Running,
            ..Container::default()
        };
        let shown = |mode: &str| {
            let container = ContainerRow { meta: Arc::new(meta(mode)), ..ContainerRow::default() };
            let state = State::default();
            let row = Row::new(&container, &state);
            let cell = |id: &str| {
                let column = COLUMNS.iter().find(|column| column.def.id == id).unwrap();
                column.shown(&row).into_owned()
            };
            (cell("receive"), cell("send"))
        };
        assert_eq!(shown("host"), ("host".to_owned(), String::new()));
        assert_eq!(shown("container:a-very-long-name-of-a-vpn"), ("shared".to_owned(), String::new()));
        assert_eq!(shown("bridge"), (ABSENT.to_owned(), ABSENT.to_owned()));
    }
}
