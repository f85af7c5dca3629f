//! Memory for direct I/O, which must lie at whole pages, filled with noise that no compression and no deduplication
//! makes smaller.

use std::io;

/// What every disk here is content with.
pub(super) const ALIGN: usize = 4096;
/// Noise that blocks are cut from, beside their own length.
const POOL: usize = 1 << 20;

/// A thread's buffers and its random numbers.
pub(super) struct Noise {
    pool: Vec<u8>,
    /// Where the aligned part of it begins.
    begin: usize,
    block: usize,
    state: u64,
    /// Put into each page, so that none is written twice.
    stamp: u64,
    scratch: Vec<u8>,
    scratch_begin: usize,
}

impl Noise {
    pub(super) fn new(block: usize, seed: u64) -> io::Result<Self> {
        let mut noise = Noise {
            pool: aligned(POOL + block)?,
            begin: 0,
            block,
            // Any number but zero; different ones for each thread.
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            stamp: seed << 48,
            scratch: aligned(block)?,
            scratch_begin: 0,
        };
        noise.begin = offset(&noise.pool)?;
        noise.scratch_begin = offset(&noise.scratch)?;
        let mut state = noise.state;
        for word in noise.pool.chunks_exact_mut(8) {
            word.copy_from_slice(&next(&mut state).to_le_bytes());
        }
        noise.state = state;
        Ok(noise)
    }

    /// A random number.
    pub(super) fn random(&mut self) -> u64 {
        next(&mut self.state)
    }

    /// Room for a block that is read.
    pub(super) fn scratch(&mut self) -> &mut [u8] {
        &mut self.scratch[self.scratch_begin..self.scratch_begin + self.block]
    }

    /// A block that was not written before.
    pub(super) fn fresh(&mut self) -> &mut [u8] {
        let places = (POOL / ALIGN) as u64;
        let place = self.begin + usize::try_from(self.random() % places).unwrap_or(0) * ALIGN;
        let block = &mut self.pool[place..place + self.block];
        for page in block.chunks_mut(ALIGN.min(self.block)) {
            self.stamp += 1;
            let stamp = self.stamp.to_le_bytes();
            if let Some(head) = page.get_mut(..stamp.len()) {
                head.copy_from_slice(&stamp);
            }
        }
        block
    }
}

/// xorshift64 ("Marsaglia, Xorshift RNGs"): fast, and good enough to be incompressible.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn aligned(size: usize) -> io::Result<Vec<u8>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(size + ALIGN).map_err(io::Error::other)?;
    memory.resize(size + ALIGN, 0);
    Ok(memory)
}

/// The first place in it that lies at a whole page; the memory is not moved any more.
fn offset(memory: &[u8]) -> io::Result<usize> {
    let offset = memory.as_ptr().align_offset(ALIGN);
    if offset < ALIGN { Ok(offset) } else { Err(io::Error::other("memory cannot be aligned")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lie_at_pages_and_never_repeat() {
        let (mut one, mut two) = (Noise::new(8192, 1).expect("memory"), Noise::new(8192, 2).expect("memory"));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            for noise in [&mut one, &mut two] {
                let block = noise.fresh();
                assert_eq!((block.as_ptr().align_offset(ALIGN), block.len()), (0, 8192));
                for page in block.chunks(ALIGN) {
                    assert!(seen.insert(page.to_vec()), "a page is written twice");
                }
            }
        }
        assert_eq!(one.scratch().as_ptr().align_offset(ALIGN), 0);
    }
}
