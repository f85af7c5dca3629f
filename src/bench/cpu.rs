//! CPU: one fixed piece of integer and floating-point work, first on one core, then on all. A core that is throttled, a
//! governor that saves power, a neighbour that takes time show in the figures; how well the cores work together shows in
//! their ratio.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    contract::{Benchmark, FigureDef, Measured, RunCx, Survey, Work},
    stop::{Stop, StopFlag},
};
use crate::{
    analysis::stats::median,
    model::{
        bench::{Offer, Plan, RunPhase},
        figure::Fingerprint,
        run::Better,
        unit::Unit,
    },
};

pub(super) static FIGURES: &[FigureDef] = &[
    FigureDef { id: "cpu_single_ops", title: "one core", unit: Unit::PerSecond, better: Better::Higher },
    FigureDef { id: "cpu_all_ops", title: "all cores", unit: Unit::PerSecond, better: Better::Higher },
    FigureDef { id: "cpu_threading_ratio", title: "threading", unit: Unit::Ratio, better: Better::Higher },
];

/// Half of a sample: on one core, then as long on all.
const HALF: Duration = Duration::from_millis(700);
const WARM_UP: Duration = Duration::from_millis(500);
/// Changes when [`batch`] does: figures of different work are not compared.
const METHOD: &str = "integer and float mix 1";
/// Between two looks at the clock: some tenths of a millisecond.
const STEPS: u32 = 20_000;

pub(super) struct Cpu;

impl Benchmark for Cpu {
    fn offers(&self, _survey: &Survey<'_>) -> Vec<Offer> {
        vec![Offer { of: String::new(), missing: None }]
    }

    fn plan(&self, survey: &Survey<'_>, _of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let threads = threads();
        let cores = survey.state.host.facts.cores.map_or(threads, |cores| (cores as usize).min(threads)).max(1);
        let steps = vec![
            format!(
                "the same arithmetic on one core, then on all with {threads} threads, {} s each",
                HALF.as_secs_f64()
            ),
            "nothing is written".to_owned(),
        ];
        let fingerprint = Fingerprint::from([
            ("method".to_owned(), METHOD.to_owned()),
            ("threads_used".to_owned(), threads.to_string()),
        ]);
        let plan = Plan { steps, time: Duration::from_secs(60), fingerprint, ..Plan::default() };
        Ok((plan, Box::new(Timing { threads, cores })))
    }
}

/// Threads that may run at once: less than the machine has under a limit of a cgroup or an affinity.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

struct Timing {
    threads: usize,
    cores: usize,
}

impl Work for Timing {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        rate(self.threads, WARM_UP, cx.stop())?;
        cx.progress(RunPhase::Measuring, None, Vec::new());
        let mut ratios = Vec::new();
        loop {
            let one = rate(1, HALF, cx.stop())?;
            let all = rate(self.threads, HALF, cx.stop())?;
            let ratio = all / (one * self.cores as f64);
            ratios.push(ratio);
            cx.sample(2, ratio);
            let more = [cx.sample(0, one), cx.sample(1, all)];
            if more == [false, false] {
                break;
            }
            let ratio = Unit::Ratio.show(median(&ratios).unwrap_or(ratio));
            cx.progress(RunPhase::Measuring, None, vec![format!("threading {ratio}")]);
        }
        let note = format!("{} threads on {} cores; threading is all / (cores x one)", self.threads, self.cores);
        Ok(Measured { notes: vec![note], ..Measured::default() })
    }
}

/// Operations a second of so many threads together.
fn rate(threads: usize, time: Duration, stop: &StopFlag) -> Result<f64, Stop> {
    let over = AtomicBool::new(false);
    let count = |seed: u64| {
        let (began, mut rounds, mut state) = (Instant::now(), 0u64, (seed, 1.0));
        while !over.load(Ordering::Relaxed) {
            state = batch(state, STEPS);
            rounds += 1;
            if began.elapsed() >= time {
                break;
            }
        }
        black_box(state);
        // Each by its own clock: a thread that starts late counts less time too.
        (rounds * u64::from(STEPS)) as f64 / began.elapsed().as_secs_f64()
    };
    let count = &count;
    let rate = thread::scope(|scope| {
        let spawn =
            |seed| thread::Builder::new().name("bt-bench-cpu".to_owned()).spawn_scoped(scope, move || count(seed));
        let running: Result<Vec<_>, _> = (1..=threads as u64).map(spawn).collect();
        let running = running.map_err(|error| {
            over.store(true, Ordering::Relaxed);
            Stop::Failed(format!("no thread for a core: {error}"))
        })?;
        while running.iter().any(|thread| !thread.is_finished()) {
            if stop.is_set() {
                over.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(running.into_iter().filter_map(|thread| thread.join().ok()).sum())
    })?;
    stop.check()?;
    Ok(rate)
}

/// So many steps of the work: per step one multiplication, rotation and addition of integers and of floats, each
/// dependent on the one before.
#[inline(never)]
fn batch((mut integer, mut float): (u64, f64), steps: u32) -> (u64, f64) {
    for _ in 0..steps {
        // A linear congruential step ("TAOCP", Knuth's MMIX), which no compiler folds away.
        integer =
            integer.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407).rotate_left(17);
        float = float * 0.999_999_7 + (integer >> 40) as f64 * 1e-9;
    }
    (integer, float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing::TestCx;

    #[test]
    fn one_sample_has_three_figures() {
        let mut cx = TestCx::new(3, 1);
        let measured = Timing { threads: 2, cores: 2 }.run(&mut cx).expect("measured");
        assert_eq!(cx.phases, [RunPhase::WarmingUp, RunPhase::Measuring]);
        let [one, all, ratio] = [0, 1, 2].map(|figure| cx.samples[figure][0]);
        assert!(one > 1e5 && all > 1e5, "{one} {all}");
        assert!((ratio - all / (2.0 * one)).abs() < 1e-9);
        assert!(measured.notes[0].starts_with("2 threads on 2 cores"));
    }

    #[test]
    fn stops_in_each_phase() {
        for phase in [RunPhase::WarmingUp, RunPhase::Measuring] {
            let mut cx = TestCx::new(3, 100);
            cx.stop_in = Some(phase);
            let began = Instant::now();
            assert_eq!(Timing { threads: 2, cores: 2 }.run(&mut cx), Err(Stop::Cancelled));
            assert!(began.elapsed() < Duration::from_secs(2));
        }
    }

    #[test]
    fn the_work_is_always_the_same() {
        let (integer, float) = batch((1, 1.0), 1000);
        assert_eq!(batch((1, 1.0), 1000), (integer, float));
        assert_ne!(batch((2, 1.0), 1000).0, integer);
        assert!(float.is_finite());
    }
}
