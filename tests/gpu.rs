//! NVIDIA's library faked at the place where the real one is loaded from: the program finds it by the loader's path, and
//! each scenario is told as what it is. The scenario file is read again when it changes, so a card can be lost meanwhile.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;

/// The folder that holds the library, built once for all tests.
fn library() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_nvml/lib.rs");
            let to = folder.path().join("libnvidia-ml.so.1");
            let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
            let built = Command::new(rustc)
                .args(["--edition", "2021", "--crate-type", "cdylib", "--cap-lints", "allow", "-o"])
                .args([to.as_os_str(), from.as_os_str()])
                .status()
                .unwrap();
            assert!(built.success(), "the fake library was not built");
            folder
        })
        .path()
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fake_nvml/scenarios/{name}.txt"))
}

/// The document of `once --json` with this scenario.
fn once(scenario: &Path) -> Value {
    let said = Command::new(env!("CARGO_BIN_EXE_benchtop"))
        .args(["once", "--json"])
        .env("LD_LIBRARY_PATH", library())
        .env("FAKE_NVML", scenario)
        .env("BENCHTOP_CONFIG", "")
        .env("XDG_CONFIG_HOME", library())
        .output()
        .unwrap();
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

fn metric(document: &Value, id: &str) -> Option<f64> {
    let metrics = document["metrics"].as_array().unwrap();
    metrics.iter().find(|m| m["id"] == id)?["value"].as_f64()
}

fn alerts(document: &Value) -> Vec<String> {
    let alerts = document["alerts"].as_array().unwrap();
    alerts.iter().map(|a| a["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_card_at_work_tells_all_its_figures() {
    let document = once(&scenario("healthy"));
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
    assert_eq!(gpu["throttles"], serde_json::json!(["power_cap"]));
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
fn heat_is_told_in_words() {
    let document = once(&scenario("hot"));
    let throttles: Vec<&str> =
        document["gpus"][0]["throttles"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(throttles, ["hardware_slowdown", "software_thermal", "hardware_thermal"]);
    assert_eq!(metric(&document, "gpu_slowed"), Some(1.0));
}

#[test]
fn memory_errors_of_a_data_centre_card_are_findings() {
    let document = once(&scenario("ecc-xid"));
    assert_eq!(document["gpus"][0]["ecc_errors"], serde_json::json!([12, 3]));
    assert!(
        alerts(&document).iter().any(|a| a == "GPU 0:A100-SXM4-80GB has 3 uncorrected memory errors"),
        "{:?}",
        alerts(&document)
    );
}

#[test]
fn a_card_in_slices_lists_them() {
    let document = once(&scenario("mig"));
    let slices = document["gpus"][0]["slices"].as_array().unwrap();
    assert_eq!(slices.len(), 2);
    assert_eq!(slices[1]["memory_used_bytes"].as_u64(), Some(19_327_352_832));
    assert!(document["gpus"][0].get("busy_ratio").is_none(), "of a whole card in slices nothing tells it");
}

#[test]
fn one_lost_card_is_named_and_the_other_goes_on() {
    let document = once(&scenario("lost"));
    assert_eq!(document["gpus"][0]["state"], "up");
    assert_eq!(document["gpus"][1]["state"], "lost");
    assert!(document["gpus"][1]["cause"].as_str().unwrap().contains("fallen off the bus"));
    assert!(document["gpus"][1].get("busy_ratio").is_none());
    assert_eq!(metric(&document, "gpu_driver_ok"), Some(0.0));
    assert!(
        alerts(&document).iter().any(|a| a.starts_with("GPU driver failed: 1:") && a.contains("fallen off the bus"))
    );
}

#[test]
fn a_driver_that_does_not_work_says_why_and_is_never_no_gpu() {
    for (name, words) in [("mismatch", "reboot"), ("no-driver", "not loaded")] {
        let document = once(&scenario(name));
        assert_eq!(metric(&document, "gpu_driver_ok"), Some(0.0), "{name}");
        let alerts = alerts(&document);
        assert!(
            alerts.iter().any(|a| a.starts_with("GPU driver failed: NVIDIA:") && a.contains(words)),
            "{name}: {alerts:?}"
        );
    }
}

#[test]
fn without_the_library_the_source_is_absent_and_nothing_is_wrong() {
    let said = Command::new(env!("CARGO_BIN_EXE_benchtop")).args(["once", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&said.stdout).unwrap();
    let source = document["sources"].as_array().unwrap().iter().find(|s| s["id"] == "gpus").unwrap();
    if source["state"] == "absent" {
        assert_eq!(metric(&document, "gpu_driver_ok"), None);
        assert_eq!(document["gpus"], serde_json::json!([]));
    }
}
