//! Graphics processors: NVIDIA through NVML, AMD and Intel through the files of their kernel drivers, side by side; and
//! what stands on the bus and is reported by none of them.

mod drm;
mod fdinfo;
mod hwmon;
mod metrics_table;
mod nvidia;
mod pci;
#[cfg(test)]
mod testing;

use super::{CollectCx, Collector, OpenCx};
use crate::{
    clock::Clock,
    model::{
        event::Sample,
        fault::Fault,
        gpu::{CardState, Gpu, GpuSample, Maker},
    },
    sys::root::Root,
};

/// # Errors
/// [`Fault::Absent`] without a card and a driver of any maker.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    // NVML asks this machine's kernel: of a recording only files are read.
    let nvidia = cx.root.is_this_machine().then(|| nvidia::Nvidia::open(&cx.root, cx.clock)).flatten();
    if nvidia.is_none() && !drm::any(&cx.root) && pci::places(&cx.root).is_empty() {
        return Err(Fault::Absent(
            "no GPU: no card of NVIDIA, AMD or Intel on the bus, no libnvidia-ml.so.1".to_owned(),
        ));
    }
    let (places, drm) = (Vec::new(), drm::Drm::default());
    Ok(Box::new(Gpus { root: cx.root.clone(), clock: cx.clock, nvidia, drm, places, round: 0 }))
}

/// The bus is looked at this often, in rounds.
const LOOK: u32 = 10;

struct Gpus {
    root: Root,
    clock: Clock,
    nvidia: Option<nvidia::Nvidia>,
    drm: drm::Drm,
    /// Cards on the bus as last looked at.
    places: Vec<pci::Place>,
    round: u32,
}

impl Gpus {
    fn look(&mut self) {
        self.places = pci::places(&self.root);
        // Its library may be installed while we run.
        let any = self.places.iter().any(|p| p.maker == Maker::Nvidia);
        if self.nvidia.is_none() && any && self.root.is_this_machine() {
            self.nvidia = nvidia::Nvidia::open(&self.root, self.clock);
        }
    }

    /// A card that no driver reports, as far as the bus does.
    fn seen_on_bus(&self, place: &pci::Place, failed: Option<&str>) -> Gpu {
        let state = match failed {
            Some(why) if place.maker == Maker::Nvidia && matches!(place.driver.as_str(), "" | "nvidia") => {
                CardState::Lost(why.to_owned())
            }
            _ if pci::is_asleep(&self.root, &place.bus) => CardState::Asleep,
            _ => CardState::Unreadable(place.why_unreported()),
        };
        place.card(&self.root, state)
    }
}

impl Collector for Gpus {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        if self.round.is_multiple_of(LOOK) {
            self.look();
        }
        self.round = self.round.wrapping_add(1);
        let mut sample = GpuSample::default();
        if let Some(nvidia) = &mut self.nvidia {
            let (driver, gpus) = nvidia.read(&self.root, &self.places, cx.at);
            sample.drivers.push(driver);
            sample.gpus = gpus;
        }
        sample.gpus.extend(self.drm.read(&self.root));
        let failed = sample.drivers.iter().find_map(|d| d.fault.clone());
        for seen in &self.places {
            let seen_by_driver = sample.gpus.iter().any(|gpu| gpu.bus == seen.bus);
            // It may have left the bus since the last look.
            if !seen_by_driver && let Some(place) = pci::place(&self.root, &seen.bus) {
                sample.gpus.push(self.seen_on_bus(&place, failed.as_deref()));
            }
        }
        for (index, gpu) in (0u16..).zip(&mut sample.gpus) {
            gpu.index = index;
            if gpu.unified && gpu.memory_total.is_none() && gpu.state == CardState::Up {
                share(&self.root, gpu);
            }
        }
        Ok(Sample::Gpus(sample))
    }
}

/// A card without memory of its own uses the system's: of that its processes hold what they report, if all of them are seen.
fn share(root: &Root, gpu: &mut Gpu) {
    let text = root.text("proc/meminfo").unwrap_or_default();
    let total =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok());
    gpu.memory_total = total.map(|kibibytes| kibibytes.saturating_mul(1024));
    let held = gpu.processes.iter().map(|p| p.memory).reduce(|a, b| Some(a?.saturating_add(b?)));
    gpu.memory_used = held.unwrap_or(Some(0)).filter(|_| !gpu.processes_hidden);
}

#[cfg(test)]
mod tests {
    use super::{testing::machine, *};
    use crate::{clock::Stamp, interest::Interest};

