//! The targets that come with the program (`assets/targets.toml`), and what a user's word does to one.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use toml::de::DeTable;

use super::{
    Measure, Target,
    bound::{Bound, Fault},
    role::Role,
};
use crate::model::unit::Unit;

const FILE: &str = include_str!("../../assets/targets.toml");

/// A table of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Option<String>,
    unit: Unit,
    target: String,
    role: Option<String>,
    benchmark: Option<String>,
    metric: Option<String>,
    #[serde(default)]
    week: bool,
    missing: Option<String>,
    how: String,
}

/// The targets of the file, in its order.
#[must_use]
pub fn shipped() -> Vec<Target> {
    // A test reads the file too, and fails where this leaves something out.
    static SHIPPED: LazyLock<Vec<Target>> = LazyLock::new(|| read(FILE).unwrap_or_default());
    SHIPPED.clone()
}

fn read(text: &str) -> Result<Vec<Target>, String> {
    let mut rows: BTreeMap<String, Row> = toml::from_str(text).map_err(|error| error.to_string())?;
    // The order is that of the file.
    let (table, _) = DeTable::parse_recoverable(text);
    let mut names: Vec<(usize, String)> =
        table.get_ref().keys().map(|key| (key.span().start, key.get_ref().to_string())).collect();
    names.sort_unstable();
    names.into_iter().filter_map(|(_, name)| rows.remove(&name).map(|row| row.target(name))).collect()
}

impl Row {
    fn target(self, name: String) -> Result<Target, String> {
        let failed = |what: String| format!("{name}: {what}");
        let bound = Bound::parse(&self.target, self.unit, None).map_err(|fault| failed(fault.to_string()))?;
        let role = match &self.role {
            Some(role) => Some(Role::find(role).ok_or_else(|| failed(format!("no role `{role}`")))?),
            None => None,
        };
        let Row { id, unit, benchmark, metric, week, missing, how, .. } = self;
        let measure = Measure { benchmark, metric, week, missing };
        Ok(Target { id: id.unwrap_or_else(|| name.clone()), name, unit, bound, off: false, role, measure, how })
    }
}

/// The targets that `name` means to a user who may have written the id of several.
#[must_use]
pub fn targets_of<'a>(targets: &'a [Target], name: &str) -> Vec<&'a str> {
    targets
        .iter()
        .filter(|target| target.name == name || target.id == name)
        .map(|target| target.name.as_str())
        .collect()
}

