//! The processor's name and counts, out of `/proc/cpuinfo`, which each architecture writes its own way.

use std::collections::BTreeSet;

use super::cpu;
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
    /// A hypervisor lets itself be seen; `None` where the processor lists no flags.
    pub(super) hypervisor: Option<bool>,
    /// It reports the numbers of its maker and part, not its name (Arm).
    pub(super) by_number: bool,
}

impl Processor {
    pub(super) fn read(root: &Root) -> Self {
        let mut found = parse(&root.read("proc/cpuinfo").unwrap_or_default());
        if found.by_number && root.is_this_machine() {
            found.model = named().or(found.model);
        }
        // One form on every architecture, and of a guest its own; cpuinfo is written in a dozen ways.
        let online = online(&root.read("proc/stat").unwrap_or_default());
        if !online.is_empty() {
            found.threads = u32::try_from(online.len()).ok();
        }
        found.cores = found.cores.or_else(|| topology(root, &online)).filter(|&cores| found.threads >= Some(cores));
        found
    }
}

/// The numbers of the CPUs that are online, out of `/proc/stat`.
fn online(stat: &[u8]) -> Vec<u16> {
    cpu::parse(stat).map(|sample| sample.cores.iter().map(|(number, _)| *number).collect()).unwrap_or_default()
}

