//! What the devices below a file did meanwhile, by their own counters ("Documentation/admin-guide/iostats.rst"): whether
//! a figure is the disk's is known from them, never from direct I/O having been accepted.

use crate::sys::{
    parse::{lines, number, words},
    root::Root,
};

/// Bytes of a sector here, whatever the device's are.
const SECTOR: u64 = 512;

/// Bytes that devices have read and written since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    pub read: u64,
    pub written: u64,
}

impl Moved {
    /// Of these devices together now; `None` where one of them is not listed, or none is named.
    #[must_use]
    pub fn now(root: &Root, devices: &[String]) -> Option<Self> {
        if devices.is_empty() {
            return None;
        }
        let text = root.read("proc/diskstats").ok()?;
        let mut sum = Moved::default();
        for device in devices {
            let (read, written) = sectors(&text, device)?;
            sum.read += read * SECTOR;
            sum.written += written * SECTOR;
        }
        Some(sum)
    }

    /// What was moved since `before`.
    #[must_use]
    pub fn since(&self, before: &Moved) -> Moved {
        Moved { read: self.read.saturating_sub(before.read), written: self.written.saturating_sub(before.written) }
    }
}

/// Sectors read and written: `254 0 vda reads merged sectors ms writes merged sectors …`.
fn sectors(text: &[u8], device: &str) -> Option<(u64, u64)> {
    let line = lines(text).find(|line| words(line).nth(2) == Some(device.as_bytes()))?;
    let mut fields = words(line).skip(5);
    Some((number(fields.next()?)?, number(fields.nth(3)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_of_a_device_and_not_of_its_namesakes() {
        let text = b"   8       0 sda 10 0 100 5 20 0 300 9 0 1 1\n   8       1 sda1 1 0 7 5 2 0 11 9 0 1 1\n";
        assert_eq!((sectors(text, "sda"), sectors(text, "sda1")), (Some((100, 300)), Some((7, 11))));
        assert_eq!(sectors(text, "sd"), None);
    }

    #[test]
    fn a_device_that_is_not_listed_makes_no_sum() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("proc")).expect("proc");
        std::fs::write(folder.path().join("proc/diskstats"), "8 0 sda 1 0 2 0 1 0 4 0 0 0 0\n").expect("written");
        let root = Root::new(folder.path());
        let of = |names: &[&str]| Moved::now(&root, &names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["sda"]), Some(Moved { read: 1024, written: 2048 }));
        assert_eq!((of(&["sda", "sdb"]), of(&[])), (None, None));
        let later = Moved { read: 5000, written: 2048 };
        assert_eq!(later.since(&Moved { read: 1024, written: 4096 }), Moved { read: 3976, written: 0 });
    }
}
