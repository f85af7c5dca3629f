//! NVIDIA cards through NVML, which is loaded at run time. Losing the driver or a card is a state that is told and
//! recovered from, never the end of the source.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nvml_wrapper::{
    Device, Nvml,
    bitmasks::{device::ThrottleReasons, event::EventTypes},
    cuda_driver_version_major, cuda_driver_version_minor,
    enum_wrappers::device::{Clock, EccCounter, MemoryError, PcieUtilCounter, TemperatureSensor, TemperatureThreshold},
    enums::{
        device::{SampleValue, UsedGpuMemory},
        event::XidError,
    },
    error::NvmlError,
    structs::device::FieldId,
};

use crate::{
    collect::lane::THREAD_PREFIX,
    model::gpu::{CardState, Driver, Gpu, GpuProcess, Link, Maker, Slice, Throttle, Xid},
    sys::root::Root,
    text::clean,
};

/// A driver that failed is tried again after this.
const RETRY: Duration = Duration::from_secs(5);
/// What changes seldom is asked this often, in rounds.
const SELDOM: u32 = 10;
/// Errors of the driver that are kept for each card.
const XIDS: usize = 20;
/// Field numbers of NVML: temperature of the memory; rows remapped for corrected and uncorrected errors, pending, failed.
const MEMORY_TEMPERATURE: u32 = 82;
const REMAPPED: [u32; 4] = [142, 143, 144, 145];

/// Errors by card, as the driver reports them.
type Xids = Arc<Mutex<HashMap<String, Vec<Xid>>>>;

/// The driver's side.
pub(super) struct Nvidia {
    nvml: Option<Arc<Nvml>>,
    driver: Driver,
    /// What each card said last.
    known: Vec<Gpu>,
    tried: Option<Instant>,
    round: u32,
    xids: Xids,
    stop: Arc<AtomicBool>,
    /// Time stamp of the newest process sample, by card.
    sampled: HashMap<String, u64>,
}

impl Drop for Nvidia {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Nvidia {
    /// `None` where there is no library: then there is no driver either.
    pub(super) fn open() -> Option<Self> {
        let mut nvidia = Nvidia {
            nvml: None,
            driver: Driver { maker: Maker::Nvidia, ..Driver::default() },
            known: Vec::new(),
            tried: None,
            round: 0,
            xids: Xids::default(),
            stop: Arc::default(),
            sampled: HashMap::new(),
        };
        match nvidia.start() {
            Err(NvmlError::LibloadingError(_)) => None,
            _ => Some(nvidia),
        }
    }

    fn start(&mut self) -> Result<(), NvmlError> {
        self.tried = Some(Instant::now());
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
        self.stop.store(true, Ordering::Relaxed);
        self.stop = Arc::default();
        listen(nvml.clone(), self.xids.clone(), self.stop.clone());
        self.nvml = Some(nvml);
        Ok(())
    }

    /// The driver and its cards now.
    pub(super) fn read(&mut self, root: &Root) -> (Driver, Vec<Gpu>) {
        if self.nvml.is_none() && self.tried.is_none_or(|at| at.elapsed() >= RETRY) {
            // A fault is in `driver` by then.
            let _ = self.start();
        }
        let Some(nvml) = self.nvml.clone() else {
            return self.lost();
        };
        let count = match nvml.device_count() {
            Ok(count) => count,
            Err(error) => {
                self.driver.fault = Some(words(&error));
                self.nvml = None;
                return self.lost();
            }
        };
        self.round = self.round.wrapping_add(1);
        let mut gpus = Vec::new();
        for index in 0..count.max(u32::try_from(self.known.len()).unwrap_or(0)) {
            let before = self.known.get(index as usize).cloned();
            if let Some(before) = before.as_ref().filter(|b| is_asleep(root, &b.bus)) {
                gpus.push(Gpu { state: CardState::Asleep, ..before.clone() });
                continue;
            }
            let read = nvml.device_by_index(index).and_then(|device| self.device(&device, index, before.as_ref()));
            gpus.push(read.unwrap_or_else(|error| {
                let id = format!("nvidia{index}");
                let old = before.unwrap_or_else(|| Gpu { id, name: "NVIDIA GPU".to_owned(), ..Gpu::default() });
                let index = u16::try_from(index).unwrap_or(u16::MAX);
                Gpu {
                    state: CardState::Lost(words(&error)),
                    processes: Vec::new(),
                    throttles: Vec::new(),
                    index,
                    ..old
                }
            }));
        }
        // All gone at once is the driver's end, not theirs.
        let lost = |gpu: &Gpu| matches!(gpu.state, CardState::Lost(_));
        if !gpus.is_empty() && gpus.iter().all(lost) {
            self.nvml = None;
        }
        self.known.clone_from(&gpus);
        (self.driver.clone(), gpus)
    }

