//! Sources: who reads what, in which lane, how often. TABLE SOURCES.
//!
//! A lane is one named OS thread that paces itself on whole multiples of its pace. Sources that cannot block (plain
//! procfs) share the lane `kernel`; one that may hang has a lane of its own, so that it costs that thread alone.

mod aside;
mod boot;
mod budget;
mod cgroup;
pub mod container;
pub mod cpu;
pub mod disk;
pub mod facts;
pub mod filesystem;
pub mod gpu;
mod inside;
mod interface;
mod keyframe;
pub mod lane;
pub mod load;
pub mod log;
pub mod memory;
pub mod model_server;
pub mod network;
pub mod own_limits;
pub mod pool;
pub mod power;
pub mod pressure;
mod proc_files;
pub mod process;
pub mod process_detail;
pub mod process_memory;
mod processor;
mod schedule;
pub mod sensor;
mod sensor_chips;
pub mod service;
pub mod socket;
mod source;
pub mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod unique;
mod worker;

use std::{os::unix::net::UnixStream, time::Duration};

pub use source::{CollectCx, Collector, Lane, Open, OpenCx, Pace, SourceDef, SourceSettings};

use crate::model::source::SourceId;

/// The helper's side of a line.
pub fn serve(kind: u8, line: UnixStream) {
    match kind {
        aside::SOURCE => aside::serve(line),
        proc_files::FILES => proc_files::serve(line),
        _ => {}
    }
}

/// TABLE SOURCES, in the order of [`SourceId::ALL`].
pub static SOURCES: &[SourceDef] = &[
    SourceDef {
        id: SourceId::Cpu,
        reads: "/proc/stat, cpufreq or /proc/cpuinfo",
        lane: Lane::KERNEL,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: cpu::open,
    },
    SourceDef {
        id: SourceId::Memory,
        reads: "/proc/meminfo, /proc/vmstat, OpenZFS arcstats, zram",
        lane: Lane::KERNEL,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: memory::open,
    },
    SourceDef {
        id: SourceId::Pressure,
        reads: "/proc/pressure",
        lane: Lane::KERNEL,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: pressure::open,
    },
    SourceDef {
        id: SourceId::Load,
        reads: "/proc/loadavg, /proc/uptime",
        lane: Lane::KERNEL,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: load::open,
    },
    SourceDef {
        id: SourceId::Disks,
        reads: "/proc/diskstats, /sys/block",
        lane: Lane::KERNEL,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: disk::open,
    },
    SourceDef {
        id: SourceId::Filesystems,
        reads: "/proc/self/mountinfo, statvfs",
        lane: Lane("filesystems"),
        pace: Pace::AtLeast(Duration::from_secs(10)),
        deadline: Duration::from_secs(10),
        open: filesystem::open,
    },
    SourceDef {
        id: SourceId::Network,
        reads: "/proc/net, /sys/class/net",
        lane: Lane::KERNEL,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: network::open,
    },
    SourceDef {
        id: SourceId::Sensors,
        reads: "/sys/class/hwmon, /sys/class/thermal",
        lane: Lane("sensors"),
        pace: Pace::AtLeast(Duration::from_secs(2)),
        deadline: Duration::from_secs(5),
        open: sensor::open,
    },
    SourceDef {
        id: SourceId::Power,
        reads: "/sys/class/powercap/intel-rapl",
        lane: Lane("power"),
        pace: Pace::AtLeast(Duration::from_secs(1)),
        deadline: Duration::from_secs(2),
        open: power::open,
    },
    SourceDef {
        id: SourceId::Sockets,
        reads: "/proc/net/tcp, /proc/net/udp, /proc/PID/fd",
        lane: Lane("sockets"),
        pace: Pace::Wanted(|want| want.sockets || want.sockets_of.is_some()),
        deadline: Duration::from_secs(5),
        open: socket::open,
    },
    SourceDef {
        id: SourceId::Facts,
        reads: "/proc/cpuinfo, /sys/class/dmi/id, /etc/os-release, /etc/passwd",
        lane: Lane::FACTS,
        pace: Pace::AtLeast(Duration::from_secs(60)),
        deadline: Duration::from_secs(5),
        open: facts::open,
    },
    SourceDef {
        id: SourceId::Limits,
        reads: "/proc/self/cgroup, /sys/fs/cgroup",
        lane: Lane::KERNEL,
        pace: Pace::AtLeast(Duration::from_secs(1)),
        deadline: Duration::from_secs(2),
        open: own_limits::open,
    },
    SourceDef {
        id: SourceId::Gpus,
        reads: "libnvidia-ml.so.1, /sys/class/drm, hwmon, DRM fdinfo",
        lane: Lane("gpus"),
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: gpu::open,
    },
    SourceDef {
        id: SourceId::Pools,
        reads: "/proc/spl/kstat/zfs, zpool, zfs",
        lane: Lane("pools"),
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: pool::open,
    },
    SourceDef {
        id: SourceId::Containers,
        reads: "the sockets of Docker and Podman, their control groups",
        lane: Lane("containers"),
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: container::open,
    },
    SourceDef {
        id: SourceId::Services,
        reads: "the services of the config, over the network",
        lane: Lane::SERVICES,
        pace: Pace::AtLeast(Duration::from_secs(1)),
        deadline: Duration::from_secs(5),
        open: service::open,
    },
    SourceDef {
        id: SourceId::ModelServers,
        reads: "Ollama, llama.cpp, vLLM and their like over HTTP: configured, or found by process and port",
        lane: Lane("models"),
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: model_server::open,
    },
    SourceDef {
        id: SourceId::Processes,
        reads: "/proc/PID/stat, cmdline, cgroup, io",
        lane: Lane::PROCESSES,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: process::open,
    },
    SourceDef {
        id: SourceId::ProcessDetail,
        reads: "/proc/PID of the selected process",
        lane: Lane("detail"),
        pace: Pace::Wanted(|want| want.detail.is_some()),
        deadline: Duration::from_secs(5),
        open: process_detail::open,
    },
    SourceDef {
        id: SourceId::ProcessMemory,
        reads: "/proc/PID/smaps_rollup of the processes that hold most memory",
        lane: Lane("pss"),
        pace: Pace::Wanted(|want| !want.memory_of.is_empty()),
        deadline: Duration::from_secs(10),
        open: process_memory::open,
    },
    SourceDef {
        id: SourceId::ContainerLog,
        reads: "the engine's log of one container",
        lane: Lane("log"),
        pace: Pace::Wanted(|want| want.log.is_some()),
        deadline: Duration::from_secs(2),
        open: log::open,
    },
    SourceDef {
        id: SourceId::Stores,
        reads: "images, volumes and networks of the engines",
        lane: Lane("stores"),
        pace: Pace::Wanted(|want| want.stores),
        deadline: Duration::from_secs(2),
        open: store::open,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_every_source_in_order() {
        let ids: Vec<SourceId> = SOURCES.iter().map(|source| source.id).collect();
        assert_eq!(ids, SourceId::ALL);
        for source in SOURCES {
            assert_eq!(matches!(source.pace, Pace::Wanted(_)), source.id.is_on_demand(), "{}", source.id.name());
        }
    }
}
