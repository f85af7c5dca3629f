//! New limits for a container: those in force to begin with, what it uses and used at most beside them, and a proposal where
//! it was watched for long enough. Enter leads to the question, which changes nothing without a yes.

use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::parts::{job, named};
use crate::{
    alert::Level,
    model::container::{Container, ContainerRow, Peak},
    request::{ContainerAct, ContainerLimits, limits},
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        ids::Key,
        overlays::confirm::Confirm,
        table::prompt::{Prompt, Typed},
        theme::Role,
        view::{Effect, Overlay},
        widgets::sheet::{SheetLine, put_lines},
    },
    units::{self, ABSENT, bytes_long, span_short},
};

/// The engine refuses less.
const LEAST_MEMORY: f64 = 6.0 * MIB;
/// A peak of less time than this says little about the next day.
const WATCHED: Duration = Duration::from_secs(600);
/// What is proposed at least: bytes of memory, and cores.
const FLOOR: (f64, f64) = (64.0 * MIB, 0.1);
const MIB: f64 = (1 << 20) as f64;

/// The line being typed.
pub struct Limits {
    id: String,
    name: String,
    prompt: Prompt,
    wrong: Option<String>,
}

/// What was typed: 0 is no limit, `None` leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Typing {
    cores: Option<f64>,
    memory: Option<f64>,
}

impl Limits {
    /// For this container. It starts with the limits in force.
    #[must_use]
    pub fn new(row: &ContainerRow) -> Self {
        let prompt = Prompt::new("limits", &in_force(&row.meta), Vec::new());
        Limits { id: row.meta.id.clone(), name: row.meta.name.clone(), prompt, wrong: None }
    }

    /// With a proposal in place of what is in force.
    fn proposing(row: &ContainerRow, text: &str) -> Self {
        Limits { prompt: Prompt::new("limits", text, Vec::new()), ..Limits::new(row) }
    }

    /// The question with what changes; what is typed as it is in force changes nothing.
    fn accept(&mut self, state: &State) -> Vec<Effect> {
        let typed = match parse(self.prompt.text()) {
            Ok(typed) => typed,
            Err(wrong) => {
                self.wrong = Some(wrong);
                return Vec::new();
            }
        };
        let Some(row) = state.host.containers.find(&self.id) else {
            return vec![Effect::Close, Effect::Say(Level::Advice, "it no longer exists: nothing was done".to_owned())];
        };
        let change = change(typed, &row.meta);
        if change == ContainerLimits::default() {
            let said = format!("limits of {} unchanged", self.name);
            return vec![Effect::Close, Effect::Say(Level::Ok, said)];
        }
        let job = job(row, ContainerAct::Limit(change), state);
        let title = format!("set limits of {}?", self.name);
        vec![Effect::Close, Effect::Open(Box::new(Confirm::new(title, question(row, change), job)))]
    }
}

/// By so much a limit is raised that is too small.
const RAISE: f64 = 1.5;

/// Opens new limits for the container of this label, its memory raised.
#[must_use]
pub fn raise_memory(label: &str, state: &State) -> Vec<Effect> {
    raise(label, state, |row| {
        let limit = row.meta.memory_limit?;
        // Whole steps of 64 MiB, so that it can be read.
        let step = 64.0 * MIB;
        let raised = (limit as f64 * RAISE / step).ceil() * step;
        Some(Container { memory_limit: Some(raised as u64), ..(*row.meta).clone() })
    })
}

/// Opens new limits for the container of this label, its CPU time raised.
#[must_use]
pub fn raise_cpus(label: &str, state: &State) -> Vec<Effect> {
    raise(label, state, |row| {
        let limit = row.meta.cpu_limit?;
        Some(Container { cpu_limit: Some((limit * RAISE * 10.0).ceil() / 10.0), ..(*row.meta).clone() })
    })
}

fn raise(label: &str, state: &State, raised: fn(&ContainerRow) -> Option<Container>) -> Vec<Effect> {
    let Some(row) = state.host.containers.rows.iter().find(|row| *row.label == *label) else {
        return vec![Effect::Say(Level::Advice, "the container no longer exists".to_owned())];
    };
    match raised(row) {
        Some(meta) => vec![Effect::Open(Box::new(Limits::proposing(row, &in_force(&meta))))],
        None => vec![Effect::Say(Level::Advice, format!("{label} has no limit to raise"))],
    }
}

