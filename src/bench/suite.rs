//! A suite: what can be measured, what was chosen of it, and the work that was planned for that. Planning asks each
//! benchmark and touches nothing; one that panics is left out with a word, like one that cannot run here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    auto_undo,
    contract::{BenchDef, FigureDef, Survey, Work},
    fingerprint, preflight,
};
use crate::model::{
    bench::{BenchKey, Catalog, CheckOutcome, Offer, Offered, Plan, Planned, RunPlan},
    figure::{Figure, Fingerprint},
};

const ELSEWHERE: &str = "--root may show another machine: only this one is measured";
const PANICKED: &str = "it failed inside benchtop: --log says where";

/// A planned suite. What it will do is in `plan`, for people; it does nothing else.
pub struct Suite {
    pub plan: RunPlan,
    /// Of the machine, for every result.
    pub(super) fingerprint: Fingerprint,
    pub(super) parts: Vec<Part>,
}

/// One benchmark of a suite.
pub(super) struct Part {
    pub key: BenchKey,
    pub figures: &'static [FigureDef],
    pub plan: Plan,
    pub work: Box<dyn Work>,
}

impl FigureDef {
    fn figure(&self) -> Figure {
        Figure { id: self.id.to_owned(), title: self.title.to_owned(), unit: self.unit, better: self.better }
    }
}

/// What can be measured here.
#[must_use]
pub fn catalog(benches: &[BenchDef], survey: &Survey<'_>) -> Catalog {
    let offered = |def: &BenchDef| {
        let missing = |why: &str| vec![Offer { of: String::new(), missing: Some(why.to_owned()) }];
        let offers = match survey.root.is_live() {
            true => catch_unwind(AssertUnwindSafe(|| def.bench.offers(survey))).unwrap_or_else(|_| missing(PANICKED)),
            false => missing(ELSEWHERE),
        };
        Offered {
            bench: def.id.to_owned(),
            group: def.group,
            doc: def.doc.to_owned(),
            figures: def.figures.iter().map(FigureDef::figure).collect(),
            offers,
        }
    };
    Catalog { benches: benches.iter().map(offered).collect() }
}

/// Plans these, in the order of the table, `runs` times in turn.
#[must_use]
pub fn plan(benches: &[BenchDef], survey: &Survey<'_>, keys: &[BenchKey], id: String, runs: u32) -> Suite {
    let (mut parts, mut planned) = (Vec::new(), Vec::new());
    let place = |key: &BenchKey| benches.iter().position(|def| def.id == key.bench).unwrap_or(usize::MAX);
    let mut keys: Vec<&BenchKey> = keys.iter().collect();
    keys.sort_by_key(|key| place(key));
    for key in std::iter::repeat_n(&keys, runs as usize).flatten().copied() {
        let outcome = match benches.get(place(key)) {
            _ if !survey.root.is_live() => Err(ELSEWHERE.to_owned()),
            None => Err(format!("there is no benchmark `{}`", key.bench)),
            Some(def) => {
                let made = catch_unwind(AssertUnwindSafe(|| def.bench.plan(survey, &key.of)));
                made.unwrap_or_else(|_| Err(PANICKED.to_owned())).map(|(plan, work)| {
                    parts.push(Part { key: key.clone(), figures: def.figures, plan: plan.clone(), work });
                    plan
                })
            }
        };
        planned.push(Planned { key: key.clone(), plan: outcome });
    }
    let mut checks = preflight::checks(survey.state, &planned);
    let undo = auto_undo::checks(benches, &survey.settings.bench.undo, &planned);
    let first = checks.iter().take_while(|check| check.outcome == CheckOutcome::Stops).count();
    checks.splice(first..first, undo);
    let fingerprint = fingerprint::fingerprint(survey.state, survey.root);
    Suite { plan: RunPlan { id, parts: planned, checks }, fingerprint, parts }
}
