//! What keys do to a list, and what the lines above and below it say.

use benchtop::state::State;

use super::{
    containers,
    frame::text,
    machine::{Machine, Mood},
};
use crate::{digit, drawn, press, truecolor};

const SIZE: (u16, u16) = (160, 45);

fn with_containers() -> State {
    let mut machine = Machine::lively(Mood::Calm);
    containers::report(&mut machine.state);
    machine.state
}

/// The zoomed pane with this title after these keys, each with its frame; `/name` and a new line go to a row.
fn zoomed(state: &State, pane: &str, keys: &str) -> String {
    let mut ui = truecolor();
    let digit = digit(&drawn(&mut ui, state, SIZE), pane);
    for key in format!("{digit}z{keys}").chars() {
        press(&mut ui, state, &key.to_string());
        drawn(&mut ui, state, SIZE);
    }
    text(&drawn(&mut ui, state, SIZE))
}

#[test]
fn folding_a_row_of_no_group_folds_nothing() {
    let state = with_containers();
    let there = |keys: &str, name: &str| zoomed(&state, "containers", keys).contains(name);
    assert!(there("t", "grafana") && there("t", "nextcloud"));
    // On a row of a project: its project, which is unfolded again.
    assert!(!there("t/nextcloud\no", "nextcloud") && there("t/nextcloud\no", "grafana"));
    assert!(there("t/nextcloud\noo", "nextcloud"));
    // On a row of none: nothing, so that the next key folds all, and does not unfold.
    assert!(there("t/ollama\no", "ollama"));
    assert!(!there("t/ollama\no*", "nextcloud"));
    assert!(there("t/ollama\no**", "nextcloud"));
}

#[test]
fn folding_a_process_folds_its_children() {
    let machine = Machine::lively(Mood::Calm);
    let lines = |keys: &str| {
        let screen = zoomed(&machine.state, "processes", keys);
        screen.lines().filter(|line| line.contains("─ ")).count()
    };
    let screen = zoomed(&machine.state, "processes", "tgo");
    assert!(lines("tgo") < lines("t"), "{screen}");
    assert_eq!(lines("tgoo"), lines("t"));
}

#[test]
fn details_are_offered_where_a_row_can_be_opened() {
    let state = with_containers();
    let offered = |keys: &str| {
        let screen = zoomed(&state, "containers", keys);
        screen.lines().last().is_some_and(|line| line.contains("↵ details"))
    };
    assert!(offered(""));
    assert!(!offered("fname=nobody\n"));
}

/// The counts of alerts are worth more than the load: it is shown where it leaves them whole.
#[test]
fn load_leaves_room_for_the_counts_of_alerts() {
    let state = Machine::lively(Mood::Failing).state;
    let verdict = state.verdict();
    assert!(verdict.crit > 0 && verdict.warn > 0);
    let counts = format!(" ✖ {}  ▲ {} ", verdict.crit, verdict.warn);
    let load = state.host.load.raw;
    let all = format!("load {:.1} {:.1} {:.1} ", load.load1, load.load5, load.load15);
    let mut shown = [0; 3];
    for width in 44..80 {
        let screen = text(&drawn(&mut truecolor(), &state, (width, 24)));
        let first = screen.lines().next().unwrap_or_default();
        let said = if first.contains(&all) { 2 } else { usize::from(first.contains("load")) };
        shown[said] += 1;
        assert!(said == 0 || first.contains(&counts), "{width}: {first}");
    }
    assert!(shown.iter().all(|count| *count > 0), "none, one and all of it: {shown:?}");
}
