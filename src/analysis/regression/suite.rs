//! Many benchmarks at once: of forty that are as they were, two look suspect at 5 % each. Benjamini–Hochberg takes such
//! findings away.

use super::verdict::{P_SUSPECT, RunVerdict, Verdict};
use crate::analysis::{rank::benjamini_hochberg, stats::is_narrow};

/// Corrects the verdicts of runs that were measured together, each with its samples: those that are suspect by chance
/// alone, as there are so many, are the same after all. What several runs in a row have shown stays.
pub fn over_suite(verdicts: &mut [(&mut RunVerdict, &[f64])]) {
    let tested: Vec<usize> = (0..verdicts.len()).filter(|at| verdicts[*at].0.p.is_some()).collect();
    let ps: Vec<f64> = tested.iter().filter_map(|at| verdicts[*at].0.p).collect();
    for (at, _) in tested.into_iter().zip(benjamini_hochberg(&ps, P_SUSPECT)).filter(|(_, stays)| !stays) {
        let (verdict, samples) = &mut verdicts[at];
        if verdict.verdict == Verdict::Suspect {
            verdict.verdict = if is_narrow(samples) { Verdict::Same } else { Verdict::Noisy };
            (verdict.since, verdict.repeat) = (None, false);
        }
    }
}
