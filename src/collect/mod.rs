//! Sources: who reads what, in which lane, how often. TABLE SOURCES.
//!
//! A lane is one named OS thread that paces itself on whole multiples of its pace. Sources that cannot block (plain
//! procfs) share the lane `kernel`; one that may hang has a lane of its own, so that it costs that thread alone.

mod aside;
mod boot;
mod budget;
mod cgroup;
mod chip;
pub mod container;
pub mod cpu;
pub mod disk;
pub mod facts;
mod files;
pub mod filesystem;
pub mod gpu;
mod inside;
mod interface;
mod keyframe;
pub mod lane;
pub mod limits;
pub mod load;
pub mod log;
pub mod memory;
mod mounts;
pub mod network;
pub mod pool;
pub mod power;
pub mod pressure;
pub mod process;
pub mod process_detail;
mod processor;
mod schedule;
pub mod sensor;
pub mod socket;
pub mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod unique;
mod worker;

use std::{os::unix::net::UnixStream, time::Duration};

use crate::{
    clock::{Clock, Stamp},
    interest::Interest,
    model::{engine_address::EngineAddress, event::Sample, fault::Fault, source::SourceId},
    sys::root::Root,
};

/// What a source may know when it is opened.
#[derive(Clone)]
pub struct OpenCx {
    /// The machine that is read.
    pub root: Root,
    /// The clock of the run.
    pub clock: Clock,
    /// Read every process in every round.
    pub read_all: bool,
    /// Addresses of engines beside those that are found.
    pub engines: Vec<EngineAddress>,
}

/// What a source may know at each reading.
pub struct CollectCx<'a> {
    /// Now.
    pub at: Stamp,
    /// What the readers need at present.
    pub want: &'a Interest,
    /// A source that sends differences sends all that it knows.
    pub keyframe: bool,
}

impl<'a> CollectCx<'a> {
    /// An ordinary reading.
    #[must_use]
    pub fn new(at: Stamp, want: &'a Interest) -> Self {
        CollectCx { at, want, keyframe: false }
    }
}

/// One source at work. It sends raw counters; rates are the fold's.
pub trait Collector: Send {
    /// Takes one reading.
    ///
    /// # Errors
    /// A [`Fault`] that says what is missing, refused or wrong.
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault>;

    /// How soon the next reading should come when sooner than the pace; `None` keeps the pace.
    fn hurry(&self) -> Option<Duration> {
        None
    }

    /// How much later than the pace the next reading may come, as nothing moves by itself; `None` keeps the pace.
    fn rest(&self) -> Option<Duration> {
        None
    }

    /// While it rests: something happened that makes it due now. Whoever makes it so unparks the lane's thread.
    fn is_called(&self) -> bool {
        false
    }
}

/// How often a source is read.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// At each refresh.
    Refresh,
    /// At each refresh, but not sooner than this.
    AtLeast(Duration),
    /// Only while wanted, then at each refresh.
    Wanted(fn(&Interest) -> bool),
}

impl Pace {
    /// False for what nobody asks for with this wish.
    #[must_use]
    pub fn is_wanted(self, want: &Interest) -> bool {
        match self {
            Pace::Wanted(wanted) => wanted(want),
            Pace::Refresh | Pace::AtLeast(_) => true,
        }
    }
}

/// The thread that reads a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    Kernel,
    Processes,
    Filesystems,
    Sensors,
    Power,
    Sockets,
    Facts,
    Gpus,
    Pools,
    Containers,
    Detail,
    Log,
    Stores,
}

/// One source.
pub struct SourceDef {
    pub id: SourceId,
    /// What it reads, for `doctor`.
    pub reads: &'static str,
    /// Its thread.
    pub lane: Lane,
    /// Its pace.
    pub pace: Pace,
    /// A reading that takes longer is reported as `Timeout`.
    pub deadline: Duration,
    /// Opens it. Cheap, no reading.
    pub open: Open,
}

/// How a source is opened.
pub type Open = fn(&OpenCx) -> Result<Box<dyn Collector>, Fault>;

/// What a line to the helper process carries.
const SOURCE: u8 = b's';
const FILES: u8 = b'f';

/// The helper's side of a line.
pub fn serve(kind: u8, line: UnixStream) {
    match kind {
        SOURCE => aside::serve(line),
        FILES => files::serve(line),
        _ => {}
    }
}