    const INTEL: &[(&str, &str)] = &[
        ("sys/class/drm/card0/device/vendor", "0x8086\n"),
        ("sys/class/drm/card0/device/uevent", "DRIVER=i915\nPCI_SLOT_NAME=0000:00:02.0\n"),
        ("sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n"),
        ("sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n"),
        ("sys/bus/pci/devices/0000:00:02.0/device", "0x4680\n"),
    ];
    const GIVEN: &[(&str, &str)] = &[
        ("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n"),
        ("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n"),
        ("sys/bus/pci/devices/0000:01:00.0/device", "0x2684\n"),
        ("sys/bus/pci/devices/0000:01:00.0/uevent", "DRIVER=vfio-pci\n"),
    ];

    fn source(root: &Root) -> Gpus {
        let drm = drm::Drm::default();
        Gpus { root: root.clone(), clock: Clock::start(), nvidia: None, drm, places: Vec::new(), round: 0 }
    }

    fn read(root: &Root) -> GpuSample {
        match source(root).collect(&CollectCx::new(Stamp::at_seconds(1), &Interest::default())) {
            Ok(Sample::Gpus(sample)) => sample,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn passed_through_card_is_listed_beside_one_that_is_read() {
        let (_folder, root) = machine(&[INTEL, GIVEN].concat());
        let sample = read(&root);
        let cards: Vec<_> = sample.gpus.iter().map(|g| (g.index, g.bus.as_str(), g.driver.as_str())).collect();
        assert_eq!(cards, [(0, "0000:00:02.0", "i915"), (1, "0000:01:00.0", "vfio-pci")]);
        assert!(matches!(&sample.gpus[1].state, CardState::Unreadable(why) if why.contains("virtual machines")));
    }

    #[test]
    fn graphics_of_a_processor_share_the_system_s_memory() {
        let (folder, root) = machine(&[INTEL, &[("proc/meminfo", "MemTotal:       16384 kB\n")]].concat());
        let text = "drm-pdev: 0000:00:02.0\ndrm-client-id: 4\ndrm-resident-system0: 3 MiB\n";
        fdinfo::tests::process(folder.path(), 7, &[text]);
        let gpu = &read(&root).gpus[0];
        assert_eq!((gpu.unified, gpu.memory_total, gpu.memory_used), (true, Some(16 << 20), Some(3 << 20)));
    }

    #[test]
    fn sleeping_card_found_on_the_bus_is_asleep() {
        let asleep = [("sys/bus/pci/devices/0000:01:00.0/power/runtime_status", "suspended\n")];
        let (_folder, root) = machine(&[GIVEN, &asleep].concat());
        assert_eq!(read(&root).gpus[0].state, CardState::Asleep);
    }

    #[test]
    fn a_card_without_figures_has_the_reason() {
        let state = |maker: &str, driver: &str, asleep: bool, failed: Option<&str>| {
            let driver = format!("DRIVER={driver}\n");
            let at = |name: &str| format!("sys/bus/pci/devices/0000:01:00.0/{name}");
            let power = if asleep { "suspended\n" } else { "active\n" };
            let files = [
                (at("class"), "0x030000\n"),
                (at("vendor"), maker),
                (at("device"), "0x2684\n"),
                (at("uevent"), &driver),
                (at("power/runtime_status"), power),
            ];
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
            let (_folder, root) = machine(&files);
            let place = pci::place(&root, "0000:01:00.0").expect("a card");
            let source = source(&root);
            source.seen_on_bus(&place, failed).state
        };
        let lost = CardState::Lost("so".into());
        let unreadable = |state: CardState| matches!(state, CardState::Unreadable(_));
        assert_eq!(
            (state("0x10de", "", false, Some("so")), state("0x10de", "nvidia", true, Some("so"))),
            (lost.clone(), lost)
        );
        assert!(
            unreadable(state("0x10de", "vfio-pci", false, Some("so")))
                && unreadable(state("0x1002", "", false, Some("so")))
        );
        assert!(unreadable(state("0x10de", "nvidia", false, None)));
        assert_eq!(state("0x10de", "nvidia", true, None), CardState::Asleep);
        assert_eq!(state("0x1002", "amdgpu", true, Some("so")), CardState::Asleep);
    }

    #[test]
    fn a_card_with_memory_of_its_own_does_not_share() {
        let amd = [
            ("sys/class/drm/card1/device/vendor", "0x1002\n"),
            ("sys/class/drm/card1/device/device", "0x744c\n"),
            ("sys/class/drm/card1/device/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n"),
            ("sys/class/drm/card1/device/mem_info_vram_total", "8192\n"),
            ("sys/class/drm/card1/device/mem_info_vram_used", "4096\n"),
            ("proc/meminfo", "MemTotal:       16384 kB\n"),
        ];
        let (_folder, root) = machine(&amd);
        let gpu = &read(&root).gpus[0];
        assert_eq!((gpu.unified, gpu.memory_total, gpu.memory_used), (false, Some(8192), Some(4096)));
    }
}
