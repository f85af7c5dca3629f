//! A made-up machine full of processes: the same at every run.

use std::time::Duration;

use benchtop::{
    clock::Stamp,
    model::{
        event::{Envelope, Event, Sample},
        process::{ProcInfo, ProcKey, ProcRow, ProcessSample},
        source::SourceId,
    },
};

/// The first round of a machine with `count` processes: one in eight is the kernel's, one in twenty in a container.
pub fn crowd(count: u32) -> ProcessSample {
    let rows: Vec<ProcRow> = (1..=count).map(row).collect();
    let infos = rows.iter().filter(|r| !r.kernel).map(info).collect();
    ProcessSample { fresh: true, rows, infos, full: true, read: count, page_bytes: 4096, ..ProcessSample::default() }
}

/// A reading of the second `second`, one a second.
pub fn reading(source: SourceId, second: u64, sample: Sample) -> Event {
    let (at, took, every) = (Stamp::at_seconds(second), Duration::from_millis(1), Duration::from_secs(1));
    Event::Reading(Envelope { source, at, took, every, outcome: Ok(sample) })
}

fn row(pid: u32) -> ProcRow {
    let kernel = pid.is_multiple_of(8);
    ProcRow {
        key: ProcKey { pid, start_ticks: u64::from(pid) * 40 },
        tgid: pid,
        parent: pid / 3,
        state: if pid.is_multiple_of(97) { b'R' } else { b'S' },
        user_ticks: u64::from(pid) * 17 % 9000,
        system_ticks: u64::from(pid) * 5 % 3000,
        resident_pages: if kernel { 0 } else { u64::from(pid) * 7919 % 90_000 },
        virtual_bytes: if kernel { 0 } else { 1 << 30 },
        threads: 1 + pid % 12,
        priority: 20,
        kernel,
        name: Some(format!("worker-{}", pid % 300).into()),
        uid: Some([0, 33, 1000][pid as usize % 3]),
        ..ProcRow::default()
    }
}

fn info(row: &ProcRow) -> (ProcKey, ProcInfo) {
    let pid = row.key.pid;
    let program = format!("/usr/lib/services/worker-{}", pid % 300);
    let cgroup = match pid % 20 {
        0 => format!("/system.slice/docker-{:064x}.scope", pid % 400),
        _ => format!("/system.slice/worker-{}.service", pid % 300),
    };
    let info = ProcInfo {
        program_len: u16::try_from(program.len()).unwrap_or(0),
        command: format!("{program} --port {} --config /etc/worker.toml", 8000 + pid).into(),
        cgroup: cgroup.into(),
    };
    (row.key, info)
}