/// TABLE SOURCES, in the order of [`SourceId::ALL`].
pub static SOURCES: &[SourceDef] = &[
    SourceDef {
        id: SourceId::Cpu,
        reads: "/proc/stat, cpufreq or /proc/cpuinfo",
        lane: Lane::Kernel,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: cpu::open,
    },
    SourceDef {
        id: SourceId::Memory,
        reads: "/proc/meminfo, /proc/vmstat, OpenZFS arcstats, zram",
        lane: Lane::Kernel,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: memory::open,
    },
    SourceDef {
        id: SourceId::Pressure,
        reads: "/proc/pressure",
        lane: Lane::Kernel,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: pressure::open,
    },
    SourceDef {
        id: SourceId::Load,
        reads: "/proc/loadavg, /proc/uptime",
        lane: Lane::Kernel,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: load::open,
    },
    SourceDef {
        id: SourceId::Disks,
        reads: "/proc/diskstats, /sys/block",
        lane: Lane::Kernel,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: disk::open,
    },
    SourceDef {
        id: SourceId::Filesystems,
        reads: "/proc/self/mountinfo, statvfs",
        lane: Lane::Filesystems,
        pace: Pace::AtLeast(Duration::from_secs(5)),
        deadline: Duration::from_secs(10),
        open: filesystem::open,
    },
    SourceDef {
        id: SourceId::Network,
        reads: "/proc/net, /sys/class/net",
        lane: Lane::Kernel,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(2),
        open: network::open,
    },
    SourceDef {
        id: SourceId::Sensors,
        reads: "/sys/class/hwmon, /sys/class/thermal",
        lane: Lane::Sensors,
        pace: Pace::AtLeast(Duration::from_secs(2)),
        deadline: Duration::from_secs(5),
        open: sensor::open,
    },
    SourceDef {
        id: SourceId::Power,
        reads: "/sys/class/powercap/intel-rapl",
        lane: Lane::Power,
        pace: Pace::AtLeast(Duration::from_secs(1)),
        deadline: Duration::from_secs(2),
        open: power::open,
    },
    SourceDef {
        id: SourceId::Sockets,
        reads: "/proc/net/tcp, /proc/net/udp, /proc/PID/fd",
        lane: Lane::Sockets,
        pace: Pace::Wanted(|want| want.sockets || want.sockets_of.is_some()),
        deadline: Duration::from_secs(5),
        open: socket::open,
    },
    SourceDef {
        id: SourceId::Facts,
        reads: "/proc/cpuinfo, /sys/class/dmi/id, /etc/os-release, /etc/passwd",
        lane: Lane::Facts,
        pace: Pace::AtLeast(Duration::from_secs(60)),
        deadline: Duration::from_secs(5),
        open: facts::open,
    },
    SourceDef {
        id: SourceId::Limits,
        reads: "/proc/self/cgroup, /sys/fs/cgroup",
        lane: Lane::Kernel,
        pace: Pace::AtLeast(Duration::from_secs(1)),
        deadline: Duration::from_secs(2),
        open: limits::open,
    },
    SourceDef {
        id: SourceId::Gpus,
        reads: "libnvidia-ml.so.1, /sys/class/drm, hwmon, DRM fdinfo",
        lane: Lane::Gpus,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: gpu::open,
    },
    SourceDef {
        id: SourceId::Pools,
        reads: "/proc/spl/kstat/zfs, zpool, zfs",
        lane: Lane::Pools,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: pool::open,
    },
    SourceDef {
        id: SourceId::Containers,
        reads: "the sockets of Docker and Podman, their control groups",
        lane: Lane::Containers,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: container::open,
    },
    SourceDef {
        id: SourceId::Processes,
        reads: "/proc/PID/stat, cmdline, cgroup, io",
        lane: Lane::Processes,
        pace: Pace::Refresh,
        deadline: Duration::from_secs(5),
        open: process::open,
    },
    SourceDef {
        id: SourceId::ProcessDetail,
        reads: "/proc/PID of the process that is looked at",
        lane: Lane::Detail,
        pace: Pace::Wanted(|want| want.detail.is_some()),
        deadline: Duration::from_secs(5),
        open: process_detail::open,
    },
    SourceDef {
        id: SourceId::ContainerLog,
        reads: "the engine's log of one container",
        lane: Lane::Log,
        pace: Pace::Wanted(|want| want.log.is_some()),
        deadline: Duration::from_secs(2),
        open: log::open,
    },
    SourceDef {
        id: SourceId::Stores,
        reads: "what the engines keep: images, volumes, networks",
        lane: Lane::Stores,
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