    /// The driver is gone: cards that were there are shown as they were.
    fn lost(&self) -> (Driver, Vec<Gpu>) {
        let why = self.driver.fault.clone().unwrap_or_else(|| "the driver does not answer".to_owned());
        let lost = |gpu: &Gpu| Gpu {
            state: CardState::Lost(why.clone()),
            processes: Vec::new(),
            throttles: Vec::new(),
            ..gpu.clone()
        };
        (self.driver.clone(), self.known.iter().map(lost).collect())
    }

    fn device(&mut self, device: &Device<'_>, index: u32, before: Option<&Gpu>) -> Result<Gpu, NvmlError> {
        // The first question tells whether it is there; what it does not support is no error of it.
        let name = alive(device.name())?;
        let seldom = self.round % SELDOM == 1;
        let old = before.filter(|b| b.state == CardState::Up && !seldom);
        let mut gpu = match old {
            Some(old) => old.clone(),
            None => self.fixed(device, index, name.as_deref().unwrap_or("NVIDIA GPU")),
        };
        let share = |percent: u32| f64::from(percent) / 100.0;
        let rates = alive(device.utilization_rates())?;
        gpu.busy = rates.as_ref().map(|r| share(r.gpu));
        gpu.memory_busy = rates.as_ref().map(|r| share(r.memory));
        gpu.encoder = alive(device.encoder_utilization())?.map(|u| share(u.utilization));
        gpu.decoder = alive(device.decoder_utilization())?.map(|u| share(u.utilization));
        let memory = alive(device.memory_info())?;
        gpu.memory_total = memory.as_ref().map(|m| m.total);
        gpu.memory_used = memory.as_ref().map(|m| m.used);
        gpu.memory_reserved = memory.as_ref().map(|m| m.reserved);
        gpu.temperature = alive(device.temperature(TemperatureSensor::Gpu))?.map(f64::from);
        gpu.power = alive(device.power_usage())?.map(milli);
        gpu.energy_uj = alive(device.total_energy_consumption())?.map(|millijoules| millijoules * 1000);
        gpu.clock = alive(device.clock_info(Clock::Graphics))?.map(mega);
        gpu.memory_clock = alive(device.clock_info(Clock::Memory))?.map(mega);
        gpu.throttles = alive(device.current_throttle_reasons())?.map(throttles).unwrap_or_default();
        gpu.performance_state = alive(device.performance_state())?.and_then(|state| u8::try_from(state.as_c()).ok());
        gpu.fan = fan(device);
        let errors = |kind| device.total_ecc_errors(kind, EccCounter::Volatile).ok();
        gpu.ecc = errors(MemoryError::Corrected).zip(errors(MemoryError::Uncorrected));
        gpu.link = Link {
            received: alive(device.pcie_throughput(PcieUtilCounter::Receive))?.map(|kb| u64::from(kb) * 1024),
            sent: alive(device.pcie_throughput(PcieUtilCounter::Send))?.map(|kb| u64::from(kb) * 1024),
            generation: device.current_pcie_link_gen().ok().zip(device.max_pcie_link_gen().ok()),
            width: device.current_pcie_link_width().ok().zip(device.max_pcie_link_width().ok()),
            replays: device.pcie_replay_counter().ok().map(u64::from),
        };
        gpu.processes = self.processes(device, &gpu.id);
        let xids = self.xids.lock().unwrap_or_else(PoisonError::into_inner);
        gpu.xids = xids.get(&gpu.id).cloned().unwrap_or_default();
        Ok(gpu)
    }

