//! AMD and Intel cards by the files of their kernel drivers: amdgpu, i915 and xe, with their hwmon sensors.

use std::fs;

use super::fdinfo::{Clients, Engines};
use crate::{
    model::gpu::{CardState, Gpu, GpuProcess, Link, Maker, Throttle},
    sys::root::Root,
};

/// The folder of all cards.
const FOLDER: &str = "sys/class/drm";

/// One card that this file reads.
struct Card {
    /// `sys/class/drm/card0`.
    path: String,
    bus: String,
    maker: Maker,
    driver: String,
    /// Its hwmon folder.
    sensors: Option<String>,
    name: String,
}

/// Reads cards and who uses them.
#[derive(Default)]
pub(super) struct Drm {
    clients: Clients,
}

impl Drm {
    /// The cards now; `first` is the number of the first.
    pub(super) fn read(&mut self, root: &Root, first: usize) -> Vec<Gpu> {
        let cards = cards(root);
        if cards.is_empty() {
            return Vec::new();
        }
        let clients = self.clients.read(root);
        let read = |(index, card): (usize, &Card)| {
            let mut gpu = card.read(root);
            gpu.index = u16::try_from(first + index).unwrap_or(u16::MAX);
            gpu.processes = clients.iter().filter(|c| c.bus == card.bus).map(process).collect();
            gpu
        };
        cards.iter().enumerate().map(read).collect()
    }
}

fn process(client: &Engines) -> GpuProcess {
    GpuProcess {
        pid: client.pid,
        graphics: false,
        memory: client.memory,
        busy: None,
        engine_ns: Some(client.busiest_ns),
    }
}

/// True when there may be something to read.
pub(super) fn any(root: &Root) -> bool {
    !cards(root).is_empty()
}

fn cards(root: &Root) -> Vec<Card> {
    let Ok(entries) = fs::read_dir(root.path(FOLDER)) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().map(str::to_owned))
        // `card0-HDMI-A-1` is a plug of it.
        .filter(|name| {
            name.strip_prefix("card").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        })
        .collect();
    names.sort_by_key(|name| name[4..].parse::<u32>().unwrap_or(u32::MAX));
    names.iter().filter_map(|name| card(root, name)).collect()
}

fn card(root: &Root, name: &str) -> Option<Card> {
    let path = format!("{FOLDER}/{name}");
    let maker = match root.line(format!("{path}/device/vendor"))?.as_str() {
        "0x1002" => Maker::Amd,
        "0x8086" => Maker::Intel,
        _ => return None,
    };
    let last = |link: &str| {
        let target = fs::read_link(root.path(format!("{path}/{link}"))).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    };
    let uevent = root.text(format!("{path}/device/uevent")).unwrap_or_default();
    let told = |key: &str| uevent.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned);
    let driver = last("device/driver").or_else(|| told("DRIVER")).unwrap_or_default();
    let bus = last("device").filter(|b| b.contains(':')).or_else(|| told("PCI_SLOT_NAME")).unwrap_or_default();
    let sensors = fs::read_dir(root.path(format!("{path}/device/hwmon"))).ok().and_then(|entries| {
        let folder = entries.flatten().find_map(|e| e.file_name().to_str().map(str::to_owned))?;
        Some(format!("{path}/device/hwmon/{folder}"))
    });
    let device = root.line(format!("{path}/device/device")).unwrap_or_default();
    let product = root.line(format!("{path}/device/product_name"));
    let name = product.unwrap_or_else(|| format!("{} GPU {}", maker.word(), device.trim_start_matches("0x")));
    Some(Card { path, bus, maker, driver, sensors, name })
}

