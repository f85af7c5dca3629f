//! The history of the process shown in the detail.

use super::{ProcessDetail, ProcessDetailSample, Processes};
use crate::model::span::Span;

impl ProcessDetail {
    /// Folds one reading in; another process begins a new detail.
    pub fn apply(detail: &mut Option<ProcessDetail>, span: Span, sample: ProcessDetailSample, processes: &Processes) {
        let open = detail.get_or_insert_with(ProcessDetail::default);
        if open.raw.key != sample.key {
            *open = ProcessDetail::default();
        }
        let row = processes.find(sample.key);
        open.raw = sample;
        open.cpu_history.push(span.at, span.every, row.and_then(|r| r.cpu).map(f64::from));
        open.memory_history.push(span.at, span.every, row.map(|r| r.memory_bytes as f64));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        clock::Stamp,
        model::process::{ProcKey, Process},
    };

    #[test]
    fn the_history_belongs_to_one_process() {
        let key = |pid| ProcKey { pid, start_ticks: 1 };
        let row = |pid, cpu| Process { key: key(pid), tgid: pid, cpu, memory_bytes: 4096, ..Process::default() };
        let table = Processes { rows: vec![row(1, Some(0.5)), row(2, None)], ..Processes::default() };
        let read = |pid| ProcessDetailSample { key: key(pid), ..ProcessDetailSample::default() };
        let span = |s| Span { at: Stamp::at_seconds(s), every: Duration::from_secs(1), since: None };
        let mut detail = None;
        ProcessDetail::apply(&mut detail, span(1), read(1), &table);
        ProcessDetail::apply(&mut detail, span(2), read(1), &table);
        let cpu = |d: &Option<ProcessDetail>| d.as_ref().map(|d| d.cpu_history.iter().collect::<Vec<_>>());
        assert_eq!(cpu(&detail), Some(vec![Some(0.5), Some(0.5)]));
        ProcessDetail::apply(&mut detail, span(3), read(2), &table);
        assert_eq!(cpu(&detail), Some(vec![None]));
        assert_eq!(detail.map(|d| d.memory_history.back(0)), Some(Some(4096.0)));
    }
}
