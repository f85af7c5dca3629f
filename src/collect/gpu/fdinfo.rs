//! Who uses a card of the DRM drivers: what `/proc/PID/fdinfo` says of each client ("DRM client usage stats"). A full
//! look at every process is expensive; those that have a card open are known, and read each time. A card that sleeps is not
//! asked: some drivers wake it to answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
};

use super::pci;
use crate::{
    model::gpu::{Engine, GpuProcess},
    sys::root::Root,
    text::clean,
};

/// Rounds between two looks at all processes.
const LOOK: u32 = 10;

/// One process on one card.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct User {
    /// `0000:03:00.0`.
    pub(super) bus: String,
    pub(super) process: GpuProcess,
    /// Memory of the system that it holds for the card, bytes.
    pub(super) shared: Option<u64>,
}

/// One client as one descriptor reports it.
#[derive(Debug, Default, PartialEq)]
struct Client {
    bus: String,
    id: String,
    /// Bytes on the card.
    memory: Option<u64>,
    /// Bytes of the system.
    shared: Option<u64>,
    engines: Vec<Engine>,
}

/// Knows who has a card open.
#[derive(Default)]
pub(super) struct Clients {
    round: u32,
    pids: BTreeSet<u32>,
    /// Processes of others were not to be seen at the last look.
    pub(super) hidden: bool,
}

fn plus(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        _ => a.or(b),
    }
}

impl Clients {
    /// Each process on each card, clients added up.
    pub(super) fn read(&mut self, root: &Root) -> Vec<User> {
        if self.round.is_multiple_of(LOOK) {
            self.look(root);
        }
        self.round = self.round.wrapping_add(1);
        let mut all: Vec<User> = Vec::new();
        // Descriptors are shared between processes: a client counts once.
        let mut seen = BTreeSet::new();
        let mut asleep = BTreeMap::new();
        for pid in &self.pids {
            let Ok(nodes) = nodes(root, *pid) else { continue };
            for (descriptor, node) in nodes {
                let folder = || format!("sys/class/drm/{node}/device");
                if *asleep.entry(node.clone()).or_insert_with(|| pci::suspended(root, &folder())) {
                    continue;
                }
                let text = root.text(format!("proc/{pid}/fdinfo/{descriptor}")).unwrap_or_default();
                let Some(client) = client(&text) else { continue };
                if seen.insert((client.bus.clone(), client.id.clone())) {
                    add(&mut all, *pid, client);
                }
            }
        }
        all
    }

    /// Finds the processes that have a card open; those of other users only as root.
    fn look(&mut self, root: &Root) {
        (self.hidden, self.pids) = (false, BTreeSet::new());
        for pid in root.names("proc").iter().filter_map(|name| name.parse::<u32>().ok()) {
            match nodes(root, pid) {
                Ok(nodes) if !nodes.is_empty() => drop(self.pids.insert(pid)),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.hidden = true,
                _ => {}
            }
        }
    }
}

/// The descriptors with which a process has a card open, each with the card's node: `renderD128`.
fn nodes(root: &Root, pid: u32) -> io::Result<Vec<(String, String)>> {
    let node = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        let node = target.strip_prefix("/dev/dri").ok()?.to_str()?.to_owned();
        Some((entry.file_name().into_string().ok()?, node))
    };
    Ok(fs::read_dir(root.path(format!("proc/{pid}/fd")))?.flatten().filter_map(node).collect())
}

fn add(all: &mut Vec<User>, pid: u32, client: Client) {
    let Some(user) = all.iter_mut().find(|u| u.process.pid == pid && u.bus == client.bus) else {
        let process = GpuProcess { pid, memory: client.memory, engines: client.engines, ..GpuProcess::default() };
        all.push(User { bus: client.bus, process, shared: client.shared });
        return;
    };
    user.shared = plus(user.shared, client.shared);
    user.process.memory = plus(user.process.memory, client.memory);
    for engine in client.engines {
        match user.process.engines.iter_mut().find(|e| e.name == engine.name) {
            Some(known) => known.used = known.used.saturating_add(engine.used),
            None => user.process.engines.push(engine),
        }
    }
}

