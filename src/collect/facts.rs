//! What hardly ever changes: names, versions and sizes of the machine.

use super::{CollectCx, Collector, OpenCx, boot::Began, inside, processor::Processor};
use crate::{
    model::{event::Sample, facts::FactsSample, fault::Fault},
    sys::{
        parse::{lines, number},
        root::Root,
    },
    text::clean_bytes,
};

/// # Errors
/// None; an unknown fact is left open.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Facts { root: cx.root.clone() }))
}

struct Facts {
    root: Root,
}

impl Collector for Facts {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let root = &self.root;
        let ours = root.is_this_machine();
        let processor = Processor::read(root);
        let inside = inside::kind(root).is_some();
        let began = Began::read(root, ours, cx.at);
        let sample = FactsSample {
            hostname: hostname(root),
            os: os(root),
            kernel: root.line("proc/sys/kernel/osrelease"),
            architecture: ours.then(|| rustix::system::uname().machine().to_string_lossy().into_owned()),
            product: product(root),
            virtualization: virtualization(root, &processor),
            load_of_host: inside && !inside::is_of_guest(root, "/proc/loadavg"),
            pressure_of_host: inside && !inside::is_of_guest(root, "/proc/pressure/memory"),
            boot_id: boot_id(root),
            boot_unix_seconds: began.machine,
            ticks_from_unix_seconds: began.ticks.filter(|_| began.ticks != began.machine),
            users: users(&root.read("etc/passwd").unwrap_or_default()),
            governor: root.line("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            cpu_model: processor.model,
            threads: processor.threads,
            cores: processor.cores,
        };
        if sample == FactsSample::default() {
            return Err(Fault::Absent(format!("no system under {}: no proc, no etc", root.path("").display())));
        }
        Ok(Sample::Facts(Box::new(sample)))
    }
}

/// The kernel answers with the name of the namespace that asks: of another root only its file says.
fn hostname(root: &Root) -> Option<String> {
    let (kernel, file) = ("proc/sys/kernel/hostname", "etc/hostname");
    let (first, second) = if root.is_live() { (kernel, file) } else { (file, kernel) };
    root.line(first).or_else(|| root.line(second))
}

/// Letters, digits and dashes ("random(4)").
fn boot_id(root: &Root) -> Option<String> {
    let id = root.line("proc/sys/kernel/random/boot_id")?;
    let is_id = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_id.then_some(id)
}

/// "os-release(5)".
fn os(root: &Root) -> Option<String> {
    let text = root.read("etc/os-release").or_else(|_| root.read("usr/lib/os-release")).ok()?;
    let value = lines(&text).find_map(|line| line.strip_prefix(b"PRETTY_NAME="))?.trim_ascii();
    let inner = match value {
        [quote @ (b'"' | b'\''), inner @ .., last] if quote == last => inner,
        _ => value,
    };
    let name = clean_bytes(inner);
    (!name.is_empty()).then_some(name)
}

/// Maker and model out of the firmware's tables, or the board's own name; what board makers leave unfilled is nothing.
fn product(root: &Root) -> Option<String> {
    const UNFILLED: [&str; 9] = [
        "to be filled",
        "system product name",
        "system manufacturer",
        "default string",
        "not specified",
        "not applicable",
        "unknown",
        "o.e.m.",
        "none",
    ];
    let field = |name: &str| {
        let value = root.line(format!("sys/class/dmi/id/{name}"))?;
        let lower = value.to_lowercase();
        (!UNFILLED.iter().any(|u| lower.starts_with(u))).then_some(value)
    };
    let join = |vendor: Option<String>, product: String| match vendor {
        Some(vendor) if !product.starts_with(&vendor) => format!("{vendor} {product}"),
        _ => product,
    };
    field("product_name")
        .map(|product| join(field("sys_vendor"), product))
        .or_else(|| field("board_name").map(|board| join(field("board_vendor"), board)))
        .or_else(|| root.line("sys/firmware/devicetree/base/model").filter(|m| m.chars().any(char::is_alphanumeric)))
}