/// `key : value` lines, one block a thread on most architectures.
pub(super) fn parse(text: &[u8]) -> Processor {
    let mut found = Processor::default();
    let mut cores = BTreeSet::new();
    let (mut threads, mut placed, mut arm) = (0u32, 0u32, (None, None));
    // Where the core of the block under way is, and its number: the parts of the place may stand below it.
    let (mut place, mut core) = ([0; 3], None);
    for line in lines(text).chain([&b""[..]]) {
        let Some(colon) = line.iter().position(|&b| b == b':') else {
            if let Some(core) = core.take() {
                placed += 1;
                cores.insert((place, core));
            }
            continue;
        };
        let value = line[colon + 1..].trim_ascii();
        match line[..colon].trim_ascii() {
            b"processor" if number(value).is_some() => threads += 1,
            // x86; MIPS; POWER and SPARC; LoongArch.
            b"model name" | b"cpu model" | b"cpu" | b"Model Name" if found.model.is_none() => {
                found.model = shorten(&clean_bytes(value));
            }
            // RISC-V.
            b"uarch" if found.model.is_none() && value != b"unknown" => found.model = shorten(&clean_bytes(value)),
            // `processor 3: version = FF,  identification = FFFFFF,  machine = 2964`
            key if key.strip_prefix(b"processor ").is_some_and(|n| number(n).is_some()) => {
                threads += 1;
                if found.model.is_none() {
                    found.model = s390_name(value);
                }
            }
            // s390 has books and drawers of packages.
            b"physical id" => place[0] = number(value).unwrap_or_default(),
            b"book id" => place[1] = number(value).unwrap_or_default(),
            b"drawer id" => place[2] = number(value).unwrap_or_default(),
            b"core id" => core = number(value),
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
    // Cores that only some threads name are a part, not the number.
    found.cores = u32::try_from(cores.len()).ok().filter(|&n| n > 0 && placed >= threads);
    found
}

/// The name that the sysinfo library has for the processor of this machine: it keeps the long lists of part numbers.
fn named() -> Option<String> {
    let cpu = sysinfo::RefreshKind::nothing().with_cpu(sysinfo::CpuRefreshKind::nothing());
    let system = sysinfo::System::new_with_specifics(cpu);
    system.cpus().first().and_then(|cpu| shorten(cpu.brand()))
}

/// Where cpuinfo lists no cores (Arm), sysfs has them. A CPU that is offline has no place there.
fn topology(root: &Root, online: &[u16]) -> Option<u32> {
    let mut cores = BTreeSet::new();
    for thread in online {
        let field = |name: &str| root.number::<i64>(format!("sys/devices/system/cpu/cpu{thread}/topology/{name}"));
        let part = |name: &str| field(name).unwrap_or(-1);
        cores.insert((
            [part("drawer_id"), part("book_id"), part("physical_package_id"), part("cluster_id")],
            field("core_id")?,
        ));
    }
    u32::try_from(cores.len()).ok().filter(|&n| n > 0)
}

/// `version = FF,  identification = FFFFFF,  machine = 2964`: the number of a mainframe's model.
fn s390_name(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let machine = text.split(',').find_map(|part| part.trim().strip_prefix("machine = "))?;
    let name = match machine {
        "2817" => "z196",
        "2818" => "z114",
        "2827" => "zEC12",
        "2828" => "zBC12",
        "2964" => "z13",
        "2965" => "z13s",
        "3906" => "z14",
        "3907" => "z14 ZR1",
        "8561" => "z15",
        "8562" => "z15 T02",
        "3931" => "z16",
        "3932" => "z16 A02",
        "9175" => "z17",
        other => return Some(format!("IBM Z {}", clean_bytes(other.as_bytes()))),
    };
    Some(format!("IBM {name}"))
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

/// Arm's processors report numbers only; those that are met in servers and small boards, for recordings of them.
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
    fn a_value_needs_no_blank_before_it() {
        assert_eq!(parse(b"processor:0\nmodel name:X9\n").model.as_deref(), Some("X9"));
    }

    #[test]
    fn two_sockets_with_the_same_core_numbers_are_all_counted() {
        let block = |n, package, core| format!("processor\t: {n}\nphysical id\t: {package}\ncore id\t\t: {core}\n\n");
        let text = [block(0, 0, 0), block(1, 0, 0), block(2, 1, 0), block(3, 1, 0)].concat();
        let found = parse(text.as_bytes());
        assert_eq!((found.threads, found.cores), (Some(4), Some(2)));
    }

    /// What is found on a machine with these files.
    fn machine(files: &[(&str, &str)]) -> Processor {
        let folder = tempfile::tempdir().expect("folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        }
        Processor::read(&Root::new(folder.path()))
    }

    fn counted(found: &Processor) -> (Option<&str>, Option<u32>, Option<u32>) {
        (found.model.as_deref(), found.threads, found.cores)
    }

    #[test]
    fn mainframes_and_sparc_are_counted() {
        let stat = "cpu 9 0 9 9\ncpu0 1 0 1 1\ncpu1 1 0 1 1\ncpu2 1 0 1 1\ncpu3 1 0 1 1\n";
        let head = "vendor_id       : IBM/S390\n# processors    : 4\nmax thread id   : 1\n";
        let list: String =
            (0..4).map(|n| format!("processor {n}: version = FF,  identification = 0,  machine = 8561\n")).collect();
        let block = |n, core, book| {
            format!(
                "\ncpu number      : {n}\nphysical id     : 1\ncore id         : {core}\nbook id         : {book}\n"
            )
        };
        let short = format!("{head}{list}");
        assert_eq!(counted(&machine(&[("proc/cpuinfo", &short)])), (Some("IBM z15"), Some(4), None));
        // The book stands below the core that is in it.
        let long = format!("{head}{list}{}{}{}{}", block(0, 0, 1), block(1, 0, 1), block(2, 1, 1), block(3, 1, 1));
        assert_eq!(counted(&machine(&[("proc/cpuinfo", &long)])), (Some("IBM z15"), Some(4), Some(2)));
        let sparc = "cpu\t\t: UltraSparc T9 (Invented)\nncpus active\t: 4\nCpu0ClkTck\t: 00ff\nCPU0:\t\tonline\n";
        let found = machine(&[("proc/cpuinfo", sparc), ("proc/stat", stat)]);
        assert_eq!(counted(&found), (Some("UltraSparc T9 (Invented)"), Some(4), None));
    }

    #[test]
    fn cores_that_are_offline_are_not_counted() {
        let core = |n: u32| format!("processor\t: {n}\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n");
        let info: String = [2, 3, 5].map(core).concat();
        let files: Vec<(String, String)> = [2, 3, 5]
            .into_iter()
            .flat_map(|n| {
                let at = |file: &str| format!("sys/devices/system/cpu/cpu{n}/topology/{file}");
                [(at("core_id"), format!("{}\n", n % 4)), (at("cluster_id"), format!("{}\n", n / 4))]
            })
            .collect();
        let mut all = vec![
            ("proc/cpuinfo", info.as_str()),
            ("proc/stat", "cpu 3 0 3 3\ncpu2 1 0 1 1\ncpu3 1 0 1 1\ncpu5 1 0 1 1\nintr 5\n"),
            ("sys/devices/system/cpu/cpu0/online", "0\n"),
        ];
        all.extend(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        let found = machine(&all);
        assert_eq!(counted(&found), (Some("ARM Cortex-A76"), Some(3), Some(3)));
    }

    #[test]
    fn a_guest_has_no_more_cores_than_threads() {
        let block = |n, core| format!("processor\t: {n}\nphysical id\t: 0\ncore id\t\t: {core}\n\n");
        let host = [block(0, 0), block(1, 1), block(2, 2)].concat();
        let found = machine(&[("proc/cpuinfo", &host), ("proc/stat", "cpu 1 0 1 1\ncpu0 1 0 1 1\n")]);
        assert_eq!((found.threads, found.cores), (Some(1), None), "of whose cores it has a part is unknown");
    }

    #[test]
    fn parts_of_arm_have_the_names_that_arm_gives_them() {
        let of = |maker: &str, part: &str| {
            let text = format!("processor\t: 0\nCPU implementer\t: {maker}\nCPU part\t: {part}\n");
            let found = parse(text.as_bytes());
            assert!(found.by_number);
            found.model
        };
        for (part, name) in [
            ("0xd03", "Cortex-A53"),
            ("0xd04", "Cortex-A35"),
            ("0xd05", "Cortex-A55"),
            ("0xd07", "Cortex-A57"),
            ("0xd08", "Cortex-A72"),
            ("0xd09", "Cortex-A73"),
            ("0xd0a", "Cortex-A75"),
            ("0xd0b", "Cortex-A76"),
            ("0xd0c", "Neoverse N1"),
            ("0xd40", "Neoverse V1"),
            ("0xd41", "Cortex-A78"),
            ("0xd49", "Neoverse N2"),
            ("0xd4f", "Neoverse V2"),
        ] {
            assert_eq!(of("0x41", part), Some(format!("ARM {name}")));
        }
        let makers =
            [("0x41", "ARM"), ("0x61", "Apple silicon"), ("0xc0", "Ampere"), ("0x4e", "NVIDIA"), ("0x51", "Qualcomm")];
        for (maker, name) in makers {
            assert_eq!(of(maker, "0x999").as_deref(), Some(name));
        }
        assert_eq!(of("0x99", "0xd03"), None);
    }

    #[test]
    fn mainframes_have_the_names_that_they_are_sold_by() {
        for (machine, name) in [
            ("2817", "IBM z196"),
            ("2818", "IBM z114"),
            ("2827", "IBM zEC12"),
            ("2828", "IBM zBC12"),
            ("2964", "IBM z13"),
            ("2965", "IBM z13s"),
            ("3906", "IBM z14"),
            ("3907", "IBM z14 ZR1"),
            ("8561", "IBM z15"),
            ("8562", "IBM z15 T02"),
            ("3931", "IBM z16"),
            ("3932", "IBM z16 A02"),
            ("9175", "IBM z17"),
            ("9999", "IBM Z 9999"),
        ] {
            let line = format!("version = FF,  identification = 0,  machine = {machine}");
            assert_eq!(s390_name(line.as_bytes()).as_deref(), Some(name));
        }
        assert_eq!(s390_name(b"version = FF"), None);
    }

    #[test]
    fn other_architectures_name_their_processor_in_their_own_way() {
        for (text, model, threads) in [
            ("processor: 0\ncpu model: MIPS 24Kc\nprocessor: 1\n", Some("MIPS 24Kc"), Some(2)),
            ("processor: 0\nModel Name: Loongson-3A5000\n", Some("Loongson-3A5000"), Some(1)),
            ("processor: 0\nuarch: sifive,u74\n", Some("sifive,u74"), Some(1)),
            ("processor: 0\nuarch: unknown\n", None, Some(1)),
            ("processor: 0\nmodel name: first\nmodel name: second\nuarch: third\n", Some("first"), Some(1)),
            ("processor: ARMv7 rev 3\n", None, None),
        ] {
            let found = parse(text.as_bytes());
            assert_eq!((found.model.as_deref(), found.threads, found.by_number), (model, threads, false), "{text}");
        }
    }

    #[test]
    fn the_first_flags_tell_of_a_hypervisor() {
        let of = |text: &str| parse(text.as_bytes()).hypervisor;
        assert_eq!(of("flags: fpu hypervisor sse\nflags: fpu\n"), Some(true));
        assert_eq!((of("flags: fpu hypervisors\n"), of("Features: fp\n")), (Some(false), None));
    }

    #[test]
    fn packages_books_and_drawers_tell_cores_apart() {
        let cores = |part: &str| {
            let block = |n: u32| format!("processor: {n}\n{part}: {n}\ncore id: 7\n\n");
            parse([block(0), block(1)].concat().as_bytes()).cores
        };
        for part in ["physical id", "book id", "drawer id"] {
            assert_eq!(cores(part), Some(2), "{part}");
        }
        assert_eq!(cores("socket"), Some(1));
        let partly = "processor: 0\ncore id: 1\n\nprocessor: 1\n\n";
        assert_eq!(parse(partly.as_bytes()).cores, None, "of one thread it is not said");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn this_machine_has_the_same_name_in_both_ways() {
        let cpuinfo = Root::default().read("proc/cpuinfo").expect("a kernel");
        assert_eq!(named(), parse(&cpuinfo).model);
    }

    #[test]
    fn of_cores_of_two_kinds_the_first_names_the_processor() {
        let block = |n: u32, part: &str| format!("processor: {n}\nCPU implementer: 0x41\nCPU part: {part}\n\n");
        let found = parse([block(0, "0xd0b"), block(1, "0xd05")].concat().as_bytes());
        assert_eq!((found.model.as_deref(), found.threads), (Some("ARM Cortex-A76"), Some(2)));
        let other = "processor: 0\nCPU implementer: 0x41\nCPU implementer: 0x61\nCPU part: 0xd0b\n";
        assert_eq!(parse(other.as_bytes()).model.as_deref(), Some("ARM Cortex-A76"));
    }
}