impl Card {
    fn read(&self, root: &Root) -> Gpu {
        let id = if self.bus.is_empty() { self.path.clone() } else { self.bus.clone() };
        let mut gpu = Gpu { id, maker: self.maker, name: self.name.clone(), bus: self.bus.clone(), ..Gpu::default() };
        let device = |file: &str| format!("{}/device/{file}", self.path);
        let asleep = root.line(device("power/runtime_status"));
        if matches!(asleep.as_deref(), Some("suspended" | "suspending")) {
            gpu.state = CardState::Asleep;
            return gpu;
        }
        let number = |file: &str| root.line(device(file))?.parse::<u64>().ok();
        gpu.link = Link {
            generation: pair(
                speed(root.line(device("current_link_speed"))),
                speed(root.line(device("max_link_speed"))),
            ),
            width: pair(small(number("current_link_width")), small(number("max_link_width"))),
            replays: number("pcie_replay_count"),
            ..Link::default()
        };
        match self.maker {
            Maker::Amd => self.amd(root, &mut gpu),
            _ => self.intel(root, &mut gpu),
        }
        self.sense(root, &mut gpu);
        gpu
    }

    fn amd(&self, root: &Root, gpu: &mut Gpu) {
        let device = |file: &str| format!("{}/device/{file}", self.path);
        let number = |file: &str| root.line(device(file))?.parse::<u64>().ok();
        let share = |file: &str| number(file).map(|percent| percent.min(100) as f64 / 100.0);
        gpu.busy = share("gpu_busy_percent");
        gpu.memory_busy = share("mem_busy_percent");
        (gpu.memory_total, gpu.memory_used) = (number("mem_info_vram_total"), number("mem_info_vram_used"));
        // A processor's own graphics keeps its models in the system's memory.
        let shared = number("mem_info_gtt_total").zip(number("mem_info_gtt_used"));
        if let (Some((total, used)), Some(own)) = (shared, gpu.memory_total)
            && own < total
            && own <= 4 << 30
        {
            gpu.unified = true;
            gpu.memory_total = Some(own.saturating_add(total));
            gpu.memory_used = gpu.memory_used.map(|u| u.saturating_add(used));
        }
        let levels = |file: &str| clocks(&root.text(device(file)).unwrap_or_default());
        (gpu.clock, gpu.clock_max) = levels("pp_dpm_sclk");
        gpu.memory_clock = levels("pp_dpm_mclk").0;
        let errors = root.text(device("ras/umc_err_count")).unwrap_or_default();
        let count = |key: &str| {
            errors.lines().find_map(|line| line.trim().strip_prefix(key)?.trim_start_matches(':').trim().parse().ok())
        };
        gpu.ecc = count("ce").zip(count("ue"));
    }

    fn intel(&self, root: &Root, gpu: &mut Gpu) {
        let file = |name: &str| format!("{}/{name}", self.path);
        let mega = |name: &str| Some(root.line(file(name))?.parse::<u64>().ok()? * 1_000_000);
        if self.driver == "xe" {
            gpu.clock = mega("device/tile0/gt0/freq0/act_freq");
            gpu.clock_max = mega("device/tile0/gt0/freq0/max_freq");
        } else {
            gpu.clock = mega("gt_act_freq_mhz").or_else(|| mega("gt/gt0/rps_act_freq_mhz"));
            gpu.clock_max = mega("gt_max_freq_mhz").or_else(|| mega("gt/gt0/rps_max_freq_mhz"));
        }
        let folders = ["gt/gt0/throttle_reason_", "device/tile0/gt0/freq0/throttle/reason_"];
        let held = |what: &str| folders.iter().any(|f| root.line(file(&format!("{f}{what}"))).as_deref() == Some("1"));
        for (whats, throttle) in [
            (&["thermal", "prochot", "ratl"][..], Throttle::HardwareThermal),
            (&["pl1", "pl2", "pl4"], Throttle::PowerCap),
        ] {
            if whats.iter().any(|what| held(what)) {
                gpu.throttles.push(throttle);
            }
        }
        gpu.unified = self.sensors.is_none();
    }

