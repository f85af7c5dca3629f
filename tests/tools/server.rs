//! An invented server for the README's pictures: a homelab with a GPU, four pools and fifteen containers, one of them in
//! a crash loop, one OOM-killed, one pool rebuilding a lost drive. Every figure is made up; what is made of
//! it is not: these are the samples that the sources send, and the program's own fold and rules read them.

#![allow(clippy::needless_update, reason = "a sample that learns a field leaves this file as it is")]

use std::{sync::Arc, time::Duration};

use benchtop::{
    alert,
    clock::Stamp,
    model::{
        answer::Answer,
        arc::{ArcSample, Lookups},
        container::{Container, ContainerSample, Engine, Health, RunState, Usage},
        cpu::{CpuSample, CpuTicks},
        disk::{DiskCounters, DiskSample},
        event::{Envelope, Event, Sample},
        facts::FactsSample,
        filesystem::{Filesystem, FilesystemSample, Space},
        gpu::{Driver, Gpu, GpuProcess, GpuSample, Link},
        load::LoadSample,
        memory::MemorySample,
        network::{InterfaceCounters, NetworkSample},
        pool::{Dataset, IoRates, Pool, PoolIo, PoolSample, Scan, ScanKind, ScanState, Vdev},
        power::{EnergyZone, PowerSample},
        pressure::{PressureSample, Stall, Stalls},
        process::{ProcInfo, ProcIo, ProcKey, ProcRow, ProcessSample},
        sensor::{SensorKind, SensorSample, Temperature},
        source::SourceId,
    },
    state::State,
};

#[path = "probed.rs"]
mod probed;

const GIB: f64 = (1u64 << 30) as f64;
const MIB: f64 = (1u64 << 20) as f64;
/// 14 March 2026, 14:02:11 UTC.
const NOW_MS: i64 = 1_773_496_931_000;
const DAY: i64 = 86_400;

/// Name, project, image, state, health, cores, MiB, limit in MiB, read and write in KiB/s, receive and send in KiB/s,
/// port, days up.
type Service =
    (&'static str, &'static str, &'static str, RunState, Option<Health>, f64, f64, f64, [f64; 4], &'static str, i64);

use Health::{Healthy, Unhealthy};
use RunState::{Exited, Restarting, Running};

const SERVICES: [Service; 15] = [
    (
        "ollama",
        "ai",
        "ollama/ollama:0.12.6",
        Running,
        Some(Healthy),
        1.12,
        5240.0,
        0.0,
        [41_000.0, 0.0, 18.0, 96.0],
        "11434",
        6,
    ),
    (
        "open-webui",
        "ai",
        "ghcr.io/open-webui/open-webui:v0.6.34",
        Running,
        Some(Healthy),
        0.04,
        712.0,
        0.0,
        [0.0, 21.0, 96.0, 130.0],
        "3000",
        6,
    ),
    (
        "immich-server",
        "immich",
        "ghcr.io/immich-app/immich-server:v2.1.0",
        Running,
        Some(Healthy),
        0.86,
        1180.0,
        4096.0,
        [6_100.0, 900.0, 4_400.0, 880.0],
        "2283",
        41,
    ),
    (
        "immich-machine-learning",
        "immich",
        "ghcr.io/immich-app/immich-machine-learning:v2.1.0",
        Running,
        Some(Healthy),
        3.21,
        3794.0,
        4096.0,
        [120.0, 0.0, 410.0, 90.0],
        "",
        41,
    ),
    (
        "immich-postgres",
        "immich",
        "ghcr.io/immich-app/postgres:14-vectorchord0.4.3",
        Running,
        Some(Healthy),
        0.22,
        2110.0,
        4096.0,
        [1_900.0, 4_200.0, 400.0, 900.0],
        "",
        41,
    ),
    (
        "jellyfin",
        "media",
        "jellyfin/jellyfin:10.11.2",
        Running,
        Some(Healthy),
        0.41,
        1240.0,
        4096.0,
        [9_100.0, 40.0, 60.0, 8_900.0],
        "8096",
        12,
    ),
    (
        "nextcloud",
        "cloud",
        "nextcloud:32-apache",
        Running,
        Some(Healthy),
        0.03,
        810.0,
        2048.0,
        [12.0, 180.0, 90.0, 110.0],
        "8080",
        41,
    ),
    (
        "nextcloud-db",
        "cloud",
        "mariadb:11.8",
        Running,
        Some(Healthy),
        0.02,
        460.0,
        1024.0,
        [0.0, 410.0, 60.0, 50.0],
        "",
        41,
    ),
    (
        "homeassistant",
        "home",
        "ghcr.io/home-assistant/home-assistant:2025.11",
        Running,
        None,
        0.02,
        640.0,
        0.0,
        [0.0, 35.0, 9.0, 4.0],
        "8123",
        20,
    ),
    (
        "pihole",
        "dns",
        "pihole/pihole:2025.10.3",
        Running,
        Some(Unhealthy),
        0.004,
        92.0,
        0.0,
        [0.0, 2.0, 2.0, 1.0],
        "53, 80",
        41,
    ),
    (
        "caddy",
        "edge",
        "caddy:2.10-alpine",
        Running,
        None,
        0.03,
        48.0,
        256.0,
        [0.0, 0.0, 9_300.0, 9_700.0],
        "80, 443",
        41,
    ),
    ("grafana", "watch", "grafana/grafana:12.2.1", Running, None, 0.01, 210.0, 512.0, [0.0, 8.0, 9.0, 4.0], "3001", 41),
    (
        "prometheus",
        "watch",
        "prom/prometheus:v3.7.3",
        Running,
        None,
        0.03,
        388.0,
        1024.0,
        [0.0, 120.0, 14.0, 3.0],
        "9090",
        41,
    ),
    (
        "paperless",
        "docs",
        "ghcr.io/paperless-ngx/paperless-ngx:2.19",
        Exited,
        None,
        0.0,
        0.0,
        512.0,
        [0.0; 4],
        "8000",
        0,
    ),
    ("plex", "media", "plexinc/pms-docker:1.42.2", Restarting, None, 0.0, 0.0, 4096.0, [0.0; 4], "32400", 0),
];

