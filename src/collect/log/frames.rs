//! How an engine multiplexes two streams ("Docker Engine API", attach): frames with a header of eight bytes, the first
//! of which is the stream and the last four the length. A container with a terminal has one stream without frames.

/// Frames up to this length are passed on whole: engines write entries of at most 16 KiB.
const WHOLE: usize = 32 << 10;
const HEAD: usize = 8;

/// Splits an answer into parts of frames.
#[derive(Debug)]
pub(super) struct Frames {
    plain: bool,
    head: Vec<u8>,
    /// Bytes missing from the current frame.
    left: usize,
    error: bool,
    /// The current frame, while it is short enough to be passed on whole.
    held: Vec<u8>,
    /// The next part is the first of its frame.
    begins: bool,
}

/// A part of one frame.
pub(super) struct Part<'a> {
    /// From standard error.
    pub(super) error: bool,
    /// The start of its frame.
    pub(super) begins: bool,
    pub(super) bytes: &'a [u8],
}

impl Frames {
    /// `plain` is an answer without frames.
    pub(super) fn new(plain: bool) -> Self {
        Frames { plain, head: Vec::new(), left: 0, error: false, held: Vec::new(), begins: true }
    }

    /// Passes on each part that this piece completes.
    pub(super) fn take(&mut self, mut piece: &[u8], mut each: impl FnMut(Part<'_>)) {
        if self.plain {
            return each(Part { error: false, begins: true, bytes: piece });
        }
        while !piece.is_empty() {
            if self.left == 0 {
                let (head, rest) = piece.split_at(piece.len().min(HEAD - self.head.len()));
                self.head.extend_from_slice(head);
                piece = rest;
                if let [stream, _, _, _, a, b, c, d] = self.head[..] {
                    self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                    (self.error, self.begins) = (stream == 2, true);
                    self.head.clear();
                }
                continue;
            }
            let (bytes, rest) = piece.split_at(piece.len().min(self.left));
            piece = rest;
            self.left -= bytes.len();
            self.held.extend_from_slice(bytes);
            if self.left == 0 || self.held.len() >= WHOLE {
                each(Part { error: self.error, begins: self.begins, bytes: &self.held });
                self.begins = false;
                self.held.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, length: usize, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(length).expect("short").to_be_bytes();
        [&[stream, 0, 0, 0], &length[..], bytes].concat()
    }

    fn parts(frames: &mut Frames, pieces: impl Iterator<Item = Vec<u8>>) -> Vec<(bool, bool, usize)> {
        let mut all = Vec::new();
        for piece in pieces {
            frames.take(&piece, |part| all.push((part.error, part.begins, part.bytes.len())));
            assert!(frames.held.len() <= WHOLE + piece.len());
        }
        all
    }

    #[test]
    fn frames_are_joined_from_any_pieces() {
        let answer = [frame(1, 3, b"abc"), frame(2, 0, b""), frame(2, 2, b"de")].concat();
        let expected = [(false, true, 3), (true, true, 2)];
        for length in 1..=answer.len() {
            let pieces = answer.chunks(length).map(<[u8]>::to_vec);
            assert_eq!(parts(&mut Frames::new(false), pieces), expected, "pieces of {length}");
        }
    }

    #[test]
    fn an_endless_frame_is_not_stored() {
        let mut frames = Frames::new(false);
        let pieces = (0..100).map(|n| if n == 0 { frame(1, 4_000_000_000, b"") } else { vec![b'x'; 60_000] });
        let parts = parts(&mut frames, pieces);
        assert_eq!(parts.iter().filter(|(_, begins, _)| *begins).count(), 1);
        assert_eq!(parts.iter().map(|(.., length)| length).sum::<usize>() + frames.held.len(), 99 * 60_000);
    }
}
