//! AMD and Intel cards by the files of their kernel drivers: amdgpu, i915 and xe, with their hwmon sensors.

use std::fs;

use super::{
    fdinfo::{Clients, User},
    hwmon, metrics_table, pci,
};
use crate::{
    model::gpu::{CardState, Gpu, Link, Maker, MemoryErrors, Throttle},
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
    /// Cards as last found, by the names in the folder: what does not change is read once.
    cards: Vec<Card>,
    names: Vec<String>,
    round: u32,
}

/// Rounds after which cards are looked for again though their names are the same: another driver may have taken one.
const LOOK: u32 = 60;

impl Drm {
    /// The cards now.
    pub(super) fn read(&mut self, root: &Root) -> Vec<Gpu> {
        let names = names(root);
        self.round = self.round.wrapping_add(1);
        if names != self.names || self.round.is_multiple_of(LOOK) {
            self.cards = names.iter().filter_map(|name| card(root, name)).collect();
            self.names = names;
        }
        if self.cards.is_empty() {
            return Vec::new();
        }
        let clients = self.clients.read(root);
        let hidden = self.clients.hidden;
        let read = |card: &Card| {
            let mut gpu = card.read(root);
            let users: Vec<&User> = clients.iter().filter(|c| c.bus == card.bus).collect();
            if gpu.state == CardState::Up {
                gpu.processes_hidden = hidden;
                used_by(&mut gpu, &users);
            }
            gpu
        };
        self.cards.iter().map(read).collect()
    }
}

/// Its users; and the sum of what they hold, where the driver does not report use and all of them are visible.
fn used_by(gpu: &mut Gpu, users: &[&User]) {
    let unified = gpu.unified;
    let own = |user: &&User| {
        let mut process = user.process.clone();
        if unified {
            process.memory = [process.memory, user.shared].into_iter().flatten().reduce(u64::saturating_add);
        }
        process
    };
    gpu.processes = users.iter().map(own).collect();
    if gpu.memory_used.is_none() && gpu.memory_total.is_some() && !gpu.processes_hidden {
        gpu.memory_used = Some(gpu.processes.iter().filter_map(|p| p.memory).fold(0, u64::saturating_add));
    }
}

/// True when there may be something to read.
pub(super) fn any(root: &Root) -> bool {
    names(root).iter().any(|name| card(root, name).is_some())
}

/// `card0`, `card1`, by number; `card0-HDMI-A-1` is a plug of one.
fn names(root: &Root) -> Vec<String> {
    let mut names = root.names(FOLDER);
    let number = |name: &str| name.strip_prefix("card")?.parse::<u32>().ok();
    names.retain(|name| number(name).is_some());
    names.sort_by_key(|name| number(name));
    names
}

fn card(root: &Root, name: &str) -> Option<Card> {
    let path = format!("{FOLDER}/{name}");
    let device = format!("{path}/device");
    let maker = pci::maker(&root.line(format!("{device}/vendor"))?).filter(|maker| *maker != Maker::Nvidia)?;
    let linked = fs::read_link(root.path(&device)).ok();
    let linked = linked.as_deref().and_then(|to| to.file_name()?.to_str()).filter(|b| b.contains(':'));
    let bus = linked.map(str::to_owned).or_else(|| pci::uevent(root, &device, "PCI_SLOT_NAME")).unwrap_or_default();
    let sensors = root.names(format!("{device}/hwmon")).first().map(|folder| format!("{device}/hwmon/{folder}"));
    let number = root.line(format!("{device}/device")).unwrap_or_default();
    let reported = root.line(format!("{device}/product_name"));
    let name = reported.unwrap_or_else(|| pci::name(root, maker, &number));
    Some(Card { driver: pci::driver(root, &device), path, bus, maker, sensors, name })
}

