//! One NVIDIA card: what it reports now, and who uses it. What it does not support is no error of it.

use std::collections::HashMap;

use nvml_wrapper::{
    Device,
    bitmasks::device::ThrottleReasons,
    enum_wrappers::device::{Clock, EccCounter, MemoryError, PcieUtilCounter, TemperatureSensor, TemperatureThreshold},
    enums::device::{SampleValue, UsedGpuMemory},
    error::NvmlError,
    struct_wrappers::device::ProcessInfo,
    structs::device::FieldId,
};

use crate::{
    model::gpu::{Gpu, GpuProcess, Link, Maker, MemoryErrors, RemappedRows, Slice, Throttle},
    text::clean,
};

/// Field numbers of NVML: temperature of the memory; rows remapped for corrected and uncorrected errors, pending, failed.
const MEMORY_TEMPERATURE: u32 = 82;
const REMAPPED: [u32; 4] = [142, 143, 144, 145];

/// Time stamp of the newest process sample, by card.
pub(super) type Samples = HashMap<String, u64>;

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

/// Its own number over all machines, else its place.
pub(super) fn id(device: &Device<'_>, index: u32) -> Result<String, NvmlError> {
    let reported = match alive(device.uuid())? {
        Some(uuid) => clean(&uuid).into_owned(),
        None => alive(device.pci_info())?.map(|pci| bus(&pci.bus_id)).unwrap_or_default(),
    };
    Ok(if reported.is_empty() { format!("nvidia{index}") } else { reported })
}

/// Its values now. `before` spares the requests whose answers seldom change, and where `slow` is not set those that
/// nobody follows from second to second: each costs a round trip to the card.
pub(super) fn read(
    device: &Device<'_>,
    id: String,
    before: Option<&Gpu>,
    slow: bool,
    samples: &mut Samples,
) -> Result<Gpu, NvmlError> {
    let slow = slow || before.is_none();
    let mut gpu = match before {
        Some(before) => before.clone(),
        None => fixed(device, id)?,
    };
    let rates = alive(device.utilization_rates())?;
    gpu.busy = rates.as_ref().map(|r| share(r.gpu));
    gpu.memory_busy = rates.as_ref().map(|r| share(r.memory));
    let memory = alive(device.memory_info())?;
    gpu.memory_total = memory.as_ref().map(|m| m.total);
    gpu.memory_used = memory.as_ref().map(|m| m.used);
    gpu.memory_reserved = memory.as_ref().map(|m| m.reserved);
    gpu.temperature = alive(device.temperature(TemperatureSensor::Gpu))?.map(f64::from);
    gpu.power = alive(device.power_usage())?.map(milli);
    gpu.energy_uj = alive(device.total_energy_consumption())?.map(|millijoules| millijoules * 1000);
    gpu.clock = clock(|which| device.clock_info(which));
    gpu.memory_clock = alive(device.clock_info(Clock::Memory))?.map(mega);
    let reasons = alive(device.current_throttle_reasons())?;
    gpu.throttles_reported = reasons.is_some();
    gpu.throttles = reasons.map(throttles).unwrap_or_default();
    gpu.performance_state = alive(device.performance_state())?.and_then(|state| u8::try_from(state.as_c()).ok());
    if !slow {
        return Ok(gpu);
    }
    gpu.encoder = alive(device.encoder_utilization())?.map(|u| share(u.utilization));
    gpu.decoder = alive(device.decoder_utilization())?.map(|u| share(u.utilization));
    gpu.fan = fan(device);
    let errors = |kind| device.total_ecc_errors(kind, EccCounter::Volatile).ok();
    gpu.ecc = errors(MemoryError::Corrected)
        .zip(errors(MemoryError::Uncorrected))
        .map(|(corrected, uncorrected)| MemoryErrors { corrected, uncorrected });
    gpu.link = Link {
        received: alive(device.pcie_throughput(PcieUtilCounter::Receive))?.map(|kb| u64::from(kb) * 1024),
        sent: alive(device.pcie_throughput(PcieUtilCounter::Send))?.map(|kb| u64::from(kb) * 1024),
        generation: device.current_pcie_link_gen().ok().zip(device.max_pcie_link_gen().ok()),
        width: device.current_pcie_link_width().ok().zip(device.max_pcie_link_width().ok()),
        replays: device.pcie_replay_counter().ok().map(u64::from),
    };
    (gpu.slices, gpu.processes) = users(device, &gpu.id, samples);
    Ok(gpu)
}

