//! NVIDIA's library faked at the place where the real one is loaded from, and what the program says with it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;

/// Builds the library into a folder that outlives all tests.
fn build(of: &'static OnceLock<tempfile::TempDir>, options: &[&str]) -> &'static Path {
    of.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_nvml/lib.rs");
        let to = folder.path().join("libnvidia-ml.so.1");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let built = Command::new(rustc)
            .args(["--edition", "2021", "--crate-type", "cdylib", "--cap-lints", "allow"])
            .args(options)
            .args(["-o".as_ref(), to.as_os_str(), from.as_os_str()])
            .status()
            .unwrap();
        assert!(built.success(), "the fake library was not built");
        folder
    })
    .path()
}

/// The folder that holds the library.
pub fn library() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    build(&FOLDER, &[])
}

/// The library as drivers older than 510 have it: without the newest symbols.
pub fn old_library() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    build(&FOLDER, &["--cfg", "old_driver"])
}

pub fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fake_nvml/scenarios/{name}.txt"))
}

/// What `arguments` say, with a library and a scenario.
pub fn said(arguments: &[&str], library: &Path, scenario: &Path) -> String {
    let said = Command::new(env!("CARGO_BIN_EXE_benchtop"))
        .args(arguments)
        .env("LD_LIBRARY_PATH", library)
        .env("FAKE_NVML", scenario)
        .env("BENCHTOP_CONFIG", "")
        .env("XDG_CONFIG_HOME", library)
        .output()
        .unwrap();
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// The document of `once --json`, which must keep to its schema.
pub fn document(library: &Path, scenario: &Path) -> Value {
    let document = serde_json::from_str(&said(&["once", "--json"], library, scenario)).unwrap();
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/once.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let findings: Vec<String> =
        validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(findings.is_empty(), "{findings:?}");
    document
}

/// The document with a scenario of the folder.
pub fn once(name: &str) -> Value {
    document(library(), &scenario(name))
}

pub fn metric(document: &Value, id: &str) -> Option<f64> {
    let metrics = document["metrics"].as_array().unwrap();
    metrics.iter().find(|m| m["id"] == id)?["value"].as_f64()
}

/// Messages of alerts, those that wait for their time included.
pub fn alerts(document: &Value) -> Vec<String> {
    let alerts = document["alerts"].as_array().unwrap();
    alerts.iter().map(|a| a["message"].as_str().unwrap().to_owned()).collect()
}
