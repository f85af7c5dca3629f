//! Throughput by iperf3: its server once at one end of a path, its client at the other; what the receiver counted.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde_json::Value;

use super::path::{Ends, Side};
use crate::{
    bench::{Stop, StopFlag},
    sys::{
        exec::{Child, Exec, ExecError, Limits, Output, Runner, Stream},
        json::{Field, Unread},
    },
    text::{clean, clean_bytes},
};

/// Seconds that are measured, and before them those that are not: TCP finds its pace.
pub const SECONDS: u32 = 2;
pub const OMITTED: u32 = 1;
/// Time beyond them in which one measurement is over.
const MARGIN: Duration = Duration::from_secs(15);
/// Output of a client: intervals are listed.
const OUTPUT: usize = 4 << 20;
/// Between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// The programs that are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iperf {
    program: PathBuf,
    nsenter: Option<PathBuf>,
    /// `iperf 3.12`.
    pub version: String,
}

/// What one measurement gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    pub bytes_per_second: f64,
    /// Segments that were sent again.
    pub retransmits: u64,
}

impl Iperf {
    /// Where it is installed.
    pub fn find(exec: &Arc<dyn Exec>) -> Option<Self> {
        let program = exec.find("iperf3")?;
        let said = Runner::new(exec.clone()).run(&program, &["--version"], Duration::from_secs(5)).ok()?;
        let first = said.out.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let version = clean_bytes(first).split(' ').take(2).collect::<Vec<_>>().join(" ");
        Some(Iperf { program, nsenter: exec.find("nsenter"), version })
    }

    /// The command line at one end: `nsenter --net=/proc/7/ns/net iperf3 …`.
    fn command<'a>(&'a self, side: &Side, arguments: &'a [String]) -> Result<(PathBuf, Vec<String>), Stop> {
        match side.namespace() {
            None => Ok((self.program.clone(), arguments.to_vec())),
            Some(namespace) => {
                let nsenter =
                    self.nsenter.clone().ok_or_else(|| Stop::failed("nsenter is missing: install util-linux"))?;
                let enter = format!("--net={}", namespace.path().display());
                let all = [enter, self.program.display().to_string()].into_iter().chain(arguments.iter().cloned());
                Ok((nsenter, all.collect()))
            }
        }
    }

    /// One measurement from client to server.
    ///
    /// # Errors
    /// [`Stop::Failed`] with the program's complaint.
    pub fn measure(&self, exec: &Arc<dyn Exec>, stop: &StopFlag, ends: &Ends) -> Result<Flow, Stop> {
        let whole = Duration::from_secs(u64::from(SECONDS + OMITTED)) + MARGIN;
        let port = ends.port()?;
        let (program, arguments) = self.command(&ends.server, &server(port))?;
        let mut serving = spawn(exec, &program, &arguments, whole)?;
        until_it_listens(serving.as_mut(), stop)?;
        let (program, arguments) = self.command(&ends.client, &client(&ends.address.to_string(), port, false))?;
        let mut asking = spawn(exec, &program, &arguments, whole)?;
        parse(&output(asking.as_mut(), stop)?).map_err(Stop::Failed)
    }

    /// One measurement from a server outside to this machine.
    ///
    /// # Errors
    /// [`Stop::Failed`] with the program's complaint.
    pub fn receive(&self, exec: &Arc<dyn Exec>, stop: &StopFlag, host: &str, port: u16) -> Result<Flow, Stop> {
        let whole = Duration::from_secs(u64::from(SECONDS + OMITTED)) + MARGIN;
        let mut asking = spawn(exec, &self.program, &client(host, port, true), whole)?;
        parse(&output(asking.as_mut(), stop)?).map_err(Stop::Failed)
    }
}

/// It serves one client and ends.
pub fn server(port: u16) -> Vec<String> {
    ["-s", "-1", "-p", &port.to_string(), "--forceflush"].map(str::to_owned).to_vec()
}

