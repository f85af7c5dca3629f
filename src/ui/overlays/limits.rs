//! New limits for a container, with what it uses now and used at most beside what is proposed.

use ratatui::layout::Rect;

use super::{Key, Overlay, container_acts};
use crate::{
    act::job::ContainerAct,
    alert::Level,
    model::container::ContainerRow,
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        effect::Effect,
        table::prompt::{Prompt, Typed},
        theme::Role,
        widgets::{sheet::SheetLine, text::put},
    },
    units::{self, ABSENT, bytes_long, percent},
};

/// The engine refuses less.
const LEAST_MEMORY: f64 = 6.0 * 1024.0 * 1024.0;

/// The question.
pub struct Limits {
    id: String,
    name: String,
    prompt: Prompt,
    wrong: Option<String>,
}

/// What was typed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Proposal {
    cores: Option<f64>,
    memory: Option<f64>,
}

impl Limits {
    /// For this container; what stands there at first is what is in force, or half as much again as it ever used.
    #[must_use]
    pub fn new(row: &ContainerRow, state: &State) -> Self {
        let peak = |peak: Option<f64>| peak.filter(|p| *p > 0.0).map(|p| p * 1.5);
        let cores = row.meta.cpu_limit.or_else(|| peak(row.cpu_history.max()).map(|c| (c * 10.0).ceil() / 10.0));
        let limit = row.memory_limit(state.host.memory.raw.total).map(|b| b as f64);
        let memory = limit.or_else(|| peak(row.memory_history.max()).map(|b| b.max(LEAST_MEMORY)));
        let mut text = Vec::new();
        text.extend(cores.map(|c| format!("cpus {c}")));
        text.extend(memory.map(|b| format!("memory {}M", (b / f64::from(1 << 20)).ceil())));
        let prompt = Prompt::new("limits", &text.join(" "), Vec::new());
        Limits { id: row.meta.id.clone(), name: row.meta.name.clone(), prompt, wrong: None }
    }
}

/// `cpus 1.5 memory 512M`, in any order, either left out.
fn parse(text: &str) -> Result<Proposal, String> {
    let mut proposal = Proposal::default();
    let mut words = text.split([' ', '=', ',']).filter(|w| !w.is_empty());
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("{name} has no value"))?;
        match name {
            "cpus" | "cpu" | "cores" => {
                let cores = value.parse::<f64>().ok().filter(|c| c.is_finite() && *c >= 0.01 && *c <= 4096.0);
                proposal.cores = Some(cores.ok_or_else(|| format!("{value} is no number of cores: 1.5"))?);
            }
            "memory" | "mem" => {
                let bytes = units::parse_quantity(value).ok_or_else(|| format!("{value} is no size: 512M, 2G"))?;
                if bytes < LEAST_MEMORY {
                    return Err(format!("{value} is less than the 6M that an engine allows"));
                }
                proposal.memory = Some(bytes);
            }
            _ => return Err(format!("{name} is neither cpus nor memory")),
        }
    }
    Ok(proposal)
}

impl Overlay for Limits {
    fn title(&self, _state: &State) -> String {
        format!("limits of {}", self.name)
    }

    fn size(&self, _state: &State) -> (u16, u16) {
        (72, 6)
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let lines = match cx.state.host.containers.find(&self.id) {
            Some(row) => self.preview(cx.state, row),
            None => vec![vec![("it is gone".to_owned(), Role::Dim)]],
        };
        for (line, y) in lines.iter().zip(area.y..area.bottom()) {
            let mut x = area.x;
            for (text, role) in line {
                x += put(canvas.buf, x, y, area.right().saturating_sub(x), text, cx.theme.style(*role));
            }
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.wrong = None;
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
        self.prompt.draw(cx, area, canvas, "enter sets them, esc leaves them");
        true
    }
}

impl Limits {
    fn accept(&mut self, state: &State) -> Vec<Effect> {
        let proposal = match parse(self.prompt.text()) {
            Ok(proposal) => proposal,
            Err(wrong) => {
                self.wrong = Some(wrong);
                return Vec::new();
            }
        };
        let Some(row) = state.host.containers.find(&self.id) else { return vec![Effect::Close] };
        if proposal == Proposal::default() {
            return vec![Effect::Close];
        }
        let act = ContainerAct::Limit {
            nano_cpus: proposal.cores.map(|c| (c * 1e9).round() as i64),
            memory: proposal.memory.map(|b| b as i64),
        };
        let said = format!("limiting {}…", self.name);
        vec![Effect::Close, Effect::Say(Level::Ok, said), Effect::Do(container_acts::command(row, act, state))]
    }

