//! All services: each by its own rounds, and together, as probes that all fail at once say that it is this host.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use super::{
    row::{Conditions, ServiceRow},
    sample::{Probed, ServiceSample},
};
use crate::{clock::Stamp, model::rate::align};

/// Services that are asked more seldom do not count for whether this host has a network.
const SELDOM: Duration = Duration::from_secs(60);
/// So many hosts outside must be silent before it is this one's fault.
const LEAST: usize = 2;

/// What the fold of services knows of the machine.
pub struct Around<'a> {
    /// Since it was booted.
    pub booted: Option<Duration>,
    /// The address of ours leads to containers or guests of this machine, or is the loopback.
    pub is_inner: &'a dyn Fn(IpAddr) -> bool,
}

/// No probe of what lies outside is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct CutOff {
    pub since: Stamp,
    /// Services that lie outside.
    pub services: usize,
}

/// All that is shown of services.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Services {
    /// In the order of the config.
    pub rows: Vec<ServiceRow>,
    pub cut_off: Option<CutOff>,
    /// When something outside last answered.
    answered: Option<Stamp>,
}

impl Services {
    /// Folds one sample in.
    pub fn apply(&mut self, now: Stamp, sample: &ServiceSample, around: &Around<'_>) {
        let same = |row: &ServiceRow, probed: &Probed| {
            row.probe.name == probed.probe.name && row.probe.url == probed.probe.url
        };
        align(&mut self.rows, &sample.services, same, |probed| ServiceRow::new(probed.probe.clone(), now));
        let conditions = Conditions { booted: around.booted, cut_off: self.cut_off.is_some() };
        for (row, probed) in self.rows.iter_mut().zip(&sample.services) {
            row.take(probed, now, &conditions);
            place(row, around);
        }
        self.look_outside();
    }

    /// The one of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&ServiceRow> {
        self.rows.iter().find(|row| row.probe.name == name)
    }

    /// Whether anything outside answers.
    fn look_outside(&mut self) {
        let outside = || self.rows.iter().filter(|row| row.outside == Some(true) && !row.probe.paused);
        let rounds = || outside().filter_map(|row| Some((row, row.round.as_ref()?)));
        let answered = rounds().filter(|(_, round)| round.is_answered()).map(|(_, round)| round.ended).max();
        self.answered = self.answered.max(answered);
        let is_fresh = |began: Stamp| self.answered.is_none_or(|answered| began > answered);
        let silent =
            |row: &ServiceRow| row.round.as_ref().is_some_and(|round| round.is_unanswered() && is_fresh(round.began));
        let often = || outside().filter(|row| row.probe.every <= SELDOM);
        let hosts: BTreeSet<&str> = outside().filter(|row| silent(row)).map(|row| row.probe.host.as_str()).collect();
        if hosts.len() < LEAST || !often().all(silent) {
            self.cut_off = None;
            return;
        }
        let services = outside().count();
        if self.cut_off.is_none() {
            let first = outside().filter_map(|row| Some(row.round.as_ref()?.ended)).min().unwrap_or_default();
            self.cut_off = Some(CutOff { since: first, services });
            for row in self.rows.iter_mut().filter(|row| row.outside == Some(true)) {
                row.excuse_silence("this host has no network");
            }
        }
    }
}

/// Notes whether a service lies outside, by the addresses of its newest round; a round without any says nothing new.
fn place(row: &mut ServiceRow, around: &Around<'_>) {
    let Some(round) = &row.round else { return };
    match (round.found.address, round.found.local) {
        (Some(address), Some(local)) => {
            row.outside = Some(!address.is_loopback() && address != local && !(around.is_inner)(local));
        }
        // This host has no way there, or cannot resolve the name: nothing of its own is so.
        (Some(address), None) => row.outside = row.outside.or(Some(!address.is_loopback())),
        (None, _) => row.outside = row.outside.or(round.is_unanswered().then_some(true)),
    }
}

#[cfg(test)]
mod tests;
