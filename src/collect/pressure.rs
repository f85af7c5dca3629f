//! Pressure stall information: `/proc/pressure/{cpu,memory,io}`.

use std::io;

use super::{CollectCx, Collector, OpenCx};
use crate::{
    model::{
        event::Sample,
        fault::Fault,
        pressure::{PressureSample, Stall, Stalls},
    },
    sys::{
        parse::{decimal, lines, number, words},
        reread::Reread,
        root::fault,
    },
};

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Pressure {
        files: ["cpu", "memory", "io"].map(|f| Reread::new(&cx.root, format!("proc/pressure/{f}"))),
    }))
}

struct Pressure {
    files: [Reread; 3],
}

impl Collector for Pressure {
    fn collect(&mut self, _cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let mut stalls = [None; 3];
        let mut wrong = None;
        for (stall, file) in stalls.iter_mut().zip(&mut self.files) {
            *stall = match file.read().map(parse) {
                Ok(Some(stalls)) => Some(stalls),
                Ok(None) => {
                    wrong = Some(Fault::Broken(format!("{}: no line `some avg10=…`", file.path().display())));
                    continue;
                }
                Err(e) => {
                    wrong.get_or_insert(why(file, &e));
                    continue;
                }
            };
        }
        match (stalls, wrong) {
            ([None, None, None], Some(fault)) => Err(fault),
            ([cpu, memory, io], _) => Ok(Sample::Pressure(PressureSample { cpu, memory, io })),
        }
    }
}

/// The files are missing without CONFIG_PSI, and refuse to be read where it is off until asked for.
fn why(file: &Reread, error: &io::Error) -> Fault {
    let path = file.path().display();
    match error.kind() {
        io::ErrorKind::NotFound => Fault::Absent(format!("no {path}: the kernel is built without PSI (CONFIG_PSI)")),
        io::ErrorKind::Unsupported => Fault::Absent(format!("{path} is switched off: boot the kernel with psi=1")),
        _ => fault(file.path(), error, "run as root, or let the container read /proc/pressure"),
    }
}

/// One file; `None` without a good line `some`.
fn parse(text: &[u8]) -> Option<Stalls> {
    let (mut some, mut full) = (None, None);
    for line in lines(text) {
        let mut words = words(line);
        match words.next() {
            Some(b"some") => some = stall(words),
            Some(b"full") => full = stall(words),
            _ => {}
        }
    }
    Some(Stalls { some: some?, full })
}

/// `avg10=1.52 avg60=1.10 avg300=0.84 total=183920113`, all four.
fn stall<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<Stall> {
    let mut stall = Stall::default();
    let mut seen = 0;
    for word in words {
        let equals = word.iter().position(|&b| b == b'=')?;
        let (key, value) = (&word[..equals], &word[equals + 1..]);
        match key {
            b"avg10" => stall.avg10 = ratio(value)?,
            b"avg60" => stall.avg60 = ratio(value)?,
            b"avg300" => stall.avg300 = ratio(value)?,
            b"total" => stall.total_us = number(value)?,
            _ => continue,
        }
        seen += 1;
    }
    (seen == 4).then_some(stall)
}

fn ratio(word: &[u8]) -> Option<f64> {
    decimal(word).filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::read_fixture, *};

    #[test]
    fn averages_are_ratios() {
        let Ok(Sample::Pressure(sample)) = read_fixture(open, "homelab") else { panic!("no sample") };
        let io = sample.io.expect("io");
        assert_eq!((io.some.avg10, io.some.total_us), (0.124, 183_920_113));
        assert_eq!(io.full.map(|f| f.avg10), Some(0.062));
    }

    #[test]
    fn an_older_kernel_knows_no_full_for_the_cpu() {
        let Ok(Sample::Pressure(sample)) = read_fixture(open, "lxc") else { panic!("no sample") };
        assert_eq!(sample.cpu.map(|c| c.full), Some(None));
        assert!(sample.memory.is_some_and(|m| m.full.is_some()));
    }

    #[test]
    fn a_kernel_without_it_is_absent_and_says_why() {
        assert!(matches!(read_fixture(open, "bare"), Err(Fault::Absent(what)) if what.contains("PSI")));
        let file = Reread::new(&crate::sys::root::Root::default(), "proc/pressure/io");
        let off = io::Error::from_raw_os_error(95); // EOPNOTSUPP, as psi=0 gives it
        assert!(matches!(why(&file, &off), Fault::Absent(what) if what.contains("psi=1")));
    }

    #[test]
    fn nonsense_is_broken_and_never_a_share_above_one() {
        let fault = read_fixture(open, "hostile").expect_err("nonsense");
        assert!(matches!(&fault, Fault::Broken(what) if what.contains("hostile/proc/pressure")), "{fault:?}");
        assert_eq!(parse(b"some avg10=900.00 avg60=1.00 avg300=1.00 total=5\n"), None);
        assert_eq!(parse(b"some avg10=1.00 avg60=1.00 total=5\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: Vec<u8>) {
            let _ = parse(&text);
            let _ = stall(words(&text));
        }
    }
}
