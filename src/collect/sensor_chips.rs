//! Which sensors there are and what they are called: a name must stay the same over boots, though the kernel numbers
//! its chips as they come.

use std::collections::BTreeMap;

use crate::{
    model::sensor::{SensorKind, is_of_cpu},
    sys::{reread::Reread, root::Root},
    text::{clean_bytes, tell_apart},
};

/// One monitoring chip, or one thermal zone.
pub(super) struct Chip {
    pub(super) kind: SensorKind,
    /// Asking costs the device something.
    pub(super) slow: bool,
    /// `runtime_status` of devices that may sleep.
    pub(super) power: Option<Reread>,
    pub(super) temperatures: Vec<Probe>,
    pub(super) fans: Vec<FanProbe>,
}

/// One temperature.
pub(super) struct Probe {
    pub(super) name: String,
    pub(super) input: Reread,
    pub(super) fault: Option<Reread>,
    pub(super) high: Option<f64>,
    pub(super) critical: Option<f64>,
    /// It once read anything but exactly 0, so that something is connected.
    pub(super) connected: bool,
    pub(super) celsius: Option<f64>,
}

/// One fan.
pub(super) struct FanProbe {
    pub(super) name: String,
    pub(super) input: Reread,
    pub(super) labelled: bool,
    /// It was seen turning.
    pub(super) turned: bool,
    pub(super) rpm: Option<i64>,
}

/// All chips with a temperature or a fan, CPU first, then by name.
pub(super) fn find(root: &Root) -> Vec<Chip> {
    let folders: Vec<Folder> =
        root.names("sys/class/hwmon").iter().filter_map(|name| Folder::new(root, name)).collect();
    let mut count: BTreeMap<String, u32> = BTreeMap::new();
    for folder in &folders {
        *count.entry(folder.name.clone()).or_default() += 1;
    }
    let mut chips: Vec<(String, Chip)> = folders
        .iter()
        .map(|folder| {
            let twin = count.get(&folder.name).is_some_and(|&n| n > 1);
            let name = if twin { format!("{} {}", folder.name, folder.place) } else { folder.name.clone() };
            let chip = folder.chip(root, &name);
            (name, chip)
        })
        .filter(|(_, chip)| !chip.temperatures.is_empty() || !chip.fans.is_empty())
        .collect();
    // Zones repeat what hwmon has; they serve where it has no temperature at all, or none of the processor.
    let any = chips.iter().any(|(_, chip)| !chip.temperatures.is_empty());
    if !chips.iter().any(|(_, chip)| chip.kind == SensorKind::Cpu && !chip.temperatures.is_empty()) {
        chips.extend(zones(root).into_iter().filter(|(_, chip)| !any || chip.kind == SensorKind::Cpu));
    }
    chips.sort_by(|(a, x), (b, y)| (x.kind, a).cmp(&(y.kind, b)));
    let mut chips: Vec<Chip> = chips.into_iter().map(|(_, chip)| chip).collect();
    tell_apart(chips.iter_mut().flat_map(|chip| &mut chip.temperatures).map(|probe| &mut probe.name));
    tell_apart(chips.iter_mut().flat_map(|chip| &mut chip.fans).map(|fan| &mut fan.name));
    chips
}

/// One folder of `/sys/class/hwmon`.
struct Folder {
    path: String,
    /// Name of the chip, or of the device that it watches.
    name: String,
    /// Where the device sits: distinguishes chips of one name.
    place: String,
    kind: SensorKind,
    slow: bool,
}

impl Folder {
    fn new(root: &Root, folder: &str) -> Option<Folder> {
        let path = format!("sys/class/hwmon/{folder}");
        if !root.path(&path).is_dir() {
            return None;
        }
        let place = std::fs::read_link(root.path(format!("{path}/device")))
            .ok()
            .and_then(|target| Some(clean_bytes(target.file_name()?.as_encoded_bytes())))
            .unwrap_or_else(|| folder.to_owned());
        let driver = root.line(format!("{path}/name")).unwrap_or_else(|| folder.to_owned());
        let inside = |sub: &str| root.names(format!("{path}/device/{sub}")).into_iter().next();
        let watched = match driver.as_str() {
            "nvme" if place.starts_with("nvme") => Some(place.clone()),
            "nvme" => inside("nvme"),
            "drivetemp" => inside("block"),
            _ => None,
        };
        let mut kind = kind_of(&driver);
        if kind == SensorKind::Other && root.path(format!("{path}/device/net")).exists() {
            kind = SensorKind::Network;
        }
        let name = watched.map_or_else(|| driver.clone(), |name| clean_bytes(name.as_bytes()));
        Some(Folder { path, name, place, kind, slow: driver == "drivetemp" })
    }

