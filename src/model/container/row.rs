//! A container as shown: the engine's words and the counters joined, with rates, history, and what became of it.

use std::{sync::Arc, time::Duration};

use super::{
    meta::{Container, RunState},
    usage::Usage,
};
use crate::{
    clock::Stamp,
    model::{rate::per_second, series::Series, span::Span},
};

/// One container as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContainerRow {
    /// What the engine says.
    pub meta: Arc<Container>,
    /// What metrics, rules and alerts call it: its name, and where another of that name was there before, its short id
    /// too. Only a rename changes it.
    pub label: Arc<str>,
    /// The newest counters; `None` while it does not run or cannot be read.
    pub usage: Option<Usage>,
    /// Cores used; `None` until two readings exist.
    pub cpu_cores: Option<f64>,
    /// Share of the periods in which its quota held it back.
    pub throttled_ratio: Option<f64>,
    /// Bytes a second.
    pub read_per_second: Option<f64>,
    /// Bytes a second.
    pub write_per_second: Option<f64>,
    /// Bytes a second.
    pub rx_per_second: Option<f64>,
    /// Bytes a second.
    pub tx_per_second: Option<f64>,
    /// Cores used.
    pub cpu_history: Series,
    /// Memory, bytes.
    pub memory_history: Series,
    /// The most that it used since it is watched.
    pub peak: Peak,
}

/// The most that a container used, and for how long that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Peak {
    /// Cores.
    pub cores: f64,
    /// Bytes of memory.
    pub memory: f64,
    /// Time in which it ran and its use was counted.
    pub watched: Duration,
}

/// The span in which restarts and OOM kills are counted.
pub const RESTARTS_WITHIN_MS: i64 = 600_000;
/// Steps of history kept for each container: five minutes at one a second.
const HISTORY: usize = 300;

impl Peak {
    fn take(&mut self, cores: Option<f64>, memory: Option<u64>, span: Span) {
        self.cores = self.cores.max(cores.unwrap_or(0.0));
        self.memory = self.memory.max(memory.map_or(0.0, |bytes| bytes as f64));
        if cores.is_some() && memory.is_some() {
            // Time that was not observed, such as a suspend, does not count.
            self.watched += span.since.unwrap_or_default().min(span.every * 3);
        }
    }
}

impl ContainerRow {
    pub(super) fn new(meta: &Arc<Container>) -> Self {
        let series = || Series::new(HISTORY);
        ContainerRow { meta: meta.clone(), cpu_history: series(), memory_history: series(), ..ContainerRow::default() }
    }

    pub(super) fn apply(&mut self, span: Span, meta: Arc<Container>, usage: Option<Usage>) {
        // Another start means other counters.
        let same = self.meta.started_unix_ms == meta.started_unix_ms && self.meta.pid == meta.pid;
        let counted = |usage: Option<&Usage>| usage.and_then(|u| u.counted_unix_ms);
        // What the engine counted and what was read here have no moment in common.
        let alike = counted(self.usage.as_ref()).is_some() == counted(usage.as_ref()).is_some();
        let before = self.usage.take().filter(|_| same && alike);
        let since = match (counted(before.as_ref()), counted(usage.as_ref())) {
            // The engine counts less often than this is read: its last figures hold until the next.
            (Some(then), Some(now)) if then == now => {
                self.usage = before;
                self.meta = meta;
                self.peak.take(self.cpu_cores, self.memory_bytes(), span);
                self.remember(span);
                return;
            }
            (Some(then), Some(now)) => u64::try_from(now - then).ok().map(Duration::from_millis),
            _ => span.since,
        };
        let rate = |of: fn(&Usage) -> Option<u64>| {
            per_second(before.as_ref().and_then(of)?, usage.as_ref().and_then(of)?, since?)
        };
        self.cpu_cores = rate(|u| u.cpu_us).map(|us| us / 1e6);
        self.read_per_second = rate(|u| u.read_bytes);
        self.write_per_second = rate(|u| u.written_bytes);
        self.rx_per_second = rate(|u| u.rx_bytes);
        self.tx_per_second = rate(|u| u.tx_bytes);
        let periods = |usage: Option<&Usage>| usage.and_then(|u| u.throttled_periods);
        self.throttled_ratio = periods(before.as_ref()).zip(periods(usage.as_ref())).and_then(|(b, n)| {
            let (held, all) = (n.0.checked_sub(b.0)?, n.1.checked_sub(b.1)?);
            Some(if all == 0 { 0.0 } else { (held as f64 / all as f64).min(1.0) })
        });
        self.usage = usage;
        self.meta = meta;
        self.peak.take(self.cpu_cores, self.memory_bytes(), span);
        self.remember(span);
    }

