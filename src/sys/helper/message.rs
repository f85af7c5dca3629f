//! Requests and answers over a line to the helper: a length, then JSON.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
};

use serde::{Deserialize, Serialize};

/// A message longer than this is not one of ours.
const MOST: usize = 64 << 20;

/// Sends one message.
///
/// # Errors
/// When it cannot be written as JSON, or the other end is closed.
pub fn write<T: Serialize>(line: &mut UnixStream, message: &T) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    line.write_all(&bytes)
}

/// Waits for one message.
///
/// # Errors
/// When the other end is closed, or what comes is no such message.
pub fn read<T: for<'a> Deserialize<'a>>(line: &mut UnixStream) -> io::Result<T> {
    super::wait(line, None)?;
    let mut length = [0; 4];
    line.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    line.read_exact(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_one_after_the_other() {
        let (mut ours, mut theirs) = UnixStream::pair().expect("sockets");
        let long = "x".repeat(70_000);
        write(&mut ours, &("a", 1)).expect("written");
        write(&mut ours, &long).expect("written");
        assert_eq!(read::<(String, u8)>(&mut theirs).expect("a message"), ("a".to_owned(), 1));
        assert_eq!(read::<String>(&mut theirs).expect("a message"), long);
        let mut raw = Vec::new();
        write(&mut ours, &17).and_then(|()| ours.shutdown(std::net::Shutdown::Write)).expect("written");
        theirs.read_to_end(&mut raw).expect("read");
        assert_eq!(raw, [2, 0, 0, 0, b'1', b'7'], "the length, then JSON");
    }

    #[test]
    fn what_is_longer_than_any_message_is_not_read() {
        let refused = |length: u32| {
            let (mut ours, mut theirs) = UnixStream::pair().expect("sockets");
            ours.write_all(&length.to_le_bytes()).expect("written");
            drop(ours);
            read::<String>(&mut theirs).expect_err("cut off").kind()
        };
        assert_eq!(refused((64 << 20) + 1), io::ErrorKind::InvalidData);
        assert_eq!(refused(64 << 20), io::ErrorKind::UnexpectedEof, "it would be read");
    }
}
