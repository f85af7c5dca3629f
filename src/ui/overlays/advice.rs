//! TABLE ADVICE: what can be done about a piece of advice, with a preview and a question before it. Domains open one
//! another's views by naming the metric.

use crate::{
    alert::Level,
    model::{
        alert::Labels,
        metrics::{self, MetricId},
    },
    state::State,
    ui::{containers, pools, view::Effect},
};

/// Opens what is offered for the subject with this label.
type Offer = fn(&str, &State) -> Vec<Effect>;

/// TABLE ADVICE: by the metric of the rule.
static ADVICE: &[(MetricId, Offer)] = &[
    (metrics::CONTAINER_MEMORY_LIMIT_RATIO, containers::limits::raise_memory),
    (metrics::CONTAINER_CPU_LIMIT_RATIO, containers::limits::raise_cpus),
    (metrics::POOL_USED_RATIO, pools::operations::compress),
];

/// What is offered for an alert of this metric.
#[must_use]
pub fn offer(metric: MetricId, labels: &Labels, state: &State) -> Vec<Effect> {
    let offered = ADVICE.iter().find(|(of, _)| *of == metric).map(|(_, offer)| offer);
    match (offered, labels.first()) {
        (Some(offer), Some((_, label))) => offer(label, state),
        _ => vec![Effect::Say(Level::Advice, "nothing can be done about this from here".to_owned())],
    }
}
