//! The recorded host come to life: its counters grow second after second as a mood asks, the same at every run.

use std::time::Duration;

use benchtop::{
    alert,
    clock::Stamp,
    model::{
        cpu::CpuTicks,
        event::{Envelope, Event, Sample},
        fault::Fault,
        filesystem::{Filesystem, FilesystemSample, Space},
        pressure::{Stall, Stalls},
        source::SourceId,
    },
    state::State,
};

#[path = "../homelab/mod.rs"]
mod homelab;

/// How the machine fares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    /// A quiet evening.
    Calm,
    /// Memory, a filesystem and a core are past their first limit.
    Strained,
    /// Nearly all is past its last limit.
    Failing,
}

/// The recorded host and the seconds that it has lived.
pub struct Machine {
    pub state: State,
    samples: Vec<(SourceId, Result<Sample, Fault>)>,
    second: u64,
}

impl Machine {
    /// Nothing was read yet.
    pub fn waiting() -> Self {
        Machine { state: State::new(alert::shipped().into()), samples: Vec::new(), second: 0 }
    }

    /// Two minutes of this mood.
    pub fn lively(mood: Mood) -> Self {
        let mut machine = Machine::waiting();
        machine.samples = homelab::read().into_iter().map(|(source, outcome)| (source.id, outcome)).collect();
        for (source, outcome) in &mut machine.samples {
            if *source == SourceId::Filesystems {
                *outcome = Ok(Sample::Filesystems(filesystems(mood)));
            }
        }
        (0..120).for_each(|_| machine.tick(mood));
        machine
    }

    /// Every source failed from the beginning, for the same reason.
    pub fn faulty(fault: &Fault) -> Self {
        let mut machine = Machine::waiting();
        machine.samples = SourceId::ALL.into_iter().map(|source| (source, Err(fault.clone()))).collect();
        (0..3).for_each(|_| machine.tick(Mood::Calm));
        machine
    }

    /// It lived, then no source has answered for `seconds`.
    pub fn silent(seconds: u64) -> Self {
        let mut machine = Machine::lively(Mood::Calm);
        let end = Stamp::at_seconds(machine.second + seconds);
        for (source, outcome) in &machine.samples {
            if outcome.is_ok() {
                machine.state.apply(reading(*source, machine.second + 5, Err(Fault::Timeout)));
            }
        }
        machine.state.apply(Event::Tick(end));
        machine.state.judge();
        machine
    }

    /// One refresh.
    fn tick(&mut self, mood: Mood) {
        self.second += 1;
        for (source, outcome) in &mut self.samples {
            if let Ok(sample) = outcome {
                grow(sample, self.second, mood);
            }
            self.state.apply(reading(*source, self.second, outcome.clone()));
            // From the second round on, a round of processes has differences.
            if let Ok(Sample::Processes(sample)) = outcome {
                (sample.fresh, sample.round, sample.infos) = (false, sample.round + 1, Vec::new());
            }
        }
        self.state.judge();
    }
}

fn reading(source: SourceId, second: u64, outcome: Result<Sample, Fault>) -> Event {
    let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
    Event::Reading(Envelope { source, at: Stamp::at_seconds(second), took, every, outcome })
}

/// Up and down between 0 and 1, another way for each `who`.
fn wave(second: u64, who: usize) -> f64 {
    let phase = (second as f64) / (9.0 + who as f64) + who as f64 * 1.7;
    (phase.sin() + 1.0) / 2.0
}