    /// What changes seldom or never.
    fn fixed(&self, device: &Device<'_>, index: u32, name: &str) -> Gpu {
        let pci = device.pci_info().ok();
        let bus = pci.map(|p| bus(&p.bus_id)).unwrap_or_default();
        let id = device.uuid().unwrap_or_else(|_| if bus.is_empty() { format!("nvidia{index}") } else { bus.clone() });
        let threshold = |which| device.temperature_threshold(which).ok().map(f64::from);
        let limits = device.power_management_limit_constraints().ok();
        let fields = [[MEMORY_TEMPERATURE].as_slice(), &REMAPPED].concat();
        let values =
            device.field_values_for(&fields.iter().map(|f| FieldId(*f)).collect::<Vec<_>>()).unwrap_or_default();
        let field = |at: usize| match values.get(at)?.as_ref().ok()?.value.as_ref().ok()? {
            SampleValue::U32(v) => Some(u64::from(*v)),
            SampleValue::U64(v) => Some(*v),
            SampleValue::I64(v) => u64::try_from(*v).ok(),
            SampleValue::F64(v) => Some(*v as u64),
        };
        let remapped = match (field(1), field(2), field(3), field(4)) {
            (Some(corrected), Some(uncorrected), Some(pending), Some(failed)) => {
                Some((corrected, uncorrected, pending > 0, failed > 0))
            }
            _ => None,
        };
        Gpu {
            id: clean(&id).into_owned(),
            index: u16::try_from(index).unwrap_or(u16::MAX),
            maker: Maker::Nvidia,
            name: clean(name).into_owned(),
            bus,
            unified: matches!(device.memory_info(), Err(NvmlError::NotSupported)),
            memory_temperature: field(0).filter(|c| *c > 0).map(|c| c as f64),
            slowdown_temperature: threshold(TemperatureThreshold::Slowdown),
            shutdown_temperature: threshold(TemperatureThreshold::Shutdown),
            power_limit: device.enforced_power_limit().or_else(|_| device.power_management_limit()).ok().map(milli),
            power_default: device.power_management_limit_default().ok().map(milli),
            power_max: limits.map(|l| milli(l.max_limit)),
            clock_max: device.max_clock_info(Clock::Graphics).ok().map(mega),
            remapped,
            slices: slices(device),
            nvlinks: nvlinks(device),
            ..Gpu::default()
        }
    }

    /// Who uses it: compute and graphics, with shares where the driver samples them.
    fn processes(&mut self, device: &Device<'_>, id: &str) -> Vec<GpuProcess> {
        let mut all: Vec<GpuProcess> = Vec::new();
        let compute = device.running_compute_processes().or_else(|_| device.running_compute_processes_v2());
        let graphics = device.running_graphics_processes().or_else(|_| device.running_graphics_processes_v2());
        let mps = device.mps_running_compute_processes();
        for (list, graphics) in [(compute, false), (mps, false), (graphics, true)] {
            for process in list.unwrap_or_default() {
                let memory = match process.used_gpu_memory {
                    UsedGpuMemory::Used(bytes) => Some(bytes),
                    UsedGpuMemory::Unavailable => None,
                };
                if !all.iter().any(|p| p.pid == process.pid) {
                    all.push(GpuProcess { pid: process.pid, graphics, memory, ..GpuProcess::default() });
                }
            }
        }
        let seen = self.sampled.get(id).copied().unwrap_or(0);
        // "Not found" means that nothing ran since.
        for sample in device.process_utilization_stats(seen).unwrap_or_default() {
            let newest = self.sampled.entry(id.to_owned()).or_insert(0);
            *newest = (*newest).max(sample.timestamp);
            if let Some(process) = all.iter_mut().find(|p| p.pid == sample.pid) {
                process.busy = Some(f64::from(sample.sm_util.min(100)) / 100.0);
            }
        }
        all
    }
}

/// What a card answers; what it does not support, or not now, is `None`. That it is lost, or its driver, is an error.
fn alive<T>(answer: Result<T, NvmlError>) -> Result<Option<T>, NvmlError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(
            error @ (NvmlError::GpuLost
            | NvmlError::Uninitialized
            | NvmlError::DriverNotLoaded
            | NvmlError::LibRmVersionMismatch
            | NvmlError::ResetRequired),
        ) => Err(error),
        Err(_) => Ok(None),
    }
}