/// `reverse`: the server sends.
pub fn client(host: &str, port: u16, reverse: bool) -> Vec<String> {
    let (port, seconds, omitted) = (port.to_string(), SECONDS.to_string(), OMITTED.to_string());
    let all = ["-c", host, "-p", &port, "-t", &seconds, "-O", &omitted, "-J"].map(str::to_owned);
    all.into_iter().chain(reverse.then(|| "-R".to_owned())).collect()
}

fn spawn(
    exec: &Arc<dyn Exec>,
    program: &std::path::Path,
    arguments: &[String],
    deadline: Duration,
) -> Result<Box<dyn Child>, Stop> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let limits = Limits { deadline: Some(deadline), line: OUTPUT, output: OUTPUT };
    exec.spawn(program, &arguments, limits).map_err(Stop::failed)
}

fn failed(error: ExecError) -> Stop {
    if matches!(error, ExecError::Cancelled { .. }) { Stop::Cancelled } else { Stop::failed(error) }
}

fn until_it_listens(child: &mut dyn Child, stop: &StopFlag) -> Result<(), Stop> {
    let mut complaint = String::new();
    loop {
        stop.check()?;
        match child.next(Some(LOOK)).map_err(failed)? {
            Output::Line { stream: Stream::Out, text } if text.starts_with(b"Server listening") => return Ok(()),
            Output::Line { text, .. } => complaint = clean_bytes(&text),
            Output::Quiet => {}
            Output::Ended(_) => return Err(Stop::Failed(format!("iperf3 cannot serve: {complaint}"))),
        }
    }
}

/// All that a child writes.
fn output(child: &mut dyn Child, stop: &StopFlag) -> Result<Vec<u8>, Stop> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        stop.check()?;
        match child.next(Some(LOOK)).map_err(failed)? {
            Output::Line { stream: Stream::Out, text } => {
                out.extend(text);
                out.push(b'\n');
            }
            Output::Line { stream: Stream::Err, text } => err = text,
            Output::Quiet => {}
            // With -J its complaint is a part of what it writes.
            Output::Ended(_) if out.is_empty() => return Err(Stop::Failed(format!("iperf3: {}", clean_bytes(&err)))),
            Output::Ended(_) => return Ok(out),
        }
    }
}