/// What changes seldom or never.
fn fixed(device: &Device<'_>, id: String) -> Result<Gpu, NvmlError> {
    let name = alive(device.name())?.unwrap_or_else(|| "NVIDIA GPU".to_owned());
    let threshold = |which| device.temperature_threshold(which).ok().map(f64::from);
    let fields = [[MEMORY_TEMPERATURE].as_slice(), &REMAPPED].concat();
    let values = device.field_values_for(&fields.iter().map(|f| FieldId(*f)).collect::<Vec<_>>()).unwrap_or_default();
    let field = |at: usize| match values.get(at)?.as_ref().ok()?.value.as_ref().ok()? {
        SampleValue::U32(v) => Some(u64::from(*v)),
        SampleValue::U64(v) => Some(*v),
        SampleValue::I64(v) => u64::try_from(*v).ok(),
        SampleValue::F64(v) => Some(*v as u64),
    };
    let remapped = match (field(1), field(2), field(3), field(4)) {
        (Some(corrected), Some(uncorrected), Some(pending), Some(failed)) => {
            Some(RemappedRows { corrected, uncorrected, pending: pending > 0, failed: failed > 0 })
        }
        _ => None,
    };
    Ok(Gpu {
        id,
        maker: Maker::Nvidia,
        name: clean(&name).into_owned(),
        bus: device.pci_info().ok().map(|pci| bus(&pci.bus_id)).unwrap_or_default(),
        driver: "nvidia".to_owned(),
        unified: matches!(device.memory_info(), Err(NvmlError::NotSupported)),
        memory_temperature: field(0).filter(|c| *c > 0).map(|c| c as f64),
        slowdown_temperature: threshold(TemperatureThreshold::Slowdown),
        shutdown_temperature: threshold(TemperatureThreshold::Shutdown),
        power_limit: device.enforced_power_limit().or_else(|_| device.power_management_limit()).ok().map(milli),
        power_default: device.power_management_limit_default().ok().map(milli),
        power_max: device.power_management_limit_constraints().ok().map(|l| milli(l.max_limit)),
        clock_max: clock(|which| device.max_clock_info(which)),
        remapped,
        nvlinks: nvlinks(device),
        ..Gpu::default()
    })
}

/// The clock of the cores: of graphics, or of the multiprocessors where only that is reported.
fn clock(ask: impl Fn(Clock) -> Result<u32, NvmlError>) -> Option<u64> {
    ask(Clock::Graphics).or_else(|_| ask(Clock::SM)).ok().map(mega)
}

/// Its slices, and who uses it: compute and graphics, with shares where the driver samples them.
fn users(device: &Device<'_>, id: &str, samples: &mut Samples) -> (Vec<Slice>, Vec<GpuProcess>) {
    let mut all: Vec<GpuProcess> = Vec::new();
    let mut slices = Vec::new();
    // Of a card in slices each slice knows its own.
    for (at, slice) in (0u32..).zip(mig(device)) {
        add(&mut all, &slice, Some(at));
        let memory = slice.memory_info().ok();
        slices.push(Slice {
            name: slice_name(&slice, at),
            memory_total: memory.as_ref().map(|m| m.total),
            memory_used: memory.as_ref().map(|m| m.used),
        });
    }
    add(&mut all, device, None);
    let newest = samples.entry(id.to_owned()).or_insert(0);
    // "Not found" means that nothing ran since.
    for sample in device.process_utilization_stats(*newest).unwrap_or_default() {
        *newest = (*newest).max(sample.timestamp);
        if let Some(process) = all.iter_mut().find(|p| p.pid == sample.pid) {
            process.busy = Some(share(sample.sm_util.min(100)));
        }
    }
    (slices, all)
}

/// Adds those that are not known yet.
fn add(all: &mut Vec<GpuProcess>, device: &Device<'_>, slice: Option<u32>) {
    let compute = device.running_compute_processes().or_else(|_| device.running_compute_processes_v2());
    let graphics = device.running_graphics_processes().or_else(|_| device.running_graphics_processes_v2());
    let mps = device.mps_running_compute_processes();
    for (list, graphics) in [(compute, false), (mps, false), (graphics, true)] {
        list_in(all, list.unwrap_or_default(), slice, graphics);
    }
}

fn list_in(all: &mut Vec<GpuProcess>, list: Vec<ProcessInfo>, slice: Option<u32>, graphics: bool) {
    for ProcessInfo { pid, used_gpu_memory, .. } in list {
        let memory = match used_gpu_memory {
            UsedGpuMemory::Used(bytes) => Some(bytes),
            UsedGpuMemory::Unavailable => None,
        };
        // The whole card lists those of its slices again.
        if !all.iter().any(|p| p.pid == pid && (p.slice == slice || slice.is_none())) {
            all.push(GpuProcess { pid, graphics, memory, slice, ..GpuProcess::default() });
        }
    }
}

