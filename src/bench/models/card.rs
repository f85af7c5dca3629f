//! One card while a model works on it: how busy it is, how full its memory, how hot, and what slows it down. It is read here
//! because nothing else is read while something is measured.

use std::{fs, path::PathBuf, sync::Arc};

use nvml_wrapper::{Nvml, bitmasks::device::ThrottleReasons, enum_wrappers::device::TemperatureSensor};

use crate::{
    bench::Survey,
    model::gpu::{CardState, Gpu, Maker},
    sys::root::Root,
};

/// Which card, and how it is read.
#[derive(Debug, Clone)]
pub struct Card {
    /// `GPU 0 (NVIDIA H100)`.
    pub name: String,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Nvml {
        bus: String,
    },
    /// The folder of its device, of the drivers that say it in files.
    Files {
        folder: PathBuf,
    },
}

/// What reads cards: a driver's library is opened once a run.
pub struct Reader {
    nvml: Option<Arc<Nvml>>,
}

/// One look at a card; what it does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    pub busy: Option<f64>,
    /// Share of its memory in use.
    pub memory: Option<f64>,
    pub celsius: Option<f64>,
    /// What slows it down now, in words.
    pub slowed_by: Vec<&'static str>,
}

/// The cards that are there; reading one wakes it.
pub fn all(survey: &Survey<'_>) -> Vec<Card> {
    let cards = survey.state.host.gpus.rows.iter().map(|row| &row.raw);
    cards.filter(|card| !matches!(card.state, CardState::Lost(_))).map(|card| of(card, survey.root)).collect()
}

fn of(card: &Gpu, root: &Root) -> Card {
    let way = match card.maker {
        Maker::Nvidia => Way::Nvml { bus: card.bus.clone() },
        Maker::Amd | Maker::Intel => Way::Files { folder: root.path(format!("sys/bus/pci/devices/{}", card.bus)) },
    };
    Card { name: format!("GPU {} ({})", card.index, card.name), way }
}

impl Reader {
    /// For these.
    pub fn open(cards: &[Card]) -> Self {
        let nvidia = cards.iter().any(|card| matches!(card.way, Way::Nvml { .. }));
        Reader { nvml: nvidia.then(Nvml::init).and_then(Result::ok).map(Arc::new) }
    }

    pub fn look(&self, card: &Card) -> Look {
        match &card.way {
            Way::Nvml { bus } => self.nvml.as_deref().and_then(|nvml| nvidia(nvml, bus)).unwrap_or_default(),
            Way::Files { folder } => files(folder),
        }
    }
}

fn nvidia(nvml: &Nvml, bus: &str) -> Option<Look> {
    let device = nvml.device_by_pci_bus_id(bus).ok()?;
    let memory = device.memory_info().ok().filter(|memory| memory.total > 0);
    let reasons = device.current_throttle_reasons().unwrap_or(ThrottleReasons::empty());
    let heat = ThrottleReasons::HW_THERMAL_SLOWDOWN | ThrottleReasons::SW_THERMAL_SLOWDOWN;
    let power = ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN | ThrottleReasons::SW_POWER_CAP;
    let slowed = [(heat, "heat"), (power, "its power limit")];
    Some(Look {
        busy: device.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
        memory: memory.map(|memory| memory.used as f64 / memory.total as f64),
        celsius: device.temperature(TemperatureSensor::Gpu).ok().map(f64::from),
        slowed_by: slowed.into_iter().filter(|(mask, _)| reasons.intersects(*mask)).map(|(_, by)| by).collect(),
    })
}

/// amdgpu's files; i915 and xe have the temperature alone ("Documentation/gpu/amdgpu/thermal.rst").
fn files(folder: &std::path::Path) -> Look {
    let number = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<f64>().ok();
    let (used, total) = (number(folder.join("mem_info_vram_used")), number(folder.join("mem_info_vram_total")));
    let sensors = fs::read_dir(folder.join("hwmon")).ok();
    let celsius = sensors.and_then(|mut all| all.find_map(|entry| number(entry.ok()?.path().join("temp1_input"))));
    Look {
        busy: number(folder.join("gpu_busy_percent")).map(|percent| percent / 100.0),
        memory: used.zip(total.filter(|total| *total > 0.0)).map(|(used, total)| used / total),
        celsius: celsius.map(|thousandths| thousandths / 1000.0),
        slowed_by: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_card_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).and_then(|()| fs::write(path, text)).expect("written");
        };
        assert_eq!(files(folder.path()), Look::default(), "nothing to read is no zero");
        write("gpu_busy_percent", "97\n");
        write("mem_info_vram_used", "14000000000\n");
        write("mem_info_vram_total", "16000000000\n");
        write("hwmon/hwmon3/temp1_input", "71000\n");
        let look = files(folder.path());
        assert_eq!((look.busy, look.memory, look.celsius), (Some(0.97), Some(0.875), Some(71.0)));
        write("mem_info_vram_total", "0\n");
        assert_eq!(files(folder.path()).memory, None, "a card without memory of its own");
    }
}
