//! CPU time and frequency: `/proc/stat` at each reading, cpufreq where there is one, else `/proc/cpuinfo` now and then.

use std::time::Duration;

use super::{CollectCx, Collector, OpenCx};
use crate::{
    clock::Stamp,
    model::{
        cpu::{CpuSample, CpuTicks},
        event::Sample,
        fault::Fault,
    },
    sys::{
        parse::{decimal, hex, lines, number, words},
        reread::Reread,
        root::Root,
    },
};

/// Asking for a frequency may wake the core that is asked: many cores are asked seldom.
const MANY_CORES: usize = 16;
/// Between two looks at frequencies that cost much.
const SELDOM: Duration = Duration::from_secs(5);

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Cpu {
        root: cx.root.clone(),
        stat: Reread::new(&cx.root, "proc/stat"),
        cpuinfo: Reread::new(&cx.root, "proc/cpuinfo"),
        clocks: Clocks::Unknown,
        hertz: Vec::new(),
        asked: None,
    }))
}

/// Where frequencies come from.
enum Clocks {
    Unknown,
    /// One cpufreq file a core.
    Files(Vec<(u16, Reread)>),
    /// `cpu MHz` of cpuinfo.
    Info,
    /// The machine reports none.
    None,
}

struct Cpu {
    root: Root,
    stat: Reread,
    cpuinfo: Reread,
    clocks: Clocks,
    hertz: Vec<(u16, u64)>,
    asked: Option<Stamp>,
}

impl Collector for Cpu {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let mut sample = self.stat.figures("no line `cpu` of at least four numbers", parse)?;
        self.frequencies(cx.at, &sample);
        sample.hertz.clone_from(&self.hertz);
        Ok(Sample::Cpu(sample))
    }
}

impl Cpu {
    fn frequencies(&mut self, at: Stamp, sample: &CpuSample) {
        let fresh = self.asked.is_some_and(|asked| at.since(asked) < SELDOM);
        if let Clocks::Files(files) = &self.clocks
            && !files.iter().map(|(core, _)| *core).eq(sample.cores.iter().map(|(core, _)| *core))
            && !fresh
        {
            self.clocks = Clocks::Unknown; // a core came or went, or has no file of its own
        }
        if matches!(self.clocks, Clocks::Unknown) {
            self.clocks = self.look_for_clocks(sample);
        }
        match &mut self.clocks {
            Clocks::Files(files) if files.len() <= MANY_CORES || !fresh => {
                self.hertz.clear();
                for (core, file) in files {
                    // Kilohertz; 0 and errors come from cores that sleep or went away.
                    let kilohertz = file.read().ok().and_then(|t| number(t.trim_ascii())).filter(|&k| k > 0);
                    self.hertz.extend(kilohertz.and_then(|k| k.checked_mul(1000)).map(|hertz| (*core, hertz)));
                }
            }
            Clocks::Info if !fresh => {
                self.hertz.clear();
                if let Ok(text) = self.cpuinfo.read() {
                    cpuinfo_hertz(text, &mut self.hertz);
                }
                if self.hertz.is_empty() {
                    self.clocks = Clocks::None;
                }
            }
            _ => return,
        }
        if !fresh {
            self.asked = Some(at);
        }
    }

    fn look_for_clocks(&self, sample: &CpuSample) -> Clocks {
        let files: Vec<(u16, Reread)> = sample
            .cores
            .iter()
            .map(|(core, _)| (*core, format!("sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")))
            .filter(|(_, path)| self.root.path(path).exists())
            .map(|(core, path)| (core, Reread::new(&self.root, path)))
            .collect();
        if files.is_empty() { Clocks::Info } else { Clocks::Files(files) }
    }
}

/// `/proc/stat`; cores whose line is no good are left out. `None` without the line of all cores.
pub(super) fn parse(text: &[u8]) -> Option<CpuSample> {
    let mut sample = CpuSample::default();
    let mut total = None;
    for line in lines(text) {
        let mut words = words(line);
        let Some(key) = words.next() else { continue };
        if let Some(core) = key.strip_prefix(b"cpu") {
            let ticks = ticks(words);
            if core.is_empty() {
                total = ticks;
            } else if let (Some(core), Some(ticks)) = (number(core).and_then(|n| u16::try_from(n).ok()), ticks) {
                sample.cores.push((core, ticks));
            }
            continue;
        }
        let counter = match key {
            b"ctxt" => &mut sample.context_switches,
            b"intr" => &mut sample.interrupts,
            b"processes" => &mut sample.forks,
            _ => continue,
        };
        *counter = words.next().and_then(number);
    }
    sample.total = total?;
    Some(sample)
}

/// At least user, nice, system and idle; what older kernels lack is 0.
fn ticks<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<CpuTicks> {
    let mut values = [0; 8];
    let mut seen = 0;
    for (value, word) in values.iter_mut().zip(words) {
        *value = number(word)?;
        seen += 1;
    }
    let [user, nice, system, idle, iowait, irq, softirq, steal] = values;
    (seen >= 4).then_some(CpuTicks { user, nice, system, idle, iowait, irq, softirq, steal })
}