/// `cpus 1.5 memory 512M`; empty without limits.
fn in_force(meta: &Container) -> String {
    let cpus = meta.cpu_limit.map(|cores| format!("cpus {cores}"));
    let memory = meta.memory_limit.map(|bytes| format!("memory {}", exact(bytes)));
    cpus.into_iter().chain(memory).collect::<Vec<_>>().join(" ")
}

/// A size that reads back as the same number.
fn exact(bytes: u64) -> String {
    let units = [("G", 30), ("M", 20), ("K", 10)];
    let whole = units.into_iter().find(|(_, bits)| bytes > 0 && bytes.trailing_zeros() >= *bits);
    whole.map_or_else(|| bytes.to_string(), |(unit, bits)| format!("{}{unit}", bytes >> bits))
}

/// `cpus 1.5 memory 512M`, in any order, either left out; `none` takes a limit away.
fn parse(text: &str) -> Result<Typing, String> {
    let mut typed = Typing::default();
    let mut words = text.split([' ', '=', ',']).filter(|w| !w.is_empty());
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("{name} has no value"))?;
        let none = value == "none";
        match name {
            "cpus" | "cpu" | "cores" => {
                let cores = value.parse::<f64>().ok().filter(|c| c.is_finite() && *c >= 0.01 && *c <= 4096.0);
                let cores = cores.or(none.then_some(0.0));
                typed.cores =
                    Some(cores.ok_or_else(|| format!("\"{value}\" is not a number of cores (e.g. 1.5, none)"))?);
            }
            "memory" | "mem" => {
                let bytes = units::parse_quantity(value).or(none.then_some(0.0));
                let bytes = bytes.ok_or_else(|| format!("\"{value}\" is not a size (e.g. 512M, 2G, none)"))?;
                if bytes < LEAST_MEMORY && !none {
                    return Err(format!("{value} is less than the minimum of 6M"));
                }
                typed.memory = Some(bytes);
            }
            _ => return Err(format!("\"{name}\" is neither cpus nor memory")),
        }
    }
    Ok(typed)
}

/// What of it differs from what is in force.
fn change(typed: Typing, meta: &Container) -> ContainerLimits {
    let nano = |cores: f64| (cores * 1e9).round() as i64;
    let now = (nano(meta.cpu_limit.unwrap_or(0.0)), meta.memory_limit.map_or(0, |bytes| bytes as i64));
    let memory = typed.memory.map(|bytes| bytes as i64).filter(|bytes| *bytes != now.1);
    ContainerLimits {
        nano_cpus: typed.cores.map(nano).filter(|nano| *nano != now.0),
        memory: memory.map(|bytes| (bytes, meta.swap_beside(bytes))),
    }
}

/// The lines of the question: old and new limits, what becomes of swap, and a warning where memory does not suffice.
fn question(row: &ContainerRow, change: ContainerLimits) -> Vec<SheetLine> {
    let mut lines = vec![named(row)];
    let turns = |name: &str, before: String, after: String| {
        vec![(format!("{name:<8}"), Role::Dim), (format!("{before} → {after}"), Role::Strong)]
    };
    if let Some((memory, both)) = change.memory {
        let limit = row.meta.memory_limit.map_or(0, |bytes| bytes as i64);
        lines.push(turns("memory", limits::size(limit), limits::size(memory)));
        let swap = |memory, both| limits::swap(memory, both).trim_start_matches("swap ").replace("no swap", "none");
        let (then, now) = (swap(limit, row.meta.memory_swap.unwrap_or(0)), swap(memory, both));
        if then == now {
            lines.push(vec![("swap    ".to_owned(), Role::Dim), (format!("{now}, unchanged"), Role::Text)]);
        } else {
            lines.push(turns("swap", then, now));
        }
    }
    if let Some(nano) = change.nano_cpus {
        let before = (row.meta.cpu_limit.unwrap_or(0.0) * 1e9).round() as i64;
        lines.push(turns("cpus", limits::cores(before), limits::cores(nano)));
    }
    if let Some(used) = row.memory_bytes().filter(|used| {
        change.memory.is_some_and(|(memory, _)| memory > 0 && u64::try_from(memory).is_ok_and(|memory| memory < *used))
    }) {
        let words = format!("it uses {} now: the kernel may kill it", bytes_long(used as f64));
        lines.push(vec![(words, Role::Invalid)]);
    }
    lines
}