/// What the receiver counted ("iperf3 -J").
pub fn parse(text: &[u8]) -> Result<Flow, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| format!("iperf3: not JSON: {error}"))?;
    let unread = Unread::default();
    let whole = Field::new(&value, &unread);
    if let Some(error) = whole.text("error") {
        return Err(format!("iperf3: {}", clean(&error)));
    }
    let (received, sent) = (whole.object("end").object("sum_received"), whole.object("end").object("sum_sent"));
    let bits = received.float("bits_per_second").filter(|bits| bits.is_finite() && *bits > 0.0);
    let bits = bits.ok_or_else(|| "iperf3: nothing was received".to_owned())?;
    Ok(Flow { bytes_per_second: bits / 8.0, retransmits: sent.count("retransmits").unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::exec::fake::{FakeExec, Script};

    #[test]
    fn the_receivers_count_is_taken() {
        let flow = parse(include_bytes!("../../../tests/fixtures/bench/iperf3-3.12-client.json")).expect("a flow");
        assert!((flow.bytes_per_second - 5_498_412_846.995_642 / 8.0).abs() < 1e-3);
        assert_eq!(flow.retransmits, 576);
    }

    #[test]
    fn its_version_is_what_it_says_first() {
        let find = |scripts: &[(&'static str, Script)]| {
            let exec: Arc<dyn Exec> = FakeExec::new(scripts.iter().cloned());
            Iperf::find(&exec).map(|found| (found.version, found.nsenter.is_some()))
        };
        let both = [
            ("iperf3 --version", Script::says("iperf 3.18 (cJSON 1.7.15)\nLinux nas 6.12")),
            ("nsenter", Script::says("")),
        ];
        assert_eq!(find(&both[..1]), Some(("iperf 3.18".to_owned(), false)));
        assert_eq!(find(&both).map(|(_, nsenter)| nsenter), Some(true));
        assert_eq!(find(&[]), None);
    }

    #[test]
    fn its_complaint_is_quoted() {
        let said =
            parse(include_bytes!("../../../tests/fixtures/bench/iperf3-3.12-refused.json")).expect_err("refused");
        assert_eq!(said, "iperf3: unable to connect to server: Connection refused");
        assert!(parse(b"iperf3: error").is_err_and(|why| why.contains("not JSON")));
        assert!(parse(b"{\"end\":{}}").is_err_and(|why| why.contains("nothing was received")));
    }

    fn exec(script: Script) -> Arc<dyn Exec> {
        FakeExec::new([("iperf3", script)])
    }

    fn iperf() -> Iperf {
        Iperf { program: "/fake/iperf3".into(), nsenter: None, version: "iperf 3.18".to_owned() }
    }

    fn stop() -> StopFlag {
        StopFlag::new(Arc::default())
    }

    #[test]
    fn a_server_outside_sends_to_us() {
        let exec = FakeExec::new([("iperf3 -c", Script::says(r#"{"end":{"sum_received":{"bits_per_second":16.0}}}"#))]);
        let shared: Arc<dyn Exec> = exec.clone();
        let flow = iperf().receive(&shared, &stop(), "nas", 5201).expect("a flow");
        assert_eq!(flow, Flow { bytes_per_second: 2.0, retransmits: 0 });
        assert_eq!(exec.started(), ["iperf3 -c nas -p 5201 -t 2 -O 1 -J -R"]);
        let refused = iperf().receive(&self::exec(Script::fails("no route to host")), &stop(), "nas", 5201);
        assert_eq!(refused, Err(Stop::Failed("iperf3: no route to host".to_owned())));
    }

    #[test]
    fn a_server_that_cannot_serve_says_why() {
        let ends = Ends { server: Side::Host, client: Side::Host, address: std::net::Ipv4Addr::LOCALHOST };
        let measured = |script| iperf().measure(&exec(script), &stop(), &ends);
        let why = "iperf3 cannot serve: unable to start listener".to_owned();
        assert_eq!(measured(Script::fails("unable to start listener")), Err(Stop::Failed(why)));
        let stopped = StopFlag::new(Arc::new(std::sync::atomic::AtomicBool::new(true)));
        let measured = iperf().measure(&exec(Script::says("Server listening")), &stopped, &ends);
        assert_eq!(measured, Err(Stop::Cancelled));
    }

    #[test]
    fn client_and_server_are_ended_in_time() {
        let said = Script::says(r#"{"end":{"sum_received":{"bits_per_second":16.0}}}"#);
        let fake = FakeExec::new([("iperf3 -s", Script::says("Server listening on 5201")), ("iperf3 -c", said)]);
        let exec: Arc<dyn Exec> = fake.clone();
        let ends = Ends { server: Side::Host, client: Side::Host, address: std::net::Ipv4Addr::LOCALHOST };
        let between = iperf().measure(&exec, &stop(), &ends);
        assert_eq!(between, iperf().receive(&exec, &stop(), "nas", 5201));
        assert_eq!(between, Ok(Flow { bytes_per_second: 2.0, retransmits: 0 }));
        // Two seconds that count, one before them, and fifteen to begin and to end.
        let limits = Limits { deadline: Some(Duration::from_secs(18)), line: 4 << 20, output: 4 << 20 };
        assert_eq!(fake.with_limits().into_iter().map(|(_, limits)| limits).collect::<Vec<_>>(), [limits; 3]);
    }

    #[test]
    fn a_container_is_entered_by_nsenter() {
        let inside = Side::of(std::process::id()).expect("our own");
        let arguments = ["-s".to_owned()];
        let missing = iperf().command(&inside, &arguments);
        assert!(matches!(missing, Err(Stop::Failed(why)) if why.contains("install util-linux")));
        let iperf = Iperf { nsenter: Some("/fake/nsenter".into()), ..iperf() };
        let net = format!("--net=/proc/{}/ns/net", std::process::id());
        let entered = ("/fake/nsenter".into(), vec![net, "/fake/iperf3".to_owned(), "-s".to_owned()]);
        assert_eq!(iperf.command(&inside, &arguments), Ok(entered));
        assert_eq!(iperf.command(&Side::Host, &arguments), Ok(("/fake/iperf3".into(), vec!["-s".to_owned()])));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }
    }
}
