//! Who uses a card of the DRM drivers: what `/proc/PID/fdinfo` tells of each client ("DRM client usage stats"). A full
//! look at every process is dear; those that have a card open are known, and read each time.

use std::{collections::BTreeSet, fs};

use crate::sys::root::Root;

/// Rounds between two looks at all processes.
const LOOK: u32 = 10;

/// One process on one card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Engines {
    pub(super) pid: u32,
    /// `0000:03:00.0`.
    pub(super) bus: String,
    /// Memory of the card, bytes.
    pub(super) memory: Option<u64>,
    /// Nanoseconds of the engine that it used most.
    pub(super) busiest_ns: u64,
}

/// One client as one descriptor tells it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Client {
    bus: String,
    id: String,
    memory: Option<u64>,
    busiest_ns: u64,
}

/// Knows who has a card open.
#[derive(Default)]
pub(super) struct Clients {
    round: u32,
    pids: BTreeSet<u32>,
}

impl Clients {
    /// Each process on each card, clients added up.
    pub(super) fn read(&mut self, root: &Root) -> Vec<Engines> {
        if self.round.is_multiple_of(LOOK) {
            self.look(root);
        }
        self.round = self.round.wrapping_add(1);
        let mut all: Vec<Engines> = Vec::new();
        // Descriptors are shared between processes: a client counts once.
        let mut seen = BTreeSet::new();
        for pid in &self.pids {
            for client in clients(root, *pid) {
                if !seen.insert((client.bus.clone(), client.id.clone())) {
                    continue;
                }
                match all.iter_mut().find(|e| e.pid == *pid && e.bus == client.bus) {
                    Some(known) => {
                        known.busiest_ns = known.busiest_ns.saturating_add(client.busiest_ns);
                        known.memory =
                            known.memory.map(|m| m.saturating_add(client.memory.unwrap_or(0))).or(client.memory);
                    }
                    None => all.push(Engines {
                        pid: *pid,
                        bus: client.bus,
                        memory: client.memory,
                        busiest_ns: client.busiest_ns,
                    }),
                }
            }
        }
        all
    }

    /// Finds the processes that have a card open; those of other users only as root.
    fn look(&mut self, root: &Root) {
        self.pids.clear();
        let Ok(entries) = fs::read_dir(root.path("proc")) else { return };
        for entry in entries.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let Ok(files) = fs::read_dir(entry.path().join("fd")) else { continue };
            let open = |file: fs::DirEntry| fs::read_link(file.path()).is_ok_and(|to| to.starts_with("/dev/dri/"));
            if files.flatten().any(open) {
                self.pids.insert(pid);
            }
        }
    }
}

fn clients(root: &Root, pid: u32) -> Vec<Client> {
    let folder = format!("proc/{pid}/fdinfo");
    let Ok(entries) = fs::read_dir(root.path(&folder)) else { return Vec::new() };
    let read = |entry: fs::DirEntry| client(&root.text(format!("{folder}/{}", entry.file_name().to_str()?)).ok()?);
    entries.flatten().filter_map(read).collect()
}

/// `drm-engine-gfx: 1234 ns`, `drm-memory-vram: 512 KiB`; `None` where a descriptor is none of a card.
fn client(text: &str) -> Option<Client> {
    let mut client = Client::default();
    let mut resident = None;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let mut words = value.split_whitespace();
        let word = words.next().unwrap_or_default();
        let number = word.parse::<u64>().ok();
        let scaled = number.map(|n| match words.next() {
            Some("KiB") => n.saturating_mul(1 << 10),
            Some("MiB") => n.saturating_mul(1 << 20),
            _ => n,
        });
        match key {
            "drm-pdev" => word.clone_into(&mut client.bus),
            "drm-client-id" => word.clone_into(&mut client.id),
            "drm-memory-vram" | "drm-resident-vram" | "drm-resident-vram0" | "drm-resident-local0" => resident = scaled,
            "drm-total-vram" | "drm-total-vram0" | "drm-total-local0" => client.memory = scaled,
            _ if key.starts_with("drm-engine-capacity-") => {}
            _ if key.starts_with("drm-engine-") => client.busiest_ns = client.busiest_ns.max(number.unwrap_or(0)),
            _ => {}
        }
    }
    client.memory = resident.or(client.memory);
    (!client.bus.is_empty() && !client.id.is_empty()).then_some(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "pos:\t0\nflags:\t02100002\ndrm-driver:\tamdgpu\ndrm-pdev:\t0000:03:00.0\ndrm-client-id:\t12\n\
        drm-memory-vram:\t512 KiB\ndrm-memory-gtt: 1 KiB\ndrm-engine-gfx:\t3000 ns\ndrm-engine-compute:\t9000 ns\n\
        drm-engine-capacity-gfx: 99999\n";

    #[test]
    fn a_client_has_its_card_its_memory_and_its_busiest_engine() {
        let client = client(TEXT).expect("a client");
        assert_eq!((client.bus.as_str(), client.id.as_str()), ("0000:03:00.0", "12"));
        assert_eq!((client.memory, client.busiest_ns), (Some(512 << 10), 9000));
        assert_eq!(super::client("pos:\t0\nflags:\t02\n"), None);
    }

    #[test]
    fn a_client_that_two_descriptors_share_counts_once() {
        let folder = tempfile::tempdir().expect("folder");
        for (pid, files) in [(7, 2), (8, 1)] {
            let at = folder.path().join(format!("proc/{pid}"));
            fs::create_dir_all(at.join("fd")).expect("folder");
            fs::create_dir_all(at.join("fdinfo")).expect("folder");
            for n in 0..files {
                std::os::unix::fs::symlink("/dev/dri/renderD128", at.join(format!("fd/{n}"))).expect("link");
                fs::write(at.join(format!("fdinfo/{n}")), TEXT).expect("file");
            }
        }
        let all = Clients::default().read(&Root::new(folder.path()));
        assert_eq!(all.iter().map(|e| (e.pid, e.busiest_ns)).collect::<Vec<_>>(), [(7, 9000)]);
    }
}
