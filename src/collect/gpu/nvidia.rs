//! NVIDIA cards through NVML, which is loaded at run time. Losing the driver or a card is a state that is shown and
//! recovered from, never the end of the source.

mod card;
mod xid;

use std::{sync::Arc, time::Duration};

use nvml_wrapper::{Nvml, cuda_driver_version_major, cuda_driver_version_minor, error::NvmlError};

use super::pci::{self, Place};
use crate::{
    clock::{Clock, Stamp},
    model::gpu::{CardState, Driver, Gpu, Maker},
    sys::root::Root,
    text::clean,
};

/// A driver that failed is tried again after this.
const RETRY: Duration = Duration::from_secs(5);
/// What changes seldom is asked this often, in rounds.
const SELDOM: u32 = 10;
/// Processes, slices, the link, fans, video engines and memory errors are asked for no sooner than this after the last
/// time: at one refresh a second in each third.
const SLOW: Duration = Duration::from_millis(2500);

/// The driver's side.
pub(super) struct Nvidia {
    nvml: Option<Arc<Nvml>>,
    driver: Driver,
    /// What each card said last, in the driver's order.
    known: Vec<Gpu>,
    tried: Option<Stamp>,
    round: u32,
    /// When all was asked for.
    asked: Option<Stamp>,
    listener: xid::Listener,
    samples: card::Samples,
}

impl Nvidia {
    /// `None` where there is no library: then there is no driver either.
    pub(super) fn open(root: &Root, clock: Clock) -> Option<Self> {
        let mut nvidia = Nvidia {
            nvml: None,
            driver: Driver { maker: Maker::Nvidia, ..Driver::default() },
            known: Vec::new(),
            tried: None,
            round: 0,
            asked: None,
            listener: xid::Listener::new(clock),
            samples: card::Samples::default(),
        };
        // Starting the library wakes every card.
        if all_asleep(root, &pci::places(root)) {
            return Some(nvidia);
        }
        match nvidia.start(clock.now()) {
            Err(NvmlError::LibloadingError(_)) => None,
            _ => Some(nvidia),
        }
    }

    fn start(&mut self, now: Stamp) -> Result<(), NvmlError> {
        self.tried = Some(now);
        let nvml = match Nvml::init() {
            Ok(nvml) => Arc::new(nvml),
            Err(error) => {
                self.driver.fault = Some(words(&error));
                return Err(error);
            }
        };
        self.driver.fault = None;
        self.driver.version = nvml.sys_driver_version().ok().map(|v| clean(&v).into_owned());
        self.driver.cuda = nvml
            .sys_cuda_driver_version()
            .ok()
            .map(|v| format!("{}.{}", cuda_driver_version_major(v), cuda_driver_version_minor(v)));
        self.listener.start(nvml.clone());
        self.nvml = Some(nvml);
        Ok(())
    }

    /// Lets go of the driver, so that it can be unloaded and updated.
    fn stop(&mut self) {
        self.listener.stop();
        self.nvml = None;
    }

    /// The driver and its cards now. What it does not report of any more is left out: the fold keeps it.
    pub(super) fn read(&mut self, root: &Root, places: &[Place], now: Stamp) -> (Driver, Vec<Gpu>) {
        if self.nvml.is_none() && all_asleep(root, places) {
            return (self.driver.clone(), Vec::new());
        }
        if self.nvml.is_none() && self.tried.is_none_or(|at| now.since(at) >= RETRY) {
            // What went wrong stands in the driver's fault.
            let _ = self.start(now);
        }
        let Some(nvml) = self.nvml.clone() else { return (self.driver.clone(), Vec::new()) };
        let count = match nvml.device_count() {
            Ok(count) => count,
            Err(error) => {
                self.driver.fault = Some(words(&error));
                self.stop();
                return (self.driver.clone(), Vec::new());
            }
        };
        if count == 0 && !self.known.is_empty() {
            // It counted cards before: a new start shows what became of them.
            self.stop();
        }
        self.round = self.round.wrapping_add(1);
        let slow = self.asked.is_none_or(|at| now.since(at) >= SLOW);
        if slow {
            self.asked = Some(now);
        }
        let mut outcomes: Vec<Result<Gpu, NvmlError>> = Vec::new();
        for index in 0..count {
            outcomes.push(match self.known.get(index as usize) {
                Some(known) if pci::is_asleep(root, &known.bus) => {
                    Ok(Gpu { state: CardState::Asleep, processes: Vec::new(), ..known.clone() })
                }
                _ => nvml.device_by_index(index).and_then(|device| self.card(&device, index, slow)),
            });
        }
        if let Some(Err(error)) = outcomes.first()
            && outcomes.iter().all(Result::is_err)
        {
            // All at once is the driver's end, not theirs: a new start shows more.
            self.driver.fault = (!matches!(error, NvmlError::GpuLost)).then(|| words(error));
            self.stop();
        }
        self.known = named(&self.known, outcomes);
        for gpu in &mut self.known {
            gpu.xids = self.listener.of(&gpu.id);
        }
        (self.driver.clone(), self.known.clone())
    }

    fn card(&mut self, device: &nvml_wrapper::Device<'_>, index: u32, slow: bool) -> Result<Gpu, NvmlError> {
        // What it said before counts only for the same card: numbers move when one is gone.
        let id = card::id(device, index)?;
        let seldom = self.round % SELDOM == 1;
        let before = self.known.iter().find(|b| b.id == id && b.state == CardState::Up && !seldom);
        card::read(device, id, before, slow, &mut self.samples)
    }
}