    /// Temperatures, power, energy and fan of hwmon ("hwmon sysfs interface": m°C, µW, µJ, RPM).
    fn sense(&self, root: &Root, gpu: &mut Gpu) {
        let Some(folder) = &self.sensors else { return };
        let number = |file: &str| root.line(format!("{folder}/{file}"))?.parse::<u64>().ok();
        for n in 1..=3 {
            let Some(celsius) = number(&format!("temp{n}_input")).map(|m| m as f64 / 1000.0) else { continue };
            let label = root.line(format!("{folder}/temp{n}_label")).unwrap_or_default();
            let limit = |what: &str| number(&format!("temp{n}_{what}")).map(|m| m as f64 / 1000.0);
            match label.as_str() {
                "mem" | "vram" => gpu.memory_temperature = Some(celsius),
                "junction" => gpu.hotspot = Some(celsius),
                _ => {
                    gpu.temperature = Some(celsius);
                    gpu.slowdown_temperature = limit("crit");
                    gpu.shutdown_temperature = limit("emergency");
                }
            }
        }
        let watts = |file: &str| number(file).filter(|w| *w > 0).map(|microwatts| microwatts as f64 / 1e6);
        gpu.power = watts("power1_average").or_else(|| watts("power1_input"));
        gpu.power_limit = watts("power1_cap").or_else(|| watts("power1_max"));
        gpu.power_default = watts("power1_cap_default").or_else(|| watts("power1_rated_max"));
        gpu.power_max = watts("power1_cap_max");
        gpu.energy_uj = number("energy1_input");
        gpu.fan = match (number("fan1_input"), number("fan1_max")) {
            (Some(now), Some(most)) if most > 0 => Some(now as f64 / most as f64),
            _ => number("pwm1").map(|duty| duty as f64 / 255.0),
        };
    }
}

fn small(value: Option<u64>) -> Option<u32> {
    value.and_then(|v| u32::try_from(v).ok())
}

fn pair(now: Option<u32>, best: Option<u32>) -> Option<(u32, u32)> {
    now.zip(best)
}

/// `16.0 GT/s PCIe` is generation 4.
fn speed(text: Option<String>) -> Option<u32> {
    let text = text?;
    Some(match text.split_whitespace().next()? {
        "2.5" => 1,
        "5.0" | "5" => 2,
        "8.0" | "8" => 3,
        "16.0" | "16" => 4,
        "32.0" | "32" => 5,
        "64.0" | "64" => 6,
        _ => return None,
    })
}

