//! Temperatures and fans: hwmon, or thermal zones where hwmon has no temperature. What chips there are is found in
//! `chip`, now and then; their figures are read at each reading.

use std::{io, time::Duration};

use super::{
    CollectCx, Collector, OpenCx,
    sensor_chips::{self, Chip},
};
use crate::{
    clock::Stamp,
    model::{
        event::Sample,
        fault::Fault,
        sensor::{Fan, SensorKind, SensorSample, Temperature},
    },
    sys::{parse::signed, reread::Reread, root::Root},
};

/// Drivers come and go, and numbers with them.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Between two questions to a SATA disk: each is a command on its cable, and platters warm up slowly.
const DISKS: Duration = Duration::from_secs(30);

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Sensors { root: cx.root.clone(), chips: Vec::new(), looked: None, asked_disks: None }))
}

struct Sensors {
    root: Root,
    chips: Vec<Chip>,
    looked: Option<Stamp>,
    asked_disks: Option<Stamp>,
}

impl Collector for Sensors {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let due = |last: Option<Stamp>, every| last.is_none_or(|last| cx.at.since(last) >= every);
        if due(self.looked, LOOK_AGAIN) {
            self.chips = sensor_chips::find(&self.root);
            (self.looked, self.asked_disks) = (Some(cx.at), None);
        }
        let disks = due(self.asked_disks, DISKS);
        if disks {
            self.asked_disks = Some(cx.at);
        }
        let mut sample = SensorSample::default();
        let mut gone = false;
        for chip in &mut self.chips {
            if disks || !chip.slow {
                gone |= chip.read();
            }
            sample.temperatures.extend(chip.temperatures.iter().filter_map(|probe| probe.shown(chip.kind)));
            sample.fans.extend(chip.fans.iter().filter_map(sensor_chips::FanProbe::shown));
        }
        if gone {
            self.looked = None;
        }
        if sample.temperatures.is_empty() && sample.fans.is_empty() {
            let (hwmon, thermal) = (self.root.path("sys/class/hwmon"), self.root.path("sys/class/thermal"));
            let places = format!("{} and {}", hwmon.display(), thermal.display());
            return Err(Fault::Absent(format!(
                "no sensor in {places} (normal in a VM; otherwise load the sensor driver)"
            )));
        }
        Ok(Sample::Sensors(sample))
    }
}

impl Chip {
    /// Reads every figure again. True when a file has gone, so that the chips must be looked for again.
    fn read(&mut self) -> bool {
        // A card or controller that sleeps is not woken for its temperature.
        if self.power.as_mut().is_some_and(|file| file.read().is_ok_and(|text| text.trim_ascii() == b"suspended")) {
            self.temperatures.iter_mut().for_each(|probe| probe.celsius = None);
            self.fans.iter_mut().for_each(|probe| probe.rpm = None);
            return false;
        }
        let mut gone = false;
        for probe in &mut self.temperatures {
            let faulty = probe.fault.as_mut().and_then(|file| figure(file, &mut gone)).is_some_and(|flag| flag != 0);
            let milli = figure(&mut probe.input, &mut gone);
            let milli = milli.filter(|_| !faulty);
            probe.connected |= milli.is_some_and(|milli| milli != 0);
            probe.celsius = milli.map(|milli| milli as f64 / 1000.0);
        }
        for probe in &mut self.fans {
            probe.rpm = figure(&mut probe.input, &mut gone).filter(|rpm| (0..100_000).contains(rpm));
            probe.turned |= probe.rpm.is_some_and(|rpm| rpm > 0);
        }
        gone
    }
}

/// The number in a file; a sensor that cannot be read now has none.
fn figure(file: &mut Reread, gone: &mut bool) -> Option<i64> {
    match file.read() {
        Ok(text) => signed(text.trim_ascii()),
        Err(e) => {
            *gone |= e.kind() == io::ErrorKind::NotFound;
            None
        }
    }
}

impl sensor_chips::Probe {
    /// The temperature, unless it is what an input without a sensor gives: the ends of its range, or 0 from the first
    /// reading on. A 0 of a sensor that read something else before is a temperature.
    fn shown(&self, kind: SensorKind) -> Option<Temperature> {
        let celsius = self.celsius.filter(|c| *c > -40.0 && *c < 200.0 && self.connected)?;
        // Boards wire few of a monitoring chip's inputs; the others stand at their ends.
        if kind == SensorKind::Board && (celsius <= 0.0 || celsius >= 120.0) {
            return None;
        }
        Some(Temperature {
            sensor: self.name.clone(),
            kind,
            celsius,
            high_celsius: self.high,
            critical_celsius: self.critical,
        })
    }
}