/// Pid, user, container's place in [`SERVICES`], share of a core, MiB, KiB/s read and written, command.
type Program = (u32, u32, Option<usize>, f64, f64, f64, f64, &'static str);

const PROGRAMS: [Program; 22] = [
    (
        48_121,
        0,
        Some(0),
        1.08,
        4710.0,
        41_000.0,
        0.0,
        "/usr/bin/ollama runner --model /root/.ollama/models/blobs/sha256-667b0c1932bc --ctx-size 8192 --n-gpu-layers 49",
    ),
    (51_902, 1000, Some(3), 3.1, 3600.0, 120.0, 0.0, "python -m immich_ml"),
    (51_640, 1000, Some(2), 0.62, 820.0, 6_100.0, 900.0, "immich"),
    (51_671, 1000, Some(2), 0.24, 310.0, 0.0, 0.0, "immich-api"),
    (
        77_813,
        1000,
        Some(5),
        0.37,
        640.0,
        9_100.0,
        0.0,
        "/usr/lib/jellyfin-ffmpeg/ffmpeg -hwaccel cuda -i file:/media/films/Solaris (1972)/Solaris.mkv -c:v h264_nvenc -b:v 8M",
    ),
    (52_204, 999, Some(4), 0.12, 940.0, 1_900.0, 3_100.0, "postgres: immich immich 172.20.0.4(51234) SELECT"),
    (52_180, 999, Some(4), 0.05, 610.0, 0.0, 1_100.0, "postgres: checkpointer"),
    (1_204, 0, None, 0.04, 101.0, 0.0, 12.0, "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"),
    (1_180, 0, None, 0.02, 61.0, 0.0, 0.0, "/usr/bin/containerd"),
    (611, 0, None, 0.09, 0.0, 0.0, 0.0, "[z_rd_int_1]"),
    (48_010, 0, Some(0), 0.02, 88.0, 0.0, 0.0, "/bin/ollama serve"),
    (
        60_320,
        1000,
        Some(1),
        0.04,
        690.0,
        0.0,
        21.0,
        "python3 -m uvicorn open_webui.main:app --host 0.0.0.0 --port 8080",
    ),
    (53_511, 1000, Some(5), 0.03, 590.0, 0.0, 40.0, "/jellyfin/jellyfin --ffmpeg /usr/lib/jellyfin-ffmpeg/ffmpeg"),
    (54_090, 33, Some(6), 0.03, 212.0, 12.0, 180.0, "apache2 -DFOREGROUND"),
    (54_420, 999, Some(7), 0.02, 440.0, 0.0, 410.0, "mariadbd"),
    (55_001, 0, Some(8), 0.02, 610.0, 0.0, 35.0, "python3 -m homeassistant --config /config"),
    (55_377, 0, Some(10), 0.03, 46.0, 0.0, 0.0, "caddy run --config /etc/caddy/Caddyfile --adapter caddyfile"),
    (
        55_802,
        65_534,
        Some(12),
        0.03,
        380.0,
        0.0,
        120.0,
        "/bin/prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.retention.time=90d",
    ),
    (56_120, 472, Some(11), 0.01, 205.0, 0.0, 8.0, "grafana server --homepath=/usr/share/grafana"),
    (1_733, 0, None, 0.003, 14.0, 0.0, 0.0, "sshd: ada [priv]"),
    (2_044, 1001, None, 0.002, 9.0, 0.0, 0.0, "tmux new -s main"),
    (1, 0, None, 0.001, 12.0, 0.0, 0.0, "/sbin/init"),
];

/// Drives: name, model, bytes, KiB/s read and written, milliseconds an operation, spinning.
const DRIVES: [(&str, &str, f64, f64, f64, f64, bool); 7] = [
    ("nvme0n1", "Samsung SSD 990 PRO 2TB", 2e12, 43_000.0, 6_200.0, 0.2, false),
    ("nvme1n1", "Samsung SSD 990 PRO 2TB", 2e12, 12_000.0, 6_200.0, 0.2, false),
    ("sda", "WDC WD140EFGX-68B0GN0", 14e12, 61_000.0, 900.0, 8.1, true),
    ("sdb", "WDC WD140EFGX-68B0GN0", 14e12, 62_000.0, 900.0, 8.4, true),
    ("sdc", "WDC WD140EFGX-68B0GN0", 14e12, 61_500.0, 900.0, 7.9, true),
    ("sde", "WDC WD140EFGX-68B0GN0", 14e12, 0.0, 118_000.0, 9.6, true),
    ("sdf", "ST8000VN004-3CP101", 8e12, 0.0, 30.0, 5.2, true),
];

/// Share, speed and shift by `who` of the waves that make up [`wave`].
const WAVES: [(f64, f64, f64); 3] = [(0.5, 0.046, 1.7), (0.3, 0.271, 3.9), (0.2, 0.671, 8.7)];

/// Up and down between 0 and 1, another way for each `who`; the same in every run.
fn wave(second: u64, who: usize) -> f64 {
    let part = |(share, speed, shift): (f64, f64, f64)| share * (second as f64 * speed + who as f64 * shift).sin();
    (WAVES.map(part).iter().sum::<f64>() + 1.0) / 2.0
}

/// A counter that grew by `rate * (0.7 + 0.6 * wave)` in each second so far, and so never goes back.
fn grown(rate: f64, second: u64, who: usize) -> u64 {
    let (t, who) = (second as f64, who as f64);
    let part = |(share, speed, shift): (f64, f64, f64)| {
        share * ((who * shift).cos() - (t * speed + who * shift).cos()) / speed
    };
    (rate * (0.7 * t + 0.3 * (WAVES.map(part).iter().sum::<f64>() + t))) as u64
}

/// The machine after so many seconds of being watched.
pub fn lived(seconds: u64) -> State {
    let mut state = State::new(alert::shipped().into());
    let at = |second: u64| Stamp {
        mono_us: second * 1_000_000,
        unix_ms: NOW_MS - i64::try_from(seconds - second).unwrap_or(0) * 1000,
    };
    let mut cores = vec![CpuTicks::default(); 16];
    for second in 1..=seconds {
        let cpu = cpu(&mut cores, second);
        let samples = [
            (SourceId::Facts, Sample::Facts(Box::new(facts()))),
            (SourceId::Cpu, Sample::Cpu(cpu)),
            (SourceId::Memory, Sample::Memory(Box::new(memory(second)))),
            (SourceId::Pressure, Sample::Pressure(pressure(second))),
            (SourceId::Load, Sample::Load(load(second))),
            (SourceId::Disks, Sample::Disks(disks(second))),
            (SourceId::Filesystems, Sample::Filesystems(filesystems())),
            (SourceId::Network, Sample::Network(network(second))),
            (SourceId::Sensors, Sample::Sensors(sensors(second))),
            (SourceId::Power, Sample::Power(power(second))),
            (SourceId::Gpus, Sample::Gpus(gpus(second))),
            (SourceId::Pools, Sample::Pools(Box::new(pools(second)))),
            (SourceId::Containers, Sample::Containers(containers(second, at(second).unix_ms))),
            (SourceId::Services, Sample::Services(probed::services(second, seconds, at))),
            (SourceId::ModelServers, Sample::ModelServers(probed::model_servers(second, at(second)))),
            (SourceId::Processes, Sample::Processes(processes(second))),
        ];
        for (source, sample) in samples {
            let (took, every) = (Duration::from_millis(1), Duration::from_secs(1));
            let outcome = Ok(sample);
            state.apply(Event::Reading(Envelope { source, at: at(second), took, every, outcome }));
        }
        state.judge();
    }
    state
}

fn facts() -> FactsSample {
    let users = [
        (0, "root"),
        (33, "www-data"),
        (472, "grafana"),
        (999, "postgres"),
        (1000, "media"),
        (1001, "ada"),
        (65_534, "nobody"),
    ];
    FactsSample {
        hostname: Some("atlas".into()),
        os: Some("Debian 13".into()),
        kernel: Some("6.12.48".into()),
        cpu_model: Some("AMD Ryzen 7 7700".into()),
        threads: Some(16),
        cores: Some(8),
        boot_unix_seconds: Some(NOW_MS / 1000 - 41 * DAY),
        users: users.map(|(id, name)| (id, name.to_owned())).to_vec(),
        ..FactsSample::default()
    }
}

fn cpu(cores: &mut [CpuTicks], second: u64) -> CpuSample {
    // Now and then somebody opens an album, and a backup runs.
    let peak = if second % 83 < 3 {
        0.5
    } else if second % 37 == 5 {
        0.3
    } else {
        0.0
    };
    for (number, ticks) in cores.iter_mut().enumerate() {
        let own = if number % 5 == 2 { 0.75 } else { 0.12 };
        let busy = (own * (0.25 + 1.5 * wave(second, number).powi(2)) + peak * wave(second, number + 7)).min(1.0);
        let busy = (busy * 100.0) as u64;
        let waits = ((100 - busy) as f64 * 0.06 * wave(second, number + 3)) as u64;
        ticks.user += busy * 4 / 5;
        ticks.system += busy - busy * 4 / 5;
        ticks.iowait += waits;
        ticks.idle += 100 - busy - waits;
    }
    let sum = |part: fn(&CpuTicks) -> u64| cores.iter().map(part).sum::<u64>();
    let total = CpuTicks {
        user: sum(|t| t.user),
        system: sum(|t| t.system),
        iowait: sum(|t| t.iowait),
        idle: sum(|t| t.idle),
        ..CpuTicks::default()
    };
    let numbered = (0u16..).zip(cores.iter().copied());
    CpuSample {
        total,
        cores: numbered.clone().collect(),
        hertz: numbered.map(|(n, _)| (n, 4_900_000_000 + u64::from(n) * 9_000_000)).collect(),
        context_switches: Some(21_000 * second),
        interrupts: Some(9_000 * second),
        forks: Some(6 * second),
    }
}

fn memory(second: u64) -> MemorySample {
    let gib = |n: f64| (n * GIB) as u64;
    let used = 25.1 + 0.8 * wave(second, 1);
    let arc = 18.4;
    MemorySample {
        total: gib(62.7),
        free: gib(62.7 - used - arc - 12.9),
        available: gib(62.7 - used - arc),
        buffers: gib(0.4),
        cached: gib(12.5),
        slab: Some(gib(2.1)),
        slab_reclaimable: gib(1.3),
        anonymous: Some(gib(22.8)),
        mapped: Some(gib(1.9)),
        page_tables: Some(gib(0.2)),
        committed: Some(gib(41.0)),
        commit_limit: Some(gib(64.0)),
        swap_total: gib(8.0),
        swap_free: gib(7.7),
        page_bytes: 4096,
        arc: Some(ArcSample {
            size: gib(arc),
            target: gib(19.0),
            min: gib(2.0),
            max: gib(31.3),
            hits: grown(9_400.0, second, 4),
            misses: grown(210.0, second, 5),
            kinds: [1.0, 0.6, 0.2, 0.1]
                .map(|part| Lookups { hits: grown(5_000.0 * part, second, 4), misses: grown(110.0 * part, second, 5) }),
            data_size: gib(14.9),
            metadata_size: gib(3.1),
            recent_size: gib(5.0),
            frequent_size: gib(13.0),
            ..ArcSample::default()
        }),
        ..MemorySample::default()
    }
}

fn pressure(second: u64) -> PressureSample {
    let stalls = |level: f64, who: usize| {
        let now = level * (0.6 + 0.8 * wave(second, who));
        let stall = |avg10: f64| Stall { avg10, avg60: avg10 * 0.9, avg300: avg10 * 0.8, ..Stall::default() };
        Some(Stalls { some: stall(now), full: Some(stall(now * 0.4)) })
    };
    PressureSample { cpu: stalls(0.012, 1), memory: stalls(0.0, 2), io: stalls(0.036, 3) }
}

fn load(second: u64) -> LoadSample {
    LoadSample {
        load1: 5.6 + wave(second, 2),
        load5: 5.2,
        load15: 4.8,
        running_threads: 7,
        threads: 2214,
        uptime_seconds: (41 * DAY) as f64 + second as f64,
        benchmarks_by: None,
    }
}

fn disks(second: u64) -> DiskSample {
    let disk = |(who, (name, model, size, read, written, latency, rotational)): (usize, _)| {
        let (read, written): (f64, f64) = (read, written);
        let (name, model): (&str, &str) = (name, model);
        let (reads, writes) = (grown(read / 120.0, second, who), grown(written / 120.0, second, who + 1));
        let busy = if rotational { (read + written) / 130_000.0 } else { (read + written) / 2e6 };
        DiskCounters {
            name: name.into(),
            reads,
            sectors_read: grown(read * 2.0, second, who),
            read_ms: (reads as f64 * latency) as u64,
            writes,
            sectors_written: grown(written * 2.0, second, who + 1),
            write_ms: (writes as f64 * latency) as u64,
            busy_ms: grown(busy.min(0.9) * 780.0, second, who),
            queue_ms: grown(busy * 1200.0, second, who),
            size_bytes: Some(size as u64),
            model: Some(model.into()),
            rotational: Some(rotational),
            ..DiskCounters::default()
        }
    };
    DiskSample { disks: DRIVES.into_iter().enumerate().map(disk).collect() }
}

fn filesystems() -> FilesystemSample {
    let mount = |mount: &str, device: &str, kind: &str, gigabytes: u64, used: u64| {
        let size = gigabytes * 1_000_000_000;
        let free = size / 100 * (100 - used);
        let space = Space { size, free, available: free, inodes: 9_000_000, inodes_free: 8_400_000 };
        Filesystem {
            mount: mount.into(),
            device: device.into(),
            kind: kind.into(),
            options: "rw,relatime".into(),
            read_only: false,
            space: Ok(space),
        }
    };
    FilesystemSample {
        filesystems: vec![
            mount("/", "rpool/ROOT/debian", "zfs", 1_180, 22),
            mount("/boot/efi", "/dev/nvme0n1p1", "vfat", 1, 6),
            mount("/srv/media", "tank/media", "zfs", 38_400, 81),
            mount("/srv/photos", "tank/photos", "zfs", 9_200, 31),
            mount("/srv/models", "fast/models", "zfs", 1_700, 72),
            mount("/mnt/offsite", "nas:/backup", "nfs4", 8_000, 58),
        ],
    }
}

fn network(second: u64) -> NetworkSample {
    let interface = |who: usize, name: &str, rx: f64, tx: f64, speed: Option<u64>| InterfaceCounters {
        name: name.into(),
        rx_bytes: grown(rx * 1024.0, second, who),
        rx_packets: grown(rx, second, who),
        tx_bytes: grown(tx * 1024.0, second, who + 2),
        tx_packets: grown(tx, second, who + 2),
        state: Some("up".into()),
        speed_bits: speed,
        physical: speed.is_some(),
        addresses: vec![format!("192.168.1.{}/24", 10 + who)],
        ..InterfaceCounters::default()
    };
    NetworkSample {
        interfaces: vec![
            interface(0, "enp5s0", 11_200.0, 19_600.0, Some(2_500_000_000)),
            interface(1, "br-media", 8_900.0, 640.0, None),
            interface(2, "br-immich", 4_500.0, 1_700.0, None),
        ],
    }
}

fn sensors(second: u64) -> SensorSample {
    let sensor = |who: usize, sensor: &str, kind: SensorKind, celsius: f64, high: f64, critical: f64| Temperature {
        sensor: sensor.into(),
        kind,
        celsius: celsius + 2.0 * wave(second, who),
        high_celsius: Some(high),
        critical_celsius: Some(critical),
    };
    SensorSample {
        temperatures: vec![
            sensor(0, "k10temp Tctl", SensorKind::Cpu, 59.0, 90.0, 95.0),
            sensor(1, "nvme0 Composite", SensorKind::Disk, 46.0, 81.0, 85.0),
            sensor(2, "nvme1 Composite", SensorKind::Disk, 43.0, 81.0, 85.0),
            sensor(3, "drivetemp sda", SensorKind::Disk, 38.0, 60.0, 65.0),
            sensor(4, "drivetemp sde", SensorKind::Disk, 41.0, 60.0, 65.0),
        ],
        fans: Vec::new(),
    }
}

fn power(second: u64) -> PowerSample {
    let energy_uj = grown(58e6, second, 6);
    PowerSample { zones: vec![EnergyZone { zone: "package-0".into(), energy_uj, wraps_at_uj: u64::MAX / 2 }] }
}

fn gpus(second: u64) -> GpuSample {
    let process = |pid: u32, gib: f64, busy: f64| GpuProcess {
        pid,
        memory: Some((gib * GIB) as u64),
        busy: Some(busy),
        ..GpuProcess::default()
    };
    let card = Gpu {
        id: "GPU-6c1b2f0e-6d0a-7f11-9a55-3f2f7c1d90ab".into(),
        name: "NVIDIA GeForce RTX 3090".into(),
        bus: "0000:01:00.0".into(),
        driver: "nvidia".into(),
        busy: Some(0.84 + 0.14 * wave(second, 2)),
        memory_busy: Some(0.61 + 0.1 * wave(second, 3)),
        encoder: Some(0.22),
        decoder: Some(0.31),
        memory_total: Some((24.0 * GIB) as u64),
        memory_used: Some((19.8 * GIB) as u64),
        memory_reserved: Some((0.3 * GIB) as u64),
        temperature: Some(71.0 + 3.0 * wave(second, 4)),
        slowdown_temperature: Some(95.0),
        shutdown_temperature: Some(98.0),
        power: Some(286.0 + 40.0 * wave(second, 2)),
        power_limit: Some(350.0),
        power_default: Some(350.0),
        power_max: Some(385.0),
        energy_uj: Some(grown(300e6, second, 2)),
        clock: Some(1_905_000_000),
        clock_max: Some(2_100_000_000),
        memory_clock: Some(9_501_000_000),
        fan: Some(0.58),
        performance_state: Some(2),
        link: Link {
            generation: Some((4, 4)),
            width: Some((16, 16)),
            received: Some(412_000_000),
            sent: Some(38_000_000),
            replays: Some(0),
        },
        processes: vec![process(48_121, 13.1, 0.71), process(51_902, 5.2, 0.12), process(77_813, 1.4, 0.06)],
        ..Gpu::default()
    };
    let driver = Driver { version: Some("580.95.05".into()), cuda: Some("13.0".into()), ..Driver::default() };
    GpuSample { drivers: vec![driver], gpus: vec![card] }
}

fn vdev(name: &str, depth: u8, state: &str) -> Vdev {
    Vdev { name: name.into(), depth, state: state.into(), leaf: depth > 1, ..Vdev::default() }
}

fn scan(kind: ScanKind, state: ScanState, days: i64, done: Option<f64>) -> Option<Scan> {
    let started = NOW_MS / 1000 - days * DAY - 9_300;
    Some(Scan {
        kind,
        state,
        started_unix: Some(started),
        ended_unix: (state == ScanState::Finished).then_some(started + 8_000),
        done_ratio: done,
        remaining: done.map(|_| Duration::from_secs(3 * 3600 + 1320)),
        errors: 0,
        repaired_bytes: Some(if done.is_some() { 4_700_000_000_000 } else { 0 }),
    })
}

fn pools(second: u64) -> PoolSample {
    let finished = |days| scan(ScanKind::Scrub, ScanState::Finished, days, None);
    let pool = |name: &str, state: &str, tib: f64, used: f64, frag: f64, ratio: f64, scan, vdevs| {
        let size = (tib * 1024.0 * GIB) as u64;
        let allocated = (size as f64 * used) as u64;
        Pool {
            name: name.into(),
            state: state.into(),
            scan,
            vdevs,
            data_errors: Some(0),
            size: Some(size),
            allocated: Some(allocated),
            free: Some(size - allocated),
            fragmentation: Some(frag),
            dedup: Some(1.0),
            compress: Some(ratio),
            autotrim: Some(true),
            ..Pool::default()
        }
    };
    let mirror = |a: &str, b: &str| vec![vdev("mirror-0", 1, "ONLINE"), vdev(a, 2, "ONLINE"), vdev(b, 2, "ONLINE")];
    let mut tank = vec![vdev("raidz2-0", 1, "DEGRADED")];
    tank.extend(["/dev/sda1", "/dev/sdb1", "/dev/sdc1"].map(|name| vdev(name, 2, "ONLINE")));
    tank.push(vdev("raidz2-0/replacing-3", 2, "DEGRADED"));
    tank.push(Vdev { note: "was /dev/sdd1".into(), errors: [0, 214, 0], ..vdev("11904823118236117709", 3, "FAULTED") });
    tank.push(Vdev { note: "(resilvering)".into(), ..vdev("/dev/sde1", 3, "ONLINE") });
    let known = vec![
        pool("backup", "ONLINE", 7.28, 0.58, 0.03, 1.21, finished(11), vec![vdev("/dev/sdf1", 2, "ONLINE")]),
        pool("fast", "ONLINE", 1.72, 0.72, 0.21, 1.04, finished(4), mirror("/dev/nvme0n1p4", "/dev/nvme1n1p4")),
        pool("rpool", "ONLINE", 0.09, 0.31, 0.12, 1.92, finished(4), mirror("/dev/nvme0n1p3", "/dev/nvme1n1p3")),
        Pool {
            status:
                "One or more devices is currently being resilvered. The pool will continue to function, possibly in \
                     a degraded state."
                    .into(),
            action: "Wait for the resilver to complete.".into(),
            ..pool(
                "tank",
                "DEGRADED",
                50.9,
                0.79,
                0.09,
                1.01,
                scan(ScanKind::Resilver, ScanState::Running, 0, Some(0.42)),
                tank,
            )
        },
    ];
    let io = |who: usize, read: f64, write: f64, wait: f64| PoolIo {
        reads: read / 120.0,
        writes: write / 90.0,
        read_bytes: read * 1024.0 * (0.7 + 0.6 * wave(second, who)),
        write_bytes: write * 1024.0 * (0.7 + 0.6 * wave(second, who + 1)),
        read_wait: (read > 0.0).then_some(wait),
        write_wait: (write > 0.0).then_some(wait * 0.8),
    };
    let of = |pool: &str, device: Option<&str>, io: PoolIo| (pool.to_owned(), device.map(str::to_owned), io);
    let mut rows = vec![
        of("backup", None, io(0, 0.0, 30.0, 0.0052)),
        of("fast", None, io(1, 43_000.0, 5_200.0, 0.0003)),
        of("rpool", None, io(2, 1_200.0, 1_000.0, 0.0002)),
        of("tank", None, io(3, 184_000.0, 118_000.0, 0.0091)),
    ];
    for (who, device) in ["/dev/sda1", "/dev/sdb1", "/dev/sdc1"].into_iter().enumerate() {
        rows.push(of("tank", Some(device), io(who + 4, 61_000.0, 900.0, 0.0082)));
    }
    rows.push(of("tank", Some("/dev/sde1"), io(9, 0.0, 118_000.0, 0.0096)));
    let dataset = |name: &str, gib: f64, ratio: f64, compression: &str, record: u64, snapshots: u32| Dataset {
        name: name.into(),
        used: (gib * GIB) as u64,
        available: (9_400.0 * GIB) as u64,
        by_snapshots: (gib * 0.04 * GIB) as u64,
        ratio: Some(ratio),
        record: Some(record * 1024),
        compression: compression.into(),
        mountpoint: Some(format!("/srv/{}", name.rsplit('/').next().unwrap_or(name))),
        snapshots,
        newest_snapshot_unix: (snapshots > 0).then_some(NOW_MS / 1000 - 2_400),
        ..Dataset::default()
    };
    let datasets = vec![
        dataset("tank/media", 29_800.0, 1.0, "lz4", 1024, 24),
        dataset("tank/photos", 2_650.0, 1.01, "lz4", 1024, 48),
        dataset("tank/nextcloud", 610.0, 1.31, "zstd", 128, 48),
        dataset("tank/paperless", 38.0, 1.42, "zstd", 128, 48),
        dataset("fast/models", 1_140.0, 1.02, "lz4", 1024, 4),
        dataset("fast/docker", 96.0, 1.72, "lz4", 128, 0),
        dataset("fast/postgres", 21.0, 2.31, "lz4", 16, 96),
    ];
    let at = Stamp::at_seconds(second);
    PoolSample {
        version: Some("2.3.4-1".into()),
        states: known.iter().map(|p| (p.name.clone(), p.state.clone())).collect(),
        counters: Vec::new(),
        pools: Answer::new(known, at),
        io: Answer::new(IoRates { number: second, rows }, at),
        datasets: Answer::new(datasets, at),
    }
}

fn id(at: usize) -> String {
    format!("{:012x}{:052x}", 0x3f7a_91c4_e001_u64 + at as u64 * 0x0011_2233_4455, at)
}

fn containers(second: u64, now: i64) -> ContainerSample {
    let made =
        SERVICES.iter().enumerate().map(|(at, service)| Arc::new(container(at, service, now))).collect::<Vec<_>>();
    let usages = SERVICES.iter().enumerate().filter(|(_, service)| service.3 == Running).map(|(at, service)| {
        let (_, _, _, _, _, cores, mib, limit, [read, write, rx, tx], ..) = *service;
        let counter = |rate: f64, who: usize| Some(grown(rate * 1024.0, second, at + who));
        let usage = Usage {
            cpu_us: Some(grown(cores * 1e6, second, at)),
            memory_bytes: Some((mib * MIB * (0.995 + 0.01 * wave(second, at))) as u64),
            memory_limit: Some((limit * MIB) as u64).filter(|limit| *limit > 0),
            pids: Some(9 + at as u64 * 3),
            read_bytes: counter(read, 1),
            written_bytes: counter(write, 2),
            rx_bytes: counter(rx, 3),
            tx_bytes: counter(tx, 4),
            ..Usage::default()
        };
        (id(at), usage)
    });
    ContainerSample {
        engines: vec![Engine {
            kind: "docker".into(),
            address: "unix:///var/run/docker.sock".into(),
            version: Some("28.5.1".into()),
            local: true,
            listed: true,
            ..Engine::default()
        }],
        usages: usages.collect(),
        containers: made,
    }
}

fn container(at: usize, service: &Service, now: i64) -> Container {
    let (name, project, image, state, health, _, _, limit, _, port, days) = *service;
    let ago = |seconds: i64| Some(NOW_MS - seconds * 1000);
    let looping = state == Restarting;
    Container {
        id: id(at),
        name: name.into(),
        image: image.into(),
        command: name.into(),
        state,
        health,
        failing_streak: if health == Some(Unhealthy) { 5 } else { 0 },
        exit_code: Some(if looping { 1 } else { 137 }),
        oom_killed: state == Exited,
        created_unix_ms: ago(days * DAY + 90),
        started_unix_ms: if looping { Some(now - 12_000) } else { ago(days * DAY + 80 + at as i64) },
        finished_unix_ms: ago(26 * 60),
        restarts: if looping { 36 } else { 0 },
        restart_policy: "unless-stopped".into(),
        pid: PROGRAMS.iter().find(|p| p.2 == Some(at)).map_or(0, |p| p.0),
        project: Some(project.into()),
        service: Some(name.into()),
        ports: port.split(", ").filter(|p| !p.is_empty()).map(|p| format!("{p}→{p}/tcp")).collect(),
        memory_limit: Some((limit * MIB) as u64).filter(|limit| *limit > 0),
        cpu_limit: (name == "immich-machine-learning").then_some(4.0),
        restarted_unix_ms: if looping { (1..=10).map(|n| now - n * 55_000).collect() } else { Vec::new() },
        ..Container::default()
    }
}

fn processes(second: u64) -> ProcessSample {
    let fresh = second == 1;
    let key = |pid: u32| ProcKey { pid, start_ticks: u64::from(pid) * 7 };
    let mut sample = ProcessSample { fresh, full: true, page_bytes: 4096, ..ProcessSample::default() };
    let mut all: Vec<Program> = PROGRAMS.to_vec();
    // Those that sleep behind them: the kernel's own, and the shims of containers.
    all.extend((3..150).map(|n| (n, 0, None, 0.0, 0.0, 0.0, 0.0, "[kworker/u32:2]")));
    all.extend((0..130).map(|n| (90_000 + n * 3, 0, None, 0.0, 13.0, 0.0, 0.0, "/usr/bin/containerd-shim-runc-v2")));
    all.sort_by_key(|p| p.0);
    all.dedup_by_key(|p| p.0);
    for (pid, uid, container, cores, mib, read, write, command) in all {
        let kernel = command.starts_with('[');
        let ticks = grown(cores * 100.0, second, pid as usize % 13);
        let program = command.split(' ').next().unwrap_or(command);
        let name = program.trim_matches(['[', ']', ':']).rsplit('/').next().unwrap_or(program);
        if fresh || cores > 0.0 {
            sample.rows.push(ProcRow {
                key: key(pid),
                tgid: pid,
                parent: if pid == 1 { 0 } else { 1 },
                state: if pid == 611 {
                    b'D'
                } else if cores > 0.5 {
                    b'R'
                } else {
                    b'S'
                },
                user_ticks: ticks + u64::from(pid) * 3,
                over_us: if fresh { 0 } else { 1_000_000 },
                resident_pages: (mib * 256.0) as u64,
                virtual_bytes: (mib * MIB * 2.5) as u64,
                threads: if cores > 0.3 { 24 } else { 6 },
                priority: 20,
                kernel,
                name: fresh.then(|| name.into()),
                uid: fresh.then_some(uid),
                ..ProcRow::default()
            });
        }
        if fresh && !kernel {
            let cgroup = match container {
                Some(at) => format!("/system.slice/docker-{}.scope", id(at)),
                None => "/system.slice/docker.service".to_owned(),
            };
            let info = ProcInfo {
                command: command.into(),
                program_len: program.len() as u16,
                cgroup: cgroup.into(),
                ..ProcInfo::default()
            };
            sample.infos.push((key(pid), info));
        }
        sample.ios.push(ProcIo {
            key: key(pid),
            read_bytes: grown(read * 1024.0, second, 3),
            written_bytes: grown(write * 1024.0, second, 5),
            over_us: if fresh { 0 } else { 1_000_000 },
        });
    }
    sample.read = sample.rows.len() as u32;
    sample
}