    fn remember(&mut self, span: Span) {
        self.cpu_history.push(span.at, span.every, self.cpu_cores);
        self.memory_history.push(span.at, span.every, self.memory_bytes().map(|b| b as f64));
    }

    /// Storage bytes read and written a second; of one alone where the other is not known.
    #[must_use]
    pub fn io_per_second(&self) -> Option<f64> {
        [self.read_per_second, self.write_per_second].into_iter().flatten().reduce(|a, b| a + b)
    }

    /// Cores used in the last minute on average; `None` until they were counted.
    #[must_use]
    pub fn cpu_lately(&self) -> Option<f64> {
        let step = self.cpu_history.step().as_secs_f64();
        let steps = if step > 0.0 { (60.0 / step).ceil().max(1.0) as usize } else { 1 };
        let lately = self.cpu_history.iter().rev().take(steps).flatten();
        let (sum, count) = lately.fold((0.0, 0u32), |(sum, count), cores| (sum + cores, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// What its label begins with.
    pub(super) fn called(&self) -> &str {
        if self.meta.name.is_empty() { self.short_id() } else { &self.meta.name }
    }

    /// Its label is one of its name.
    pub(super) fn is_labelled(&self) -> bool {
        let rest = self.label.strip_prefix(self.called()).filter(|_| !self.label.is_empty());
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix(' ').is_some_and(|id| id == self.short_id() || id == self.meta.id)
        })
    }

    /// Memory in use, bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> Option<u64> {
        self.usage.as_ref()?.memory_bytes
    }

    /// The ceiling that holds: the engine's, else the group's where it is below `machine` bytes.
    #[must_use]
    pub fn memory_limit(&self, machine: u64) -> Option<u64> {
        let group = self.usage.as_ref().and_then(|u| u.memory_limit);
        self.meta.memory_limit.or(group).filter(|limit| *limit > 0 && (machine == 0 || *limit < machine))
    }

    /// Memory against its limit, 0 to 1; `None` without a limit.
    #[must_use]
    pub fn memory_ratio(&self, machine: u64) -> Option<f64> {
        Some(self.memory_bytes()? as f64 / self.memory_limit(machine)? as f64)
    }

    /// CPU against its limit, 0 to 1; `None` without a limit.
    #[must_use]
    pub fn cpu_ratio(&self) -> Option<f64> {
        Some(self.cpu_cores? / self.meta.cpu_limit.filter(|cores| *cores > 0.0)?)
    }

    /// How often it restarted by itself in the ten minutes before `now`.
    #[must_use]
    pub fn restarts_lately(&self, now: Stamp) -> u32 {
        lately(&self.meta.restarted_unix_ms, now)
    }

    /// `10× in 10 min`; `at least 3× in 4 min, 36 in all` where the engine does not remember ten minutes.
    #[must_use]
    pub fn restart_words(&self, now: Stamp) -> String {
        let count = self.restarts_lately(now);
        let from = self.meta.restarts_from_unix_ms.filter(|_| count < self.meta.restarts);
        let known = from.map(|from| now.unix_ms.saturating_sub(from)).filter(|ms| *ms < RESTARTS_WITHIN_MS);
        match known {
            Some(ms) => {
                let span = u64::try_from(ms).map_or(Duration::ZERO, Duration::from_millis);
                let span = match span.as_secs() {
                    seconds @ 0..60 => format!("{seconds} s"),
                    seconds => format!("{} min", seconds / 60),
                };
                format!("at least {count}× in {span}, {} in all", self.meta.restarts)
            }
            None => format!("{count}× in 10 min"),
        }
    }