impl Target {
    /// Takes what the user wrote: a bound, or `off`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn set(&mut self, text: &str) -> Result<(), Fault> {
        match text {
            "off" => self.off = true,
            text => {
                self.bound = Bound::parse(text, self.unit, Some(self.bound))?;
                self.off = false;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metrics;

    /// The ids of the owner's table.
    const OWNERS: &str = "container_start_seconds container_stop_seconds container_volume_mount_seconds \
        management_page_seconds engine_api_response_seconds containers_stable container_density engine_overhead_ratio \
        scaling_decision_seconds gpu_initialization_seconds model_load_seconds model_response_seconds \
        model_switch_seconds model_sessions gpu_memory_used_ratio gpu_busy_ratio gpu_temperature_celsius \
        inference_queue_seconds models_pool_read_bytes_per_second models_pool_random_iops models_pool_compress_ratio \
        containers_pool_random_iops containers_pool_latency_seconds containers_pool_compress_ratio \
        scratch_pool_write_bytes_per_second scratch_pool_random_iops scratch_pool_latency_seconds \
        nvme_read_bytes_per_second nvme_write_bytes_per_second ssd_bytes_per_second hdd_bytes_per_second \
        hdd_random_iops staging_bytes_per_second cpu_baseline_ratio cpu_peak_ratio cpu_threading_ratio \
        memory_used_ratio memory_available_bytes swap_used_bytes network_internal_bytes_per_second \
        network_internal_latency_seconds network_external_bytes_per_second network_external_latency_seconds \
        subnet_overhead_ratio subnet_allocation_bytes_per_second growth expansion";

    #[test]
    fn every_target_of_the_owner_is_there_and_can_be_read() {
        let targets = read(FILE).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(targets, shipped());
        let mut ids: Vec<&str> = targets.iter().map(|target| target.id.as_str()).collect();
        ids.dedup();
        assert_eq!(ids, OWNERS.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn every_target_says_what_measures_it() {
        for target in shipped() {
            let Measure { benchmark, metric, week, missing } = &target.measure;
            let name = &target.name;
            let ways = [benchmark.is_some() || metric.is_some(), missing.is_some()];
            assert_eq!(ways.iter().filter(|way| **way).count(), 1, "{name}: a way to measure it, or why there is none");
            assert!(!week || metric.is_some(), "{name}: a week of what?");
            if let Some(metric) = metric {
                let def = metrics::find(metric).unwrap_or_else(|| panic!("{name}: no metric {metric}"));
                assert_eq!(def.unit, target.unit, "{name}");
            }
            assert!(!target.how.is_empty() && !target.how.ends_with('.') && target.how.len() < 200, "{name}");
        }
    }

    #[test]
    fn ends_of_the_owner_s_table_are_those_of_the_file() {
        let of = |name: &str| shipped().into_iter().find(|target| target.name == name).map(|target| target.bound);
        for (name, bound) in [
            ("container_start_seconds", Bound::Below(30.0)),
            ("model_response_seconds_small", Bound::Below(2.0)),
            ("model_response_seconds_large", Bound::Below(10.0)),
            ("models_pool_read_bytes_per_second", Bound::AtLeast(2e9)),
            ("containers_pool_random_iops", Bound::AtLeast(100_000.0)),
            ("scratch_pool_latency_seconds", Bound::Below(0.0005)),
            ("network_internal_bytes_per_second", Bound::AtLeast(125e6)),
            ("network_external_bytes_per_second", Bound::AtLeast(12.5e6)),
            ("subnet_allocation_bytes_per_second", Bound::About(62.5e6)),
            ("cpu_baseline_ratio", Bound::Between(0.15, 0.25)),
            ("swap_used_bytes", Bound::Below(1e9)),
        ] {
            assert_eq!(of(name), Some(bound), "{name}");
        }
    }

    #[test]
    fn a_user_s_word_changes_one() {
        let mut target = shipped().remove(0);
        assert_eq!(target.set("45s").map(|()| target.bound), Ok(Bound::Below(45.0)));
        assert_eq!(target.set("off").map(|()| target.off), Ok(true));
        assert_eq!(target.set("10s").map(|()| target.off), Ok(false));
        assert_eq!(target.set("10 GB"), Err(Fault::Quantity(Unit::Seconds)));
    }

    #[test]
    fn an_id_stands_for_all_targets_that_share_it() {
        let targets = shipped();
        let of = |name| targets_of(&targets, name);
        assert_eq!(of("model_response_seconds"), ["model_response_seconds_small", "model_response_seconds_large"]);
        assert_eq!(of("model_response_seconds_small"), ["model_response_seconds_small"]);
        assert_eq!(of("none"), [""; 0]);
    }

    #[test]
    fn what_is_wrong_with_a_file_of_targets_is_named() {
        let of = |lines: &str| {
            read(&format!("[a]\nunit = \"seconds\"\ntarget = \"< 1s\"\nhow = \"x\"\n{lines}")).map(|all| all.len())
        };
        assert_eq!(of(""), Ok(1));
        assert_eq!(of("role = \"none\"\n"), Err("a: no role `none`".to_owned()));
        assert!(of("colour = 1\n").is_err_and(|why| why.contains("unknown field `colour`")));
        let empty = read("[a]\nunit = \"seconds\"\ntarget = \"2s..1s\"\nhow = \"x\"\n");
        assert_eq!(empty, Err("a: is empty: its ends are the wrong way round".to_owned()));
        let two = "[b]\nunit = \"seconds\"\ntarget = \"< 1s\"\nrole = \"ssd\"\nhow = \"x\"\n[a]\nid = \"c\"\nunit = \"ratio\"\n\
                   target = \"5%..6%\"\nhow = \"y\"\n";
        let two: Vec<_> = read(two).expect("targets").into_iter().map(|of| (of.name, of.id, of.role)).collect();
        let row = |name: &str, id: &str, role| (name.to_owned(), id.to_owned(), role);
        assert_eq!(two, [row("b", "b", Some(Role::Ssd)), row("a", "c", None)], "in the order of the file");
    }
}
