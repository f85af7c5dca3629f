//! Cards as the PCI bus knows them, driver or none: what is there but reported by no driver, what sleeps, what the link to the
//! slot is. Nothing here wakes a card: the kernel answers these files from what it remembers.

use std::{fs, path::Path};

use crate::{
    model::gpu::{CardState, Gpu, Link, Maker},
    sys::root::Root,
    text::clean,
};

/// The folder of all devices.
const FOLDER: &str = "sys/bus/pci/devices";
/// Lists of names by number, where a distribution puts them.
const NAMES: [&str; 3] = ["usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids", "usr/share/pci.ids"];

/// One card on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `0000:01:00.0`.
    pub(super) bus: String,
    pub(super) maker: Maker,
    /// Number of its model: `0x2684`.
    device: String,
    /// Its kernel driver; empty without one.
    pub(super) driver: String,
}

/// Whose a vendor's number is.
pub(super) fn maker(vendor: &str) -> Option<Maker> {
    match vendor {
        "0x10de" => Some(Maker::Nvidia),
        "0x1002" => Some(Maker::Amd),
        "0x8086" => Some(Maker::Intel),
        _ => None,
    }
}

/// Displays and accelerators of the three makers.
pub(super) fn places(root: &Root) -> Vec<Place> {
    root.names(FOLDER).iter().filter_map(|bus| place(root, bus)).collect()
}

/// What stands at an address; `None` for what is no card ("PCI Code and ID Assignment": class 03, and 12 00).
pub(super) fn place(root: &Root, bus: &str) -> Option<Place> {
    let file = |name: &str| root.line(format!("{FOLDER}/{bus}/{name}"));
    let maker = maker(&file("vendor")?)?;
    let class = file("class")?;
    if !(class.starts_with("0x03") || (class.starts_with("0x1200") && maker == Maker::Amd)) {
        return None;
    }
    let driver = driver(root, &format!("{FOLDER}/{bus}"));
    Some(Place { bus: bus.to_owned(), maker, device: file("device")?, driver })
}

/// The kernel's driver of a device's folder; empty without one.
pub(super) fn driver(root: &Root, folder: &str) -> String {
    let linked = fs::read_link(root.path(format!("{folder}/driver"))).ok();
    let name = linked.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).map(str::to_owned);
    name.or_else(|| uevent(root, folder, "DRIVER")).map(|name| clean(&name).into_owned()).unwrap_or_default()
}

/// A value of a device's `uevent`.
pub(super) fn uevent(root: &Root, folder: &str, key: &str) -> Option<String> {
    let text = root.text(format!("{folder}/uevent")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
}

/// True when the kernel suspended it: any question would wake it.
pub(super) fn is_asleep(root: &Root, bus: &str) -> bool {
    !bus.is_empty() && suspended(root, &format!("{FOLDER}/{bus}"))
}

/// [`is_asleep`] by a device's folder.
pub(super) fn suspended(root: &Root, folder: &str) -> bool {
    matches!(root.line(format!("{folder}/power/runtime_status")).as_deref(), Some("suspended" | "suspending"))
}

/// A model's name from the list of the PCI numbers, its marketing name where the list has one in brackets.
pub(super) fn name(root: &Root, maker: Maker, device: &str) -> String {
    let number = device.trim_start_matches("0x");
    let listed = NAMES.iter().find_map(|list| listed(&root.text(list).ok()?, vendor(maker), number));
    let name = listed.unwrap_or_else(|| format!("GPU {number}"));
    format!("{} {}", maker.word(), clean(name.trim_end()))
}

fn vendor(maker: Maker) -> &'static str {
    match maker {
        Maker::Nvidia => "10de",
        Maker::Amd => "1002",
        Maker::Intel => "8086",
    }
}

/// `10de  NVIDIA Corporation`, below it `<tab>2684  AD102 [GeForce RTX 4090]`.
fn listed(list: &str, vendor: &str, device: &str) -> Option<String> {
    let mut lines = list.lines().skip_while(|line| !line.starts_with(vendor));
    lines.next()?;
    let own = lines.take_while(|line| line.starts_with('\t') || line.starts_with('#') || line.is_empty());
    let name = own
        .filter_map(|line| line.strip_prefix('\t'))
        .filter(|line| !line.starts_with('\t'))
        .find_map(|line| line.strip_prefix(device)?.strip_prefix("  "))?;
    let bracketed = name.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    Some(bracketed.unwrap_or(name).to_owned())
}

