//! What has which role on this machine: what the user said, else a guess from names, mounts and drives. A guess is
//! shown as one.

use std::collections::BTreeMap;

use super::State;
use crate::{
    model::{disk::Disk, filesystem::Filesystem, pool::DatasetRow},
    target::Role,
};

/// What has a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// A dataset, a mount point, a model.
    pub value: String,
    /// The user did not say it.
    pub guessed: bool,
}

/// The roles that something has.
#[must_use]
pub fn roles(state: &State, given: &BTreeMap<Role, String>) -> BTreeMap<Role, Assigned> {
    let assigned = |role: Role| match given.get(&role) {
        Some(value) => Some(Assigned { value: value.clone(), guessed: false }),
        None => guess(state, role).map(|value| Assigned { value, guessed: true }),
    };
    Role::ALL.into_iter().filter_map(|role| Some((role, assigned(role)?))).collect()
}

fn guess(state: &State, role: Role) -> Option<String> {
    match role {
        Role::ModelsPool => named(state, &["model", "ollama", "llm", "huggingface"]),
        Role::ContainersPool => {
            // Where the engine stores is where containers are, whatever it is called.
            let engine = |row: &&DatasetRow| row.reported.mountpoint.as_deref() == Some("/var/lib/docker");
            let engine = state.host.pools.datasets.iter().find(engine).map(|row| row.reported.name.clone());
            engine.or_else(|| named(state, &["docker", "container", "podman"]))
        }
        Role::ScratchPool => named(state, &["scratch", "tmp", "temp"]),
        Role::Staging => named(state, &["staging"]),
        Role::SystemDrive => mounts(state).find(|mount| mount.mount == "/").map(|mount| mount.mount.clone()),
        Role::Ssd => on_drive(state, |disk| disk.raw.rotational == Some(false) && !disk.raw.name.starts_with("nvme")),
        Role::Hdd => on_drive(state, |disk| disk.raw.rotational == Some(true)),
        Role::SmallModel => model(state, |billions| billions <= 14.0, |a, b| (a - 8.0).abs() < (b - 8.0).abs()),
        Role::LargeModel => model(state, |billions| billions >= 30.0, |a, b| a > b),
    }
}

/// The dataset nearest to the top whose own name holds one of `words`.
fn named(state: &State, words: &[&str]) -> Option<String> {
    let datasets = state.host.pools.datasets.iter().filter(|row| !row.reported.volume).map(|row| &row.reported.name);
    let own = |name: &str| name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let named = datasets.filter(|name| words.iter().any(|word| own(name).contains(word)));
    named.min_by_key(|name| (name.matches('/').count(), name.len())).cloned()
}

fn mounts(state: &State) -> impl Iterator<Item = &Filesystem> {
    state.host.filesystems.filesystems.iter().filter(|mount| !mount.read_only)
}

/// A filesystem on a drive of this kind, other than the system's.
fn on_drive(state: &State, kind: impl Fn(&Disk) -> bool) -> Option<String> {
    let on = |mount: &Filesystem| {
        let device = mount.device.strip_prefix("/dev/")?;
        // `sda1` is on `sda`: the longest name that fits.
        let disks = state.host.disks.disks.iter().filter(|disk| device.starts_with(&disk.raw.name));
        disks.max_by_key(|disk| disk.raw.name.len())
    };
    let mut fitting = mounts(state).filter(|mount| mount.mount != "/" && !mount.mount.starts_with("/boot"));
    fitting.find(|mount| on(mount).is_some_and(&kind)).map(|mount| mount.mount.clone())
}

/// The model of a fitting size that fits best, among those that were measured or can be.
fn model(state: &State, fits: fn(f64) -> bool, better: fn(f64, f64) -> bool) -> Option<String> {
    let measured = state.runs.history.keys().filter(|key| key.benchmark.starts_with("model_")).map(|key| &key.of);
    let offered = state.runs.catalog.iter().flat_map(|catalog| &catalog.benches);
    let offered = offered.filter(|bench| bench.figures.iter().any(|figure| figure.id.starts_with("model_")));
    let offered = offered.flat_map(|bench| bench.offers.iter().filter(|offer| offer.missing.is_none()));
    let mut best: Option<(f64, &str)> = None;
    for of in measured.chain(offered.map(|offer| &offer.of)) {
        // `llama3.1:8b at ollama` is the model, whatever server has it.
        let name = of.split(" at ").next().unwrap_or(of);
        let Some(billions) = billions(name).filter(|billions| fits(*billions)) else { continue };
        if best.is_none_or(|(known, _)| better(billions, known)) {
            best = Some((billions, name));
        }
    }
    best.map(|(_, name)| name.to_owned())
}

/// Parameters by a model's name: `llama3.1:8b` has 8, `Qwen2.5-72B-Instruct` has 72.
#[must_use]
pub fn billions(name: &str) -> Option<f64> {
    let parts = name.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
    let size = |part: &str| part.strip_suffix(['b', 'B'])?.parse::<f64>().ok();
    parts.filter_map(size).find(|size| size.is_finite() && *size > 0.0)
}

