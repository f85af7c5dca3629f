//! The mounts of the machine, out of "proc(5)" mountinfo: filesystems and cgroup hierarchies are found there.

use super::{
    parse::{lines, number, words},
    root::Root,
};

/// One line. Names are as the kernel has them, not cleaned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// Major and minor number: one filesystem has one pair, however often it is mounted.
    pub device: (u32, u32),
    /// The folder inside the filesystem that is mounted.
    pub root: Vec<u8>,
    /// Where it is mounted.
    pub point: Vec<u8>,
    pub read_only: bool,
    /// Options of the mount, by commas.
    pub flags: Vec<u8>,
    pub kind: Vec<u8>,
    pub source: Vec<u8>,
    /// Options of the filesystem, by commas.
    pub options: Vec<u8>,
}

/// The file that lists them: ours on the live machine, that of the first process under another root.
pub fn file(root: &Root) -> &'static str {
    if root.is_live() { "proc/self/mountinfo" } else { "proc/1/mountinfo" }
}

/// Every good line.
pub fn parse(text: &[u8]) -> Vec<Mount> {
    lines(text).filter_map(mount).collect()
}

/// `36 35 98:0 /mnt1 /mnt/parent rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut words = words(line).skip(2);
    let device = words.next()?;
    let colon = device.iter().position(|&b| b == b':')?;
    let half = |digits| u32::try_from(number(digits)?).ok();
    let device = (half(&device[..colon])?, half(&device[colon + 1..])?);
    let (root, point, flags) = (words.next()?, words.next()?, words.next()?);
    let mut words = words.skip_while(|w| *w != b"-").skip(1);
    let (kind, source, options) = (words.next()?, words.next()?, words.next()?);
    point.starts_with(b"/").then(|| Mount {
        device,
        root: unescape(root),
        point: unescape(point),
        read_only: has(flags, b"ro") || has(options, b"ro"),
        flags: unescape(flags),
        kind: unescape(kind),
        source: unescape(source),
        options: unescape(options),
    })
}

/// The words of a list, which are parted by commas.
pub fn options(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&b| b == b',')
}

/// True when `word` is one of the words of `list`.
pub fn has(list: &[u8], word: &[u8]) -> bool {
    options(list).any(|w| w == word)
}

/// True for a kind of filesystem that asks a server or a program for its answer.
pub fn may_hang(kind: &[u8]) -> bool {
    const ELSEWHERE: [&[u8]; 14] = [
        b"autofs",
        b"cifs",
        b"smb3",
        b"smbfs",
        b"9p",
        b"ceph",
        b"glusterfs",
        b"lustre",
        b"afs",
        b"davfs",
        b"beegfs",
        b"gpfs",
        b"ocfs2",
        b"orangefs",
    ];
    kind.starts_with(b"nfs") || kind.starts_with(b"fuse") || ELSEWHERE.contains(&kind)
}

/// `\040` is a blank: the kernel writes blanks, tabs, line ends and backslashes in octal.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) = (first, tail) {
            out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = after;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_optional_fields_it_has() {
        for optional in ["", "shared:1 ", "shared:1 master:2 propagate_from:3 "] {
            let line =
                format!("36 35 98:7 /sub /mnt/a\\040b rw,noatime {optional}- ext4 /dev/sda1 ro,errors=continue\n");
            let expected = Mount {
                device: (98, 7),
                root: b"/sub".into(),
                point: b"/mnt/a b".into(),
                read_only: true,
                flags: b"rw,noatime".into(),
                kind: b"ext4".into(),
                source: b"/dev/sda1".into(),
                options: b"ro,errors=continue".into(),
            };
            assert_eq!(parse(line.as_bytes()), [expected]);
        }
    }

    #[test]
    fn torn_lines_are_left_out() {
        let text = b"1 2 3\n1 2 8:1 / / rw - ext4\n1 2 x / / rw - ext4 a rw\n1 2 8:1 / here rw - ext4 a rw\n";
        assert_eq!(parse(text), []);
        assert_eq!(unescape(b"a\\04\\"), b"a\\04\\");
        assert_eq!(unescape(b"\\134\\777"), b"\\\\777");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: Vec<u8>, tail in "([0-9:/ a-z-]{0,60}\n)*") {
            let mut text = text;
            text.extend_from_slice(tail.as_bytes());
            let _ = parse(&text);
        }
    }

    #[test]
    fn what_asks_a_server_or_a_program_may_hang() {
        for kind in ["nfs", "nfs4", "fuse", "fuse.sshfs", "fuseblk", "cifs", "autofs", "ceph", "9p"] {
            assert!(may_hang(kind.as_bytes()), "{kind}");
        }
        for kind in ["ext4", "zfs", "overlay", "tmpfs", "proc", "cephx", "xnfs", ""] {
            assert!(!may_hang(kind.as_bytes()), "{kind}");
        }
    }

    #[test]
    fn words_of_a_list_are_whole_ones() {
        assert!(has(b"rw,noatime", b"rw") && has(b"rw,noatime", b"noatime") && !has(b"rw,noatime", b"atime"));
        assert_eq!(options(b"a,,b").collect::<Vec<_>>(), [&b"a"[..], b"", b"b"]);
        assert_eq!(file(&Root::default()), "proc/self/mountinfo");
        assert_eq!(file(&Root::new("/host")), "proc/1/mountinfo");
        let only = |flags: &str, options: &str| {
            let line = format!("36 35 98:7 / /a {flags} - ext4 /dev/sda1 {options}\n");
            parse(line.as_bytes())[0].read_only
        };
        assert_eq!([only("rw", "rw"), only("ro", "rw"), only("rw", "ro")], [false, true, true]);
    }
}
