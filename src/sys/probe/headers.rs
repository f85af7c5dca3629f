//! The headers of a request from a file: one a line, `Name: value`; what begins with `#` is a comment. They may hold
//! secrets: no word of the file is ever shown.

use std::{fs::File, io::Read, path::Path};

use hyper::header::{HeaderName, HeaderValue};

use super::trouble::Trouble;

/// A longer file holds something else.
const MOST: u64 = 64 << 10;
/// What the connection itself decides.
const OWN: [&str; 5] = ["connection", "content-length", "transfer-encoding", "accept-encoding", "upgrade"];

pub(super) type Headers = Vec<(HeaderName, HeaderValue)>;

/// Reads the file each time: tokens change.
pub(super) fn read(path: &Path) -> Result<Headers, Trouble> {
    let place = path.display();
    let mut text = String::new();
    let is_file = path.metadata().map(|found| found.is_file());
    match is_file.and_then(|is_file| if is_file { File::open(path).map(Some) } else { Ok(None) }) {
        Ok(Some(file)) => match file.take(MOST + 1).read_to_string(&mut text) {
            Ok(read) if read as u64 <= MOST => {}
            Ok(_) => return Err(Trouble::setup(format!("headers_file {place} is larger than 64 KiB"))),
            Err(error) => return Err(Trouble::setup(format!("headers_file {place}: {error}"))),
        },
        Ok(None) => return Err(Trouble::setup(format!("headers_file {place} is not a regular file"))),
        Err(error) => return Err(Trouble::setup(format!("headers_file {place}: {error}"))),
    }
    parse(&text).map_err(|(line, why)| Trouble::setup(format!("headers_file {place}:{line}: {why}")))
}

/// The headers, or the line that is wrong and why.
fn parse(text: &str) -> Result<Headers, (usize, &'static str)> {
    let mut headers = Headers::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or((number, "not `Name: value`"))?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| (number, "not the name of a header"))?;
        if OWN.contains(&name.as_str()) {
            return Err((number, "this header is set by the connection"));
        }
        let mut value = HeaderValue::try_from(value.trim()).map_err(|_| (number, "not the value of a header"))?;
        value.set_sensitive(true);
        headers.push((name, value));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_headers() {
        let headers = parse("# token\nAuthorization: Bearer a:b\n\n X-Key : 1 \n").expect("headers");
        let pairs: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.to_str().expect("text"))).collect();
        assert_eq!(pairs, [("authorization", "Bearer a:b"), ("x-key", "1")]);
        assert!(!format!("{headers:?}").contains("Bearer"));
    }

    #[test]
    fn a_wrong_line_is_named_without_its_words() {
        for (text, line) in [("secret", 1), ("A: 1\nB c: 2", 2), ("Content-Length: 9", 1), ("A: \u{1}x", 1)] {
            let (number, why) = parse(text).expect_err(text);
            assert_eq!(number, line, "{text}: {why}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("headers");
        let of_length = |length: usize| {
            std::fs::write(&file, format!("A: 1\n#{}", "x".repeat(length - 6))).expect("written");
            read(&file).map(|headers| headers.len()).map_err(|trouble| trouble.words().to_owned())
        };
        assert_eq!(of_length(64 << 10), Ok(1));
        let long = format!("headers_file {} is larger than 64 KiB", file.display());
        assert_eq!(of_length((64 << 10) + 1), Err(long));
        let missing = read(Path::new("/nowhere/headers")).expect_err("not there");
        assert!(missing.words().starts_with("headers_file /nowhere/headers: "), "{missing:?}");
        assert!(read(Path::new("/dev/null")).is_err(), "a device is not read");
    }
}
