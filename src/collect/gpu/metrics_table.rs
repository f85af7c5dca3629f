//! AMD's `gpu_metrics`, a versioned table of bytes: what throttles a card, and its energy ("kgd_pp_interface.h",
//! versions 1.3 of cards, 2.2 and later of processors). Other versions are not read.

use crate::model::gpu::Throttle;

/// What is taken from the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Metrics {
    /// `None` where the chip does not report.
    pub(super) throttles: Option<Vec<Throttle>>,
    /// Microjoules since the driver was loaded.
    pub(super) energy_uj: Option<u64>,
}

/// Microjoules a step of the energy counter, times 1000.
const ENERGY_STEP: u128 = 15_259;

/// Bits of the status that is the same on all chips, by what they mean: power limits, currents, temperatures.
const BITS: [(u64, Throttle); 4] = [
    // PPT0 to PPT3, SPL, FPPT, SPPT, SPPT_APU; currents of graphics, chip and memory are power too.
    (0xff | 0x7f << 16, Throttle::PowerCap),
    // Chip, core, memory, edge, hot spot, chip, regulators, liquid.
    (0xfff << 32, Throttle::HardwareThermal),
    // VRHOT and PROCHOT: what the board says.
    (0xf << 44, Throttle::HardwareSlowdown),
    // PPM: the platform's power manager.
    (1 << 56, Throttle::PowerBrake),
];

/// True for the table of a processor's own graphics, false for a card's; `None` without a table.
pub(super) fn is_of_processor(bytes: &[u8]) -> Option<bool> {
    bytes.get(2).map(|format| (2..=3).contains(format))
}

/// Reads the table.
pub(super) fn parse(bytes: &[u8]) -> Option<Metrics> {
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let (status, energy) = match (bytes.get(2)?, bytes.get(3)?) {
        (1, 3) => (word(112)?, word(24)),
        (2, 2..) => (word(120)?, None),
        _ => return None,
    };
    // All ones: this chip does not report.
    let is_set = |value: &u64| *value != u64::MAX;
    let set = |status: u64| BITS.iter().filter(|(bits, _)| status & bits != 0).map(|(_, t)| *t).collect();
    let throttles = Some(status).filter(is_set).map(set);
    let energy = energy.filter(is_set).and_then(|steps| u64::try_from(u128::from(steps) * ENERGY_STEP / 1000).ok());
    Some(Metrics { throttles, energy_uj: energy })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(format: u8, content: u8, size: usize, at: usize, status: u64) -> Vec<u8> {
        let mut bytes = vec![0; size];
        (bytes[2], bytes[3]) = (format, content);
        bytes[at..at + 8].copy_from_slice(&status.to_le_bytes());
        bytes
    }

    #[test]
    fn what_throttles_a_card_is_read_from_its_bits() {
        let mut hot = table(1, 3, 120, 112, 1 << 36 | 1);
        hot[24..32].copy_from_slice(&1000u64.to_le_bytes());
        let read = parse(&hot).expect("version 1.3");
        assert_eq!(
            (read.throttles, read.energy_uj),
            (Some(vec![Throttle::PowerCap, Throttle::HardwareThermal]), Some(15_259))
        );
        let processor = parse(&table(2, 2, 128, 120, 1 << 46)).expect("version 2.2");
        assert_eq!((processor.throttles, processor.energy_uj), (Some(vec![Throttle::HardwareSlowdown]), None));
        assert_eq!(parse(&table(1, 3, 120, 112, u64::MAX)).expect("1.3").throttles, None);
    }

    #[test]
    fn unknown_version_or_cut_table_gives_nothing() {
        assert_eq!(parse(&table(9, 9, 120, 112, 1)), None);
        assert_eq!(parse(&table(1, 3, 40, 8, 1)), None);
        assert_eq!(parse(b""), None);
    }
}