/// Pairs of a core's number and its clock: `processor : N` and `cpu MHz : M` of x86, s390's `cpu number` and
/// `cpu MHz dynamic`, POWER's `clock : 3800.0MHz`, LoongArch's `CPU MHz`; SPARC writes `Cpu5ClkTck : 00000000d6924470`.
fn cpuinfo_hertz(text: &[u8], hertz: &mut Vec<(u16, u64)>) {
    let mut core = None;
    for line in lines(text) {
        let Some(colon) = line.iter().position(|&b| b == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        match line[..colon].trim_ascii() {
            b"processor" | b"cpu number" => core = number(value).and_then(|n| u16::try_from(n).ok()),
            key if key.ends_with(b"ClkTck") => {
                let digits = key.strip_prefix(b"Cpu").and_then(|key| key.strip_suffix(b"ClkTck"));
                let core = digits.and_then(number).and_then(|n| u16::try_from(n).ok());
                hertz.extend(core.zip(hex(value).filter(|h| (1_000_000..100_000_000_000).contains(h))));
            }
            b"cpu MHz" | b"cpu MHz dynamic" | b"CPU MHz" | b"clock" => {
                let megahertz =
                    decimal(value.strip_suffix(b"MHz").unwrap_or(value)).filter(|m| (1.0..100_000.0).contains(m));
                hertz.extend(core.zip(megahertz).map(|(core, m)| (core, (m * 1e6) as u64)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{open_cx, read_fixture, read_once},
        *,
    };
    use crate::interest::Interest;

    fn read(host: &str) -> CpuSample {
        match read_fixture(open, host) {
            Ok(Sample::Cpu(sample)) => sample,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_core_has_its_ticks_and_its_frequency() {
        let sample = read("homelab");
        assert_eq!(sample.cores.len(), 12);
        let first = sample.cores[0].1;
        assert_eq!((first.user, first.nice, first.system, first.idle), (2_000_000, 1200, 500_000, 48_000_000));
        assert_eq!((first.iowait, first.softirq, first.steal), (20_000, 4000, 0));
        assert_eq!(sample.total.user, sample.cores.iter().map(|(_, t)| t.user).sum::<u64>());
        assert_eq!(sample.hertz[11], (11, 3_875_000_000));
        assert_eq!((sample.context_switches, sample.forks), (Some(15_433_948_231), Some(4_821_733)));
    }

    #[test]
    fn without_cpufreq_the_frequency_comes_from_cpuinfo_or_nowhere() {
        assert_eq!(read("lxc").hertz, [(0, 4_300_023_000), (1, 4_300_123_000)]);
        assert_eq!(read("bare").hertz, []);
    }

    #[test]
    fn clocks_are_read_in_each_architecture_s_form() {
        let clocks = |text: &str| {
            let mut hertz = Vec::new();
            cpuinfo_hertz(text.as_bytes(), &mut hertz);
            hertz
        };
        assert_eq!(clocks("cpu number      : 3\ncpu MHz dynamic : 5200\n"), [(3, 5_200_000_000)]);
        assert_eq!(clocks("processor\t: 8\ncpu\t: POWER0\nclock\t: 3800.5MHz\n"), [(8, 3_800_500_000)]);
        assert_eq!(
            clocks("ncpus active\t: 2\nCpu0ClkTck\t: 3b9aca00\nCpu17ClkTck\t: 3b9aca00\n"),
            [(0, 1_000_000_000), (17, 1_000_000_000)]
        );
        assert_eq!(clocks("CpuxClkTck\t: 3b9aca00\nclock\t: fast\n"), []);
    }

    #[test]
    fn a_torn_total_is_broken_and_names_the_file() {
        let fault = read_fixture(open, "hostile").expect_err("torn");
        assert!(matches!(&fault, Fault::Broken(what) if what.contains("hostile/proc/stat")), "{fault:?}");
    }

    #[test]
    fn torn_core_lines_are_left_out() {
        let sample = parse(
            b"cpu 1 1 1 1\ncpu0 9999999999999999999999 1 1 1\ncpu99999 1 1 1 1\ncpu3 10 0 20 30 x\ncpu4 1 2 3 4\n",
        );
        assert_eq!(sample.expect("a total").cores.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn a_machine_that_has_no_proc_is_absent() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(
            matches!(read_once(open, Root::new(folder.path())), Err(Fault::Absent(what)) if what.contains("proc/stat"))
        );
    }

    #[test]
    fn this_machine_has_a_core_that_worked() {
        let mut source = open(&open_cx(Root::default())).expect("opens");
        for second in 1..3 {
            let sample = source.collect(&CollectCx::new(Stamp::at_seconds(second), &Interest::default()));
            let Ok(Sample::Cpu(sample)) = sample else { panic!("{sample:?}") };
            assert!(sample.total.user > 0 && !sample.cores.is_empty() && sample.forks > Some(0));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text: Vec<u8>, tail in "(cpu[0-9]* [0-9 .:-]*\n|cpu MHz *: *[0-9.]*\n)*") {
            let mut text = text;
            text.extend_from_slice(tail.as_bytes());
            let _ = parse(&text);
            cpuinfo_hertz(&text, &mut Vec::new());
        }
    }

    /// A machine with this many cores, each with a clock of its own.
    fn many(cores: std::ops::Range<u16>) -> (tempfile::TempDir, impl Fn(&str, &str)) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        let put = move |file: &str, text: &str| {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, text).expect("a file");
        };
        put("proc/stat", &format!("cpu 9 9 9 9\n{}", lines_of(cores.clone())));
        cores.for_each(|core| put(&clock_of(core), &format!("{}\n", 1000 + u32::from(core))));
        (folder, put)
    }

    fn lines_of(cores: std::ops::Range<u16>) -> String {
        cores.map(|core| format!("cpu{core} 1 1 1 1\n")).collect()
    }

    fn clock_of(core: u16) -> String {
        format!("sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")
    }

    fn hertz(source: &mut dyn Collector, second: u64) -> Vec<(u16, u64)> {
        match source.collect(&CollectCx::new(Stamp::at_seconds(second), &Interest::default())) {
            Ok(Sample::Cpu(sample)) => sample.hertz,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_core_that_comes_is_noticed_within_seconds() {
        let (folder, put) = many(0..2);
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        assert_eq!(hertz(&mut *source, 10), [(0, 1_000_000), (1, 1_001_000)]);
        put(&clock_of(0), "7\n");
        assert_eq!(hertz(&mut *source, 11), [(0, 7000), (1, 1_001_000)], "few are asked each time");
        put("proc/stat", &format!("cpu 9 9 9 9\n{}", lines_of(0..3)));
        put(&clock_of(2), "3\n");
        assert_eq!(hertz(&mut *source, 14).len(), 2);
        assert_eq!(hertz(&mut *source, 15), [(0, 7000), (1, 1_001_000), (2, 3000)]);
        put(&clock_of(1), "0\n");
        assert_eq!(hertz(&mut *source, 16), [(0, 7000), (2, 3000)], "it sleeps");
    }

    #[test]
    fn many_cores_and_cpuinfo_are_asked_every_five_seconds() {
        let (folder, put) = many(0..17);
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        let first = hertz(&mut *source, 10);
        assert_eq!((first.len(), first[0]), (17, (0, 1_000_000)));
        put(&clock_of(0), "7\n");
        assert_eq!((hertz(&mut *source, 14)[0], hertz(&mut *source, 15)[0]), ((0, 1_000_000), (0, 7000)));

        let (folder, put) = many(0..0);
        put("proc/stat", "cpu 9 9 9 9\ncpu0 1 1 1 1\n");
        let info = |megahertz: u32| put("proc/cpuinfo", &format!("processor: 0\ncpu MHz: {megahertz}\n"));
        info(5);
        let mut source = open(&open_cx(Root::new(folder.path()))).expect("opens");
        assert_eq!(hertz(&mut *source, 10), [(0, 5_000_000)]);
        info(6);
        assert_eq!((hertz(&mut *source, 14)[0].1, hertz(&mut *source, 15)[0].1), (5_000_000, 6_000_000));
        put("proc/cpuinfo", "processor: 0\n");
        assert_eq!((hertz(&mut *source, 20), hertz(&mut *source, 30)), (vec![], vec![]));
    }

    #[test]
    fn a_line_of_cpuinfo_must_be_a_plausible_clock() {
        let clocks = |text: &str| {
            let mut hertz = Vec::new();
            cpuinfo_hertz(text.as_bytes(), &mut hertz);
            hertz.into_iter().map(|(_, hertz)| hertz).next()
        };
        for (megahertz, hertz) in
            [("0.9", None), ("1.0", Some(1_000_000)), ("99999.0", Some(99_999_000_000)), ("100000.0", None)]
        {
            assert_eq!(clocks(&format!("processor: 0\nCPU MHz: {megahertz}\n")), hertz, "{megahertz}");
        }
        assert_eq!((clocks("Cpu0ClkTck: f423f\n"), clocks("Cpu0ClkTck: f4240\n")), (None, Some(1_000_000)));
        assert_eq!(
            (clocks("Cpu0ClkTck: 174876e7ff\n"), clocks("Cpu0ClkTck: 174876e800\n")),
            (Some(99_999_999_999), None)
        );
        assert_eq!(clocks("cpu MHz: 5\n"), None, "of which core");
        assert!(parse(b"cpu 1 2 3\n").is_none() && parse(b"cpu 1 2 3 4\n").is_some());
    }
}
