//! Parses `/proc/PID/stat` ("proc(5)") byte by byte: a name may contain spaces, brackets and line ends.

use crate::sys::parse::{number, signed};

/// The fields that the table needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat<'a> {
    pub name: &'a [u8],
    pub state: u8,
    pub parent: u32,
    pub flags: u64,
    pub user: u64,
    pub system: u64,
    /// Ticks of children that ended and were waited for (cutime and cstime).
    pub child: u64,
    pub priority: i32,
    pub nice: i32,
    pub threads: u32,
    pub start: u64,
    /// Where its code and its stack begin, mixed: an exec changes it. For other users' processes only root can read it.
    pub image: u64,
    pub virtual_bytes: u64,
    pub resident_pages: u64,
    pub core: u16,
}

#[cfg(test)]
impl Stat<'_> {
    /// A process that sleeps and has used so many ticks.
    pub fn sleeping(user: u64) -> Stat<'static> {
        Stat {
            name: b"worker",
            state: b'S',
            parent: 1,
            flags: 0,
            user,
            system: 0,
            child: 0,
            priority: 20,
            nice: 0,
            threads: 1,
            start: 5,
            image: 0,
            virtual_bytes: 1 << 20,
            resident_pages: 100,
            core: 0,
        }
    }
}

/// The kernel's mark for its own threads in `flags` (PF_KTHREAD).
const KERNEL: u64 = 0x0020_0000;

impl Stat<'_> {
    /// True for a kernel thread.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        self.flags & KERNEL != 0
    }
}

/// The values of one line; `None` if it is invalid.
#[must_use]
pub fn parse(line: &[u8]) -> Option<Stat<'_>> {
    let opens = line.iter().position(|&b| b == b'(')?;
    // The name may contain brackets; no later field does.
    let closes = line.iter().rposition(|&b| b == b')')?;
    let name = line.get(opens + 1..closes)?;
    let rest = line.get(closes + 1..)?.strip_prefix(b" ")?;
    let mut fields = Fields(rest);
    let state = match fields.next()? {
        [state] => *state,
        _ => return None,
    };
    let parent = u32::try_from(signed(fields.next()?)?.max(0)).ok()?;
    fields.skip(4)?; // process group, session, terminal, its group
    let flags = number(fields.next()?)?;
    fields.skip(4)?; // page faults
    let user = number(fields.next()?)?;
    let system = number(fields.next()?)?;
    // The kernel prints it signed.
    let child = signed(fields.next()?)?.max(0).unsigned_abs() + signed(fields.next()?)?.max(0).unsigned_abs();
    let priority = i32::try_from(signed(fields.next()?)?).ok()?;
    let nice = i32::try_from(signed(fields.next()?)?).ok()?;
    let threads = u32::try_from(signed(fields.next()?)?.max(0)).ok()?;
    fields.skip(1)?; // obsolete
    let start = number(fields.next()?)?;
    let virtual_bytes = number(fields.next()?)?;
    let resident_pages = signed(fields.next()?)?.max(0).unsigned_abs();
    // Limits, addresses, signals: 14 fields that old kernels and odd copies may lack.
    let image = fields.image().unwrap_or(0);
    let core = fields.skip(10).and_then(|()| fields.next()).and_then(number).and_then(|c| u16::try_from(c).ok());
    user.checked_add(system)?;
    Some(Stat {
        name,
        state,
        parent,
        flags,
        user,
        system,
        child,
        priority,
        nice,
        threads,
        start,
        image,
        virtual_bytes,
        resident_pages,
        core: core.unwrap_or(0),
    })
}

