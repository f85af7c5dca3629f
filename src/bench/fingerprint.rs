//! What every result depends on: the machine, as far as files say it.

use crate::{model::run::Fingerprint, state::State, sys::root::Root};

/// Kernel, processor, governor and the version of benchtop.
#[must_use]
pub fn fingerprint(state: &State, root: &Root) -> Fingerprint {
    let facts = &state.host.facts;
    let mut found = Fingerprint::from([("benchtop".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            found.insert(name.to_owned(), value);
        }
    };
    put("kernel", facts.kernel.clone().or_else(|| root.line("proc/sys/kernel/osrelease")));
    put("cpu", facts.cpu_model.clone());
    put("threads", facts.threads.map(|threads| threads.to_string()));
    put("governor", facts.governor.clone());
    put("virtualization", facts.virtualization.clone());
    found
}
