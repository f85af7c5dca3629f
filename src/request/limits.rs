//! Limits of a container, as they are asked for and as they are reported.

use serde::{Deserialize, Serialize};

use crate::units::bytes_long;

/// Limits to set; `None` leaves one as it is, 0 takes it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContainerLimits {
    /// Billionths of a core.
    pub nano_cpus: Option<i64>,
    /// Bytes of memory, and of memory and swap together, which is -1 without a limit: the engine takes both at once.
    pub memory: Option<(i64, i64)>,
}

impl ContainerLimits {
    /// `memory 64 MiB, swap unlimited, cpus 1.5`.
    #[must_use]
    pub fn words(&self) -> String {
        let memory = self.memory.map(|(memory, both)| format!("memory {}, {}", size(memory), swap(memory, both)));
        let cpus = self.nano_cpus.map(|nano| format!("cpus {}", cores(nano)));
        memory.into_iter().chain(cpus).collect::<Vec<_>>().join(", ")
    }

    /// `memory limit 6 MiB (was none), swap unlimited, cpu limit 1.5 (was 2)`.
    #[must_use]
    pub fn report(&self, before: &ContainerLimits) -> String {
        let mut words = Vec::new();
        if let Some((memory, both)) = self.memory {
            let (was, was_both) = before.memory.unwrap_or_default();
            words.push(format!("memory limit {} (was {})", size(memory), size(was)));
            let (now, then) = (swap(memory, both), swap(was, was_both));
            words.push(if now == then { now } else { format!("{now} (was {})", then.trim_start_matches("swap ")) });
        }
        if let Some(nano) = self.nano_cpus {
            words.push(format!("cpu limit {} (was {})", cores(nano), cores(before.nano_cpus.unwrap_or(0))));
        }
        words.join(", ")
    }
}

/// A memory limit in words.
#[must_use]
pub fn size(bytes: i64) -> String {
    if bytes <= 0 { "none".to_owned() } else { bytes_long(bytes as f64) }
}

/// A CPU limit in words.
#[must_use]
pub fn cores(nano: i64) -> String {
    if nano <= 0 { "none".to_owned() } else { format!("{}", nano as f64 / 1e9) }
}

/// `swap 64 MiB`, `swap unlimited`, `no swap`: what memory and swap together leave for swap.
#[must_use]
pub fn swap(memory: i64, both: i64) -> String {
    match both - memory {
        _ if memory <= 0 || both <= 0 => "swap unlimited".to_owned(),
        0 => "no swap".to_owned(),
        more => format!("swap {}", bytes_long(more as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::container::SWAP_UNLIMITED;

    const MIB: i64 = 1 << 20;

    #[test]
    fn swap_is_what_both_leave_beside_the_memory() {
        assert_eq!(swap(64 * MIB, 192 * MIB), "swap 128.0 MiB");
        assert_eq!(swap(64 * MIB, 64 * MIB), "no swap");
        for (memory, both) in [(64 * MIB, SWAP_UNLIMITED), (64 * MIB, 0), (0, 64 * MIB), (0, 0)] {
            assert_eq!(swap(memory, both), "swap unlimited", "{memory} {both}");
        }
    }

    #[test]
    fn the_report_says_what_was_before() {
        let before = ContainerLimits { nano_cpus: None, memory: Some((0, SWAP_UNLIMITED)) };
        let six = ContainerLimits { nano_cpus: None, memory: Some((6 * MIB, SWAP_UNLIMITED)) };
        assert_eq!(six.report(&before), "memory limit 6.0 MiB (was none), swap unlimited");
        let half = ContainerLimits { nano_cpus: Some(500_000_000), memory: Some((128 * MIB, 128 * MIB)) };
        let before = ContainerLimits { nano_cpus: Some(0), memory: Some((64 * MIB, 128 * MIB)) };
        assert_eq!(
            half.report(&before),
            "memory limit 128.0 MiB (was 64.0 MiB), no swap (was 64.0 MiB), cpu limit 0.5 (was none)"
        );
    }

    #[test]
    fn what_is_asked_for_is_said_in_words() {
        let words = |nano_cpus, memory| ContainerLimits { nano_cpus, memory }.words();
        assert_eq!(
            words(Some(1_500_000_000), Some((64 * MIB, SWAP_UNLIMITED))),
            "memory 64.0 MiB, swap unlimited, cpus 1.5"
        );
        assert_eq!((words(Some(0), None), words(None, None)), ("cpus none".to_owned(), String::new()));
        assert_eq!(
            (cores(1), cores(-1), size(1), size(0)),
            ("0.000000001".into(), "none".into(), "1 B".into(), "none".to_owned())
        );
        let twice = ContainerLimits { nano_cpus: Some(2_000_000_000), memory: None };
        assert_eq!(twice.report(&ContainerLimits::default()), "cpu limit 2 (was none)");
    }
}
