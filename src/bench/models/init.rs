//! How long a program takes until it can use a card: library, context, first allocation, in a process of its own each time.
//! The driver is called through python3, which every machine that works with models has: benchtop itself holds no code of a
//! maker, and a process that ends takes its context along.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use crate::{
    bench::{BenchDef, Benchmark, FigureDef, Measured, Offer, Plan, RunCx, Stop, Survey, Work, tool},
    model::{
        bench::{Group, RunPhase},
        figure::{Better, Fingerprint},
        gpu::{CardState, Gpu, Maker},
        unit::Unit,
    },
    sys::json::{Field, Unread},
    text::clean,
    units::latency,
};

/// A driver that is not ready by then is broken.
const PATIENCE: Duration = Duration::from_secs(120);
const TOOL: &str = "python3";
/// Bytes of the first allocation.
const BYTES: u64 = 64 << 20;

/// Its arguments: the number of the card, bytes. Times are taken in it, so that its own start is not in them.
const SCRIPT: &str = include_str!("init.py");

pub const INITIALIZATION: BenchDef = BenchDef {
    id: "gpu-init",
    group: Group::Models,
    doc: "Time until a new process can use a GPU: driver library, context, first allocation; the first process apart",
    figures: &[
        FigureDef {
            id: "gpu_initialization_seconds",
            title: "GPU initialisation",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
        FigureDef {
            id: "gpu_initialization_first_seconds",
            title: "first GPU initialisation",
            unit: Unit::Seconds,
            better: Better::Lower,
        },
    ],
    bench: &Initialization,
};

struct Initialization;

/// What reaches a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Library {
    Cuda,
    Hip,
}

impl Library {
    fn of(card: &Gpu) -> Result<Self, String> {
        match card.maker {
            Maker::Nvidia => Ok(Library::Cuda),
            Maker::Amd => Ok(Library::Hip),
            Maker::Intel => Err(format!("{}: there is no library that a first context could be asked of", card.name)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Library::Cuda => "cuda",
            Library::Hip => "hip",
        }
    }
}

/// `GPU 0`.
fn called(card: &Gpu) -> String {
    format!("GPU {}", card.index)
}

impl Benchmark for Initialization {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        let cards = &survey.state.host.gpus.rows;
        if cards.is_empty() {
            return vec![Offer { of: String::new(), missing: Some("no GPU was found".to_owned()) }];
        }
        let offer = |card: &Gpu| Offer { of: called(card), missing: chosen(survey, card).err() };
        cards.iter().map(|row| offer(&row.raw)).collect()
    }

    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let mut cards = survey.state.host.gpus.rows.iter().map(|row| &row.raw);
        let card = cards.find(|card| called(card) == of).ok_or_else(|| format!("there is no {of}"))?;
        let (python, library) = chosen(survey, card)?;
        // Libraries number the cards of their maker.
        let same = survey.state.host.gpus.rows.iter().filter(|row| row.raw.maker == card.maker);
        let number = same.take_while(|row| row.raw.id != card.id).count();
        let steps = vec![
            format!(
                "up to 30 times: {} -I -c SCRIPT {} {number} {BYTES}, which opens the driver of {}, makes a context, fills 64 MiB",
                python.display(),
                library.name(),
                card.name
            ),
            "nothing is written".to_owned(),
        ];
        let driver = survey.state.host.gpus.drivers.iter().find(|driver| driver.maker == card.maker);
        let mut fingerprint: Fingerprint = [
            ("method".to_owned(), format!("{} by python3 ctypes, 64 MiB", library.name())),
            ("gpu".to_owned(), card.name.clone()),
        ]
        .into();
        fingerprint.extend(driver.and_then(|driver| Some(("driver".to_owned(), driver.version.clone()?))));
        let plan = Plan { of: of.to_owned(), steps, time: Duration::from_secs(180), fingerprint, ..Plan::default() };
        Ok((plan, Box::new(Run { python, library, number })))
    }
}

fn chosen(survey: &Survey<'_>, card: &Gpu) -> Result<(PathBuf, Library), String> {
    if let CardState::Lost(why) = &card.state {
        return Err(format!("{} is lost: {why}", card.name));
    }
    let library = Library::of(card)?;
    let python = survey.exec.find(TOOL);
    let python = python.ok_or("python3 is not installed, through which the driver is called (apt install python3)")?;
    Ok((python, library))
}

struct Run {
    python: PathBuf,
    library: Library,
    number: usize,
}

/// Seconds of each step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Times {
    library: f64,
    context: f64,
    allocation: f64,
}

impl Times {
    fn whole(self) -> f64 {
        self.library + self.context + self.allocation
    }

    fn words(self) -> String {
        format!(
            "library {}, context {}, first allocation {}",
            latency(self.library),
            latency(self.context),
            latency(self.allocation)
        )
    }
}

impl Work for Run {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        // There is no warm-up: the first one is what a sleeping card takes.
        cx.progress(RunPhase::Measuring, None, Vec::new());
        let first = self.once(cx)?;
        cx.sample(1, first.whole());
        loop {
            let times = self.once(cx)?;
            cx.progress(RunPhase::Measuring, Some(times.whole()), vec![times.words()]);
            if !cx.sample(0, times.whole()) {
                let awake =
                    "benchtop reads the card, which keeps its driver awake: see nvidia-smi -pm for what it does alone";
                let mut notes = vec![format!("the first: {}", first.words()), format!("the last: {}", times.words())];
                notes.extend((self.library == Library::Cuda).then(|| awake.to_owned()));
                return Ok(Measured { notes, ..Measured::default() });
            }
        }
    }
}

impl Run {
    fn once(&self, cx: &dyn RunCx) -> Result<Times, Stop> {
        let (number, bytes) = (self.number.to_string(), BYTES.to_string());
        let arguments = ["-I", "-c", SCRIPT, self.library.name(), &number, &bytes];
        let mut text = Vec::new();
        let ended =
            tool::run(cx.exec(), cx.stop(), &self.python, &arguments, PATIENCE, |line| text.extend_from_slice(line))?;
        parse(&text).unwrap_or_else(|| Err(format!("python3: {}", ended.why()))).map_err(Stop::Failed)
    }
}

/// What the script says: times, or why there are none.
fn parse(text: &[u8]) -> Option<Result<Times, String>> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let unread = Unread::default();
    let field = Field::new(&value, &unread);
    if let Some(why) = field.text("error") {
        return Some(Err(clean(&why).into_owned()));
    }
    let (library, context, allocation) = (field.float("library")?, field.float("context")?, field.float("allocation")?);
    Some(Ok(Times { library, context, allocation }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_errors_of_the_script_are_read() {
        let text = br#"{"library": 0.05, "context": 0.31, "allocation": 0.002}"#;
        assert_eq!(parse(text), Some(Ok(Times { library: 0.05, context: 0.31, allocation: 0.002 })));
        let broken = br#"{"error": "cuInit: error 999"}"#;
        assert_eq!(parse(broken), Some(Err("cuInit: error 999".to_owned())));
        assert_eq!((parse(b"Traceback"), parse(b"{}")), (None, None));
    }
}