/// What was measured on `of` was measured on `value`: a dataset is its mount point too, and a model is one at any server.
#[must_use]
pub fn is_of(state: &State, of: &str, value: &str) -> bool {
    let datasets = || state.host.pools.datasets.iter().map(|row| &row.reported);
    let mounted = |name: &str, at: &str| datasets().any(|d| d.name == name && d.mountpoint.as_deref() == Some(at));
    of == value
        || of.strip_prefix(value).is_some_and(|rest| rest.starts_with(" at "))
        || mounted(value, of)
        || mounted(of, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{disk::DiskCounters, fault::Fault, pool::Dataset, run::SeriesKey};

    fn dataset(name: &str, mountpoint: &str) -> DatasetRow {
        let mountpoint = (!mountpoint.is_empty()).then(|| mountpoint.to_owned());
        let reported = Dataset { name: name.into(), mountpoint, ..Dataset::default() };
        DatasetRow { reported, ..DatasetRow::default() }
    }

    fn filesystem(mount: &str, device: &str) -> Filesystem {
        Filesystem {
            mount: mount.into(),
            device: device.into(),
            kind: "ext4".into(),
            options: String::new(),
            read_only: false,
            space: Err(Fault::Timeout),
        }
    }

    fn disk(name: &str, rotational: bool) -> Disk {
        let raw = DiskCounters { name: name.into(), rotational: Some(rotational), ..DiskCounters::default() };
        Disk { raw, ..Disk::default() }
    }

    fn state() -> State {
        let mut state = State::default();
        state.host.pools.datasets = vec![
            dataset("tank", "/tank"),
            dataset("tank/apps/model-cache", "/tank/apps/model-cache"),
            dataset("tank/models", "/tank/models"),
            dataset("fast/engine", "/var/lib/docker"),
            dataset("fast/docker-old", "/fast/docker-old"),
            dataset("fast/scratch", ""),
        ];
        state.host.filesystems.filesystems = vec![
            filesystem("/", "/dev/nvme0n1p2"),
            filesystem("/boot", "/dev/sda2"),
            filesystem("/srv", "/dev/sda1"),
            filesystem("/mnt/archive", "/dev/sdb1"),
            filesystem("/mnt/nvme", "/dev/nvme1n1p1"),
        ];
        state.host.disks.disks =
            vec![disk("nvme0n1", false), disk("nvme1n1", false), disk("sda", false), disk("sdb", true)];
        state
    }

    fn guessed(state: &State) -> Vec<(&'static str, String)> {
        let roles = roles(state, &BTreeMap::new());
        assert!(roles.values().all(|assigned| assigned.guessed));
        roles.into_iter().map(|(role, assigned)| (role.name(), assigned.value)).collect()
    }

    #[test]
    fn names_mounts_and_drives_are_guessed_from() {
        let expected = [
            ("models_pool", "tank/models"),
            ("containers_pool", "fast/engine"),
            ("scratch_pool", "fast/scratch"),
            ("system_drive", "/"),
            ("ssd", "/srv"),
            ("hdd", "/mnt/archive"),
        ];
        assert_eq!(guessed(&state()), expected.map(|(role, value)| (role, value.to_owned())));
        assert_eq!(guessed(&State::default()), []);
    }

    #[test]
    fn models_are_guessed_by_their_size() {
        let mut state = State::default();
        for of in [
            "llama3.1:8b at ollama",
            "qwen3:4b at ollama",
            "Qwen2.5-32B at vllm",
            "Qwen2.5-72B-Instruct at vllm",
            "aya:35b at ollama",
            "embed at ollama",
        ] {
            state
                .runs
                .history
                .insert(SeriesKey { benchmark: "model_response_seconds".into(), of: of.into() }, Vec::new());
        }
        let expected = [("small_model", "llama3.1:8b"), ("large_model", "Qwen2.5-72B-Instruct")];
        assert_eq!(guessed(&state), expected.map(|(role, value)| (role, value.to_owned())));
    }

    #[test]
    fn what_the_user_said_is_no_guess() {
        let given = BTreeMap::from([(Role::ModelsPool, "other/place".to_owned())]);
        let assigned = &roles(&state(), &given)[&Role::ModelsPool];
        assert_eq!(assigned, &Assigned { value: "other/place".into(), guessed: false });
    }

    #[test]
    fn a_dataset_is_its_mount_point_and_a_model_is_at_any_server() {
        let state = state();
        assert!(is_of(&state, "tank/models", "tank/models") && is_of(&state, "/tank/models", "tank/models"));
        assert!(is_of(&state, "tank/models", "/tank/models") && is_of(&state, "llama3.1:8b at ollama", "llama3.1:8b"));
        assert!(!is_of(&state, "tank/models2", "tank/models") && !is_of(&state, "llama3.1:8b-q4 at x", "llama3.1:8b"));
    }
}
