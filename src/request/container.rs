//! What can be asked of a container.

use serde::{Deserialize, Serialize};

use super::limits::ContainerLimits;

/// What can be done to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerAct {
    Start,
    Stop,
    Restart,
    Pause,
    Unpause,
    Kill,
    Remove,
    Limit(ContainerLimits),
}

impl ContainerAct {
    /// What it is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ContainerAct::Start => "start",
            ContainerAct::Stop => "stop",
            ContainerAct::Restart => "restart",
            ContainerAct::Pause => "pause",
            ContainerAct::Unpause => "unpause",
            ContainerAct::Kill => "kill",
            ContainerAct::Remove => "remove",
            ContainerAct::Limit(_) => "set limits of",
        }
    }

    /// What it does, for the list and the question.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            ContainerAct::Start => "run it again",
            ContainerAct::Stop => "SIGTERM, then SIGKILL after its timeout (10 s unless set)",
            ContainerAct::Restart => "stop, then start",
            ContainerAct::Pause => "freeze all processes",
            ContainerAct::Unpause => "resume all processes",
            ContainerAct::Kill => "SIGKILL at once",
            ContainerAct::Remove => "delete it and its writable layer; volumes stay",
            ContainerAct::Limit(_) => "change its CPU and memory limits while it runs",
        }
    }

    /// The same in a sentence of an undo or a failure: `pause web`, `set limits of web: memory 64 MiB`.
    #[must_use]
    pub fn phrase(self, name: &str) -> String {
        match self {
            ContainerAct::Limit(limits) => format!("set limits of {name}: {}", limits.words()),
            act => format!("{} {name}", act.word()),
        }
    }

    /// What takes it back; `None` where nothing does. Of limits only the engine knows what was before.
    #[must_use]
    pub fn reverse(self) -> Option<ContainerAct> {
        match self {
            ContainerAct::Start => Some(ContainerAct::Stop),
            ContainerAct::Stop | ContainerAct::Kill => Some(ContainerAct::Start),
            ContainerAct::Pause => Some(ContainerAct::Unpause),
            ContainerAct::Unpause => Some(ContainerAct::Pause),
            ContainerAct::Restart | ContainerAct::Remove | ContainerAct::Limit(_) => None,
        }
    }

    /// Can be taken back.
    #[must_use]
    pub fn is_undoable(self) -> bool {
        matches!(self, ContainerAct::Limit(_)) || self.reverse().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_and_stop_have_a_way_back() {
        use ContainerAct::{Kill, Pause, Remove, Restart, Start, Stop, Unpause};
        for (act, back) in [(Pause, Unpause), (Unpause, Pause), (Stop, Start), (Start, Stop), (Kill, Start)] {
            assert_eq!(act.reverse(), Some(back));
        }
        assert!([Restart, Remove].iter().all(|act| !act.is_undoable()));
    }

    #[test]
    fn each_act_has_its_words() {
        let limit = ContainerAct::Limit(ContainerLimits { nano_cpus: Some(500_000_000), memory: None });
        assert_eq!(limit.phrase("web"), "set limits of web: cpus 0.5");
        assert!(limit.is_undoable() && limit.reverse().is_none(), "the engine knows what was before");
        for (act, word) in [
            (ContainerAct::Start, "start"),
            (ContainerAct::Stop, "stop"),
            (ContainerAct::Restart, "restart"),
            (ContainerAct::Pause, "pause"),
            (ContainerAct::Unpause, "unpause"),
            (ContainerAct::Kill, "kill"),
            (ContainerAct::Remove, "remove"),
        ] {
            assert_eq!((act.word(), act.phrase("web")), (word, format!("{word} web")));
            assert!(!act.doc().is_empty());
        }
        assert!(ContainerAct::Stop.doc().starts_with("SIGTERM, then SIGKILL"));
        assert_eq!(ContainerAct::Kill.doc(), "SIGKILL at once");
    }
}