/// `1: 2100Mhz *`, a line a level: the one in force and the highest.
fn clocks(text: &str) -> (Option<u64>, Option<u64>) {
    let level = |line: &str| {
        let word = line.split_once(':')?.1.split_whitespace().next()?;
        let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        Some(word.get(..digits)?.parse::<u64>().ok()?.saturating_mul(1_000_000))
    };
    let now = text.lines().find(|line| line.trim_end().ends_with('*')).and_then(level);
    (now, text.lines().filter_map(level).max())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root with files, `path=content` each.
    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().expect("folder");
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            fs::write(path, content).expect("file");
        }
        let root = Root::new(folder.path());
        (folder, root)
    }

    const AMD: &[(&str, &str)] = &[
        ("sys/class/drm/card1/device/vendor", "0x1002\n"),
        ("sys/class/drm/card1/device/device", "0x744c\n"),
        ("sys/class/drm/card1/device/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n"),
        ("sys/class/drm/card1/device/gpu_busy_percent", "97\n"),
        ("sys/class/drm/card1/device/mem_busy_percent", "41\n"),
        ("sys/class/drm/card1/device/mem_info_vram_total", "25753026560\n"),
        ("sys/class/drm/card1/device/mem_info_vram_used", "18000000000\n"),
        ("sys/class/drm/card1/device/mem_info_gtt_total", "16000000000\n"),
        ("sys/class/drm/card1/device/mem_info_gtt_used", "100\n"),
        ("sys/class/drm/card1/device/pp_dpm_sclk", "0: 500Mhz\n1: 2371Mhz *\n2: 2482Mhz\n"),
        ("sys/class/drm/card1/device/current_link_speed", "16.0 GT/s PCIe\n"),
        ("sys/class/drm/card1/device/max_link_speed", "16.0 GT/s PCIe\n"),
        ("sys/class/drm/card1/device/current_link_width", "8\n"),
        ("sys/class/drm/card1/device/max_link_width", "16\n"),
        ("sys/class/drm/card1/device/ras/umc_err_count", "ue: 0\nce: 3\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/temp1_input", "61000\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/temp1_label", "edge\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/temp1_crit", "100000\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/temp2_input", "78000\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/temp2_label", "junction\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/temp3_input", "84000\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/temp3_label", "mem\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/power1_average", "303000000\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/power1_cap", "327000000\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/fan1_input", "1500\n"),
        ("sys/class/drm/card1/device/hwmon/hwmon4/fan1_max", "3000\n"),
        ("sys/class/drm/card1-DP-1/status", "connected\n"),
    ];

    #[test]
    fn an_amd_card_tells_its_figures_by_its_files() {
        let (_folder, root) = machine(AMD);
        let cards = Drm::default().read(&root, 2);
        assert_eq!(cards.len(), 1, "a plug is no card");
        let gpu = &cards[0];
        assert_eq!((gpu.index, gpu.maker, gpu.bus.as_str()), (2, Maker::Amd, "0000:03:00.0"));
        assert_eq!((gpu.busy, gpu.memory_busy), (Some(0.97), Some(0.41)));
        assert_eq!(
            (gpu.memory_total, gpu.memory_used, gpu.unified),
            (Some(25_753_026_560), Some(18_000_000_000), false)
        );
        assert_eq!((gpu.temperature, gpu.hotspot, gpu.memory_temperature), (Some(61.0), Some(78.0), Some(84.0)));
        assert_eq!((gpu.power, gpu.power_limit, gpu.fan), (Some(303.0), Some(327.0), Some(0.5)));
        assert_eq!((gpu.clock, gpu.clock_max), (Some(2_371_000_000), Some(2_482_000_000)));
        assert_eq!((gpu.link.generation, gpu.link.width, gpu.ecc), (Some((4, 4)), Some((8, 16)), Some((3, 0))));
        assert_eq!(gpu.clock_max, Some(2_482_000_000));
    }

    #[test]
    fn a_sleeping_card_is_not_asked() {
        let (_folder, root) =
            machine(&[AMD, &[("sys/class/drm/card1/device/power/runtime_status", "suspended\n")]].concat());
        let gpu = &Drm::default().read(&root, 0)[0];
        assert_eq!((&gpu.state, gpu.busy, gpu.temperature), (&CardState::Asleep, None, None));
    }

    #[test]
    fn an_intel_card_tells_clocks_energy_and_what_holds_it_back() {
        let (_folder, root) = machine(&[
            ("sys/class/drm/card0/device/vendor", "0x8086\n"),
            ("sys/class/drm/card0/device/device", "0x56a0\n"),
            ("sys/class/drm/card0/device/uevent", "DRIVER=i915\nPCI_SLOT_NAME=0000:03:00.0\n"),
            ("sys/class/drm/card0/gt_act_freq_mhz", "2400\n"),
            ("sys/class/drm/card0/gt_max_freq_mhz", "2400\n"),
            ("sys/class/drm/card0/gt/gt0/throttle_reason_thermal", "1\n"),
            ("sys/class/drm/card0/gt/gt0/throttle_reason_pl1", "0\n"),
            ("sys/class/drm/card0/device/hwmon/hwmon2/energy1_input", "5000000\n"),
            ("sys/class/drm/card0/device/hwmon/hwmon2/power1_max", "190000000\n"),
        ]);
        let gpu = &Drm::default().read(&root, 0)[0];
        assert_eq!((gpu.maker, gpu.name.as_str(), gpu.busy), (Maker::Intel, "Intel GPU 56a0", None));
        assert_eq!((gpu.clock, gpu.energy_uj, gpu.power), (Some(2_400_000_000), Some(5_000_000), None));
        assert_eq!((gpu.throttles.as_slice(), gpu.power_limit), (&[Throttle::HardwareThermal][..], Some(190.0)));
    }

    #[test]
    fn files_with_nonsense_are_figures_that_are_not_there() {
        let (_folder, root) = machine(&[
            ("sys/class/drm/card0/device/vendor", "0x1002\n"),
            ("sys/class/drm/card0/device/gpu_busy_percent", "\n"),
            ("sys/class/drm/card0/device/pp_dpm_sclk", "x*\n:\n1: Mhz *\n"),
            ("sys/class/drm/card0/device/mem_info_vram_total", "-1\n"),
        ]);
        let gpu = &Drm::default().read(&root, 0)[0];
        assert_eq!((gpu.busy, gpu.clock, gpu.memory_total, gpu.temperature), (None, None, None, None));
    }
}