impl Place {
    /// The card as far as the bus knows it.
    pub(super) fn card(&self, root: &Root, state: CardState) -> Gpu {
        Gpu {
            id: self.bus.clone(),
            maker: self.maker,
            name: name(root, self.maker, &self.device),
            bus: self.bus.clone(),
            driver: self.driver.clone(),
            state,
            ..Gpu::default()
        }
    }

    /// Why its figures are not reported.
    pub(super) fn why_unreported(&self) -> String {
        match (self.driver.as_str(), self.maker) {
            ("vfio-pci" | "pci-stub" | "xen-pciback", _) => {
                format!("passed through to virtual machines ({}): readable only there", self.driver)
            }
            ("", Maker::Nvidia) => "no driver is bound to it: install NVIDIA's".to_owned(),
            ("", Maker::Amd) => "no driver is bound to it: modprobe amdgpu, and see dmesg".to_owned(),
            ("", Maker::Intel) => "no driver is bound to it: modprobe i915 or xe, and see dmesg".to_owned(),
            ("nvidia", _) => {
                "the driver runs and its library libnvidia-ml.so.1 is not here: install it; a container gets \
                              it from the NVIDIA runtime (--gpus all)"
                    .to_owned()
            }
            (driver, _) => format!("its driver {driver} reports no metrics"),
        }
    }
}

/// The link to the slot, generation and lanes, each now and at best. Cards with a switch of their own (AMD's and Intel's
/// newer ones) show its inner side as theirs: what counts is the side towards the slot. The best is what both ends can.
pub(super) fn link(root: &Root, folder: &str) -> Link {
    let Ok(device) = fs::canonicalize(root.path(folder)) else { return Link::default() };
    let vendor = |at: &Path| read(at, "vendor");
    let mut end = device.as_path();
    while let Some(parent) = end.parent()
        && vendor(parent).is_some_and(|v| Some(v) == vendor(end))
        && parent.parent().is_some_and(|above| vendor(above).is_some())
    {
        end = parent;
    }
    let slot = end.parent().filter(|parent| vendor(parent).is_some());
    let pair = |now: &str, best: &str, number: fn(&str) -> Option<u32>| {
        let own = number(&read(end, best)?)?;
        let most = slot.and_then(|slot| number(&read(slot, best)?)).map_or(own, |slot| slot.min(own));
        Some((number(&read(end, now)?)?, most))
    };
    let lanes = |text: &str| text.parse().ok().filter(|lanes| (1..=32).contains(lanes));
    Link {
        generation: pair("current_link_speed", "max_link_speed", generation),
        width: pair("current_link_width", "max_link_width", lanes),
        ..Link::default()
    }
}

fn read(folder: &Path, file: &str) -> Option<String> {
    Some(fs::read_to_string(folder.join(file)).ok()?.trim().to_owned())
}

