//! TABLE DETAILS: which view a subject has. Domains open one another's views by naming the subject.

use crate::{
    model::subject::Subject,
    state::State,
    ui::{
        benchmarks, containers, cpu, disks_network, gpus, memory, models, pools, processes, sensors, services,
        view::Overlay,
    },
};

/// Gives the view of a subject, if it is one of its own.
type Open = fn(&Subject, &State) -> Option<Box<dyn Overlay>>;

/// TABLE DETAILS: each gives the view of the subjects that are its own.
static DETAILS: &[Open] = &[
    processes::detail::open,
    containers::detail::open,
    pools::detail::open,
    gpus::detail::open,
    models::detail::open,
    disks_network::open,
    cpu::detail::open,
    memory::detail::open,
    sensors::detail::open,
    services::detail::open,
    benchmarks::panel::open,
];

/// The view of a subject; `None` where it has none, or is no longer there.
#[must_use]
pub fn open(subject: &Subject, state: &State) -> Option<Box<dyn Overlay>> {
    DETAILS.iter().find_map(|open| open(subject, state))
}
