//! NVIDIA's library faked at the place where the real one is loaded from: the program finds it by the loader's path, and
//! each scenario is reported as such. The scenario file is read again when it changes, so a card can be lost meanwhile.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "gpu/fake.rs"]
mod fake;
#[path = "pty/terminal.rs"]
#[expect(dead_code, reason = "shared with tests/pty.rs, which uses more of it")]
mod terminal;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use fake::{alerts, document, library, metric, old_library, once, said, scenario};
use serde_json::{Value, json};
use terminal::{Setup, Terminal};

#[test]
fn a_busy_card_reports_all_metrics() {
    let document = once("healthy");
    let gpu = &document["gpus"][0];
    assert_eq!((gpu["name"].as_str(), gpu["state"].as_str()), (Some("NVIDIA GeForce RTX 4090"), Some("up")));
    assert_eq!((gpu["bus"].as_str(), gpu["maker"].as_str()), (Some("0000:01:00.0"), Some("nvidia")));
    assert_eq!(
        (gpu["memory_total_bytes"].as_u64(), gpu["memory_used_bytes"].as_u64()),
        (Some(25_757_220_864), Some(18_000_000_000))
    );
    assert_eq!((gpu["power_limit_watts"].as_f64(), gpu["clock_hertz"].as_u64()), (Some(450.0), Some(2_520_000_000)));
    assert_eq!(gpu["memory_temperature_celsius"].as_f64(), Some(74.0));
    assert_eq!((gpu["pcie_generation"][0].as_u64(), gpu["pcie_lanes"][1].as_u64()), (Some(4), Some(16)));
    assert_eq!(gpu["throttles"], json!(["power_cap"]));
    assert!(gpu.get("ecc_errors").is_none(), "a consumer card has none: left out, never 0");
    let process = &gpu["processes"][0];
    assert_eq!((process["pid"].as_u64(), process["memory_bytes"].as_u64()), (Some(4242), Some(17_179_869_184)));
    assert_eq!(process["busy_ratio"].as_f64(), Some(0.91));
    assert_eq!(metric(&document, "gpu_driver_ok"), Some(1.0));
    assert!(
        !alerts(&document).iter().any(|a| a.contains("GPU")),
        "a power cap that the owner set is no alarm: {:?}",
        alerts(&document)
    );
}

#[test]
fn a_data_centre_card_at_its_power_limit_is_well() {
    let document = once("h200");
    let gpu = &document["gpus"][0];
    let said = |key: &str| gpu[key].as_f64();
    assert_eq!((said("busy_ratio"), said("memory_busy_ratio")), (Some(1.0), Some(0.23)));
    assert_eq!((said("temperature_celsius"), said("memory_temperature_celsius")), (Some(62.0), Some(49.0)));
    assert_eq!((said("slowdown_temperature_celsius"), said("shutdown_temperature_celsius")), (Some(89.0), Some(95.0)));
    assert_eq!((said("power_watts"), said("power_limit_watts")), (Some(691.328), Some(700.0)));
    assert_eq!((said("clock_hertz"), said("clock_max_hertz")), (Some(1.53e9), Some(1.98e9)));
    assert_eq!((&gpu["pcie_generation"], &gpu["pcie_lanes"]), (&json!([5, 5]), &json!([16, 16])));
    assert_eq!((&gpu["ecc_errors"], &gpu["throttles"]), (&json!([0, 0]), &json!(["power_cap"])));
    // What the driver keeps for itself nobody can have.
    let ratio = metric(&document, "gpu_memory_used_ratio").unwrap();
    assert!((ratio - 0.0968).abs() < 0.0001, "{ratio}");
    assert!(!alerts(&document).iter().any(|a| a.contains("GPU")), "{:?}", alerts(&document));
}

#[test]
fn slow_figures_are_asked_for_more_seldom() {
    // One value a call; `once` reads a card twice within a second.
    let text = read("healthy").replace("\nenc = 0\n", "\nenc = 10 20 30\n");
    let document = document(library(), Path::new(Changing::new(&text).path()));
    let gpu = &document["gpus"][0];
    assert_eq!(gpu["encoder_ratio"].as_f64(), Some(0.1), "asked for once");
    assert!(gpu["busy_ratio"].as_f64().is_some_and(|busy| busy > 0.9), "12 % was the first answer: {gpu}");
}