/// Twice the peak, but no less than the floor: bytes of memory, and cores; `None` before it was watched for long enough.
fn proposal(peak: &Peak) -> Option<(f64, f64)> {
    let memory = ((peak.memory * 2.0).max(FLOOR.0) / MIB).ceil() * MIB;
    let cores = ((peak.cores * 2.0).max(FLOOR.1) * 10.0).ceil() / 10.0;
    (peak.watched >= WATCHED).then_some((memory, cores))
}

/// `peak in 24m: memory 3.1 GiB, cpus 0.45` and what is proposed for it.
fn peak_lines(peak: &Peak) -> [String; 2] {
    let seen =
        format!("peak in {}: memory {}, cpus {:.2}", span_short(peak.watched), bytes_long(peak.memory), peak.cores);
    let proposed = match proposal(peak) {
        Some((memory, cores)) => {
            let (floor_memory, floor_cores) = (memory <= FLOOR.0, cores <= FLOOR.1);
            let floor = |at| if at { " (the floor)" } else { "" };
            format!(
                "2× peak: memory {}{}, cpus {cores}{} · tab inserts it",
                bytes_long(memory),
                floor(floor_memory),
                floor(floor_cores)
            )
        }
        None => format!("a proposal needs a peak over {}", span_short(WATCHED)),
    };
    [seen, proposed]
}

impl Overlay for Limits {
    fn title(&self, _state: &State) -> String {
        format!("limits of {}", self.name)
    }

    fn size(&self, _state: &State) -> (u16, u16) {
        (72, 7)
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let lines = match cx.state.host.containers.find(&self.id) {
            Some(row) => self.preview(row),
            None => vec![vec![("it is gone".to_owned(), Role::Dim)]],
        };
        put_lines(cx, area, canvas, &lines);
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.wrong = None;
        if key.code == KeyCode::Tab {
            let row = state.host.containers.find(&self.id);
            if let Some((memory, cores)) = row.and_then(|row| proposal(&row.peak)) {
                let text = format!("cpus {cores} memory {}", exact(memory as u64));
                self.prompt = Prompt::new("limits", &text, Vec::new());
            }
            return Some(Vec::new());
        }
        match self.prompt.key(key) {
            Typed::Cancelled => Some(vec![Effect::Close]),
            Typed::Accepted => Some(self.accept(state)),
            _ => Some(Vec::new()),
        }
    }

    fn paste(&mut self, text: &str, _state: &State) {
        self.wrong = None;
        self.prompt.paste(text);
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        self.prompt.draw(cx, area, canvas, "enter: review and confirm · esc: cancel");
        true
    }
}

impl Limits {
    /// Use, limits in force and typed ones, then the peak with what is proposed.
    fn preview(&self, row: &ContainerRow) -> Vec<SheetLine> {
        let parsed = parse(self.prompt.text());
        let typed = parsed.as_ref().copied().unwrap_or_default();
        let cores = |value: f64| format!("{value:.2}");
        let size = |value: f64| bytes_long(value);
        let head = format!("{:<8}{:>12}{:>14}{:>14}", "", "now", "limit", "new");
        let now = row.memory_bytes().map(|b| b as f64);
        let memory_limit = row.meta.memory_limit.map(|b| b as f64);
        let [seen, proposed] = peak_lines(&row.peak);
        let words = match (&self.wrong, &parsed) {
            (Some(wrong), _) | (None, Err(wrong)) => (wrong.clone(), Role::Invalid),
            (None, Ok(_)) => ("type either or both: cpus 1.5 memory 512M; none removes a limit".to_owned(), Role::Dim),
        };
        vec![
            vec![(head, Role::Dim)],
            line("cpus", row.cpu_cores, row.meta.cpu_limit, typed.cores, &cores),
            line("memory", now, memory_limit, typed.memory, &size),
            vec![(seen, Role::Text)],
            vec![(proposed, Role::Text)],
            Vec::new(),
            vec![words],
        ]
    }
}