/// The counters of one sample a second later.
fn grow(sample: &mut Sample, second: u64, mood: Mood) {
    let strain = match mood {
        Mood::Calm => 0.2,
        Mood::Strained => 0.75,
        Mood::Failing => 0.99,
    };
    match sample {
        Sample::Cpu(cpu) => {
            for (number, ticks) in &mut cpu.cores {
                let quiet = 1.0 - strain;
                spend(ticks, strain + quiet * 0.6 * wave(second, usize::from(*number)));
            }
            spend_all(&mut cpu.total, &cpu.cores);
            cpu.context_switches = cpu.context_switches.map(|n| n + 4200 + second % 7 * 100);
            cpu.forks = cpu.forks.map(|n| n + second % 3);
        }
        Sample::Memory(memory) => {
            let used = match mood {
                Mood::Calm => 0.42,
                Mood::Strained => 0.91,
                Mood::Failing => 0.985,
            };
            let used = used + 0.01 * wave(second, 3);
            memory.available = (memory.total as f64 * (1.0 - used)) as u64;
            memory.free = memory.free.min(memory.available);
            // Under pressure the ARC gives way.
            if let Some(arc) = memory.arc.as_mut().filter(|_| mood != Mood::Calm) {
                arc.size = arc.size.min(memory.total / 64);
            }
        }
        Sample::Pressure(pressure) => {
            for (who, stalls) in [&mut pressure.cpu, &mut pressure.memory, &mut pressure.io].into_iter().enumerate() {
                let level = strain * strain * wave(second, who + 4);
                let stall = |level: f64| Stall { avg10: level, avg60: level * 0.8, avg300: level / 2.0, total_us: 0 };
                *stalls = Some(Stalls { some: stall(level), full: (who > 0).then(|| stall(level * 0.7)) });
            }
        }
        Sample::Load(load) => {
            load.load1 = 12.0 * strain + wave(second, 1);
            load.uptime_seconds += 1.0;
        }
        Sample::Disks(disks) => {
            for (who, disk) in disks.disks.iter_mut().enumerate() {
                let work = (strain * 1.2 * wave(second, who)).min(1.0);
                disk.reads += (work * 800.0) as u64;
                disk.sectors_read += (work * 160_000.0) as u64;
                disk.writes += (work * 300.0) as u64;
                disk.sectors_written += (work * 90_000.0) as u64;
                disk.read_ms += (work * 900.0) as u64;
                disk.write_ms += (work * 400.0) as u64;
                disk.busy_ms += (work * 1000.0) as u64;
                disk.queue_ms += (work * 1500.0) as u64;
            }
        }
        Sample::Network(network) => {
            for (who, interface) in network.interfaces.iter_mut().enumerate() {
                interface.rx_bytes += (wave(second, who) * 9e6) as u64;
                interface.tx_bytes += (wave(second, who + 2) * 2e6) as u64;
                interface.rx_packets += 900;
                interface.tx_packets += 500;
                interface.rx_errors += if mood == Mood::Failing && interface.physical { 200 } else { 0 };
            }
        }
        Sample::Sensors(sensors) if mood != Mood::Calm => {
            for temperature in &mut sensors.temperatures {
                temperature.celsius = if mood == Mood::Failing { 97.0 } else { 81.0 } + wave(second, 2);
            }
        }
        Sample::Power(power) => {
            for zone in &mut power.zones {
                zone.energy_uj += (40e6 * strain + 5e6 * wave(second, 5)) as u64;
            }
        }
        Sample::Processes(processes) => {
            for row in &mut processes.rows {
                (row.over_us, row.name, row.uid) =
                    if processes.fresh { (0, row.name.take(), row.uid) } else { (1_000_000, None, None) };
                let share = wave(second, row.key.pid as usize % 11) * f64::from(row.key.pid % 5) * strain;
                row.user_ticks += if row.kernel || row.state == b'Z' { 0 } else { (share * 60.0) as u64 };
            }
        }
        _ => {}
    }
}

/// A second of one core, `busy` of it at work.
fn spend(ticks: &mut CpuTicks, busy: f64) {
    let busy = (busy.min(1.0) * 100.0) as u64;
    ticks.user += busy * 3 / 4;
    ticks.system += busy - busy * 3 / 4;
    ticks.idle += 100 - busy;
}

fn spend_all(total: &mut CpuTicks, cores: &[(u16, CpuTicks)]) {
    let sum = |part: fn(&CpuTicks) -> u64| cores.iter().map(|(_, ticks)| part(ticks)).sum();
    (total.user, total.system, total.idle) = (sum(|t| t.user), sum(|t| t.system), sum(|t| t.idle));
}

fn filesystems(mood: Mood) -> FilesystemSample {
    let fullest = match mood {
        Mood::Calm => 61,
        Mood::Strained => 92,
        Mood::Failing => 99,
    };
    let mount = |mount: &str, device: &str, kind: &str, gigabytes: u64, used_percent: u64| {
        let size = gigabytes * 1_000_000_000;
        let free = size / 100 * (100 - used_percent);
        let space = Space { size, free, available: free, inodes: 1_000_000, inodes_free: 900_000 };
        Filesystem {
            mount: mount.into(),
            device: device.into(),
            kind: kind.into(),
            options: "rw,relatime".into(),
            read_only: false,
            space: Ok(space),
        }
    };
    let mut filesystems = vec![
        mount("/", "/dev/nvme0n1p2", "ext4", 500, 44),
        mount("/boot/efi", "/dev/nvme0n1p1", "vfat", 1, 6),
        mount("/srv/media", "tank/media", "zfs", 24_000, fullest),
        mount("/mnt/backup", "nas:/backup", "nfs4", 8_000, 70),
    ];
    if mood == Mood::Failing {
        filesystems[3].space = Err(Fault::Timeout);
    }
    FilesystemSample { filesystems }
}