/// In plain words.
fn words(error: &NvmlError) -> String {
    match error {
        NvmlError::GpuLost => "it has fallen off the bus: a reboot, perhaps a reseat, brings it back".to_owned(),
        NvmlError::DriverNotLoaded => "the kernel module is not loaded: modprobe nvidia, and see dmesg".to_owned(),
        NvmlError::LibRmVersionMismatch => {
            "the driver was updated and the old kernel module still runs: reboot, or reload the module".to_owned()
        }
        NvmlError::NoPermission => "permission denied: run as root, or in the group that owns /dev/nvidia*".to_owned(),
        NvmlError::ResetRequired => "it needs a reset: nvidia-smi --gpu-reset".to_owned(),
        NvmlError::LibloadingError(_) => "its library cannot be loaded any more".to_owned(),
        NvmlError::Uninitialized => "the driver was shut down".to_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

fn milli(value: u32) -> f64 {
    f64::from(value) / 1000.0
}

fn mega(megahertz: u32) -> u64 {
    u64::from(megahertz) * 1_000_000
}

/// NVML writes the domain in eight letters, sysfs in four.
fn bus(id: &str) -> String {
    let id = clean(id).to_lowercase();
    match id.split_once(':') {
        Some((domain, rest)) if domain.len() == 8 => format!("{}:{rest}", &domain[4..]),
        _ => id,
    }
}

/// True when the kernel suspended it: any question would wake it.
fn is_asleep(root: &Root, bus: &str) -> bool {
    let state = root.line(format!("sys/bus/pci/devices/{bus}/power/runtime_status"));
    !bus.is_empty() && matches!(state.as_deref(), Some("suspended" | "suspending"))
}

fn fan(device: &Device<'_>) -> Option<f64> {
    let fans = device.num_fans().unwrap_or(1).min(8);
    let speeds = (0..fans).filter_map(|fan| device.fan_speed(fan).ok());
    speeds.max().map(|percent| f64::from(percent) / 100.0)
}

fn throttles(reasons: ThrottleReasons) -> Vec<Throttle> {
    let known = [
        (ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, Throttle::ApplicationClocks),
        (ThrottleReasons::SW_POWER_CAP, Throttle::PowerCap),
        (ThrottleReasons::HW_SLOWDOWN, Throttle::HardwareSlowdown),
        (ThrottleReasons::SYNC_BOOST, Throttle::SyncBoost),
        (ThrottleReasons::SW_THERMAL_SLOWDOWN, Throttle::SoftwareThermal),
        (ThrottleReasons::HW_THERMAL_SLOWDOWN, Throttle::HardwareThermal),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, Throttle::PowerBrake),
        (ThrottleReasons::DISPLAY_CLOCK_SETTING, Throttle::Display),
    ];
    known.into_iter().filter(|(bit, _)| reasons.contains(*bit)).map(|(_, throttle)| throttle).collect()
}

/// Slices of a card on which MIG is on.
fn slices(device: &Device<'_>) -> Vec<Slice> {
    if !device.mig_mode().is_ok_and(|mode| mode.current == 1) {
        return Vec::new();
    }
    let count = device.mig_device_count().unwrap_or(0).min(16);
    let slice = |index: u32| {
        let slice = device.mig_device_by_index(index).ok()?;
        let memory = slice.memory_info().ok();
        let name = slice.name().or_else(|_| slice.uuid()).unwrap_or_else(|_| format!("slice {index}"));
        Some(Slice {
            name: clean(&name).into_owned(),
            memory_total: memory.as_ref().map(|m| m.total),
            memory_used: memory.as_ref().map(|m| m.used),
        })
    };
    (0..count).filter_map(slice).collect()
}

fn nvlinks(device: &Device<'_>) -> Option<(u32, u32)> {
    let states: Vec<bool> = (0..18).map_while(|link| device.link_wrapper_for(link).is_active().ok()).collect();
    let up = states.iter().filter(|up| **up).count();
    (!states.is_empty()).then(|| (u32::try_from(up).unwrap_or(0), u32::try_from(states.len()).unwrap_or(0)))
}

/// Waits for errors of the driver on a thread of its own.
fn listen(nvml: Arc<Nvml>, xids: Xids, stop: Arc<AtomicBool>) {
    // Without the thread errors are not heard; all else goes on.
    let _ = thread::Builder::new().name(format!("{THREAD_PREFIX}xid")).stack_size(128 << 10).spawn(move || {
        let Ok(mut set) = nvml.create_event_set() else { return };
        for index in 0..nvml.device_count().unwrap_or(0) {
            let Ok(device) = nvml.device_by_index(index) else { continue };
            set = match device.register_events(EventTypes::CRITICAL_XID_ERROR, set) {
                Ok(set) => set,
                // The set is lost with the error; cards before this one with it.
                Err(_) => match nvml.create_event_set() {
                    Ok(set) => set,
                    Err(_) => return,
                },
            };
        }
        while !stop.load(Ordering::Relaxed) {
            match set.wait(5000) {
                Ok(event) => {
                    let Some(XidError::Value(code)) = event.event_data else { continue };
                    let Ok(id) = event.device.uuid() else { continue };
                    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                    let unix_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
                    let mut all = xids.lock().unwrap_or_else(PoisonError::into_inner);
                    let own = all.entry(clean(&id).into_owned()).or_default();
                    own.push(Xid { code, unix_ms });
                    let more = own.len().saturating_sub(XIDS);
                    own.drain(..more);
                }
                Err(NvmlError::Timeout) => {}
                Err(_) => return,
            }
        }
    });
}