/// `drm-engine-gfx: 1234 ns`, `drm-cycles-rcs: 99`, `drm-memory-vram: 512 KiB`; `None` where a descriptor is none of a
/// card.
fn client(text: &str) -> Option<Client> {
    let mut client = Client::default();
    // What is resident counts; drivers that do not report it report what was made.
    let mut regions: BTreeMap<&str, (Option<u64>, Option<u64>)> = BTreeMap::new();
    let mut engines: BTreeMap<&str, Engine> = BTreeMap::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let Some(key) = key.strip_prefix("drm-") else { continue };
        let mut words = value.split_whitespace();
        let word = words.next().unwrap_or_default();
        match key {
            "pdev" => client.bus = clean(word).into_owned(),
            "client-id" => word.clone_into(&mut client.id),
            _ => {}
        }
        let Ok(number) = word.parse::<u64>() else { continue };
        let bytes = || match words.clone().next() {
            Some("KiB") => number.saturating_mul(1 << 10),
            Some("MiB") => number.saturating_mul(1 << 20),
            Some("GiB") => number.saturating_mul(1 << 30),
            _ => number,
        };
        if let Some(region) = key.strip_prefix("memory-").or_else(|| key.strip_prefix("resident-")) {
            regions.entry(region).or_default().0 = Some(bytes());
        } else if let Some(engine) = key.strip_prefix("engine-capacity-") {
            engines.entry(engine).or_default().count = u32::try_from(number).unwrap_or(1);
        } else if let Some(engine) = key.strip_prefix("engine-").or_else(|| key.strip_prefix("cycles-")) {
            engines.entry(engine).or_default().used = number;
        } else if let Some(engine) = key.strip_prefix("total-cycles-") {
            engines.entry(engine).or_default().of = Some(number);
        } else if let Some(region) = key.strip_prefix("total-") {
            regions.entry(region).or_default().1 = Some(bytes());
        }
    }
    for (region, (resident, made)) in regions {
        let bytes = resident.or(made);
        match region {
            _ if region.starts_with("vram") || region.starts_with("local") => {
                client.memory = plus(client.memory, bytes)
            }
            "gtt" | "system" | "system0" => client.shared = plus(client.shared, bytes),
            _ => {}
        }
    }
    client.engines = engines.into_iter().map(|(name, e)| Engine { name: clean(name).into_owned(), ..e }).collect();
    (!client.bus.is_empty() && !client.id.is_empty()).then_some(client)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const AMDGPU: &str = "pos:\t0\nflags:\t02100002\ndrm-driver:\tamdgpu\ndrm-pdev:\t0000:03:00.0\ndrm-client-id:\t12\n\
        drm-memory-vram:\t512 KiB\ndrm-memory-gtt: 1 KiB\ndrm-engine-gfx:\t3000 ns\ndrm-engine-compute:\t9000 ns\n\
        drm-engine-capacity-gfx: 2\n";
    const XE: &str = "drm-driver:\txe\ndrm-client-id:\t7\ndrm-pdev:\t0000:04:00.0\ndrm-total-system:\t9\n\
        drm-resident-system:\t4 MiB\ndrm-total-vram0:\t96 MiB\ndrm-resident-vram0:\t64 MiB\ndrm-shared-vram0:\t0\n\
        drm-cycles-ccs:\t500\ndrm-total-cycles-ccs:\t2000\ndrm-engine-capacity-ccs:\t4\n";

    fn engine(name: &str, used: u64, of: Option<u64>, count: u32) -> Engine {
        Engine { name: name.into(), used, of, count }
    }

    /// A process with so many descriptors of a card that have this text.
    pub(in super::super) fn process(folder: &std::path::Path, pid: u32, texts: &[&str]) {
        let at = folder.join(format!("proc/{pid}"));
        fs::create_dir_all(at.join("fd")).expect("folder");
        fs::create_dir_all(at.join("fdinfo")).expect("folder");
        for (n, text) in texts.iter().enumerate() {
            std::os::unix::fs::symlink("/dev/dri/renderD128", at.join(format!("fd/{n}"))).expect("link");
            fs::write(at.join(format!("fdinfo/{n}")), text).expect("file");
        }
    }

    #[test]
    fn a_client_has_its_card_its_memory_and_its_engines() {
        let amd = client(AMDGPU).expect("a client");
        assert_eq!((amd.bus.as_str(), amd.id.as_str()), ("0000:03:00.0", "12"));
        assert_eq!((amd.memory, amd.shared), (Some(512 << 10), Some(1 << 10)));
        assert_eq!(amd.engines, [engine("compute", 9000, None, 0), engine("gfx", 3000, None, 2)]);
        let xe = client(XE).expect("a client");
        assert_eq!((xe.memory, xe.shared), (Some(64 << 20), Some(4 << 20)), "what is resident, not what was made");
        assert_eq!(xe.engines, [engine("ccs", 500, Some(2000), 4)]);
        assert_eq!(client("pos:\t0\nflags:\t02\n"), None);
    }

    #[test]
    fn shared_client_counts_once_and_two_of_a_process_add_up() {
        let folder = tempfile::tempdir().expect("folder");
        let other = AMDGPU.replace("client-id:\t12", "client-id:\t13");
        process(folder.path(), 7, &[AMDGPU, AMDGPU, &other]);
        process(folder.path(), 8, &[AMDGPU]);
        let all = Clients::default().read(&Root::new(folder.path()));
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].process.pid, all[0].process.memory), (7, Some(1 << 20)));
        assert_eq!(all[0].process.engines[0], engine("compute", 18_000, None, 0));
    }

    #[test]
    fn who_has_a_sleeping_card_open_is_not_asked_about_it() {
        let folder = tempfile::tempdir().expect("folder");
        process(folder.path(), 7, &[AMDGPU]);
        let power = folder.path().join("sys/class/drm/renderD128/device/power");
        fs::create_dir_all(&power).expect("folder");
        fs::write(power.join("runtime_status"), "suspended\n").expect("file");
        assert_eq!(Clients::default().read(&Root::new(folder.path())), []);
    }
}
