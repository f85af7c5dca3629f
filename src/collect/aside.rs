//! Sources that may hang in the kernel, read in the helper process: their drivers and filesystems wait for devices and
//! servers. The lane here waits at a socket, which a signal and the end of the program interrupt at any time.

use std::{
    os::unix::{ffi::OsStrExt, net::UnixStream},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::{CollectCx, Collector, OpenCx, SOURCES};
use crate::{
    clock::Stamp,
    interest::Interest,
    model::{event::Sample, fault::Fault, source::SourceId},
    sys::{
        helper::{self, message},
        root::Root,
    },
};

/// What a line to the helper process carries: questions to sources.
pub(super) const SOURCE: u8 = b's';

/// True for what is read in the helper.
fn may_hang(source: SourceId) -> bool {
    matches!(source, SourceId::Filesystems | SourceId::Sensors | SourceId::Gpus)
}

/// Opens a source where it is to be read: in the helper, or here where there is no helper or no need for one.
///
/// # Errors
/// As the source itself gives them.
pub(super) fn open(source: SourceId, here: super::Open, cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    if may_hang(source)
        && let Some(line) = helper::line(SOURCE)
    {
        return Ok(Box::new(Aside { source, root: cx.root.path("").as_os_str().as_bytes().to_vec(), line }));
    }
    here(cx)
}

/// The source as its lane knows it.
struct Aside {
    source: SourceId,
    root: Vec<u8>,
    line: UnixStream,
}

#[derive(Serialize, Deserialize)]
struct Question {
    source: SourceId,
    /// Bytes: a path need not be text.
    root: Vec<u8>,
    at: Stamp,
}

type Answer = Result<Sample, Fault>;

impl Collector for Aside {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Answer {
        let question = Question { source: self.source, root: self.root.clone(), at: cx.at };
        message::write(&mut self.line, &question)
            .and_then(|()| message::read::<Answer>(&mut self.line))
            .unwrap_or_else(|error| Err(Fault::Broken(format!("the helper process ended: {error}"))))
    }
}

/// The helper's side: reads one source for as long as it is asked.
pub(super) fn serve(mut line: UnixStream) {
    let mut at_work: Option<(SourceId, Box<dyn Collector>)> = None;
    while let Ok(question) = message::read::<Question>(&mut line) {
        let answer = answer(&question, &mut at_work);
        if message::write(&mut line, &answer).is_err() {
            return;
        }
    }
}

fn answer(question: &Question, at_work: &mut Option<(SourceId, Box<dyn Collector>)>) -> Answer {
    if at_work.as_ref().is_none_or(|(source, _)| *source != question.source) {
        let def = SOURCES.iter().find(|def| def.id == question.source);
        let def = def.ok_or_else(|| Fault::Broken("no such source".to_owned()))?;
        let root = Root::new(PathBuf::from(std::ffi::OsStr::from_bytes(&question.root)));
        // These sources measure nothing by a clock of their own.
        let cx = OpenCx::of(root);
        *at_work = Some((question.source, (def.open)(&cx)?));
    }
    match at_work {
        Some((_, collector)) => collector.collect(&CollectCx::new(question.at, &Interest::default())),
        None => Err(Fault::Broken("not open".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source whose helper is a thread.
    fn aside(source: SourceId, root: Root) -> Aside {
        let (line, theirs) = UnixStream::pair().expect("sockets");
        std::thread::spawn(move || serve(theirs));
        Aside { source, root: root.path("").as_os_str().as_bytes().to_vec(), line }
    }

    #[test]
    fn each_comes_over_unchanged() {
        let here = super::super::testing::read_fixture;
        for def in SOURCES.iter().filter(|def| may_hang(def.id)) {
            let want = Interest::default();
            let cx = CollectCx::new(Stamp::at_seconds(10), &want);
            let over = aside(def.id, Root::fixture("homelab")).collect(&cx);
            assert_eq!(over, here(def.open, "homelab"), "{}", def.id.name());
        }
    }

    #[test]
    fn an_ended_helper_is_a_fault() {
        let (line, theirs) = UnixStream::pair().expect("sockets");
        drop(theirs);
        let mut source = Aside { source: SourceId::Sensors, root: b"/".to_vec(), line };
        let want = Interest::default();
        let outcome = source.collect(&CollectCx::new(Stamp::at_seconds(1), &want));
        assert!(matches!(&outcome, Err(Fault::Broken(why)) if why.contains("helper process")), "{outcome:?}");
    }

    #[test]
    fn what_waits_for_devices_and_servers_is_read_aside() {
        let mut aside: Vec<&str> =
            SourceId::ALL.into_iter().filter(|source| may_hang(*source)).map(SourceId::name).collect();
        aside.sort_unstable();
        assert_eq!(aside, ["filesystems", "gpus", "sensors"]);
    }
}
