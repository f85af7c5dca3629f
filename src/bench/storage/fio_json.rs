//! What `fio --output-format=json` says of one job ("fio(1)", JSON output). With `--status-interval` it writes a whole
//! document every so often, each with the sums since the beginning, and lines of its own in between.

use serde::Deserialize;

use super::report::{Latency, Report};

/// Puts the lines of the output together to documents.
#[derive(Debug, Default)]
pub struct Documents(Option<Vec<u8>>);

impl Documents {
    /// Takes the next line; a document when it was its last one.
    pub fn line(&mut self, line: &[u8]) -> Option<Result<Report, String>> {
        // Documents begin and end at the margin; what is between two of them is a complaint.
        if line == b"{" {
            self.0 = Some(Vec::new());
        }
        let document = self.0.as_mut()?;
        document.extend_from_slice(line);
        document.push(b'\n');
        if line != b"}" {
            return None;
        }
        self.0.take().map(|document| parse(&document))
    }
}

#[derive(Deserialize)]
struct Output {
    jobs: Vec<JobOutput>,
}

#[derive(Deserialize)]
struct JobOutput {
    #[serde(default)]
    error: i32,
    read: Option<Side>,
    write: Option<Side>,
    mixed: Option<Side>,
}

#[derive(Deserialize)]
struct Side {
    io_bytes: u64,
    total_ios: u64,
    /// Milliseconds.
    runtime: u64,
    lat_ns: Option<Nanoseconds>,
    clat_ns: Option<Nanoseconds>,
}

#[derive(Deserialize)]
struct Nanoseconds {
    mean: f64,
    #[serde(default)]
    percentile: std::collections::BTreeMap<String, f64>,
}

/// One document: a single job, or several that report as a group.
///
/// # Errors
/// What is wrong with it, or the error number that fio gives.
pub fn parse(document: &[u8]) -> Result<Report, String> {
    let output: Output = serde_json::from_slice(document).map_err(|error| format!("fio's output: {error}"))?;
    let job = output.jobs.into_iter().next().ok_or("fio's output has no job")?;
    if job.error != 0 {
        return Err(std::io::Error::from_raw_os_error(job.error).to_string());
    }
    let busy = |side: Option<Side>| side.filter(|side| side.total_ios > 0);
    // Reads and writes come together as `mixed`, so that their percentiles are of both.
    let side = busy(job.mixed).or_else(|| busy(job.read)).or_else(|| busy(job.write));
    let side = side.ok_or("fio did nothing in its time")?;
    let seconds = |ns: f64| ns / 1e9;
    let percentile = |name: &str| Some(seconds(*side.clat_ns.as_ref()?.percentile.get(name)?));
    Ok(Report {
        bytes: side.io_bytes,
        operations: side.total_ios,
        seconds: side.runtime as f64 / 1e3,
        sync_seconds: 0.0,
        latency: Latency {
            mean: side.lat_ns.as_ref().map(|lat| seconds(lat.mean)),
            p50: percentile("50.000000"),
            p99: percentile("99.000000"),
            p999: percentile("99.900000"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(name: &str) -> Vec<u8> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bench");
        std::fs::read(folder.join(name)).expect("a recording")
    }

    fn documents(bytes: &[u8]) -> Vec<Result<Report, String>> {
        let mut documents = Documents::default();
        bytes.split(|b| *b == b'\n').filter_map(|line| documents.line(line)).collect()
    }

    #[test]
    fn a_mixed_job_counts_reads_and_writes_together() {
        let found = documents(&recorded("fio-3.33-randrw-4k.json"));
        let last = found.last().expect("documents").clone().expect("a report");
        // As `jq '.jobs[0].mixed'` shows the last document.
        assert_eq!((last.bytes, last.operations, last.seconds), (MIXED.0, MIXED.1, MIXED.2));
        assert_eq!(last.latency.mean.map(|s| (s * 1e9).round()), Some(MIXED.3));
        assert_eq!(last.latency.p99.map(|s| (s * 1e9).round()), Some(MIXED.4));
        assert!(found.len() > 1, "one document a second");
        assert!(last.iops() > 0.0 && last.latency.p50 < last.latency.p99 && last.latency.p99 < last.latency.p999);
    }

    #[test]
    fn a_sequential_read_has_a_rate() {
        let report = documents(&recorded("fio-3.33-read-1m.json")).pop().expect("a document").expect("a report");
        assert_eq!((report.bytes, report.seconds), (READ.0, READ.1));
        assert!((report.rate() / READ.2 - 1.0).abs() < 0.01, "{} is fio's own bw_bytes", report.rate());
    }

    #[test]
    fn a_full_disk_is_said() {
        let found = documents(&recorded("fio-3.33-disk-full.json"));
        assert_eq!(found, [Err("No space left on device (os error 28)".to_owned())]);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for text in ["{}", "{\"jobs\":[]}", "{\"jobs\":[{\"error\":0}]}", "[", ""] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    /// Bytes, operations, seconds, nanoseconds on average and of 99 %.
    const MIXED: (u64, u64, f64, f64, f64) = (206_839_808, 50_498, 1.508, 1_904_118.0, 10_420_224.0);
    /// Bytes, seconds, bytes a second.
    const READ: (u64, f64, f64) = (829_423_616, 1.545, 536_843_764.0);
}