/// Cards that did not answer get the name of one that was known and has not answered elsewhere, by number if they can.
fn named(known: &[Gpu], outcomes: Vec<Result<Gpu, NvmlError>>) -> Vec<Gpu> {
    let mut ids: Vec<String> = outcomes.iter().flatten().map(|gpu| gpu.id.clone()).collect();
    let mut all = Vec::new();
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let error = match outcome {
            Ok(gpu) => {
                all.push(gpu);
                continue;
            }
            Err(error) => error,
        };
        let free = |gpu: &&Gpu| !ids.contains(&gpu.id);
        let old = known.get(index).filter(free).or_else(|| known.iter().find(free)).cloned();
        let old = old.unwrap_or_else(|| Gpu {
            id: format!("nvidia{index}"),
            name: "NVIDIA GPU".to_owned(),
            driver: "nvidia".to_owned(),
            ..Gpu::default()
        });
        ids.push(old.id.clone());
        let (processes, throttles) = (Vec::new(), Vec::new());
        all.push(Gpu { state: CardState::Lost(words(&error)), processes, throttles, ..old });
    }
    all
}

/// True when there are cards and all of them sleep.
fn all_asleep(root: &Root, places: &[Place]) -> bool {
    let mut own = places.iter().filter(|p| p.maker == Maker::Nvidia && p.driver == "nvidia").peekable();
    own.peek().is_some() && own.all(|place| pci::is_asleep(root, &place.bus))
}

/// In plain words.
fn words(error: &NvmlError) -> String {
    match error {
        NvmlError::GpuLost => "it has fallen off the bus: reboot; if that fails, reseat the card".to_owned(),
        NvmlError::DriverNotLoaded => "the kernel module is not loaded: modprobe nvidia, and see dmesg".to_owned(),
        NvmlError::LibRmVersionMismatch => {
            "the driver was updated and the old kernel module still runs: reboot, or reload the module".to_owned()
        }
        NvmlError::NoPermission => "permission denied: run as root, or in the group that owns /dev/nvidia*".to_owned(),
        NvmlError::ResetRequired => "it needs a reset: nvidia-smi --gpu-reset".to_owned(),
        NvmlError::LibloadingError(_) => "its library can no longer be loaded".to_owned(),
        NvmlError::Uninitialized => "the driver was shut down".to_owned(),
        NvmlError::InsufficientPower => "its power cables are not connected properly".to_owned(),
        NvmlError::IrqIssue => "interrupt problem: see dmesg".to_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::machine, *};

    fn gpu(id: &str) -> Gpu {
        Gpu { id: id.into(), ..Gpu::default() }
    }

    fn listed(known: &[&str], outcomes: Vec<Result<Gpu, NvmlError>>) -> Vec<String> {
        let known: Vec<Gpu> = known.iter().map(|id| gpu(id)).collect();
        named(&known, outcomes).into_iter().map(|gpu| gpu.id).collect()
    }

    #[test]
    fn a_lost_card_keeps_its_name_though_the_numbers_moved() {
        assert_eq!(listed(&["A", "B"], vec![Ok(gpu("A")), Err(NvmlError::GpuLost)]), ["A", "B"]);
        assert_eq!(listed(&["A", "B"], vec![Ok(gpu("B")), Err(NvmlError::GpuLost)]), ["B", "A"]);
        assert_eq!(listed(&[], vec![Ok(gpu("A")), Err(NvmlError::GpuLost)]), ["A", "nvidia1"]);
    }

    #[test]
    fn the_library_is_left_alone_while_all_cards_sleep() {
        let at = |name: &str| format!("sys/bus/pci/devices/0000:01:00.0/{name}");
        let files = [
            (at("class"), "0x030200\n"),
            (at("vendor"), "0x10de\n"),
            (at("device"), "0x2684\n"),
            (at("uevent"), "DRIVER=nvidia\n"),
            (at("power/runtime_status"), "suspended\n"),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let (folder, root) = machine(&files);
        let mut nvidia = Nvidia::open(&root, Clock::start()).expect("cards");
        assert_eq!(nvidia.read(&root, &pci::places(&root), Stamp::at_seconds(1)).1, [], "the bus lists it");
        assert!(nvidia.tried.is_none(), "nobody called the library");
        std::fs::write(folder.path().join(at("power/runtime_status")), "active\n").expect("file");
        assert!(!all_asleep(&root, &pci::places(&root)));
    }

    #[test]
    fn only_cards_of_its_driver_keep_the_library_awake() {
        let asleep = |cards: &[(&str, &str, bool)]| {
            let mut files = Vec::new();
            for (at, (vendor, driver, asleep)) in cards.iter().enumerate() {
                let file = |name: &str| format!("sys/bus/pci/devices/0000:0{at}:00.0/{name}");
                let state = if *asleep { "suspended\n" } else { "active\n" };
                files.push((file("class"), "0x030000\n".to_owned()));
                files.push((file("vendor"), (*vendor).to_owned()));
                files.push((file("device"), "0x2684\n".to_owned()));
                files.push((file("uevent"), format!("DRIVER={driver}\n")));
                files.push((file("power/runtime_status"), state.to_owned()));
            }
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            let (_folder, root) = machine(&files);
            all_asleep(&root, &pci::places(&root))
        };
        let own = ("0x10de", "nvidia", true);
        assert!(asleep(&[own, ("0x10de", "vfio-pci", false), ("0x1002", "amdgpu", false)]));
        assert!(!asleep(&[own, ("0x10de", "nvidia", false)]));
        assert!(!asleep(&[("0x10de", "vfio-pci", true)]) && !asleep(&[]), "there is none");
    }
}