#[test]
fn heat_is_described() {
    let document = once("hot");
    let throttles: Vec<&str> =
        document["gpus"][0]["throttles"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(throttles, ["hardware_slowdown", "software_thermal", "hardware_thermal"]);
    assert_eq!(metric(&document, "gpu_slowed"), Some(1.0));
}

#[test]
fn memory_errors_of_a_data_centre_card_alert() {
    let document = once("ecc-xid");
    assert_eq!(document["gpus"][0]["ecc_errors"], json!([12, 3]));
    assert!(
        alerts(&document).iter().any(|a| a == "GPU 0:A100-SXM4-80GB has uncorrected memory errors: 3"),
        "{:?}",
        alerts(&document)
    );
    let rows = &document["gpus"][0]["remapped_rows"];
    assert_eq!(*rows, json!({"corrected": 4, "uncorrected": 1, "pending": true, "failed": false}));
    assert!(alerts(&document).iter().any(|a| a.contains("row remapping pending")), "{:?}", alerts(&document));
}

#[test]
fn a_card_in_slices_lists_them() {
    let document = once("mig");
    let slices = document["gpus"][0]["slices"].as_array().unwrap();
    assert_eq!(slices.len(), 2);
    assert_eq!(slices[1]["memory_used_bytes"].as_u64(), Some(19_327_352_832));
    assert!(document["gpus"][0].get("busy_ratio").is_none(), "a card in slices does not report it");
    assert_eq!(slices[0]["name"], "1g.10gb", "by its profile");
    let processes = document["gpus"][0]["processes"].as_array().unwrap();
    let reported: Vec<_> =
        processes.iter().map(|p| (p["pid"].as_u64().unwrap(), p["slice"].as_str().unwrap())).collect();
    assert_eq!(reported, [(4242, "1g.10gb"), (4243, "3g.40gb"), (4242, "3g.40gb")], "one process may be in two slices");
}

#[test]
fn one_lost_card_is_named_and_the_other_goes_on() {
    let document = once("lost");
    assert_eq!(document["gpus"][0]["state"], "up");
    assert_eq!(document["gpus"][1]["state"], "lost");
    assert!(document["gpus"][1]["cause"].as_str().unwrap().contains("fallen off the bus"));
    assert!(document["gpus"][1].get("busy_ratio").is_none());
    assert_eq!(metric(&document, "gpu_driver_ok"), Some(0.0));
    assert!(alerts(&document).iter().any(|a| a.starts_with("GPU failed: 1:") && a.contains("fallen off the bus")));
}

#[test]
fn a_driver_that_does_not_work_says_why_and_is_never_no_gpu() {
    for (name, words) in [("mismatch", "reboot"), ("no-driver", "not loaded")] {
        let document = once(name);
        assert_eq!(metric(&document, "gpu_driver_ok"), Some(0.0), "{name}");
        let alerts = alerts(&document);
        assert!(alerts.iter().any(|a| a.starts_with("GPU failed: NVIDIA:") && a.contains(words)), "{name}: {alerts:?}");
    }
}

#[test]
fn without_the_library_the_source_is_absent() {
    let said = Command::new(env!("CARGO_BIN_EXE_benchtop")).args(["once", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&said.stdout).unwrap();
    let source = document["sources"].as_array().unwrap().iter().find(|s| s["id"] == "gpus").unwrap();
    if source["state"] == "absent" {
        assert_eq!(metric(&document, "gpu_driver_ok"), None);
        assert_eq!(document["gpus"], json!([]));
    }
}

#[test]
fn unified_memory_is_marked() {
    let document = once("unified");
    let gpu = &document["gpus"][0];
    assert_eq!(
        (gpu["memory_is_unified"].as_bool(), gpu["memory_used_bytes"].as_u64()),
        (Some(true), Some(1_610_612_736))
    );
    assert_eq!(gpu["memory_total_bytes"], metric(&document, "memory_total_bytes").unwrap() as u64);
}

#[test]
fn a_power_limit_that_the_owner_set_is_a_fact_and_no_alarm() {
    let document = once("capped");
    let gpu = &document["gpus"][0];
    assert_eq!((gpu["power_limit_watts"].as_f64(), gpu["power_default_watts"].as_f64()), (Some(250.0), Some(450.0)));
    assert_eq!(gpu["throttles"], json!(["power_cap"]));
    assert_eq!(metric(&document, "gpu_slowed"), Some(0.0));
    assert!(!alerts(&document).iter().any(|a| a.contains("GPU")), "{:?}", alerts(&document));
}

#[test]
fn slow_link_under_load_is_a_finding_with_figures() {
    let document = once("downtrained");
    assert_eq!(metric(&document, "gpu_link_downtrained"), Some(1.0));
    let words = "PCIe link below its maximum: generation 1 of 4, lanes 4 of 16";
    assert!(alerts(&document).iter().any(|a| a.ends_with(words)), "{:?}", alerts(&document));
    assert_eq!(metric(&once("lost"), "gpu_link_downtrained"), Some(0.0), "of an idle card nothing is said");
}

#[test]
fn a_process_on_two_cards_has_its_share_of_each() {
    let document = once("two-cards");
    let shares = |card: usize| -> Vec<(u64, f64)> {
        let processes = document["gpus"][card]["processes"].as_array().unwrap();
        processes.iter().map(|p| (p["pid"].as_u64().unwrap(), p["busy_ratio"].as_f64().unwrap())).collect()
    };
    assert_eq!((shares(0), shares(1)), (vec![(4242, 0.70)], vec![(4242, 0.60), (4300, 0.33)]));
    assert_eq!(document["gpus"][1]["nvlinks_up"], json!([1, 2]));
}

#[test]
fn of_eight_cards_each_has_its_row_and_the_lost_one_is_named() {
    let document = once("eight-cards");
    let gpus = document["gpus"].as_array().unwrap();
    let lost: Vec<u64> = gpus.iter().filter(|g| g["state"] == "lost").map(|g| g["index"].as_u64().unwrap()).collect();
    assert_eq!((gpus.len(), lost), (8, vec![7]));
}

#[test]
fn a_driver_older_than_510_reports_what_it_can() {
    let document = document(old_library(), &scenario("healthy"));
    let gpu = &document["gpus"][0];
    assert_eq!((gpu["state"].as_str(), gpu["temperature_celsius"].is_number()), (Some("up"), true));
    assert_eq!(gpu["memory_is_unified"], false, "unreported memory is not unified");
    assert!(gpu.get("memory_used_bytes").is_none(), "left out, never 0");
    let process = &gpu["processes"][0];
    assert_eq!((process["pid"].as_u64(), process["memory_bytes"].as_u64()), (Some(4242), Some(17_179_869_184)));
}

#[test]
fn the_doctor_says_what_ails_a_driver_and_how_to_mend_it() {
    for (name, words) in [
        ("healthy", "NVIDIA 580.95.05, CUDA 13.0: 1 card"),
        ("mismatch", "the driver was updated and the old kernel module still runs: reboot"),
        ("no-driver", "the kernel module is not loaded: modprobe nvidia"),
        ("lost", "1:GPU: it has fallen off the bus"),
    ] {
        let text = said(&["doctor"], library(), &scenario(name));
        let line = text.lines().find(|l| l.contains(" gpus ")).unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains(words), "{name}: {line}");
        assert_eq!(line.starts_with('●'), name == "healthy", "{line}");
    }
}

/// A scenario that a test rewrites while the program runs.
struct Changing(tempfile::NamedTempFile);

impl Changing {
    fn new(text: &str) -> Self {
        let changing = Changing(tempfile::NamedTempFile::new().unwrap());
        changing.put(text);
        changing
    }

    /// In one step: the library must never read half of it.
    fn put(&self, text: &str) {
        let new = self.0.path().with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.0.path()).unwrap();
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(scenario(name)).unwrap()
}

fn screen(scenario: &str, (columns, rows): (u16, u16)) -> Terminal {
    let library = library().to_str().unwrap();
    let environment = &[("LD_LIBRARY_PATH", library), ("FAKE_NVML", scenario), ("BENCHTOP_CONFIG", "")];
    Terminal::with(&Setup { columns, rows, environment, ..Setup::default() })
}

#[test]
fn card_lost_from_the_bus_is_reported_and_comes_back() {
    let both = read("two-cards");
    let (front, back) = both.split_at(both.rfind("[gpu]").unwrap());
    let changing = Changing::new(&both);
    let t = screen(changing.path(), (160, 45));
    t.until_shows("1:RTX 3090");
    t.until("both busy", |s| card(s, "0:").contains("71%") && card(s, "1:").contains("93%"));
    changing.put(&format!("{front}[gpu]\nerror.* = 15\nevent = 8 79\n"));
    t.until_shows("GPU failed: 1:RTX 3090: it has fallen off the bus");
    t.until("the other continues", |s| card(s, "0:").contains("71%") && !card(s, "1:").contains("93%"));
    changing.put(&format!("{front}{back}"));
    t.until("it is back", |s| card(s, "1:").contains("93%") && !s.contains("GPU failed"));
}

/// The row of the named card, without the panes beside it, which show this machine.
fn card<'a>(screen: &'a str, number: &str) -> &'a str {
    let name = format!("{number}RTX 3090");
    let row = screen.lines().find_map(|line| line.find(&name).map(|at| &line[at..]));
    row.unwrap_or_default().split('│').next().unwrap_or_default()
}

