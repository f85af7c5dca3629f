//! A given mix of data for compression: a third text, a quarter logs, a fifth tables of binaries, the rest noise. The
//! same seed gives the same bytes on every machine, so that ratios can be compared; data of the user is never read.

/// The parts are mixed in pieces of this size: less than a record of any dataset that is tuned for large files.
const PIECE: usize = 64 << 10;

const WORDS: [&str; 48] = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "was",
    "with",
    "as",
    "on",
    "be",
    "by",
    "server",
    "request",
    "model",
    "value",
    "token",
    "layer",
    "weights",
    "container",
    "image",
    "volume",
    "network",
    "latency",
    "memory",
    "kernel",
    "device",
    "driver",
    "temperature",
    "configuration",
    "backup",
    "snapshot",
    "pool",
    "dataset",
    "record",
    "checksum",
    "compression",
    "throughput",
    "inference",
    "embedding",
    "attention",
    "prompt",
    "answer",
    "because",
];
const LEVELS: [&str; 4] = ["INFO", "DEBUG", "WARN", "ERROR"];

/// Bytes without an end.
pub struct Mix {
    state: u64,
    /// Counts pieces, and lines of logs.
    pieces: u64,
    lines: u64,
}

impl Mix {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Mix { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, pieces: 0, lines: 0 }
    }

    /// The next piece.
    pub fn piece(&mut self) -> Vec<u8> {
        // 20 pieces: 7 text, 5 logs, 4 tables, 4 noise, in an order that mixes them.
        let kind = (self.pieces * 7) % 20;
        self.pieces += 1;
        let mut out = Vec::with_capacity(PIECE + 256);
        while out.len() < PIECE {
            match kind {
                0..7 => self.sentence(&mut out),
                7..12 => self.log(&mut out),
                12..16 => self.table(&mut out),
                _ => out.extend_from_slice(&self.random().to_le_bytes()),
            }
        }
        out.truncate(PIECE);
        out
    }

    /// xorshift64 ("Marsaglia, Xorshift RNGs").
    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random() % limit as u64).unwrap_or(0)
    }

    fn sentence(&mut self, out: &mut Vec<u8>) {
        for _ in 0..6 + self.below(14) {
            // The first words are the frequent ones, as in every language.
            let most = 1 + self.below(WORDS.len());
            let word = WORDS[self.below(most)];
            out.extend_from_slice(word.as_bytes());
            out.push(b' ');
        }
        out.pop();
        out.extend_from_slice(if self.below(5) == 0 { b".\n" } else { b". " });
    }

    fn log(&mut self, out: &mut Vec<u8>) {
        self.lines += 1 + self.random() % 40;
        let (level, word) = (LEVELS[self.below(LEVELS.len())], WORDS[16 + self.below(WORDS.len() - 16)]);
        let line = format!(
            "{{\"time\":\"2026-01-01T00:{:02}:{:02}.{:03}Z\",\"level\":\"{level}\",\"unit\":\"{word}\",\"took_ms\":{},\"id\":\"{:08x}\"}}\n",
            self.lines / 60_000 % 60,
            self.lines / 1000 % 60,
            self.lines % 1000,
            self.random() % 5000,
            self.random() & 0xffff_ffff
        );
        out.extend_from_slice(line.as_bytes());
    }

    /// Records of a fixed form, some fields zero: offsets, sizes, flags.
    fn table(&mut self, out: &mut Vec<u8>) {
        let (place, size) = (out.len() as u64 * 64, self.random() % 65_536);
        for field in [place, size, 0, u64::from(self.below(4) == 0)] {
            out.extend_from_slice(&field.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let take = |seed| {
            let mut mix = Mix::new(seed);
            (0..40).flat_map(|_| mix.piece()).collect::<Vec<u8>>()
        };
        assert_eq!(take(1).len(), 40 * PIECE);
        assert!(take(1) == take(1) && take(1) != take(2));
    }

    #[test]
    fn all_parts_have_their_share() {
        let mut mix = Mix::new(1);
        let kinds = (0..20).map(|_| mix.piece()).map(|piece| match piece {
            text if text.is_ascii() && text.contains(&b'{') => "log",
            text if text.is_ascii() && text.contains(&b'.') => "text",
            table if table.iter().filter(|b| **b == 0).count() > PIECE / 2 => "table",
            _ => "noise",
        });
        let kinds: Vec<&str> = kinds.collect();
        let count = |kind| kinds.iter().filter(|found| **found == kind).count();
        assert_eq!(["text", "log", "table", "noise"].map(count), [7, 5, 4, 4]);
        assert_ne!(kinds[0], kinds[1], "they are mixed");
    }
}
