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
