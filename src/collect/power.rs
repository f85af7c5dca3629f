//! CPU energy from RAPL: `/sys/class/powercap/intel-rapl:*`, which AMD's processors fill too.

use std::{io, time::Duration};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    clock::Stamp,
    model::{
        event::Sample,
        fault::Fault,
        power::{EnergyZone, PowerSample},
    },
    sys::{parse::number, reread::Reread, root::Root},
};

/// Zones come with a module, hardly ever later.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

const CURE: &str = "run as root, or `chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj` until the next boot \
                    (the kernel keeps it for root because exact power can betray secrets)";

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Power { root: cx.root.clone(), zones: Vec::new(), looked: None }))
}

struct Power {
    root: Root,
    zones: Vec<Zone>,
    looked: Option<Stamp>,
}

struct Zone {
    name: String,
    wraps_at_uj: u64,
    energy: Reread,
}

impl Collector for Power {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        if self.looked.is_none_or(|looked| cx.at.since(looked) >= LOOK_AGAIN) {
            self.zones = find(&self.root);
            self.looked = Some(cx.at);
        }
        if self.zones.is_empty() {
            let folder = self.root.path("sys/class/powercap");
            let why = "normal in a VM; otherwise load intel_rapl_msr";
            return Err(Fault::Absent(format!("no intel-rapl zone in {} ({why})", folder.display())));
        }
        let mut zones = Vec::with_capacity(self.zones.len());
        let mut wrong = None;
        for zone in &mut self.zones {
            match zone.energy.read().map(|text| number(text.trim_ascii())) {
                // Nothing that runs has used no energy: a guest's counter, or one for a part that this model does not count.
                Ok(Some(0)) => {}
                Ok(Some(energy_uj)) => {
                    zones.push(EnergyZone { zone: zone.name.clone(), energy_uj, wraps_at_uj: zone.wraps_at_uj })
                }
                Ok(None) => {
                    wrong = Some(Fault::Broken(format!("{}: not a number", zone.energy.path().display())));
                }
                Err(e) => {
                    wrong.get_or_insert(why(&zone.energy, &e));
                }
            }
        }
        match wrong {
            Some(fault) if zones.is_empty() => {
                self.looked = None;
                Err(fault)
            }
            None if zones.is_empty() => Err(Fault::Absent("the energy counters are 0: normal in a VM".to_owned())),
            _ => Ok(Sample::Power(PowerSample { zones })),
        }
    }
}

fn why(file: &Reread, error: &io::Error) -> Fault {
    crate::sys::root::fault(file.path(), error, CURE)
}

/// Packages, then what is inside them, then other domains. `intel-rapl-mmio` counts the same packages a second time.
fn find(root: &Root) -> Vec<Zone> {
    let at = |zone: &str, file: &str| format!("sys/class/powercap/{zone}/{file}");
    let name = |zone: &str| root.line(at(zone, "name"));
    let mut zones: Vec<(bool, Zone)> = root
        .names("sys/class/powercap")
        .into_iter()
        .filter(|zone| zone.starts_with("intel-rapl:"))
        .filter_map(|zone| {
            let own = name(&zone)?;
            let parent = zone.rsplit_once(':').map(|(parent, _)| parent).filter(|p| p.contains(':')).and_then(name);
            let zone = Zone {
                wraps_at_uj: root.number(at(&zone, "max_energy_range_uj")).unwrap_or_default(),
                energy: Reread::new(root, at(&zone, "energy_uj")),
                name: parent.map_or_else(|| own.clone(), |parent| format!("{parent} {own}")),
            };
            Some((!own.starts_with("package"), zone))
        })
        .collect();
    zones.sort_by(|(a, x), (b, y)| (a, &x.name).cmp(&(b, &y.name)));
    zones.into_iter().map(|(_, zone)| zone).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::testing::read_fixture, *};

    #[test]
    fn packages_come_first_and_parts_name_their_package() {
        let Ok(Sample::Power(sample)) = read_fixture(open, "homelab") else { panic!("no sample") };
        let zone = |zone: &str, energy_uj, wraps_at_uj| EnergyZone { zone: zone.into(), energy_uj, wraps_at_uj };
        let expected = [
            zone("package-0", 182_734_567_890, 262_143_328_850),
            zone("package-0 core", 82_734_567_890, 65_532_610_987),
        ];
        assert_eq!(sample.zones, expected);
    }

    #[test]
    fn a_counter_that_stands_at_0_counts_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let put = |zone: &str, name: &str, energy: &str| {
            let path = folder.path().join("sys/class/powercap").join(zone);
            std::fs::create_dir_all(&path).expect("folder");
            std::fs::write(path.join("name"), name).expect("file");
            std::fs::write(path.join("energy_uj"), energy).expect("file");
        };
        let read = || super::super::testing::read_once(open, Root::new(folder.path()));
        put("intel-rapl:0", "package-0\n", "0\n");
        put("intel-rapl:0:0", "uncore\n", "0\n");
        assert!(matches!(read(), Err(Fault::Absent(what)) if what.contains("are 0")));
        put("intel-rapl:0", "package-0\n", "5\n");
        let Ok(Sample::Power(sample)) = read() else { panic!("no sample") };
        assert_eq!(sample.zones.iter().map(|z| z.zone.as_str()).collect::<Vec<_>>(), ["package-0"]);
    }

    #[test]
    fn a_refusal_carries_its_cure() {
        let file = Reread::new(&Root::default(), "sys/class/powercap/intel-rapl:0/energy_uj");
        let refused = why(&file, &io::Error::from(io::ErrorKind::PermissionDenied));
        let Fault::Denied { what, hint } = refused else { panic!("{refused:?}") };
        assert!(what.contains("/sys/class/powercap/intel-rapl:0/energy_uj"), "{what}");
        assert!(hint.contains("run as root") && hint.contains("chmod"), "{hint}");
    }

    #[test]
    fn without_rapl_it_names_the_places_searched() {
        let fault = read_fixture(open, "bare").expect_err("none");
        assert!(matches!(&fault, Fault::Absent(what) if what.contains("bare/sys/class/powercap")), "{fault:?}");
    }

    #[test]
    fn nonsense_is_broken_and_names_the_file() {
        let fault = read_fixture(open, "hostile").expect_err("nonsense");
        assert!(matches!(&fault, Fault::Broken(what) if what.contains("intel-rapl:0/energy_uj")), "{fault:?}");
    }
}