/// A container's kind before the machine's that it runs on; `None` on bare metal.
fn virtualization(root: &Root, processor: &Processor) -> Option<String> {
    const SIGNS: [(&str, &str); 14] = [
        ("qemu", "kvm"),
        ("kvm", "kvm"),
        ("openstack", "kvm"),
        ("google compute", "kvm"),
        ("amazon ec2", "kvm"),
        ("digitalocean", "kvm"),
        ("hetzner", "kvm"),
        ("vmware", "vmware"),
        ("virtualbox", "virtualbox"),
        ("innotek", "virtualbox"),
        ("microsoft corporation", "hyper-v"),
        ("xen", "xen"),
        ("bochs", "bochs"),
        ("parallels", "parallels"),
    ];
    if let Some(kind) = inside::kind(root) {
        return Some(kind);
    }
    if root.line("proc/sys/kernel/osrelease").is_some_and(|k| k.to_lowercase().contains("microsoft")) {
        return Some("wsl".into());
    }
    // A processor that reports its flags reports a guest among them; the makers' names alone are also on real machines.
    if processor.hypervisor == Some(false) {
        return None;
    }
    let field = |name: &str| root.line(format!("sys/class/dmi/id/{name}")).unwrap_or_default().to_lowercase();
    let machine = format!("{} {}", field("sys_vendor"), field("product_name"));
    let sign = SIGNS.iter().find(|(sign, _)| machine.contains(sign)).map(|(_, kind)| (*kind).to_owned());
    let sign = sign.or_else(|| root.line("sys/hypervisor/type").filter(|t| t == "xen"));
    sign.or_else(|| (processor.hypervisor == Some(true)).then(|| "vm".into()))
}