/// The slices of a card on which MIG is on.
fn mig<'a>(device: &Device<'a>) -> Vec<Device<'a>> {
    if !device.mig_mode().is_ok_and(|mode| mode.current == 1) {
        return Vec::new();
    }
    let count = device.mig_device_count().unwrap_or(0).min(16);
    (0..count).filter_map(|index| device.mig_device_by_index(index).ok()).collect()
}

/// `1g.10gb` of `NVIDIA A100-SXM4-80GB MIG 1g.10gb`.
fn slice_name(slice: &Device<'_>, at: u32) -> String {
    let reported = slice.name().or_else(|_| slice.uuid()).unwrap_or_else(|_| format!("slice {at}"));
    clean(reported.rsplit_once(" MIG ").map_or(reported.as_str(), |(_, profile)| profile)).into_owned()
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

fn fan(device: &Device<'_>) -> Option<f64> {
    let fans = device.num_fans().unwrap_or(1).min(8);
    (0..fans).filter_map(|fan| device.fan_speed(fan).ok()).max().map(share)
}

fn share(percent: u32) -> f64 {
    f64::from(percent) / 100.0
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

fn nvlinks(device: &Device<'_>) -> Option<(u32, u32)> {
    let states: Vec<bool> = (0..18).map_while(|link| device.link_wrapper_for(link).is_active().ok()).collect();
    let up = states.iter().filter(|up| **up).count();
    (!states.is_empty()).then(|| (u32::try_from(up).unwrap_or(0), u32::try_from(states.len()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loss_of_a_card_or_its_driver_is_an_error() {
        let of = |error| alive::<u32>(Err(error));
        assert!(matches!(alive(Ok(7)), Ok(Some(7))));
        for lost in [
            NvmlError::GpuLost,
            NvmlError::Uninitialized,
            NvmlError::DriverNotLoaded,
            NvmlError::LibRmVersionMismatch,
            NvmlError::ResetRequired,
        ] {
            assert!(of(lost).is_err());
        }
        for other in [NvmlError::NotSupported, NvmlError::NoPermission, NvmlError::Timeout, NvmlError::Unknown] {
            assert!(matches!(of(other), Ok(None)));
        }
    }

    #[test]
    fn a_place_has_its_domain_in_four_letters() {
        assert_eq!(bus("00000000:0A:00.0"), "0000:0a:00.0");
        assert_eq!(bus("00010000:01:00.0"), "0000:01:00.0");
        assert_eq!((bus("0000:01:00.0"), bus("odd")), ("0000:01:00.0".to_owned(), "odd".to_owned()));
    }

    #[test]
    fn each_reason_for_a_slow_clock_has_its_own_name() {
        // nvml.h: the bits of nvmlClocksEventReasons.
        for (bit, throttle) in [
            (1, None),
            (1 << 1, Some(Throttle::ApplicationClocks)),
            (1 << 2, Some(Throttle::PowerCap)),
            (1 << 3, Some(Throttle::HardwareSlowdown)),
            (1 << 4, Some(Throttle::SyncBoost)),
            (1 << 5, Some(Throttle::SoftwareThermal)),
            (1 << 6, Some(Throttle::HardwareThermal)),
            (1 << 7, Some(Throttle::PowerBrake)),
            (1 << 8, Some(Throttle::Display)),
        ] {
            let found = throttles(ThrottleReasons::from_bits_truncate(bit));
            assert_eq!(found, throttle.into_iter().collect::<Vec<_>>(), "{bit}");
        }
    }

    #[test]
    fn units_are_the_base_ones() {
        assert_eq!((milli(450_500), mega(2520)), (450.5, 2_520_000_000));
        assert_eq!([0, 25, 100].map(share), [0.0, 0.25, 1.0]);
    }

    #[test]
    fn a_process_is_listed_once_in_each_slice() {
        let process = |pid, used_gpu_memory| ProcessInfo {
            pid,
            used_gpu_memory,
            gpu_instance_id: None,
            compute_instance_id: None,
        };
        let of = |pid| process(pid, UsedGpuMemory::Used(512));
        let mut all = Vec::new();
        list_in(&mut all, vec![of(7), of(8)], Some(0), false);
        list_in(&mut all, vec![of(7)], Some(1), false);
        list_in(&mut all, vec![of(7)], Some(1), true);
        list_in(&mut all, vec![of(8), process(9, UsedGpuMemory::Unavailable)], None, true);
        let found: Vec<_> = all.iter().map(|one| (one.pid, one.slice, one.graphics, one.memory)).collect();
        let expected = [
            (7, Some(0), false, Some(512)),
            (8, Some(0), false, Some(512)),
            (7, Some(1), false, Some(512)),
            (9, None, true, None),
        ];
        assert_eq!(found, expected);
    }
}