#[test]
fn a_driver_that_goes_and_comes_back_keeps_its_cards_as_rows() {
    let changing = Changing::new(&read("two-cards"));
    let t = screen(changing.path(), (160, 45));
    t.until_shows("1:RTX 3090");
    // The module is unloaded: running calls fail, and a new start too.
    changing.put("init = 18\n[gpu]\nerror.* = 9\n[gpu]\nerror.* = 9\n");
    t.until_shows("GPU failed: NVIDIA: the driver was updated");
    let known = |card: &str| card.starts_with(['0', '1']) && card.contains("RTX 3090");
    t.until("both rows stay", |s| known(card(s, "0:")) && known(card(s, "1:")) && !card(s, "0:").contains("71%"));
    changing.put(&read("two-cards"));
    t.until("both are back", |s| {
        card(s, "0:").contains("71%") && card(s, "1:").contains("93%") && !s.contains("GPU failed")
    });
}

/// A process of our own, ended with the test.
struct Sleeper(std::process::Child);

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn detail_links_a_card_and_its_processes() {
    // The library says that it is on the card.
    let sleeper = Sleeper(Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap());
    let pid = sleeper.0.id();
    let changing = Changing::new(&format!("{}process = {pid} 3221225472 C x 7 1\n", read("healthy")));
    let mut t = screen(changing.path(), (160, 45));
    t.until_shows("RTX 4090");
    t.send(format!("fpid={pid}\r").as_bytes());
    t.until("the filter", |s| s.contains("sleep 600") && s.contains("1 of "));
    t.send(b"\r");
    t.until_shows("0:RTX 4090 holds 3.0 GiB, 7 % busy");
    t.send(b"\x1b");
    t.until_shows("COMMAND");
    t.send(b"3\r");
    t.until("who uses it", |s| {
        s.lines().any(|l| l.contains(&pid.to_string()) && l.contains("3.0G") && l.contains("sleep 600"))
    });
    t.until_shows("compute: 98 % busy at the 450 W power limit");
}