/// Words separated by one space each.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0;
        let end = rest.iter().position(|&b| b == b' ' || b == b'\n').unwrap_or(rest.len());
        self.0 = rest.get(end + 1..).unwrap_or(&[]);
        (end > 0).then(|| &rest[..end])
    }

    /// After the memory limit: start and end of the code, start of the stack.
    fn image(&mut self) -> Option<u64> {
        self.skip(1)?;
        let code = number(self.next()?)?;
        self.skip(1)?;
        Some(code.rotate_left(32) ^ number(self.next()?)?)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        (0..count).try_for_each(|_| self.next().map(|_| ()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &[u8] = b"4242 (web server) S 1 4242 4242 0 -1 4194560 812 90 1 2 1234 567 8 9 20 0 17 0 9001 \
        104857600 2560 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn every_field_is_read_from_its_place() {
        let stat = parse(LINE).expect("a line");
        assert_eq!(stat.name, b"web server");
        assert_eq!((stat.state, stat.parent, stat.flags), (b'S', 1, 4_194_560));
        assert_eq!((stat.user, stat.system, stat.child), (1234, 567, 17));
        assert_eq!((stat.priority, stat.nice, stat.threads), (20, 0, 17));
        assert_eq!((stat.start, stat.virtual_bytes, stat.resident_pages), (9001, 104_857_600, 2560));
        assert_eq!((stat.core, stat.image), (3, 1 << 32));
        assert!(!stat.is_kernel());
    }

    #[test]
    fn a_name_may_contain_anything() {
        let line = String::from_utf8_lossy(LINE).replace("web server", "a) R 7 (b\n)");
        let stat = parse(line.as_bytes()).expect("a line");
        assert_eq!((stat.name, stat.parent), (&b"a) R 7 (b\n)"[..], 1));
    }

    #[test]
    fn real_time_priority_and_kernel_threads_are_read() {
        let line = b"15 (migration/0) S 2 0 0 0 -1 69238848 0 0 0 0 0 12 0 0 -100 0 1 0 2 0 0 1";
        let stat = parse(line).expect("a line");
        assert!(stat.is_kernel());
        assert_eq!((stat.priority, stat.core, stat.system), (-100, 0, 12));
    }

    #[test]
    fn cut_or_invalid_lines_are_rejected() {
        for wrong in [&b""[..], b"1", b"1 (a", b"1 (a)", b"1 )a( S 1", b"1 (a) S", b"1 (a) SS 1 2 3"] {
            assert_eq!(parse(wrong), None, "{:?}", String::from_utf8_lossy(wrong));
        }
        let cut = LINE.iter().position(|&b| b == b'9').expect("there") + 20;
        assert_eq!(parse(&LINE[..cut]), None);
        assert_eq!(parse(&String::from_utf8_lossy(LINE).replace("1234", "x").into_bytes()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_name_and_any_figures_come_back(
            name in proptest::collection::vec(any::<u8>(), 0..64),
            user in 0u64..1 << 60, system in 0u64..1 << 60, start in any::<u64>(), parent in 0u32..1 << 22,
            rss in 0u64..1 << 40, nice in -20i32..20, core in any::<u16>(),
        ) {
            let mut line = b"77 (".to_vec();
            line.extend(&name);
            line.extend(format!(
                ") R {parent} 1 1 34816 77 4194304 1 2 3 4 {user} {system} 5 6 {} {nice} 3 0 {start} 4096 {rss} \
                 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 {core} 0 0\n", nice + 20,
            ).into_bytes());
            let stat = parse(&line).expect("a line");
            prop_assert_eq!(stat.name, &name[..]);
            prop_assert_eq!((stat.user, stat.system, stat.start, stat.parent), (user, system, start, parent));
            prop_assert_eq!((stat.resident_pages, stat.nice, stat.core, stat.child), (rss, nice, core, 11));
        }

        #[test]
        fn a_cut_line_never_invents_a_value(cut in 0usize..200) {
            let whole = parse(LINE);
            let part = parse(&LINE[..cut.min(LINE.len())]);
            // A cut inside the last field needed may shorten it; all fields before remain.
            if let (Some(part), Some(whole)) = (part, whole) {
                prop_assert_eq!((part.user, part.system, part.start), (whole.user, whole.system, whole.start));
            }
        }
    }
}