    /// It ended, and neither a user nor an engine's command asked for it; or it could not be started.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let meta = &self.meta;
        let code = meta.exit_code.unwrap_or(0);
        match meta.state {
            RunState::Created => meta.error.is_some() && code != 0,
            RunState::Exited | RunState::Dead if meta.asked_to_end => false,
            RunState::Exited | RunState::Dead => meta.oom_killed || (code != 0 && !self.ended_by_hand(code)),
            _ => false,
        }
    }

    /// What an exit that no event explains looks like when it was requested: ended by SIGTERM or by Ctrl-C, or left
    /// alone by an engine that is to keep it up whatever happens.
    fn ended_by_hand(&self, code: i64) -> bool {
        let kept_up = matches!(self.meta.restart_policy.as_str(), "always" | "unless-stopped");
        matches!(code, 130 | 143) || (kept_up && self.meta.error.is_none())
    }

    /// `exited (137)`, `was OOM-killed`, `is restarting (1), 36 restarts in all`, `could not be started: …`.
    #[must_use]
    pub fn end_words(&self) -> String {
        let meta = &self.meta;
        let code = meta.exit_code.map_or_else(String::new, |code| format!(" ({code})"));
        match (meta.state, &meta.error) {
            (RunState::Created, Some(error)) => format!("could not be started: {error}"),
            (RunState::Restarting, _) => {
                let plural = if meta.restarts == 1 { "" } else { "s" };
                format!("is restarting{code}, {} restart{plural} in all", meta.restarts)
            }
            (_, Some(error)) => format!("exited{code}: {error}"),
            _ if meta.oom_killed => "was OOM-killed".to_owned(),
            _ => format!("exited{code}"),
        }
    }

    /// OOM kills in the ten minutes before `now`.
    #[must_use]
    pub fn ooms_lately(&self, now: Stamp) -> u32 {
        lately(&self.meta.ooms_unix_ms, now)
    }

    /// 12 letters of its id, as everybody writes it.
    #[must_use]
    pub fn short_id(&self) -> &str {
        self.meta.id.get(..12).unwrap_or(&self.meta.id)
    }
}

