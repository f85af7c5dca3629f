//! Where one figure on one target stands: its runs with their verdicts, its target, and how much of that is bad news.

use super::known::Known;
use crate::{
    alert::Level,
    analysis::regression::{RunVerdict, Verdict},
    model::{bench::BenchKey, figure::SeriesKey, run::Run},
    state::levels,
    target::Bound,
    ui::theme::{Role, Theme},
};

/// What is known of a series.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// Its runs, oldest first.
    pub runs: &'a [Run],
    /// What is said of those that count, oldest first.
    pub verdicts: &'a [RunVerdict],
    /// What its figure should reach.
    pub goal: Option<Bound>,
    /// Why it could not be measured when it was last tried.
    pub failed: Option<&'a str>,
}

impl<'a> Standing<'a> {
    #[must_use]
    pub fn of(known: Known<'a>, bench: &BenchKey, series: &SeriesKey) -> Self {
        let runs = &known.state.runs;
        Standing {
            runs: runs.history.get(series).map_or(&[], Vec::as_slice),
            verdicts: runs.verdicts(series),
            goal: known.goals.get(series).copied(),
            failed: runs.failed.get(bench).map(String::as_str),
        }
    }

    /// The newest run that counts.
    #[must_use]
    pub fn last(&self) -> Option<(&'a Run, &'a RunVerdict)> {
        let verdict = self.verdicts.last()?;
        Some((self.runs.iter().rfind(|run| run.id == verdict.run)?, verdict))
    }

    /// What is said of it now; `None` before the first run.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdicts.last().map(|verdict| verdict.verdict)
    }

    /// True when its newest figure reaches the target; `None` without one.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        let (_, last) = self.last()?;
        Some(self.goal?.is_met(last.median))
    }

    /// Worse than normal, as far as one can tell.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self.verdict(), Some(Verdict::Suspect | Verdict::Regressed | Verdict::Drift))
    }

    /// How bad its newest figure is, against its past and its target.
    #[must_use]
    pub fn level(&self) -> Level {
        levels::benchmark(self.verdict(), self.is_met())
    }
}

/// The sign before a figure, and its colour.
#[must_use]
pub fn sign(theme: &Theme, standing: &Standing<'_>) -> (char, Role) {
    let glyphs = &theme.glyphs;
    match standing.level() {
        _ if standing.failed.is_some() => (glyphs.unknown, Role::Unknown),
        Level::Crit => (glyphs.crit, Role::Crit),
        Level::Warn => (glyphs.warn, Role::Warn),
        Level::Unknown => (glyphs.unknown, Role::Unknown),
        Level::Ok | Level::Advice if standing.verdicts.is_empty() => ('·', Role::Dim),
        Level::Advice => (glyphs.passed, Role::Advice),
        Level::Ok => (glyphs.passed, Role::Ok),
    }
}

/// The colour of a run in the chart.
#[must_use]
pub fn role(verdict: Verdict) -> Role {
    match levels::benchmark(Some(verdict), None) {
        Level::Crit => Role::Crit,
        Level::Warn => Role::Warn,
        Level::Advice => Role::Advice,
        Level::Unknown => Role::Unknown,
        Level::Ok => Role::Ok,
    }
}

/// What there is to accept.
#[must_use]
pub fn is_acceptable(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Suspect | Verdict::Regressed | Verdict::Improved | Verdict::Drift | Verdict::NotComparable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(failed: Option<&str>) -> Standing<'_> {
        Standing { runs: &[], verdicts: &[], goal: None, failed }
    }

    #[test]
    fn what_was_never_measured_is_neither_good_nor_bad() {
        let none = standing(None);
        assert_eq!((none.verdict(), none.is_met(), none.is_bad()), (None, None, false));
        assert!(none.last().is_none());
        let theme = Theme::plain();
        assert_eq!(sign(&theme, &standing(Some("no space"))), (theme.glyphs.unknown, Role::Unknown));
    }

    #[test]
    fn each_verdict_has_a_colour_and_some_can_be_accepted() {
        for (verdict, colour, acceptable) in [
            (Verdict::Same, Role::Ok, false),
            (Verdict::Improved, Role::Ok, true),
            (Verdict::Suspect, Role::Warn, true),
            (Verdict::Drift, Role::Advice, true),
            (Verdict::Regressed, Role::Crit, true),
            (Verdict::Noisy, Role::Unknown, false),
        ] {
            assert_eq!((role(verdict), is_acceptable(verdict)), (colour, acceptable), "{verdict:?}");
        }
        assert!(is_acceptable(Verdict::NotComparable));
    }
}