/// `16.0 GT/s PCIe` is generation 4.
fn generation(text: &str) -> Option<u32> {
    Some(match text.split_whitespace().next()? {
        "2.5" => 1,
        "5.0" | "5" => 2,
        "8.0" | "8" => 3,
        "16.0" | "16" => 4,
        "32.0" | "32" => 5,
        "64.0" | "64" => 6,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::machine, *};

    fn card<'a>(driver: &'a str, vendor: &'a str) -> [(&'static str, &'a str); 4] {
        [
            ("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n"),
            ("sys/bus/pci/devices/0000:01:00.0/vendor", vendor),
            ("sys/bus/pci/devices/0000:01:00.0/device", "0x2684\n"),
            ("sys/bus/pci/devices/0000:01:00.0/uevent", driver),
        ]
    }

    #[test]
    fn card_without_a_driver_or_passed_through_is_reported() {
        for (driver, words) in [
            ("DRIVER=vfio-pci\n", "passed through to virtual machines (vfio-pci)"),
            ("DRIVER=nouveau\n", "nouveau reports no metrics"),
            ("DRIVER=nvidia\n", "libnvidia-ml.so.1 is not here"),
            ("", "no driver is bound to it"),
        ] {
            let (_folder, root) = machine(&card(driver, "0x10de\n"));
            let places = places(&root);
            assert_eq!((places.len(), places[0].bus.as_str()), (1, "0000:01:00.0"));
            assert!(places[0].why_unreported().contains(words), "{}", places[0].why_unreported());
        }
        let (_folder, root) = machine(&card("", "0x1a03\n"));
        assert_eq!(places(&root), [], "a board's own management chip is no card");
    }

    #[test]
    fn the_list_of_numbers_names_a_card() {
        let list = "1002  Advanced Micro Devices\n\t744c  Navi 31 [Radeon RX 7900 XTX]\n\t\t1002 0e3b  Board\n\
                    10de  NVIDIA Corporation\n\t2684  AD102 [GeForce RTX 4090]\n\tffff  Plain\nC 03  Display\n\t2684  no\n";
        let (_folder, root) = machine(&[("usr/share/misc/pci.ids", list)]);
        assert_eq!(name(&root, Maker::Nvidia, "0x2684"), "NVIDIA GeForce RTX 4090");
        assert_eq!(name(&root, Maker::Nvidia, "0xffff"), "NVIDIA Plain");
        assert_eq!(name(&root, Maker::Amd, "0x744c"), "AMD Radeon RX 7900 XTX");
        assert_eq!(name(&root, Maker::Intel, "0x744c"), "Intel GPU 744c");
    }

    /// `device` names the card's own end, its switch and the slot, from the inside out, as one path.
    #[test]
    fn link_to_the_slot_counts_behind_the_card_s_own_switch() {
        let port = "sys/devices/pci0000:00/0000:00:01.0";
        let up = format!("{port}/0000:01:00.0");
        let down = format!("{up}/0000:02:00.0");
        let end = format!("{down}/0000:03:00.0");
        let mut files = Vec::new();
        for (at, vendor, now, best, lanes) in [
            (port, "0x1022", "8.0 GT/s PCIe", "8.0 GT/s PCIe", ("16", "16")),
            (&up, "0x1002", "2.5 GT/s PCIe", "16.0 GT/s PCIe", ("8", "16")),
            (&down, "0x1002", "16.0 GT/s PCIe", "16.0 GT/s PCIe", ("16", "16")),
            (&end, "0x1002", "16.0 GT/s PCIe", "16.0 GT/s PCIe", ("16", "16")),
        ] {
            for (file, text) in [
                ("vendor", vendor),
                ("current_link_speed", now),
                ("max_link_speed", best),
                ("current_link_width", lanes.0),
                ("max_link_width", lanes.1),
            ] {
                files.push((format!("{at}/{file}"), text));
            }
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let (_folder, root) = machine(&files);
        let link_of = |folder: &str| (link(&root, folder).generation, link(&root, folder).width);
        assert_eq!(link_of(&end), (Some((1, 3)), Some((8, 16))), "the slot is of generation 3");
        assert_eq!(link_of("sys/nothing"), (None, None));
    }

    #[test]
    fn a_generation_is_known_by_its_speed() {
        for (speed, number) in [("2.5", 1), ("5.0", 2), ("8.0", 3), ("16.0", 4), ("32.0", 5), ("64.0", 6)] {
            assert_eq!(generation(&format!("{speed} GT/s PCIe")), Some(number));
            let short = speed.strip_suffix(".0").unwrap_or(speed);
            assert_eq!(generation(&format!("{short} GT/s")), Some(number), "older kernels");
        }
        assert_eq!((generation("Unknown"), generation("")), (None, None));
    }

    #[test]
    fn a_card_is_a_display_or_an_accelerator_of_amd() {
        for (class, vendor, card) in [
            ("0x030000", "0x10de", true),
            ("0x038000", "0x8086", true),
            ("0x120000", "0x1002", true),
            ("0x120000", "0x8086", false),
            ("0x040300", "0x1002", false),
        ] {
            let (_folder, root) = machine(&[
                ("sys/bus/pci/devices/0000:01:00.0/class", class),
                ("sys/bus/pci/devices/0000:01:00.0/vendor", vendor),
                ("sys/bus/pci/devices/0000:01:00.0/device", "0x2684\n"),
            ]);
            assert_eq!(place(&root, "0000:01:00.0").is_some(), card, "{class} of {vendor}");
        }
    }
}