/// How many of these moments are within ten minutes of `now`.
fn lately(moments: &[i64], now: Stamp) -> u32 {
    let recent = |at: &&i64| now.unix_ms.saturating_sub(**at) <= RESTARTS_WITHIN_MS;
    u32::try_from(moments.iter().filter(recent).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(meta: Container) -> ContainerRow {
        ContainerRow { meta: Arc::new(meta), ..ContainerRow::default() }
    }

    #[test]
    fn use_is_set_against_the_limit() {
        let mut row = row(Container { cpu_limit: Some(4.0), memory_limit: Some(1000), ..Container::default() });
        row.cpu_cores = Some(1.0);
        row.usage = Some(Usage { memory_bytes: Some(250), ..Usage::default() });
        assert_eq!((row.cpu_ratio(), row.memory_ratio(0)), (Some(0.25), Some(0.25)));
        let without = |change: fn(&mut Container)| {
            let mut row = row.clone();
            change(Arc::make_mut(&mut row.meta));
            (row.cpu_ratio(), row.memory_ratio(1000))
        };
        assert_eq!(without(|meta| meta.cpu_limit = Some(0.0)), (None, None), "a limit as large as the machine is none");
        assert_eq!(without(|meta| meta.memory_limit = Some(999)), (Some(0.25), Some(250.0 / 999.0)));
        assert_eq!(without(|meta| (meta.cpu_limit, meta.memory_limit) = (None, None)), (None, None));
        row.cpu_cores = None;
        assert_eq!(row.cpu_ratio(), None);
    }

    #[test]
    fn storage_of_both_directions_is_added() {
        let of = |read, write| {
            ContainerRow { read_per_second: read, write_per_second: write, ..ContainerRow::default() }.io_per_second()
        };
        assert_eq!(of(Some(3.0), Some(4.0)), Some(7.0));
        assert_eq!((of(Some(3.0), None), of(None, Some(4.0)), of(None, None)), (Some(3.0), Some(4.0), None));
    }

    #[test]
    fn the_end_says_what_is_known_of_it() {
        let is = |state| Container { state, ..Container::default() };
        let words = |meta: Container| row(meta).end_words();
        let failed = || Some("no such file".to_owned());
        assert_eq!(words(Container { error: failed(), ..is(RunState::Created) }), "could not be started: no such file");
        assert_eq!(words(Container { exit_code: Some(137), ..is(RunState::Exited) }), "exited (137)");
        assert_eq!(words(is(RunState::Exited)), "exited");
        assert_eq!(
            words(Container { exit_code: Some(1), error: failed(), ..is(RunState::Exited) }),
            "exited (1): no such file"
        );
        assert_eq!(
            words(Container { oom_killed: true, exit_code: Some(137), ..is(RunState::Exited) }),
            "was OOM-killed"
        );
        let again = |restarts| words(Container { restarts, exit_code: Some(1), ..is(RunState::Restarting) });
        assert_eq!(again(1), "is restarting (1), 1 restart in all");
        assert_eq!(again(36), "is restarting (1), 36 restarts in all");
    }

    #[test]
    fn restarts_count_for_ten_minutes() {
        let now = Stamp { unix_ms: 1_000_000, ..Stamp::at_seconds(1) };
        let meta = Container {
            restarted_unix_ms: vec![399_999, 400_000, 999_000],
            ooms_unix_ms: vec![399_999, 400_000],
            restarts: 9,
            ..Container::default()
        };
        let words = |from: Option<i64>, restarts| {
            row(Container { restarts_from_unix_ms: from, restarts, ..meta.clone() }).restart_words(now)
        };
        assert_eq!((row(meta.clone()).restarts_lately(now), row(meta.clone()).ooms_lately(now)), (2, 1));
        assert_eq!(words(None, 9), "2× in 10 min");
        assert_eq!(words(Some(400_000), 9), "2× in 10 min");
        assert_eq!(words(Some(400_001), 9), "at least 2× in 9 min, 9 in all");
        assert_eq!(words(Some(940_000), 9), "at least 2× in 1 min, 9 in all");
        assert_eq!(words(Some(940_001), 9), "at least 2× in 59 s, 9 in all");
        assert_eq!(words(Some(940_000), 2), "2× in 10 min", "these are all that there were");
    }

    #[test]
    fn a_label_begins_with_the_name_or_the_id() {
        let id = "0123456789abcdef";
        let labelled = |name: &str, label: &str| {
            let meta = Container { name: name.to_owned(), id: id.into(), ..Container::default() };
            ContainerRow { label: label.into(), ..row(meta) }.is_labelled()
        };
        for label in ["web", "web 0123456789ab", "web 0123456789abcdef"] {
            assert!(labelled("web", label), "{label}");
        }
        for label in ["", "we", "web2", "web 0123", "web0123456789ab"] {
            assert!(!labelled("web", label), "{label}");
        }
        assert!(labelled("", "0123456789ab") && !labelled("", ""));
    }

    #[test]
    fn the_last_minute_is_averaged() {
        let (mut row, second) = (ContainerRow::new(&Arc::default()), Duration::from_secs(10));
        assert_eq!(row.cpu_lately(), None);
        for at in 1..=12 {
            row.cpu_history.push(Stamp::at_seconds(at * 10), second, Some(if at <= 6 { 8.0 } else { at as f64 }));
        }
        // Six steps of ten seconds: 7 to 12.
        assert_eq!(row.cpu_lately(), Some(9.5));
    }
}
