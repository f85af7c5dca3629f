//! Levels of a series: where the newest one begins, and whether it is worse than the best one before it. What is too small
//! or too slow for three runs in a row shows here.

use super::{
    judge::Judge,
    verdict::{BASELINE_MOST, DRIFT, IN_ROW, LEVELS_AMONG, P_DRIFT, P_REGRESSED, SUSPECT, Since, worse},
};
use crate::analysis::{
    change_points::{change_points, t_test},
    rank::one_ratio,
    stats::mean,
};

/// A change of level counts as that of a streak when it is at most so many runs apart from its beginning.
const DATED_WITHIN: usize = 3;

impl Judge<'_> {
    /// The first run of a change that a streak from `first` on shows. E-divisive may see it a little earlier, where the first
    /// run on the new level was near enough to the old one, or later, where noise came before it: its largest step counts.
    pub(super) fn dated(&self, first: usize) -> usize {
        let levels = self.levels();
        let place = |run: usize| levels.iter().position(|known| *known == run);
        let (Some(first_place), series) = (place(first), self.medians(&levels)) else { return first };
        let near = change_points(&series, P_DRIFT, DRIFT)
            .into_iter()
            .filter(|point| point.at.abs_diff(first_place) <= DATED_WITHIN);
        let largest = near.max_by(|a, b| a.magnitude().total_cmp(&b.magnitude()));
        largest.map_or(first, |point| levels[point.at])
    }

    /// The newest runs of the newest track.
    fn levels(&self) -> Vec<usize> {
        let all = self.tracks.get(self.newest).map_or(&[][..], |track| &track.all);
        all[all.len().saturating_sub(LEVELS_AMONG)..].to_vec()
    }

    pub(super) fn since(&self, first: usize) -> Option<Since> {
        let before = self.tracks[self.newest].all.iter().rev().find(|run| **run < first);
        let of = self.runs[first].of;
        let good_unix_ms = before.map(|run| self.runs[*run].of.at_unix_ms);
        Some(Since { run: of.id.to_owned(), at_unix_ms: of.at_unix_ms, good_unix_ms })
    }

    /// Where the newest level begins, if it is worse than the best one before it and did not begin long ago.
    pub(super) fn drift(&self) -> Option<(usize, f64)> {
        let levels = self.levels();
        let series = self.medians(&levels);
        let points = change_points(&series, P_DRIFT, DRIFT);
        let newest = points.last()?.at;
        if series.len() - newest > BASELINE_MOST {
            return None;
        }
        let better = self.runs[*levels.last()?].of.better;
        let bounds: Vec<usize> = [0].into_iter().chain(points.iter().map(|point| point.at)).collect();
        let level = |w: &[usize]| (w[0], w[1], mean(&series[w[0]..w[1]]));
        let before = bounds.windows(2).map(level);
        let best = before.reduce(|a, b| if worse(better, one_ratio(a.2, b.2)) < 0.0 { b } else { a })?;
        let now = &series[newest..];
        // Two bad runs and a good one are a level too, and over.
        if worse(better, one_ratio(best.2, *now.last()?)) < DRIFT / 2.0 {
            return None;
        }
        let ratio = one_ratio(best.2, mean(now));
        let lasts = worse(better, ratio) >= DRIFT && t_test(&series[best.0..best.1], now) < P_DRIFT;
        lasts.then(|| (levels[best.1], ratio))
    }

    /// How far the newest runs are behind the pinned one, where that is more than chance.
    pub(super) fn behind_pinned(&self) -> Option<f64> {
        let pinned = self.pinned?;
        let all = &self.tracks.get(self.newest)?.all;
        let newest: Vec<usize> = all.iter().copied().filter(|run| *run > pinned).collect();
        let newest = &newest[newest.len().checked_sub(IN_ROW)?..];
        if !self.runs[pinned].of.is_comparable(self.runs[newest[0]].of) {
            return None;
        }
        let found = self.test(&[pinned], newest, true)?;
        let by = worse(self.runs[pinned].of.better, found.ratio);
        (by > SUSPECT && found.p < P_REGRESSED).then_some(found.ratio)
    }
}