    /// `cpu     now 0.30   peak 0.45   limit 0.5   → 1.5, the peak would be 30% of it`.
    fn preview(&self, state: &State, row: &ContainerRow) -> Vec<SheetLine> {
        let parsed = parse(self.prompt.text());
        let proposal = parsed.as_ref().copied().unwrap_or_default();
        let cores = |value: f64| format!("{value:.2}");
        let size = |value: f64| bytes_long(value);
        let limit = row.memory_limit(state.host.memory.raw.total).map(|b| b as f64);
        let mut lines =
            vec![vec![(format!("{:<8}{:>12}{:>12}{:>12}{:>14}", "", "now", "peak", "limit", "proposed"), Role::Dim)]];
        lines.push(line("cpu", row.cpu_cores, row.cpu_history.max(), row.meta.cpu_limit, proposal.cores, &cores));
        let now = row.memory_bytes().map(|b| b as f64);
        lines.push(line("memory", now, row.memory_history.max(), limit, proposal.memory, &size));
        lines.push(Vec::new());
        let words = match (&self.wrong, &parsed) {
            (Some(wrong), _) | (None, Err(wrong)) => (wrong.clone(), Role::Warn),
            (None, Ok(_)) if proposal.memory.zip(now).is_some_and(|(new, now)| new < now) => {
                ("less memory than it uses now: the kernel may end it".to_owned(), Role::Warn)
            }
            _ => ("type cpus and memory, either or both: cpus 1.5 memory 512M".to_owned(), Role::Dim),
        };
        lines.push(vec![words]);
        lines
    }
}

fn line(
    name: &str,
    now: Option<f64>,
    peak: Option<f64>,
    limit: Option<f64>,
    proposed: Option<f64>,
    show: &dyn Fn(f64) -> String,
) -> SheetLine {
    let figure = |value: Option<f64>| value.map_or_else(|| ABSENT.to_owned(), show);
    let none = limit.map_or_else(|| "none".to_owned(), show);
    let share = peak.zip(proposed).filter(|(_, new)| *new > 0.0).map(|(peak, new)| peak / new);
    let note = share.map_or_else(String::new, |s| format!("  peak is {}", percent(s).trim_start()));
    vec![
        (format!("{name:<8}"), Role::Dim),
        (format!("{:>12}{:>12}{none:>12}", figure(now), figure(peak)), Role::Text),
        (format!("{:>14}", figure(proposed)), Role::Strong),
        (note, if share.is_some_and(|s| s > 1.0) { Role::Warn } else { Role::Dim }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_typed_in_any_order_and_mistakes_are_named() {
        let both = Proposal { cores: Some(1.5), memory: Some(512.0 * 1024.0 * 1024.0) };
        assert_eq!(parse("cpus 1.5 memory 512M"), Ok(both));
        assert_eq!(parse("memory=512M,cpus=1.5"), Ok(both));
        assert_eq!(parse(""), Ok(Proposal::default()));
        assert_eq!(parse("cpus").unwrap_err(), "cpus has no value");
        assert!(parse("cpus -1").unwrap_err().contains("no number of cores"));
        assert!(parse("memory 1M").unwrap_err().contains("6M"));
        assert!(parse("disk 1").unwrap_err().contains("neither"));
    }
}