fn line(
    name: &str,
    now: Option<f64>,
    limit: Option<f64>,
    typed: Option<f64>,
    show: &dyn Fn(f64) -> String,
) -> SheetLine {
    let or_none = |value: Option<f64>| value.filter(|v| *v > 0.0).map_or_else(|| "none".to_owned(), show);
    let now = now.map_or_else(|| ABSENT.to_owned(), show);
    vec![
        (format!("{name:<8}"), Role::Dim),
        (format!("{now:>12}{:>14}", or_none(limit)), Role::Text),
        (format!("{:>14}", typed.map_or_else(|| "unchanged".to_owned(), |v| or_none(Some(v)))), Role::Strong),
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::request::{Command, Job};

    fn grafana(peak: Peak) -> State {
        let meta = Container {
            id: "ab".into(),
            name: "grafana".into(),
            memory_limit: Some(64 << 20),
            memory_swap: Some(64 << 20),
            ..Container::default()
        };
        let mut state = State::default();
        state.host.containers.rows.push(ContainerRow { meta: Arc::new(meta), peak, ..ContainerRow::default() });
        state
    }

    fn open(state: &State) -> Limits {
        Limits::new(&state.host.containers.rows[0])
    }

    fn press(limits: &mut Limits, state: &State, code: KeyCode) -> Vec<Effect> {
        limits.key(Key::new(code, KeyModifiers::NONE), state).unwrap_or_default()
    }

    #[test]
    fn enter_on_what_is_in_force_does_nothing() {
        let state = grafana(Peak::default());
        let mut limits = open(&state);
        assert_eq!(limits.prompt.text(), "memory 64M");
        assert!(matches!(press(&mut limits, &state, KeyCode::Enter)[..], [Effect::Close, Effect::Say(Level::Ok, _)]));
    }

    #[test]
    fn new_limits_need_a_yes() {
        let state = grafana(Peak::default());
        let mut limits = open(&state);
        limits.prompt = Prompt::new("limits", "memory 128M cpus 1.5", Vec::new());
        let mut effects = press(&mut limits, &state, KeyCode::Enter);
        let Some(Effect::Open(mut question)) = effects.pop() else { panic!("a question") };
        assert_eq!(question.title(&state), "set limits of grafana?");
        let yes = question.key(Key::new(KeyCode::Char('y'), KeyModifiers::NONE), &state).expect("taken");
        let change = ContainerLimits { nano_cpus: Some(1_500_000_000), memory: Some((128 << 20, 128 << 20)) };
        let set = |effect: &Effect| matches!(effect, Effect::Do(Command::Job(Job::Container { act: ContainerAct::Limit(c), .. })) if *c == change);
        assert!(yes.iter().any(set), "no swap stays no swap");
    }

    /// The limits that are set after Enter and a yes.
    fn set(mut effects: Vec<Effect>, state: &State) -> ContainerLimits {
        let key = |code| Key::new(code, KeyModifiers::NONE);
        let Some(Effect::Open(mut limits)) = effects.pop() else { panic!("limits to type") };
        let Some(Effect::Open(mut question)) = limits.key(key(KeyCode::Enter), state).expect("taken").pop() else {
            panic!("a question")
        };
        let yes = question.key(key(KeyCode::Char('y')), state).expect("taken");
        let change = yes.iter().find_map(|effect| match effect {
            Effect::Do(Command::Job(Job::Container { act: ContainerAct::Limit(change), .. })) => Some(*change),
            _ => None,
        });
        change.expect("limits to set")
    }

    #[test]
    fn a_limit_that_is_too_small_is_raised_by_half() {
        let mut state = grafana(Peak::default());
        let row = &mut state.host.containers.rows[0];
        row.label = "web".into();
        Arc::make_mut(&mut row.meta).cpu_limit = Some(0.75);
        Arc::make_mut(&mut row.meta).memory_limit = Some(100 << 20);
        let memory = set(raise_memory("web", &state), &state);
        assert_eq!(memory.memory.map(|(memory, _)| memory), Some(192 << 20), "in steps of 64 MiB");
        assert_eq!(memory.nano_cpus, None);
        let cpus = set(raise_cpus("web", &state), &state);
        assert_eq!((cpus.nano_cpus, cpus.memory), (Some(1_200_000_000), None), "in steps of 0.1");
        Arc::make_mut(&mut state.host.containers.rows[0].meta).cpu_limit = None;
        for (label, words) in [("web", "web has no limit to raise"), ("none", "the container no longer exists")] {
            let said = raise_cpus(label, &state);
            assert!(matches!(&said[..], [Effect::Say(Level::Advice, text)] if text == words), "{label}");
        }
    }

    #[test]
    fn limits_are_pasted_too() {
        let state = grafana(Peak::default());
        let mut limits = open(&state);
        limits.wrong = Some("a mistake".into());
        limits.paste(" cpus 2", &state);
        assert_eq!((limits.prompt.text(), limits.wrong.as_deref()), ("memory 64M cpus 2", None));
        press(&mut limits, &state, KeyCode::Char('x'));
        assert!(
            press(&mut limits, &state, KeyCode::Enter).is_empty() && limits.wrong.is_some(),
            "it says what is wrong"
        );
        assert!(matches!(press(&mut limits, &state, KeyCode::Esc)[..], [Effect::Close]));
    }

    #[test]
    fn a_short_peak_proposes_nothing() {
        let peak = Peak { cores: 0.45, memory: 3.0 * 1024.0 * MIB, watched: Duration::from_secs(599) };
        assert_eq!(proposal(&peak), None);
        let long = Peak { watched: WATCHED, ..peak };
        assert_eq!(proposal(&long), Some((6.0 * 1024.0 * MIB, 0.9)));
        let idle = Peak { cores: 0.001, memory: 332.0 * 1024.0, watched: WATCHED };
        assert_eq!(proposal(&idle), Some(FLOOR));
        let state = grafana(peak);
        let mut limits = open(&state);
        press(&mut limits, &state, KeyCode::Tab);
        assert_eq!(limits.prompt.text(), "memory 64M", "there is none to take");
        let state = grafana(long);
        press(&mut limits, &state, KeyCode::Tab);
        assert_eq!(limits.prompt.text(), "cpus 0.9 memory 6G");
    }

    #[test]
    fn limits_are_typed_in_any_order_and_mistakes_are_named() {
        let both = Typing { cores: Some(1.5), memory: Some(512.0 * MIB) };
        assert_eq!(parse("cpus 1.5 memory 512M"), Ok(both));
        assert_eq!(parse("memory=512M,cpus=1.5"), Ok(both));
        assert_eq!(parse(""), Ok(Typing::default()));
        assert_eq!(parse("memory none"), Ok(Typing { memory: Some(0.0), cores: None }));
        assert_eq!(parse("cpus none"), Ok(Typing { memory: None, cores: Some(0.0) }));
        assert_eq!(parse("cpus 0.01 mem 6M"), Ok(Typing { memory: Some(6.0 * MIB), cores: Some(0.01) }));
        assert_eq!(parse("cores 4096").map(|typed| typed.cores), Ok(Some(4096.0)));
        for wrong in ["cpus 0.009", "cpus 4097", "cpus inf", "cpus NaN", "memory x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse("cpus").unwrap_err(), "cpus has no value");
        assert!(parse("cpus -1").unwrap_err().contains("not a number of cores"));
        assert!(parse("memory 1M").unwrap_err().contains("6M"));
        assert!(parse("disk 1").unwrap_err().contains("neither"));
    }

    #[test]
    fn a_size_reads_back_as_it_was() {
        for bytes in [6 << 20, 3 << 30, (3 << 30) + 1, 1536 << 20, 7000] {
            assert_eq!(units::parse_quantity(&exact(bytes)), Some(bytes as f64));
        }
    }

    fn text(line: &SheetLine) -> String {
        line.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// The question about this change of a container with half a gibibyte, swap for as much, and two cores.
    fn asked(nano_cpus: Option<i64>, memory: Option<(i64, i64)>, used: u64) -> Vec<String> {
        let meta = Container {
            name: "web".into(),
            memory_limit: Some(512 << 20),
            memory_swap: Some(1 << 30),
            cpu_limit: Some(2.0),
            ..Container::default()
        };
        let usage = Some(crate::model::container::Usage { memory_bytes: Some(used), ..Default::default() });
        let row = ContainerRow { meta: Arc::new(meta), usage, ..ContainerRow::default() };
        question(&row, ContainerLimits { nano_cpus, memory }).iter().skip(1).map(text).collect()
    }

    #[test]
    fn the_question_has_what_was_and_what_will_be() {
        let mib = |count: i64| count << 20;
        assert_eq!(
            asked(Some(1_500_000_000), Some((mib(256), mib(768))), 0),
            ["memory  512.0 MiB → 256.0 MiB", "swap    512.0 MiB, unchanged", "cpus    2 → 1.5"]
        );
        assert_eq!(
            asked(None, Some((mib(256), mib(256))), 0),
            ["memory  512.0 MiB → 256.0 MiB", "swap    512.0 MiB → none"]
        );
        assert_eq!(asked(Some(0), None, 1 << 30), ["cpus    2 → none"]);
        assert_eq!(asked(None, Some((0, 0)), 1 << 30), ["memory  512.0 MiB → none", "swap    512.0 MiB → unlimited"]);
    }

    #[test]
    fn memory_that_does_not_suffice_is_warned_of() {
        let warned = |used: u64| asked(None, Some((256 << 20, 768 << 20)), used).pop().unwrap_or_default();
        assert_eq!(warned((256 << 20) + 1), "it uses 256.0 MiB now: the kernel may kill it");
        assert_eq!(warned(256 << 20), "swap    512.0 MiB, unchanged");
    }

    #[test]
    fn what_is_typed_as_it_is_changes_nothing() {
        let meta = Container { memory_limit: Some(512 << 20), cpu_limit: Some(1.5), ..Container::default() };
        let of = |cores, memory| {
            let change = change(Typing { cores, memory }, &meta);
            (change.nano_cpus, change.memory.map(|(memory, _)| memory))
        };
        assert_eq!(of(Some(1.5), Some(512.0 * MIB)), (None, None));
        assert_eq!(of(Some(1.6), Some(511.0 * MIB)), (Some(1_600_000_000), Some(511 << 20)));
        assert_eq!(of(Some(0.0), Some(0.0)), (Some(0), Some(0)));
        let bare = change(Typing { cores: Some(0.0), memory: Some(0.0) }, &Container::default());
        assert_eq!(bare, ContainerLimits::default(), "there is none to take away");
    }

    #[test]
    fn the_peak_is_shown_with_what_follows_from_it() {
        let lines = |cores, memory: f64, seconds| {
            peak_lines(&Peak { cores, memory: memory * MIB, watched: Duration::from_secs(seconds) })
        };
        assert_eq!(
            lines(0.456, 100.0, 1440),
            ["peak in 24m: memory 100.0 MiB, cpus 0.46", "2× peak: memory 200.0 MiB, cpus 1 · tab inserts it"]
        );
        assert_eq!(
            lines(0.05, 32.0, 600)[1],
            "2× peak: memory 64.0 MiB (the floor), cpus 0.1 (the floor) · tab inserts it"
        );
        assert_eq!(lines(0.06, 33.0, 600)[1], "2× peak: memory 66.0 MiB, cpus 0.2 · tab inserts it");
        assert_eq!(lines(1.0, 99.0, 599)[1], "a proposal needs a peak over 10m");
    }

    #[test]
    fn use_limit_and_what_is_typed_stand_side_by_side() {
        let mut state = grafana(Peak::default());
        let row = &mut state.host.containers.rows[0];
        row.cpu_cores = Some(0.25);
        let mut limits = open(&state);
        let shown = |limits: &Limits| -> Vec<String> {
            limits.preview(&state.host.containers.rows[0]).iter().map(text).collect()
        };
        let lines = shown(&limits);
        let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(columns(&lines[0]), ["now", "limit", "new"]);
        assert_eq!(columns(&lines[1]), ["cpus", "0.25", "none", "unchanged"]);
        assert_eq!(columns(&lines[2]), ["memory", "–", "64.0", "MiB", "64.0", "MiB"]);
        assert_eq!(lines[6], "type either or both: cpus 1.5 memory 512M; none removes a limit");
        limits.prompt = Prompt::new("limits", "cpus none mem", Vec::new());
        let lines = shown(&limits);
        assert_eq!(columns(&lines[1]), ["cpus", "0.25", "none", "unchanged"], "what is wrong is not taken in part");
        assert_eq!(lines[6], "mem has no value");
        limits.prompt = Prompt::new("limits", "cpus none", Vec::new());
        assert_eq!(columns(&shown(&limits)[1]), ["cpus", "0.25", "none", "none"]);
    }

    #[test]
    fn sizes_and_limits_are_written_as_they_are_typed() {
        let sizes = [0, 1, 1 << 10, 3 << 19, 64 << 20, 1 << 30, (1 << 30) + (1 << 20)].map(exact);
        assert_eq!(sizes, ["0", "1", "1K", "1536K", "64M", "1G", "1025M"]);
        let of = |cpu_limit, memory_limit| in_force(&Container { cpu_limit, memory_limit, ..Container::default() });
        assert_eq!(of(Some(1.5), Some(64 << 20)), "cpus 1.5 memory 64M");
        assert_eq!((of(None, None), of(Some(2.0), None)), (String::new(), "cpus 2".to_owned()));
    }
}
