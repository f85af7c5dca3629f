//! The processor's name and counts, out of `/proc/cpuinfo`, which each architecture writes its own way.

use std::collections::BTreeSet;

use crate::{
    sys::{
        parse::{lines, number},
        root::Root,
    },
    text::clean_bytes,
};

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Processor {
    pub(super) model: Option<String>,
    /// Hardware threads that are online.
    pub(super) threads: Option<u32>,
    /// Physical cores.
    pub(super) cores: Option<u32>,
    /// A hypervisor lets itself be seen; `None` where the processor tells no flags.
    pub(super) hypervisor: Option<bool>,
    /// It tells the numbers of its maker and part, not its name (Arm).
    pub(super) by_number: bool,
}

impl Processor {
    pub(super) fn read(root: &Root) -> Self {
        let mut found = parse(&root.read("proc/cpuinfo").unwrap_or_default());
        if found.by_number && root.is_this_machine() {
            found.model = named().or(found.model);
        }
        if found.cores.is_none() {
            found.cores = found.threads.and_then(|threads| topology(root, threads));
        }
        found
    }
}

/// `key : value` lines, one block a thread.
pub(super) fn parse(text: &[u8]) -> Processor {
    let mut found = Processor::default();
    let mut cores = BTreeSet::new();
    let (mut threads, mut package, mut arm) = (0u32, 0, (None, None));
    for line in lines(text) {
        let Some(colon) = line.iter().position(|&b| b == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        match line[..colon].trim_ascii() {
            b"processor" if number(value).is_some() => threads += 1,
            // x86 and s390; MIPS; POWER.
            b"model name" | b"cpu model" | b"cpu" if found.model.is_none() => {
                found.model = shorten(&clean_bytes(value));
            }
            b"physical id" => package = number(value).unwrap_or_default(),
            b"core id" => {
                cores.extend(number(value).map(|core| (package, core)));
            }
            b"CPU implementer" if arm.0.is_none() => arm.0 = Some(value),
            b"CPU part" if arm.1.is_none() => arm.1 = Some(value),
            b"flags" if found.hypervisor.is_none() => {
                found.hypervisor = Some(value.split(|&b| b == b' ').any(|flag| flag == b"hypervisor"));
            }
            _ => {}
        }
    }
    if let (None, (Some(maker), Some(part))) = (&found.model, arm) {
        (found.model, found.by_number) = (arm_name(maker, part), true);
    }
    found.threads = (threads > 0).then_some(threads);
    found.cores = u32::try_from(cores.len()).ok().filter(|&n| n > 0);
    found
}

/// The name that the sysinfo library has for the processor of this machine: it keeps the long lists of part numbers.
fn named() -> Option<String> {
    let cpu = sysinfo::RefreshKind::nothing().with_cpu(sysinfo::CpuRefreshKind::nothing());
    let system = sysinfo::System::new_with_specifics(cpu).ok()?;
    system.cpus().first().and_then(|cpu| shorten(cpu.brand()))
}

/// Where cpuinfo tells no cores (ARM), sysfs has them.
fn topology(root: &Root, threads: u32) -> Option<u32> {
    let mut cores = BTreeSet::new();
    for thread in 0..threads.min(4096) {
        let field = |name: &str| root.number::<i64>(format!("sys/devices/system/cpu/cpu{thread}/topology/{name}"));
        let cluster = field("cluster_id").unwrap_or_default();
        cores.insert((field("physical_package_id").unwrap_or_default(), cluster, field("core_id")?));
    }
    u32::try_from(cores.len()).ok().filter(|&n| n > 0)
}

/// Without trade marks, clock and what every processor is: `Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz` is `Intel Core i7-8700`.
fn shorten(name: &str) -> Option<String> {
    let name = name.split(" @ ").next().unwrap_or_default();
    let name = name.split(" with ").next().unwrap_or_default();
    let name = ["(R)", "(r)", "(TM)", "(tm)", "®", "™"].iter().fold(name.to_owned(), |n, mark| n.replace(mark, " "));
    let words: Vec<&str> = name
        .split_whitespace()
        .filter(|word| !matches!(*word, "CPU" | "Processor" | "processor") && !word.ends_with("-Core"))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Arm's processors tell numbers only; those that are met in servers and small boards, for recordings of them.
fn arm_name(maker: &[u8], part: &[u8]) -> Option<String> {
    let name = match (maker, part) {
        (b"0x41", part) => match part {
            b"0xd03" => "ARM Cortex-A53",
            b"0xd04" => "ARM Cortex-A35",
            b"0xd05" => "ARM Cortex-A55",
            b"0xd07" => "ARM Cortex-A57",
            b"0xd08" => "ARM Cortex-A72",
            b"0xd09" => "ARM Cortex-A73",
            b"0xd0a" => "ARM Cortex-A75",
            b"0xd0b" => "ARM Cortex-A76",
            b"0xd0c" => "ARM Neoverse N1",
            b"0xd40" => "ARM Neoverse V1",
            b"0xd41" => "ARM Cortex-A78",
            b"0xd49" => "ARM Neoverse N2",
            b"0xd4f" => "ARM Neoverse V2",
            _ => "ARM",
        },
        (b"0x61", _) => "Apple silicon",
        (b"0xc0", _) => "Ampere",
        (b"0x4e", _) => "NVIDIA",
        (b"0x51", _) => "Qualcomm",
        _ => return None,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_says_nothing() {
        for (long, short) in [
            ("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", "Intel Core i7-8700"),
            ("AMD Ryzen 9 5950X 16-Core Processor", "AMD Ryzen 9 5950X"),
            ("AMD Ryzen 5 5600G with Radeon Graphics", "AMD Ryzen 5 5600G"),
            ("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", "Intel Xeon Gold 6130"),
            ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763"),
        ] {
            assert_eq!(shorten(long).as_deref(), Some(short));
        }
        assert_eq!(shorten("  "), None);
    }

    #[test]
    fn two_sockets_with_the_same_core_numbers_are_all_counted() {
        let block = |n, package, core| format!("processor\t: {n}\nphysical id\t: {package}\ncore id\t\t: {core}\n\n");
        let text = [block(0, 0, 0), block(1, 0, 0), block(2, 1, 0), block(3, 1, 0)].concat();
        let found = parse(text.as_bytes());
        assert_eq!((found.threads, found.cores), (Some(4), Some(2)));
    }
}