impl sensor_chips::FanProbe {
    /// A fan that turns, has turned, or is known to exist by its label.
    fn shown(&self) -> Option<Fan> {
        let rpm = self.rpm?;
        (rpm > 0 || self.turned || self.labelled).then(|| Fan { sensor: self.name.clone(), rpm: rpm as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{open_cx, read_fixture},
        *,
    };
    use crate::interest::Interest;

    fn read(host: &str) -> SensorSample {
        match read_fixture(open, host) {
            Ok(Sample::Sensors(sample)) => sample,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_sensor_has_a_stable_name_and_the_cpu_comes_first() {
        let sample = read("homelab");
        let found: Vec<(&str, SensorKind, f64)> =
            sample.temperatures.iter().map(|t| (t.sensor.as_str(), t.kind, t.celsius)).collect();
        let expected = [
            ("k10temp Tctl", SensorKind::Cpu, 58.125),
            ("amdgpu edge", SensorKind::Gpu, 47.0),
            ("nvme0 Composite", SensorKind::Disk, 41.85),
            ("nvme0 Sensor 1", SensorKind::Disk, 41.85),
            ("nvme0 Sensor 2", SensorKind::Disk, 52.85),
            ("sda", SensorKind::Disk, 36.0),
            ("sdb", SensorKind::Disk, 38.0),
            ("jc42 1-0050", SensorKind::Memory, 40.5),
            ("jc42 1-0051", SensorKind::Memory, 40.75),
            ("nct6798 SYSTIN", SensorKind::Board, 34.0),
            ("nct6798 CPUTIN", SensorKind::Board, 45.5),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_maker_s_marks_are_kept_and_impossible_ones_dropped() {
        let sample = read("homelab");
        let of = |name: &str| sample.temperatures.iter().find(|t| t.sensor == name).expect(name);
        let composite = of("nvme0 Composite");
        assert_eq!((composite.high_celsius, composite.critical_celsius), (Some(81.85), Some(84.85)));
        assert_eq!(of("nvme0 Sensor 1").high_celsius, None, "65261 degrees");
    }

    #[test]
    fn a_fan_that_never_turned_and_has_no_name_is_a_free_plug() {
        let sample = read("homelab");
        let fans: Vec<(&str, f64)> = sample.fans.iter().map(|f| (f.sensor.as_str(), f.rpm)).collect();
        assert_eq!(fans, [("nct6798 fan1", 842.0), ("nct6798 CPU Fan", 1204.0)]);
    }

    #[test]
    fn nonsense_is_skipped_and_equal_names_are_distinguished() {
        let sample = read("hostile");
        let names: Vec<&str> = sample.temperatures.iter().map(|t| t.sensor.as_str()).collect();
        assert_eq!(names, ["?[31mchip hwmon0 lab?el?", "?[31mchip hwmon2 lab?el?", "hwmon1"]);
        assert_eq!(sample.fans, []);
    }

    #[test]
    fn without_any_it_names_the_places_searched() {
        let fault = read_fixture(open, "bare").expect_err("none");
        assert!(
            matches!(&fault, Fault::Absent(what) if what.contains("hwmon") && what.contains("thermal")),
            "{fault:?}"
        );
    }

    fn put(folder: &std::path::Path, path: &str, text: &str) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("file");
    }

    fn at(source: &mut dyn Collector, second: u64) -> Vec<(String, f64)> {
        match source.collect(&CollectCx::new(Stamp::at_seconds(second), &Interest::default())) {
            Ok(Sample::Sensors(sample)) => sample.temperatures.into_iter().map(|t| (t.sensor, t.celsius)).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn an_input_that_reads_0_from_the_first_has_no_sensor() {
        let folder = tempfile::tempdir().expect("folder");
        let hwmon = |file: &str| format!("sys/class/hwmon/hwmon0/{file}");
        put(folder.path(), &hwmon("name"), "acme_dimm\n");
        put(folder.path(), &hwmon("temp1_input"), "0\n");
        put(folder.path(), &hwmon("temp2_input"), "1000\n");
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        assert_eq!(at(&mut *source, 1), [("acme_dimm temp2".into(), 1.0)]);
        put(folder.path(), &hwmon("temp2_input"), "0\n");
        assert_eq!(at(&mut *source, 3), [("acme_dimm temp2".into(), 0.0)], "it froze");
    }

    #[test]
    fn sensors_and_fans_of_one_label_are_distinguished() {
        let folder = tempfile::tempdir().expect("folder");
        let hwmon = |file: &str| format!("sys/class/hwmon/hwmon0/{file}");
        put(folder.path(), &hwmon("name"), "dell_smm\n");
        for (n, milli) in [(1, "31000\n"), (2, "33000\n")] {
            put(folder.path(), &hwmon(&format!("temp{n}_input")), milli);
            put(folder.path(), &hwmon(&format!("temp{n}_label")), "DIMM\n");
            put(folder.path(), &hwmon(&format!("fan{n}_input")), "900\n");
            put(folder.path(), &hwmon(&format!("fan{n}_label")), "Rear\n");
        }
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        let Ok(Sample::Sensors(sample)) = source.collect(&CollectCx::new(Stamp::at_seconds(1), &Interest::default()))
        else {
            panic!("no sample")
        };
        let names: Vec<&str> = sample.temperatures.iter().map(|t| t.sensor.as_str()).collect();
        assert_eq!(names, ["dell_smm DIMM 1", "dell_smm DIMM 2"]);
        let names: Vec<&str> = sample.fans.iter().map(|f| f.sensor.as_str()).collect();
        assert_eq!(names, ["dell_smm Rear 1", "dell_smm Rear 2"]);
    }

    #[test]
    fn a_cpu_that_hwmon_lacks_comes_from_its_zone() {
        let folder = tempfile::tempdir().expect("folder");
        put(folder.path(), "sys/class/hwmon/hwmon0/name", "nvme\n");
        put(folder.path(), "sys/class/hwmon/hwmon0/temp1_input", "40000\n");
        for (n, kind) in [(0, "bigcore0-thermal\n"), (1, "npu-thermal\n")] {
            put(folder.path(), &format!("sys/class/thermal/thermal_zone{n}/type"), kind);
            put(folder.path(), &format!("sys/class/thermal/thermal_zone{n}/temp"), "52000\n");
        }
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        assert_eq!(at(&mut *source, 1), [("bigcore0-thermal".into(), 52.0), ("nvme".into(), 40.0)]);
    }

    #[test]
    fn thermal_zones_serve_where_hwmon_has_no_temperature() {
        let folder = tempfile::tempdir().expect("folder");
        let zone = "sys/class/thermal/thermal_zone";
        put(folder.path(), &format!("{zone}0/type"), "cpu-thermal\n");
        put(folder.path(), &format!("{zone}0/temp"), "51540\n");
        put(folder.path(), &format!("{zone}0/trip_point_0_type"), "critical\n");
        put(folder.path(), &format!("{zone}0/trip_point_0_temp"), "110000\n");
        put(folder.path(), "sys/class/thermal/cooling_device0/type", "fan\n");
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        let Ok(Sample::Sensors(sample)) = source.collect(&CollectCx::new(Stamp::at_seconds(1), &Interest::default()))
        else {
            panic!("no sample")
        };
        let expected = Temperature {
            sensor: "cpu-thermal".into(),
            kind: SensorKind::Cpu,
            celsius: 51.54,
            high_celsius: None,
            critical_celsius: Some(110.0),
        };
        assert_eq!(sample.temperatures, [expected]);
    }

    #[test]
    fn a_sleeping_card_is_not_woken_and_a_disk_is_asked_seldom() {
        let folder = tempfile::tempdir().expect("folder");
        put(folder.path(), "sys/class/hwmon/hwmon0/name", "amdgpu\n");
        put(folder.path(), "sys/class/hwmon/hwmon0/temp1_input", "40000\n");
        put(folder.path(), "sys/class/hwmon/hwmon0/device/power/runtime_status", "active\n");
        put(folder.path(), "sys/class/hwmon/hwmon1/name", "drivetemp\n");
        put(folder.path(), "sys/class/hwmon/hwmon1/temp1_input", "30000\n");
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        assert_eq!(at(&mut *source, 1), [("amdgpu".into(), 40.0), ("drivetemp".into(), 30.0)]);
        put(folder.path(), "sys/class/hwmon/hwmon0/device/power/runtime_status", "suspended\n");
        put(folder.path(), "sys/class/hwmon/hwmon1/temp1_input", "31000\n");
        assert_eq!(at(&mut *source, 3), [("drivetemp".into(), 30.0)]);
        assert_eq!(at(&mut *source, 31), [("drivetemp".into(), 31.0)]);
    }

    #[test]
    fn a_chip_that_went_away_is_forgotten_at_the_next_reading() {
        let folder = tempfile::tempdir().expect("folder");
        put(folder.path(), "sys/class/hwmon/hwmon0/name", "k10temp\n");
        put(folder.path(), "sys/class/hwmon/hwmon0/temp1_input", "40000\n");
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        assert_eq!(at(&mut *source, 1).len(), 1);
        std::fs::rename(folder.path().join("sys/class/hwmon/hwmon0"), folder.path().join("sys/class/hwmon/hwmon4"))
            .expect("rename");
        assert_eq!(at(&mut *source, 3), []);
        assert_eq!(at(&mut *source, 5), [("k10temp".into(), 40.0)]);
    }

    #[test]
    fn inputs_at_the_ends_of_their_range_are_unwired() {
        let root = crate::sys::root::Root::new("/nowhere");
        let probe = |celsius: f64| sensor_chips::Probe {
            name: "x".into(),
            input: crate::sys::reread::Reread::new(&root, "none"),
            fault: None,
            high: None,
            critical: None,
            connected: true,
            celsius: Some(celsius),
        };
        let shown = |kind, celsius| probe(celsius).shown(kind).is_some();
        let board = [-5.0, 0.0, 0.1, 30.0, 119.9, 120.0].map(|celsius| shown(SensorKind::Board, celsius));
        assert_eq!(board, [false, false, true, true, true, false]);
        let disk = [-40.0, -39.9, 0.0, 199.9, 200.0].map(|celsius| shown(SensorKind::Disk, celsius));
        assert_eq!(disk, [false, true, true, true, false], "a cold disk is one");
        assert!(sensor_chips::Probe { connected: false, ..probe(30.0) }.shown(SensorKind::Disk).is_none());
    }

    #[test]
    fn a_fan_is_shown_that_turns_or_turned_or_has_a_label() {
        let folder = tempfile::tempdir().expect("folder");
        let hwmon = |file: &str| format!("sys/class/hwmon/hwmon0/{file}");
        put(folder.path(), &hwmon("name"), "nct6798\n");
        let turn = |rpm: [&str; 3]| {
            for (n, rpm) in (1..).zip(rpm) {
                put(folder.path(), &hwmon(&format!("fan{n}_input")), rpm);
            }
        };
        put(folder.path(), &hwmon("fan3_label"), "Rear\n");
        let fans = |source: &mut dyn Collector, second| match source
            .collect(&CollectCx::new(Stamp::at_seconds(second), &Interest::default()))
        {
            Ok(Sample::Sensors(sample)) => sample.fans.into_iter().map(|fan| (fan.sensor, fan.rpm)).collect(),
            _ => Vec::new(),
        };
        turn(["0\n", "1\n", "0\n"]);
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        let two = |rpm: f64| vec![("nct6798 fan2".to_owned(), rpm), ("nct6798 Rear".to_owned(), 0.0)];
        assert_eq!(fans(&mut *source, 1), two(1.0));
        turn(["0\n", "0\n", "0\n"]);
        assert_eq!(fans(&mut *source, 3), two(0.0), "it stands now");
        turn(["99999\n", "100000\n", "-1\n"]);
        assert_eq!(
            fans(&mut *source, 5),
            [("nct6798 fan1".to_owned(), 99_999.0)],
            "no fan turns so fast, or backwards"
        );
    }

    #[test]
    fn a_sensor_that_says_it_is_faulty_has_no_temperature() {
        let folder = tempfile::tempdir().expect("folder");
        let hwmon = |file: &str| format!("sys/class/hwmon/hwmon0/{file}");
        put(folder.path(), &hwmon("name"), "acme_dimm\n");
        put(folder.path(), &hwmon("temp1_input"), "31000\n");
        put(folder.path(), &hwmon("temp2_input"), "32000\n");
        put(folder.path(), &hwmon("temp1_fault"), "0\n");
        put(folder.path(), &hwmon("temp2_fault"), "1\n");
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        assert_eq!(at(&mut *source, 1), [("acme_dimm temp1".into(), 31.0)]);
    }
}