    fn chip(&self, root: &Root, name: &str) -> Chip {
        let file = |what: &str| format!("{}/{what}", self.path);
        let files = root.names(&self.path);
        let numbered = |prefix: &str| {
            let mut numbers: Vec<u32> =
                files.iter().filter_map(|f| f.strip_prefix(prefix)?.strip_suffix("_input")?.parse().ok()).collect();
            numbers.sort_unstable();
            numbers
        };
        let (temperatures, fans) = (numbered("temp"), numbered("fan"));
        let alone = temperatures.len() == 1;
        let degrees = |what: String| {
            let milli: f64 = root.number(file(&what))?;
            Some(milli / 1000.0).filter(|c| (1.0..200.0).contains(c))
        };
        let kept = |what: String| files.contains(&what).then(|| Reread::new(root, file(&what)));
        let power = file("device/power/runtime_status");
        Chip {
            kind: self.kind,
            slow: self.slow,
            power: root.path(&power).exists().then(|| Reread::new(root, power)),
            temperatures: temperatures
                .into_iter()
                .map(|n| Probe {
                    name: match root.line(file(&format!("temp{n}_label"))) {
                        Some(label) => format!("{name} {label}"),
                        None if alone => name.to_owned(),
                        None => format!("{name} temp{n}"),
                    },
                    input: Reread::new(root, file(&format!("temp{n}_input"))),
                    fault: kept(format!("temp{n}_fault")),
                    high: degrees(format!("temp{n}_max")),
                    critical: degrees(format!("temp{n}_crit")),
                    connected: false,
                    celsius: None,
                })
                .collect(),
            fans: fans
                .into_iter()
                .map(|n| {
                    let label = root.line(file(&format!("fan{n}_label")));
                    FanProbe {
                        labelled: label.is_some(),
                        name: format!("{name} {}", label.unwrap_or_else(|| format!("fan{n}"))),
                        input: Reread::new(root, file(&format!("fan{n}_input"))),
                        turned: false,
                        rpm: None,
                    }
                })
                .collect(),
        }
    }
}

/// `/sys/class/thermal`: one temperature a zone, named by its type.
fn zones(root: &Root) -> Vec<(String, Chip)> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    root.names("sys/class/thermal")
        .into_iter()
        .filter(|zone| zone.starts_with("thermal_zone"))
        .filter_map(|zone| {
            let at = |file: &str| format!("sys/class/thermal/{zone}/{file}");
            let kind = root.line(at("type"))?;
            let nth = seen.entry(kind.clone()).or_default();
            *nth += 1;
            let name = if *nth == 1 { kind.clone() } else { format!("{kind} {nth}") };
            let critical = (0..12)
                .find(|n| root.line(at(&format!("trip_point_{n}_type"))).as_deref() == Some("critical"))
                .and_then(|n| root.number::<f64>(at(&format!("trip_point_{n}_temp"))))
                .map(|milli| milli / 1000.0)
                .filter(|c| (1.0..200.0).contains(c));
            let probe = Probe {
                name: name.clone(),
                input: Reread::new(root, at("temp")),
                fault: None,
                high: None,
                critical,
                connected: false,
                celsius: None,
            };
            let chip =
                Chip { kind: kind_of(&kind), slow: false, power: None, temperatures: vec![probe], fans: Vec::new() };
            Some((name, chip))
        })
        .collect()
}

/// By the names that drivers and zones give themselves, in whatever spelling: boards write `CPU-therm`, `cpu_thermal`,
/// `bigcore0-thermal`, `ap-thermal-cpu0`.
fn kind_of(name: &str) -> SensorKind {
    const KINDS: [(SensorKind, &[&str]); 6] = [
        (SensorKind::Cpu, &["k8temp", "k10temp", "zenpower", "coretemp", "x86_pkg_temp", "via_cputemp", "peci"]),
        (SensorKind::Gpu, &["amdgpu", "radeon", "nouveau", "i915", "xe", "gpu"]),
        (SensorKind::Disk, &["nvme", "drivetemp"]),
        (SensorKind::Memory, &["jc42", "spd5118", "sbtsi_mem", "ddr"]),
        (
            SensorKind::Board,
            &[
                "nct", "it8", "f71", "w83", "asus", "gigabyte", "acpitz", "pch", "thinkpad", "dell_smm", "applesmc",
                "lm", "adt7", "emc", "hp_wmi", "hp-wmi", "sch5",
            ],
        ),
        (SensorKind::Network, &["iwlwifi", "mt7", "ath", "r8169", "igc", "i350", "mlx", "bnxt", "tg3", "eth"]),
    ];
    let name = name.to_lowercase();
    let found = KINDS.iter().find(|(_, names)| names.iter().any(|prefix| name.starts_with(prefix)));
    match found {
        Some((kind, _)) => *kind,
        None if is_of_cpu(&name) => SensorKind::Cpu,
        None => SensorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_name_their_cpu_in_many_spellings() {
        for name in [
            "cpu-thermal",
            "cpu_thermal",
            "CPU-therm",
            "cpu0-0-top-thermal",
            "cpu_little0",
            "ap-thermal-cpu1",
            "bigcore0_thermal",
            "bigcore2-thermal",
            "littlecore_thermal",
            "package_thermal",
            "soc-thermal",
            "SOC0-therm",
            "cluster0_thermal",
            "cpuss1-thermal",
            "cpul_thermal",
            "BIG",
            "LITTLE",
            "MID",
            "coretemp",
        ] {
            assert_eq!(kind_of(name), SensorKind::Cpu, "{name}");
        }
        for name in ["center_thermal", "npu_thermal", "pmic-thermal", "tcpm_source_psy_4_0022", "scorecard", "cp0-ic"] {
            assert_eq!(kind_of(name), SensorKind::Other, "{name}");
        }
        assert_eq!(kind_of("GPU-therm"), SensorKind::Gpu);
    }
}
