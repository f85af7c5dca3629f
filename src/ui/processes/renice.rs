//! The question before niceness is changed: each process with its niceness now and then. The keys that asked it take
//! further steps while it is open.

use crate::{
    alert::Level,
    model::process::{ProcKey, Process},
    request::Job,
    state::State,
    ui::{
        action::{Action, Context},
        overlays::confirm::Confirm,
        parts::process::user,
        theme::Role,
        view::Effect,
        widgets::sheet::SheetLine,
    },
};

/// The kernel's bounds.
const LOWEST: i32 = -20;
const HIGHEST: i32 = 19;

/// Asks whether the niceness of `targets` is to be changed by `by`.
#[must_use]
pub fn ask(targets: Vec<ProcKey>, by: i32, state: &State) -> Vec<Effect> {
    if targets.is_empty() {
        return vec![Effect::Say(Level::Advice, "no process is selected".to_owned())];
    }
    match question(&targets, by, state) {
        Some(question) => vec![Effect::Open(Box::new(question))],
        None => vec![Effect::Say(Level::Advice, "it has exited: nothing was done".to_owned())],
    }
}

fn question(targets: &[ProcKey], by: i32, state: &State) -> Option<Confirm> {
    let found: Vec<&Process> = targets.iter().filter_map(|key| state.host.processes.find(*key)).collect();
    let title = match found.as_slice() {
        [] => return None,
        [one] => format!("change the niceness of {} {}?", one.key.pid, one.name),
        many => format!("change the niceness of {} processes?", many.len()),
    };
    let users = &state.host.facts.users;
    let line = |p: &&Process| -> SheetLine {
        let now = i32::from(p.nice);
        let then = (now + by).clamp(LOWEST, HIGHEST);
        vec![
            (format!("{:>7} ", p.key.pid), Role::Strong),
            (format!("{:<9}", user(users, p.uid)), Role::Dim),
            (format!("nice {now} → {then}   "), Role::Strong),
            (p.command().to_owned(), Role::Text),
        ]
    };
    let mut lines: Vec<SheetLine> = found.iter().map(line).collect();
    lines.push(Vec::new());
    lines.push(vec![("higher is a lower priority; only root may lower it".to_owned(), Role::Dim)]);
    let job = Job::Renice(found.iter().map(|p| (p.key, by)).collect());
    let targets = targets.to_vec();
    Some(Confirm::new(title, lines, job).turning(Context::Processes, move |action, state| match action {
        Action::NiceUp => question(&targets, (by + 1).min(HIGHEST - LOWEST), state),
        Action::NiceDown => question(&targets, (by - 1).max(LOWEST - HIGHEST), state),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::{
        request::Command,
        ui::{canvas::testing::drawn, view::Overlay},
    };

    const NGINX: ProcKey = ProcKey { pid: 7, start_ticks: 5 };
    const GONE: ProcKey = ProcKey { pid: 8, start_ticks: 5 };
    const SSHD: ProcKey = ProcKey { pid: 9, start_ticks: 5 };

    fn machine(nice: i8) -> State {
        let mut state = State::default();
        let of = |key: ProcKey, name: &str| Process {
            key,
            tgid: key.pid,
            name: name.into(),
            nice,
            uid: 1000,
            ..Process::default()
        };
        state.host.processes.rows = vec![of(NGINX, "nginx"), of(SSHD, "sshd")];
        state.host.facts.users = vec![(1000, "ada".into())];
        state
    }

    fn asked(targets: &[ProcKey], by: i32, state: &State) -> Box<dyn Overlay> {
        match ask(targets.to_vec(), by, state).pop() {
            Some(Effect::Open(question)) => question,
            _ => panic!("no question"),
        }
    }

    fn first(question: &dyn Overlay, state: &State) -> String {
        drawn(state, (60, 8), |cx, area, canvas| question.draw(cx, area, canvas)).line()
    }

    /// The steps that a yes asks for.
    fn steps(question: &mut dyn Overlay, state: &State) -> Vec<(ProcKey, i32)> {
        let effects = question.key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE), state).unwrap_or_default();
        let job = effects.into_iter().find_map(|effect| match effect {
            Effect::Do(Command::Job(Job::Renice(steps))) => Some(steps),
            _ => None,
        });
        job.unwrap_or_default()
    }

    #[test]
    fn each_process_is_named_with_its_niceness_now_and_then() {
        let state = machine(5);
        let mut both = asked(&[NGINX, GONE, SSHD], 1, &state);
        assert_eq!(both.title(&state), "change the niceness of 2 processes?");
        let lines = drawn(&state, (60, 8), |cx, area, canvas| both.draw(cx, area, canvas)).lines();
        assert_eq!(
            lines[..4],
            [
                "      7 ada      nice 5 → 6   nginx",
                "      9 ada      nice 5 → 6   sshd",
                "",
                "higher is a lower priority; only root may lower it"
            ]
        );
        assert_eq!(steps(&mut *both, &state), [(NGINX, 1), (SSHD, 1)], "what has exited is left out");
        assert_eq!(asked(&[SSHD], -1, &state).title(&state), "change the niceness of 9 sshd?");
        let said = |targets: Vec<ProcKey>| match ask(targets, 1, &state).pop() {
            Some(Effect::Say(_, words)) => words,
            _ => String::new(),
        };
        assert_eq!(said(vec![]), "no process is selected");
        assert_eq!(said(vec![GONE]), "it has exited: nothing was done");
    }

    #[test]
    fn keys_take_further_steps_while_it_asks() {
        let state = machine(5);
        let mut question = asked(&[NGINX], 1, &state);
        for (action, then, by) in [
            (Action::NiceUp, 7, 2),
            (Action::NiceDown, 6, 1),
            (Action::NiceDown, 5, 0),
            (Action::NiceDown, 4, -1),
            (Action::NiceDown, 3, -2),
        ] {
            assert!(question.act(action, &state).is_some_and(|effects| effects.is_empty()));
            assert_eq!(first(&*question, &state), format!("      7 ada      nice 5 → {then}   nginx"));
            assert_eq!(steps(&mut *question, &state), [(NGINX, by)]);
        }
        assert!(question.act(Action::Signal, &state).is_none());
    }

    #[test]
    fn no_step_leads_beyond_the_bounds() {
        for (nice, by, then) in [(19, 1, 19), (18, 1, 19), (-20, -1, -20), (-19, -1, -20), (0, 0, 0)] {
            let state = machine(nice);
            let line = first(&*asked(&[NGINX], by, &state), &state);
            assert_eq!(line, format!("      7 ada      nice {nice} → {then}   nginx"));
        }
        // From one end to the other are 39 steps.
        let state = machine(-20);
        let mut question = asked(&[NGINX], 38, &state);
        for by in [39, 39] {
            question.act(Action::NiceUp, &state);
            assert_eq!(steps(&mut *question, &state), [(NGINX, by)]);
        }
        let mut question = asked(&[NGINX], -38, &state);
        for by in [-39, -39] {
            question.act(Action::NiceDown, &state);
            assert_eq!(steps(&mut *question, &state), [(NGINX, by)]);
        }
    }
}