impl Card {
    fn read(&self, root: &Root) -> Gpu {
        let device = format!("{}/device", self.path);
        let mut gpu = Gpu {
            id: if self.bus.is_empty() { self.path.clone() } else { self.bus.clone() },
            maker: self.maker,
            name: self.name.clone(),
            bus: self.bus.clone(),
            driver: self.driver.clone(),
            ..Gpu::default()
        };
        // First of all: whatever else is read of a sleeping card may wake it.
        if pci::suspended(root, &device) {
            gpu.state = CardState::Asleep;
            return gpu;
        }
        if off_the_bus(root, &device) {
            gpu.state = CardState::Lost("it has fallen off the bus: reboot; if that fails, reseat the card".to_owned());
            return gpu;
        }
        let replays = root.number(format!("{device}/pcie_replay_count"));
        gpu.link = Link { replays, ..pci::link(root, &device) };
        match self.maker {
            Maker::Amd => self.amd(root, &mut gpu),
            _ => self.intel(root, &mut gpu),
        }
        if let Some(folder) = &self.sensors {
            hwmon::sense(root, folder, &mut gpu);
        }
        gpu
    }

    fn amd(&self, root: &Root, gpu: &mut Gpu) {
        let device = |file: &str| format!("{}/device/{file}", self.path);
        let number = |file: &str| root.line(device(file))?.parse::<u64>().ok();
        let share = |file: &str| number(file).map(|percent| percent.min(100) as f64 / 100.0);
        gpu.busy = share("gpu_busy_percent");
        gpu.memory_busy = share("mem_busy_percent");
        (gpu.memory_total, gpu.memory_used) = (number("mem_info_vram_total"), number("mem_info_vram_used"));
        let table = root.read(device("gpu_metrics")).unwrap_or_default();
        // A processor's own graphics keeps its models in the system's memory.
        let shared = number("mem_info_gtt_total").zip(number("mem_info_gtt_used"));
        if let (Some((total, used)), Some(own)) = (shared, gpu.memory_total)
            && self.is_of_processor(root, &table)
        {
            gpu.unified = true;
            gpu.memory_total = Some(own.saturating_add(total));
            gpu.memory_used = gpu.memory_used.map(|u| u.saturating_add(used));
        }
        let levels = |file: &str| clocks(&root.text(device(file)).unwrap_or_default());
        (gpu.clock, gpu.clock_max) = levels("pp_dpm_sclk");
        gpu.memory_clock = levels("pp_dpm_mclk").0;
        if let Some(reported) = metrics_table::parse(&table) {
            (gpu.throttles_reported, gpu.energy_uj) = (reported.throttles.is_some(), reported.energy_uj);
            gpu.throttles = reported.throttles.unwrap_or_default();
        }
        let errors = root.text(device("ras/umc_err_count")).unwrap_or_default();
        let count = |key: &str| {
            errors.lines().find_map(|line| line.trim().strip_prefix(key)?.trim_start_matches(':').trim().parse().ok())
        };
        let errors = count("ce").zip(count("ue"));
        gpu.ecc = errors.map(|(corrected, uncorrected)| MemoryErrors { corrected, uncorrected });
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
        let flag = |what: &str| folders.iter().find_map(|f| root.line(file(&format!("{f}{what}"))));
        let held = |what: &str| flag(what).as_deref() == Some("1");
        gpu.throttles_reported = flag("thermal").is_some();
        for (whats, throttle) in [
            (&["thermal", "prochot", "ratl"][..], Throttle::HardwareThermal),
            (&["pl1", "pl2", "pl4"], Throttle::PowerCap),
        ] {
            if whats.iter().any(|what| held(what)) {
                gpu.throttles.push(throttle);
            }
        }
        let tiles = (0..4).map_while(|n| root.number::<u64>(file(&format!("device/tile{n}/physical_vram_size_bytes"))));
        gpu.memory_total = tiles.reduce(u64::saturating_add).filter(|bytes| *bytes > 0);
        // A card has sensors of its own and stands behind a port; the processor's graphics share the processor's sensors
        // and are on its own bus.
        gpu.unified = gpu.memory_total.is_none() && self.sensors.is_none() && self.bus.starts_with("0000:00:");
    }

