//! TABLE SIGNALS: their names, numbers and effects.

use rustix::process::Signal;

/// One signal.
#[derive(Debug, Clone, Copy)]
pub struct SignalDef {
    /// Without `SIG`.
    pub name: &'static str,
    /// Number on this machine.
    pub number: i32,
    /// What a program does with it when it does not think otherwise.
    pub doc: &'static str,
}

const fn def(name: &'static str, signal: Signal, doc: &'static str) -> SignalDef {
    SignalDef { name, number: signal.as_raw(), doc }
}

/// TABLE SIGNALS: the usual ones first, then the rest by number.
pub static SIGNALS: &[SignalDef] = &[
    def("TERM", Signal::TERM, "terminate gracefully"),
    def("KILL", Signal::KILL, "kill immediately; nothing is saved"),
    def("INT", Signal::INT, "interrupt, as Ctrl-C"),
    def("HUP", Signal::HUP, "hang up; many daemons reload their settings"),
    def("STOP", Signal::STOP, "stop until CONT"),
    def("CONT", Signal::CONT, "continue after STOP"),
    def("QUIT", Signal::QUIT, "quit with a core dump, as Ctrl-\\"),
    def("USR1", Signal::USR1, "user-defined"),
    def("USR2", Signal::USR2, "user-defined"),
    def("ILL", Signal::ILL, "illegal instruction"),
    def("TRAP", Signal::TRAP, "breakpoint"),
    def("ABRT", Signal::ABORT, "abort with a core dump"),
    def("BUS", Signal::BUS, "bad memory access"),
    def("FPE", Signal::FPE, "arithmetic fault"),
    def("SEGV", Signal::SEGV, "bad memory reference"),
    def("PIPE", Signal::PIPE, "broken pipe"),
    def("ALRM", Signal::ALARM, "timer"),
    def("CHLD", Signal::CHILD, "a child stopped or ended"),
    def("TSTP", Signal::TSTP, "stop, as Ctrl-Z"),
    def("TTIN", Signal::TTIN, "read from the terminal in the background"),
    def("TTOU", Signal::TTOU, "write to the terminal in the background"),
    def("URG", Signal::URG, "urgent data on a socket"),
    def("XCPU", Signal::XCPU, "CPU time limit"),
    def("XFSZ", Signal::XFSZ, "file size limit"),
    def("VTALRM", Signal::VTALARM, "virtual timer"),
    def("PROF", Signal::PROF, "profiling timer"),
    def("WINCH", Signal::WINCH, "window size changed"),
    def("IO", Signal::IO, "input or output is possible"),
    def("PWR", Signal::POWER, "power failure"),
    def("SYS", Signal::SYS, "bad system call"),
];

/// The signal of this number.
#[must_use]
pub fn by_number(number: i32) -> Option<&'static SignalDef> {
    SIGNALS.iter().find(|s| s.number == number)
}

/// The signal that takes this one back: what was stopped can be continued.
#[must_use]
pub fn reverse(number: i32) -> Option<i32> {
    let pairs = [(Signal::STOP, Signal::CONT), (Signal::TSTP, Signal::CONT), (Signal::CONT, Signal::STOP)];
    pairs.into_iter().find(|(signal, _)| signal.as_raw() == number).map(|(_, back)| back.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stopped_can_be_continued() {
        let number = |name: &str| SIGNALS.iter().find(|s| s.name == name).expect("in the table").number;
        assert_eq!(reverse(number("STOP")), Some(number("CONT")));
        assert_eq!(reverse(number("CONT")), Some(number("STOP")));
        assert_eq!(reverse(number("TERM")), None);
    }

    #[test]
    fn every_signal_of_the_table_can_be_sent_once() {
        for (i, def) in SIGNALS.iter().enumerate() {
            assert!(Signal::from_named_raw(def.number).is_some(), "{}", def.name);
            assert!(!SIGNALS[..i].iter().any(|s| s.number == def.number), "{}", def.name);
        }
        assert_eq!(SIGNALS[0].name, "TERM");
    }
}