#[test]
fn a_small_screen_shows_heat_power_and_memory() {
    let t = screen(scenario("two-cards").to_str().unwrap(), (80, 24));
    t.until("two rows a card", |s| {
        let row = |name: &str, end: &str| s.lines().map(str::trim).any(|l| l.starts_with(name) && l.ends_with(end));
        row("gpu0      71%", "64 °C  288 W") && row("vram1     66%", "15.4G / 24.0G")
    });
    let t = screen(scenario("eight-cards").to_str().unwrap(), (80, 24));
    t.until("the lost one first, and the others in a sum", |s| {
        let mut lines = s.lines().map(str::trim);
        lines.any(|l| l.starts_with("gpu7") && l.contains("fallen off the bus"))
            && lines.any(|l| l.starts_with("5 more") && l.ends_with("hottest 87 °C"))
    });
}

/// A machine of another maker, as files.
fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn cards_of_several_makers_and_a_sleeping_one() {
    let folder = machine(&[
        ("sys/class/drm/card0/device/vendor", "0x8086\n"),
        ("sys/class/drm/card0/device/device", "0x56a0\n"),
        ("sys/class/drm/card0/device/uevent", "DRIVER=i915\nPCI_SLOT_NAME=0000:03:00.0\n"),
        ("sys/class/drm/card0/gt_act_freq_mhz", "2400\n"),
        ("sys/class/drm/card0/device/hwmon/hwmon1/energy1_input", "5000000\n"),
        ("sys/class/drm/card1/device/vendor", "0x1002\n"),
        ("sys/class/drm/card1/device/device", "0x744c\n"),
        ("sys/class/drm/card1/device/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:0b:00.0\n"),
        ("sys/class/drm/card1/device/gpu_busy_percent", "61\n"),
        ("sys/class/drm/card1/device/mem_info_vram_total", "25753026560\n"),
        ("sys/class/drm/card1/device/mem_info_vram_used", "24000000000\n"),
        ("sys/class/drm/card2/device/vendor", "0x1002\n"),
        ("sys/class/drm/card2/device/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:0c:00.0\n"),
        ("sys/class/drm/card2/device/power/runtime_status", "suspended\n"),
        ("sys/class/drm/card2/device/gpu_busy_percent", "61\n"),
        ("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n"),
        ("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n"),
        ("sys/bus/pci/devices/0000:01:00.0/device", "0x2684\n"),
        ("sys/bus/pci/devices/0000:01:00.0/uevent", "DRIVER=vfio-pci\n"),
    ]);
    let root = folder.path().to_str().unwrap();
    let said = said(&["--root", root, "once", "--json"], Path::new("/nowhere"), Path::new("/nowhere"));
    let document: Value = serde_json::from_str(&said).unwrap();
    let reported: Vec<_> = document["gpus"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| (g["maker"].as_str().unwrap(), g["state"].as_str().unwrap(), g["busy_ratio"].as_f64()))
        .collect();
    assert_eq!(
        reported,
        [("intel", "up", None), ("amd", "up", Some(0.61)), ("amd", "asleep", None), ("nvidia", "unreadable", None)]
    );
    assert_eq!(metric(&document, "gpu_driver_ok"), Some(1.0), "nothing of this is a failure");
    assert!(
        alerts(&document).iter().any(|a| a == "GPU 1:GPU 744c has 93% of its memory in use"),
        "{:?}",
        alerts(&document)
    );
}