    /// Whether its memory is the system's, by what only one of both kinds has: drivers of older chips do not say. A card
    /// may have little memory of its own, so its size means nothing.
    fn is_of_processor(&self, root: &Root, table: &[u8]) -> bool {
        let reported = metrics_table::is_of_processor(table);
        reported.unwrap_or_else(|| {
            // The voltage of the north bridge is reported by processors alone.
            let labels = (0..4).filter_map(|n| root.line(format!("{}/in{n}_label", self.sensors.as_ref()?)));
            labels.into_iter().any(|label| label == "vddnb")
        })
    }
}

/// True when the card's own registers answer with nothing but ones: it is on no bus any more, whatever the driver believes.
fn off_the_bus(root: &Root, device: &str) -> bool {
    root.read(format!("{device}/config")).is_ok_and(|bytes| bytes.len() >= 4 && bytes[..4] == [0xff; 4])
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
    use super::{super::testing::machine, *};

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
    fn an_amd_card_is_read_from_its_files() {
        let (_folder, root) = machine(AMD);
        let cards = Drm::default().read(&root);
        assert_eq!(cards.len(), 1, "a plug is no card");
        let gpu = &cards[0];
        assert_eq!((gpu.driver.as_str(), gpu.maker, gpu.bus.as_str()), ("amdgpu", Maker::Amd, "0000:03:00.0"));
        assert_eq!((gpu.busy, gpu.memory_busy), (Some(0.97), Some(0.41)));
        assert_eq!(
            (gpu.memory_total, gpu.memory_used, gpu.unified),
            (Some(25_753_026_560), Some(18_000_000_000), false)
        );
        assert_eq!((gpu.temperature, gpu.hotspot, gpu.memory_temperature), (Some(61.0), Some(78.0), Some(84.0)));
        assert_eq!((gpu.power, gpu.power_limit, gpu.fan), (Some(303.0), Some(327.0), Some(0.5)));
        assert_eq!((gpu.clock, gpu.clock_max), (Some(2_371_000_000), Some(2_482_000_000)));
        assert_eq!((gpu.link.generation, gpu.link.width), (Some((4, 4)), Some((8, 16))));
        assert_eq!(gpu.ecc, Some(MemoryErrors { corrected: 3, uncorrected: 0 }));
        assert_eq!(gpu.clock_max, Some(2_482_000_000));
    }

    #[test]
    fn shared_memory_is_distinguished_from_a_card_s_own() {
        let with = |version: &'static str| {
            let (_folder, root) = machine(&[AMD, &[("sys/class/drm/card1/device/gpu_metrics", version)]].concat());
            let gpu = &Drm::default().read(&root)[0];
            (gpu.unified, gpu.memory_total, gpu.memory_used)
        };
        assert_eq!(with("\x50\x00\x01\x03"), (false, Some(25_753_026_560), Some(18_000_000_000)));
        assert_eq!(with("\x50\x00\x02\x02"), (true, Some(41_753_026_560), Some(18_000_000_100)));
    }

    #[test]
    fn a_small_card_without_a_table_is_a_card() {
        let small = [
            ("sys/class/drm/card1/device/mem_info_vram_total", "1073741824\n"),
            ("sys/class/drm/card1/device/mem_info_vram_used", "100\n"),
        ];
        let read = |more: &[(&'static str, &'static str)]| {
            let (_folder, root) = machine(&[AMD, &small, more].concat());
            let gpu = &Drm::default().read(&root)[0];
            (gpu.unified, gpu.memory_total, gpu.memory_used)
        };
        assert_eq!(read(&[]), (false, Some(1 << 30), Some(100)));
        let north = ("sys/class/drm/card1/device/hwmon/hwmon4/in1_label", "vddnb\n");
        assert_eq!(read(&[north]), (true, Some((1 << 30) + 16_000_000_000), Some(200)), "an older processor's");
    }

    #[test]
    fn an_intel_card_without_sensors_is_a_card() {
        let at = |bus: &str| {
            let uevent = format!("DRIVER=i915\nPCI_SLOT_NAME={bus}\n");
            let files =
                [("sys/class/drm/card0/device/vendor", "0x8086\n"), ("sys/class/drm/card0/device/uevent", &uevent)];
            let (_folder, root) = machine(&files);
            Drm::default().read(&root)[0].unified
        };
        assert_eq!((at("0000:00:02.0"), at("0000:03:00.0")), (true, false));
    }

    #[test]
    fn a_card_whose_registers_read_as_ones_is_off_the_bus() {
        let (folder, root) = machine(AMD);
        let config = folder.path().join("sys/class/drm/card1/device/config");
        fs::write(&config, [0x02, 0x10, 0x4c, 0x74]).expect("file");
        assert_eq!(Drm::default().read(&root)[0].state, CardState::Up);
        fs::write(&config, [0xff; 64]).expect("file");
        let gpu = &Drm::default().read(&root)[0];
        assert!(matches!(&gpu.state, CardState::Lost(why) if why.contains("fallen off the bus")));
        assert_eq!((gpu.busy, gpu.name.as_str()), (None, "AMD GPU 744c"));
    }

    #[test]
    fn xe_card_memory_is_what_its_clients_hold() {
        let (folder, root) = machine(&[
            ("sys/class/drm/card0/device/vendor", "0x8086\n"),
            ("sys/class/drm/card0/device/uevent", "DRIVER=xe\nPCI_SLOT_NAME=0000:03:00.0\n"),
            ("sys/class/drm/card0/device/tile0/physical_vram_size_bytes", "17095983104\n"),
            ("sys/class/drm/card0/device/tile0/gt0/freq0/act_freq", "2850\n"),
            ("sys/class/drm/card0/device/hwmon/hwmon1/temp2_input", "55000\n"),
            ("sys/class/drm/card0/device/hwmon/hwmon1/temp2_label", "pkg\n"),
            ("sys/class/drm/card0/device/hwmon/hwmon1/temp3_input", "61000\n"),
            ("sys/class/drm/card0/device/hwmon/hwmon1/temp3_label", "vram\n"),
            ("sys/class/drm/card0/device/hwmon/hwmon1/fan1_input", "1480\n"),
        ]);
        let text = "drm-pdev: 0000:03:00.0\ndrm-client-id: 4\ndrm-resident-vram0: 3 GiB\ndrm-cycles-ccs: 5\n";
        super::super::fdinfo::tests::process(folder.path(), 7, &[text]);
        let gpu = &Drm::default().read(&root)[0];
        assert_eq!((gpu.memory_total, gpu.memory_used), (Some(17_095_983_104), Some(3 << 30)));
        assert_eq!((gpu.temperature, gpu.memory_temperature, gpu.fan_rpm), (Some(55.0), Some(61.0), Some(1480)));
        assert_eq!((gpu.clock, gpu.unified, gpu.processes.len()), (Some(2_850_000_000), false, 1));
    }

    #[test]
    fn a_sleeping_card_is_not_asked() {
        let (_folder, root) =
            machine(&[AMD, &[("sys/class/drm/card1/device/power/runtime_status", "suspended\n")]].concat());
        let gpu = &Drm::default().read(&root)[0];
        assert_eq!((&gpu.state, gpu.busy, gpu.temperature), (&CardState::Asleep, None, None));
    }

    #[test]
    fn an_intel_card_has_clocks_energy_and_throttling() {
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
        let gpu = &Drm::default().read(&root)[0];
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
        let gpu = &Drm::default().read(&root)[0];
        assert_eq!((gpu.busy, gpu.clock, gpu.memory_total, gpu.temperature), (None, None, None, None));
    }
}