/// "passwd(5)": the first name of each id.
fn users(text: &[u8]) -> Vec<(u32, String)> {
    let mut users: Vec<(u32, String)> = lines(text)
        .filter_map(|line| {
            let mut fields = line.split(|&b| b == b':');
            let name = fields.next().filter(|name| !name.is_empty())?;
            let id = fields.nth(1).and_then(number)?;
            Some((u32::try_from(id).ok()?, clean_bytes(name)))
        })
        .collect();
    users.sort_by_key(|(id, _)| *id); // stable: the first of equal ids stays first
    users.dedup_by_key(|(id, _)| *id);
    users
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{read_fixture, read_once},
        *,
    };

    fn facts(host: &str) -> FactsSample {
        match read_fixture(open, host) {
            Ok(Sample::Facts(sample)) => *sample,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_homelab_machine_is_described() {
        let user = |id, name: &str| (id, name.to_owned());
        let expected = FactsSample {
            hostname: Some("homelab".into()),
            os: Some("Debian GNU/Linux 12 (bookworm)".into()),
            kernel: Some("6.8.12-4-pve".into()),
            architecture: None,
            product: Some("ASRock X570M Pro4".into()),
            cpu_model: Some("AMD Ryzen 5 5600G".into()),
            threads: Some(12),
            cores: Some(6),
            governor: None,
            virtualization: None,
            load_of_host: false,
            pressure_of_host: false,
            boot_id: None,
            boot_unix_seconds: Some(1_751_865_600),
            ticks_from_unix_seconds: None,
            users: vec![
                user(0, "root"),
                user(1, "daemon"),
                user(33, "www-data"),
                user(70, "postgres"),
                user(997, "ollama"),
                user(1000, "ada"),
            ],
        };
        assert_eq!(facts("homelab"), expected);
    }

    #[test]
    fn a_boot_has_its_id() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("proc/sys/kernel/random/boot_id");
        std::fs::create_dir_all(file.parent().expect("its folder")).expect("folder");
        let read = |text: &str| {
            std::fs::write(&file, text).expect("file");
            boot_id(&Root::new(folder.path()))
        };
        let id = "6d9f2a1c-0b7e-4b53-9a51-0c1f3f0c8a77";
        assert_eq!(read(&format!("{id}\n")).as_deref(), Some(id));
        assert_eq!((read("../../etc"), read("")), (None, None));
    }

    #[test]
    fn a_guest_knows_what_it_runs_in() {
        let guest = facts("lxc");
        assert_eq!((guest.virtualization.as_deref(), guest.os.as_deref()), (Some("lxc"), Some("Ubuntu 24.04.1 LTS")));
        assert_eq!((guest.cpu_model.as_deref(), guest.threads), (Some("Intel Core i7-8700"), Some(2)));
        assert!(guest.load_of_host && guest.pressure_of_host, "lxcfs has neither here");
        let host = facts("homelab");
        assert!(!host.load_of_host && !host.pressure_of_host);
    }

    #[test]
    fn a_board_without_firmware_tables_has_its_devicetree_s_name() {
        let board = facts("bare");
        assert_eq!(board.product.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.4"));
        assert_eq!((board.cpu_model.as_deref(), board.os, board.users), (Some("ARM Cortex-A72"), None, Vec::new()));
    }

    #[test]
    fn hostile_names_are_cleaned_and_nonsense_is_unknown() {
        let facts = facts("hostile");
        assert_eq!(facts.hostname.as_deref(), Some("ho?[31mst"));
        assert_eq!(facts.users, [(42, "ok".to_owned()), (43, "?[31mred".to_owned())]);
        assert_eq!((facts.boot_unix_seconds, facts.threads, facts.product), (None, None, None));
    }

    #[test]
    fn an_empty_folder_is_no_machine() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(matches!(read_once(open, Root::new(folder.path())), Err(Fault::Absent(_))));
    }

    fn dmi(vendor: &str, product: &str, hypervisor: Option<bool>) -> Option<String> {
        let folder = tempfile::tempdir().expect("folder");
        let id = folder.path().join("sys/class/dmi/id");
        std::fs::create_dir_all(&id).expect("folder");
        std::fs::write(id.join("sys_vendor"), vendor).expect("file");
        std::fs::write(id.join("product_name"), product).expect("file");
        virtualization(&Root::new(folder.path()), &Processor { hypervisor, ..Processor::default() })
    }

    #[test]
    fn a_guest_is_distinguished_from_its_host_model() {
        assert_eq!(dmi("QEMU", "Standard PC (Q35 + ICH9, 2009)", Some(true)).as_deref(), Some("kvm"));
        assert_eq!(dmi("Microsoft Corporation", "Surface Pro", Some(false)), None);
        assert_eq!(dmi("Amazon EC2", "m5.metal", Some(false)), None);
        assert_eq!(dmi("Acme", "Box", Some(true)).as_deref(), Some("vm"));
    }

    #[test]
    fn this_machine_has_a_kernel_and_a_boot_time() {
        let Ok(Sample::Facts(facts)) = read_once(open, Root::default()) else { panic!("no sample") };
        assert!(facts.kernel.is_some() && facts.architecture.is_some() && facts.boot_unix_seconds.is_some());
        assert!(facts.threads >= facts.cores && facts.threads > Some(0), "{facts:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text: Vec<u8>) {
            let _ = users(&text);
            let _ = crate::collect::processor::parse(&text);
        }
    }

    #[test]
    fn only_xen_is_named_by_its_hypervisor() {
        let kind = |text: &str| {
            let folder = tempfile::tempdir().expect("folder");
            let hypervisor = folder.path().join("sys/hypervisor");
            std::fs::create_dir_all(&hypervisor).expect("folder");
            std::fs::write(hypervisor.join("type"), text).expect("file");
            virtualization(&Root::new(folder.path()), &Processor::default())
        };
        assert_eq!((kind("xen\n").as_deref(), kind("other\n")), (Some("xen"), None));
    }
}
