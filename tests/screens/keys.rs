//! What keys, clicks and pasted text lead to in what lies over the overview: the command that comes of it, or what is
//! shown then.

use std::time::Duration;

use benchtop::{
    alert::Level,
    clock::Stamp,
    config::{Settings, settings::Colors},
    interest::Interest,
    model::{
        alert::{AlertMark, AlertSays, Scope, Silence},
        event::Event,
        log::{LogLine, LogSample},
        pool::{Scan, ScanKind, ScanState},
        series::Series,
        source::SourceId,
        store::Kind,
    },
    request::{BenchAct, Command, Done, Job, Outcome, PoolAct},
    state::State,
    ui::Ui,
};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};

use super::{
    frame::text,
    views::{SERVER, after, sockets, stores},
};
use crate::{click, drawn, press, truecolor};

const SIZE: (u16, u16) = (160, 45);

/// The screen after these keys, one frame for each.
fn at(state: &State, keys: &str) -> Ui {
    let mut ui = truecolor();
    drawn(&mut ui, state, SIZE);
    go(&mut ui, state, keys);
    ui
}

/// What the keys ask for.
fn go(ui: &mut Ui, state: &State, keys: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    for key in keys.chars() {
        commands.extend(press(ui, state, &key.to_string()));
        drawn(ui, state, SIZE);
    }
    commands
}

fn screen(ui: &mut Ui, state: &State) -> String {
    text(&drawn(ui, state, SIZE))
}

fn shows(ui: &mut Ui, state: &State, words: &str) {
    let screen = screen(ui, state);
    assert!(screen.contains(words), "no {words:?} in\n{screen}");
}

fn lacks(ui: &mut Ui, state: &State, words: &str) {
    let screen = screen(ui, state);
    assert!(!screen.contains(words), "{words:?} in\n{screen}");
}

fn paste(ui: &mut Ui, state: &State, text: &str) {
    assert!(ui.input(&Input::Paste(text.to_owned()), state).is_empty());
}

/// Row and column of these words.
fn place(ui: &mut Ui, state: &State, words: &str) -> (u16, u16) {
    let screen = screen(ui, state);
    let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains(words)).unwrap();
    let x = line[..line.find(words).unwrap()].chars().count();
    (u16::try_from(x).unwrap(), u16::try_from(y).unwrap())
}

fn said(commands: &[Command]) -> &AlertSays {
    let [Command::Mark(says)] = commands else { panic!("{commands:?}") };
    says
}

/// The state after what the user said.
fn marked(state: &State, says: &AlertSays) -> State {
    let mut state = state.clone();
    state.apply(Event::Alert(AlertMark { at: state.host.now, says: says.clone() }));
    state.judge();
    state
}

#[test]
fn a_comment_is_typed_or_pasted_with_an_acknowledgement() {
    let state = &*SERVER;
    let mut ui = at(state, "aA");
    assert!(ui.takes_text());
    shows(&mut ui, state, "acknowledge, with a comment:");
    assert_eq!(go(&mut ui, state, " quit it"), []);
    paste(&mut ui, state, ", disk ordered");
    let commands = go(&mut ui, state, "\n");
    let AlertSays::Acknowledge { key, comment } = said(&commands) else { panic!("{commands:?}") };
    assert_eq!(comment, "quit it, disk ordered");
    assert!(state.watches.iter().any(|watch| watch.key() == *key && watch.held));
    assert!(!ui.takes_text(), "the view is back");

    let then = marked(state, said(&commands));
    drawn(&mut ui, &then, SIZE);
    assert_eq!(said(&go(&mut ui, &then, "A")), &AlertSays::Unacknowledge(key.clone()), "again: no longer");

    let mut ui = at(state, "aAx\x1b");
    assert!(!ui.takes_text());
    shows(&mut ui, state, "alerts");
    assert_eq!(go(&mut ui, state, "j"), [], "Esc left the comment, not the view");
}

#[test]
fn a_silence_of_an_alertmanager_ends_there() {
    let state = &*SERVER;
    let key = state.watches[0].key();
    let until_unix_ms = state.host.now.plus(Duration::from_secs(3600)).unix_ms;
    let (comment, by) = (String::new(), Some("ann".to_owned()));
    let silence = Silence { scope: Scope::One(key), until_unix_ms, comment, by };
    let then = marked(state, &AlertSays::SilencedElsewhere(vec![silence]));
    let said = (0..then.watches.len() + 3).filter(|downs| {
        let mut ui = at(&then, &format!("a{}", "j".repeat(*downs)));
        let commands = go(&mut ui, &then, "m");
        let screen = text(&drawn(&mut ui, &then, SIZE));
        commands.is_empty() && screen.contains("ann silenced this in Alertmanager: it can be ended there")
    });
    assert_eq!(said.count(), 1);
}

#[test]
fn an_alert_its_rule_or_everything_is_silenced() {
    let state = &*SERVER;
    let mut ui = at(state, "am");
    let rule = state.watches[0].rule.clone();
    for words in ["this alert for 1h", "this alert for 7d", &format!("all of rule {rule} for 1h"), "everything for 8h"]
    {
        shows(&mut ui, state, words);
    }
    let commands = go(&mut ui, state, "j\n");
    let AlertSays::Silence(silence) = said(&commands) else { panic!("{commands:?}") };
    assert_eq!(silence.scope, Scope::One(state.watches[0].key()));
    assert_eq!(silence.until_unix_ms, state.host.now.plus(Duration::from_secs(4 * 3600)).unix_ms);

    // On the silenced alert the same key ends it; wherever that is listed.
    let then = marked(state, said(&commands));
    let end = [Command::Mark(AlertSays::Unsilence(silence.scope.clone()))];
    let ends = (0..then.watches.len() + 3).filter(|downs| {
        let mut ui = at(&then, &format!("a{}", "j".repeat(*downs)));
        go(&mut ui, &then, "m") == end
    });
    assert_eq!(ends.count(), 1);

    // One that is not silenced offers the end of those that are.
    let mut ui = at(&then, "am");
    shows(&mut ui, &then, "end: ");
    let commands = go(&mut ui, &then, "\n");
    assert_eq!(said(&commands), &AlertSays::Unsilence(silence.scope.clone()));

    let mut ui = at(state, "am");
    let commands = go(&mut ui, state, &format!("{}\n", "j".repeat(8)));
    let AlertSays::Silence(silence) = said(&commands) else { panic!("{commands:?}") };
    assert_eq!(silence.scope, Scope::All);
    let then = marked(state, said(&commands));
    let mut ui = at(&then, "am");
    shows(&mut ui, &then, "end: everything");
}

#[test]
fn two_clicks_on_an_alert_open_its_subject() {
    let state = &*SERVER;
    let mut ui = at(state, "a");
    let (x, y) = place(&mut ui, state, "tank is degraded: replacing-3 degraded, sdd1 faulted");
    let (x, y) = if y == 0 { place_below(&mut ui, state, "tank is degraded") } else { (x, y) };
    click(&mut ui, state, x, y);
    shows(&mut ui, state, "this rule in the last 30 days");
    click(&mut ui, state, x, y);
    shows(&mut ui, state, "pool tank");
}

/// The same below the first line of the screen.
fn place_below(ui: &mut Ui, state: &State, words: &str) -> (u16, u16) {
    let screen = screen(ui, state);
    let (y, line) = screen.lines().enumerate().skip(1).find(|(_, line)| line.contains(words)).unwrap();
    let x = line[..line.find(words).unwrap()].chars().count();
    (u16::try_from(x).unwrap(), u16::try_from(y).unwrap())
}

/// The server with the log of the container at the fourth row: a hundred lines, every tenth an error.
fn logged() -> State {
    let mut state = SERVER.clone();
    let mut ui = at(&state, "6jjjl");
    let (_, id) = ui.want(&state).log.unwrap();
    shows(&mut ui, &state, "waiting…");
    let line = |number: usize| LogLine {
        text: if number.is_multiple_of(10) { format!("error {number}") } else { format!("line {number}") },
        unix_ms: Some(1_800_000_000_000 + number as i64),
        ..LogLine::default()
    };
    state.host.log.apply(LogSample { id, fresh: true, lines: (0..100).map(line).collect(), ..LogSample::default() });
    state
}

#[test]
fn a_log_is_scrolled_and_followed() {
    let state = &logged();
    let mut ui = at(state, "6jjjl");
    for (keys, first, title) in [
        // 41 rows between the frame's.
        ("", "line 59", "following"),
        ("k", "line 58", "held"),
        ("j", "line 59", "following"),
        ("g", "error 0", "held"),
        ("jj", "line 2", "held"),
        ("G", "line 59", "following"),
    ] {
        go(&mut ui, state, keys);
        shows(&mut ui, state, &format!("· {title}"));
        let screen = screen(&mut ui, state);
        let line = screen.lines().nth(2).unwrap().trim_matches(['│', ' ']);
        assert_eq!(line, first, "after {keys:?}");
    }
}

#[test]
fn a_log_is_searched_as_one_types() {
    let state = &logged();
    let mut ui = at(state, "6jjjlg/");
    assert!(ui.takes_text());
    let first = |ui: &mut Ui| screen(ui, state).lines().nth(2).unwrap().trim_matches(['│', ' ']).to_owned();
    go(&mut ui, state, "e");
    paste(&mut ui, state, "rror 3");
    assert_eq!(first(&mut ui), "error 30");
    go(&mut ui, state, "\n");
    assert!(!ui.takes_text());
    go(&mut ui, state, "/error\nn");
    assert_eq!(first(&mut ui), "error 40");
    go(&mut ui, state, "NN");
    assert_eq!(first(&mut ui), "error 20");
    go(&mut ui, state, "/nowhere\nn");
    shows(&mut ui, state, "nowhere is not in the log");
    go(&mut ui, state, "/error\x1bn");
    assert_eq!(first(&mut ui), "error 30", "Esc forgets the word");
}

#[test]
fn a_log_has_times_and_is_saved() {
    let state = &logged();
    let mut ui = at(state, "6jjjl");
    lacks(&mut ui, state, "01-15 ");
    go(&mut ui, state, "t");
    shows(&mut ui, state, "01-15 ");
    let commands = go(&mut ui, state, "W");
    let [Command::Save { name, text }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(name, "immich-machine-learning.log");
    let mut lines = text.lines();
    assert_eq!(
        (lines.next(), lines.last()),
        (Some("2027-01-15T08:00:00Z error 0"), Some("2027-01-15T08:00:00.099Z line 99"))
    );
}

#[test]
fn long_lines_of_a_log_are_wrapped_or_scrolled_sideways() {
    let mut state = logged();
    let long = format!("{}END", "0123456789".repeat(20));
    let id = state.host.log.id.clone();
    state.host.log.apply(LogSample {
        id,
        lines: vec![LogLine { text: long, ..LogLine::default() }],
        ..LogSample::default()
    });
    let mut ui = at(&state, "6jjjl");
    lacks(&mut ui, &state, "END");
    let arrows = |ui: &mut Ui, code| {
        for _ in 0..4 {
            ui.input(&Input::Key(KeyEvent::new(code, KeyModifiers::NONE)), &state);
        }
    };
    arrows(&mut ui, KeyCode::Right);
    shows(&mut ui, &state, "END");
    arrows(&mut ui, KeyCode::Left);
    lacks(&mut ui, &state, "END");
    go(&mut ui, &state, "w");
    shows(&mut ui, &state, "END");
}

/// The answer to the question on the screen.
fn job(ui: &mut Ui, state: &State, keys: &str) -> Job {
    assert_eq!(go(ui, state, keys), [], "nothing is done before the yes");
    let commands = go(ui, state, "y");
    let [Command::Job(job)] = &commands[..] else { panic!("{commands:?}\n{}", screen(ui, state)) };
    job.clone()
}

#[test]
fn a_scrub_is_started_paused_and_stopped() {
    let mut state = SERVER.clone();
    // The second pool, from its menu.
    let keys = "4jx";
    let name = state.host.pools.rows.iter().find(|row| row.name == "fast").unwrap().name.clone();
    let with = |state: &mut State, scan: Option<ScanState>| {
        let row = state.host.pools.rows.iter_mut().find(|row| row.name == name).unwrap();
        let reported = row.reported.as_mut().unwrap();
        reported.scan = scan.map(|state| Scan { kind: ScanKind::Scrub, state, ..reported.scan.clone().unwrap() });
    };
    for (scan, menu, acts) in [
        (Some(ScanState::Finished), &["scrub", "clear errors"][..], &[PoolAct::Scrub, PoolAct::Clear][..]),
        (Some(ScanState::Running), &["pause the scrub", "stop the scrub"], &[PoolAct::PauseScrub, PoolAct::StopScrub]),
        (Some(ScanState::Paused), &["resume the scrub", "stop the scrub"], &[PoolAct::ResumeScrub, PoolAct::StopScrub]),
    ] {
        with(&mut state, scan);
        for (downs, (words, act)) in menu.iter().zip(acts).enumerate() {
            let mut ui = at(&state, keys);
            shows(&mut ui, &state, "pool fast");
            shows(&mut ui, &state, words);
            let down = "j".repeat(downs);
            assert_eq!(job(&mut ui, &state, &format!("{down}\n")), Job::Pool { pool: name.clone(), act: act.clone() });
        }
    }
}

#[test]
fn compression_of_a_dataset_is_set() {
    let state = &*SERVER;
    let mut ui = at(state, "4x");
    let down = if screen(&mut ui, state).contains("stop the scrub") { "jjj" } else { "jj" };
    go(&mut ui, state, &format!("{down}\n"));
    shows(&mut ui, state, "compression of which dataset of tank?");
    go(&mut ui, state, "j\n");
    shows(&mut ui, state, "as it is now");
    let Job::Pool { pool, act } = job(&mut ui, state, "j\n") else { panic!() };
    let PoolAct::Set { dataset, property, before, value } = act else { panic!("{act:?}") };
    assert_eq!((pool.as_str(), dataset.as_str(), property.as_str()), ("tank", "tank/photos", "compression"));
    assert!(before == "lz4" && value != "lz4", "{value}");
}

#[test]
fn an_offered_service_is_added_after_its_lines_were_shown() {
    let state = &*SERVER;
    let mut ui = at(state, "vj\n");
    shows(&mut ui, state, "probe grafana?");
    shows(&mut ui, state, "tcp://127.0.0.1:3001");
    let Job::Service { target, add, .. } = job(&mut ui, state, "") else { panic!() };
    assert!(add && target.name == "grafana");
}

#[test]
fn what_is_removed_is_listed_first() {
    let state = &after(SourceId::Stores, Ok(stores()));
    let mut ui = at(state, "ijjx\n");
    shows(&mut ui, state, "remove image postgres:15? frees 400.0 MiB");
    let Job::Remove(objects) = job(&mut ui, state, "") else { panic!() };
    let of: Vec<_> = objects.iter().map(|object| (object.kind, object.name.as_str(), object.bytes)).collect();
    assert_eq!(of, [(Kind::Image, "postgres:15", 400 << 20)]);

    let mut ui = at(state, "ix");
    shows(&mut ui, state, "all unused images: 1, frees 400.0 MiB");
    lacks(&mut ui, state, "all unused volumes");
    go(&mut ui, state, "jj\n");
    shows(&mut ui, state, "remove network media_default? frees 0 B");

    // Words of a filter are also those that no column of theirs shows.
    for (words, there, gone) in [("volume", "immich-db", "postgres:15"), ("unused", "media_default", "jellyfin:10.10")]
    {
        let mut ui = at(state, &format!("if{words}"));
        shows(&mut ui, state, there);
        lacks(&mut ui, state, gone);
    }
}

#[test]
fn keys_of_a_container_work_in_its_detail() {
    let state = &*SERVER;
    let mut ui = at(state, "6jjj\nx");
    shows(&mut ui, state, "restart   stop, then start");
    let mut ui = at(state, "6jjj\nl");
    shows(&mut ui, state, "log of immich-machine-learning");
    let mut ui = at(state, "6jjjx");
    let commands = go(&mut ui, state, "G\n");
    let row = state.host.containers.rows.iter().find(|row| row.meta.name == "immich-machine-learning").unwrap();
    let engine = "unix:///var/run/docker.sock".into();
    assert_eq!(commands, [Command::Shell { engine, id: row.meta.id.clone() }]);
}

#[test]
fn what_is_pasted_into_a_search_or_filter_counts() {
    let state = &*SERVER;
    let mut ui = at(state, "f");
    paste(&mut ui, state, "ffmpeg");
    shows(&mut ui, state, "ffmpeg -hwaccel");
    lacks(&mut ui, state, "ollama runner");
    for (keys, words, gone) in [("5f", "nvme0n1", "br-media"), ("6f", "pihole", "jellyfin/jelly"), ("Sf", "x", "y")] {
        let mut ui = at(state, keys);
        paste(&mut ui, state, words);
        lacks(&mut ui, state, gone);
    }
    // Where no text is taken, pasted text is nothing.
    let mut ui = at(state, "");
    let before = screen(&mut ui, state);
    paste(&mut ui, state, "q");
    assert_eq!(screen(&mut ui, state), before);
}

#[test]
fn filters_find_pools_and_services_by_what_they_have() {
    let state = &*SERVER;
    for (keys, found, gone) in [
        ("4fbackup", "backup ●", "tank   ✖"),
        ("4fsde1", "tank   ✖", "backup ●"),
        ("4fdegraded", "tank   ✖", "backup ●"),
        ("7fexample.org/alive", "vault ", "nextcloud ▲"),
        ("7fping:", "router    ●", "nextcloud ▲"),
        ("7fslow", "nextcloud ▲", "router    ●"),
    ] {
        let mut ui = at(state, keys);
        shows(&mut ui, state, found);
        lacks(&mut ui, state, gone);
    }
}

#[test]
fn a_menu_is_chosen_from_by_a_click() {
    let state = &*SERVER;
    let mut ui = at(state, "6jjjx");
    let (x, y) = place(&mut ui, state, "kill      SIGKILL");
    click(&mut ui, state, x, y);
    shows(&mut ui, state, "kill immich-machine-learning?");
}

#[test]
fn tagged_rows_are_operated_on_together() {
    let state = &*SERVER;
    let mut ui = at(state, "6jjj  x");
    shows(&mut ui, state, "2 containers");
    let Job::All(jobs) = job(&mut ui, state, "\n") else { panic!() };
    assert_eq!(jobs.len(), 2);
    // A second time takes the tag away.
    let mut ui = at(state, "6jjj k x");
    shows(&mut ui, state, "─ container ollama ─");
}

#[test]
fn read_only_help_says_why_a_key_is_missing() {
    let state = &*SERVER;
    let help = |read_only| {
        let mut ui = crate::ui(Settings { colors: Colors::True, read_only, ..Settings::default() });
        drawn(&mut ui, state, (200, 60));
        press(&mut ui, state, "?");
        text(&drawn(&mut ui, state, (200, 60)))
    };
    assert!(help(true).contains("read-only"), "{}", help(true));
    assert!(!help(false).contains("read-only"));
}

#[test]
fn idle_pools_have_no_graph() {
    let mut state = SERVER.clone();
    let large = |state: &State| {
        let mut ui = truecolor();
        drawn(&mut ui, state, (160, 45));
        press(&mut ui, state, "4z");
        text(&drawn(&mut ui, state, (160, 45)))
    };
    assert!(large(&state).contains(" read over write"), "{}", large(&state));
    for row in &mut state.host.pools.rows {
        (row.read_history, row.write_history) = (Series::default(), Series::default());
    }
    assert!(!large(&state).contains(" read over write"), "{}", large(&state));
}

#[test]
fn each_view_asks_for_what_it_shows() {
    let state = &*SERVER;
    let wants = |keys: &str| -> Interest { at(state, keys).want(state) };
    assert!(wants("6jjjl").log.is_some() && wants("6jjj").log.is_none());
    assert!(wants("bt").runs && !wants("").runs, "the scorecard judges the last runs");
    assert!(!wants("2\n").memory_of.is_empty() && wants("").memory_of.is_empty());
    // Who listens on the port of a service, where that is of this machine.
    assert!(!wants("7j\n").sockets);
    let mut here = state.clone();
    for row in &mut here.host.services.rows {
        std::sync::Arc::make_mut(row.round.as_mut().unwrap()).found.address = Some([127, 0, 0, 1].into());
    }
    assert!(at(&here, "7j\n").want(&here).sockets);
}

fn control(ui: &mut Ui, state: &State, key: char) -> Vec<Command> {
    let commands = ui.input(&Input::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL)), state);
    drawn(ui, state, SIZE);
    commands
}

#[test]
fn what_was_done_is_undone_by_a_key() {
    let state = &*SERVER;
    let mut ui = at(state, "");
    control(&mut ui, state, 'u');
    shows(&mut ui, state, "nothing to undo");
    let done = |text: &str, undo: Option<PoolAct>| Done {
        outcome: Outcome { level: Level::Ok, text: text.into() },
        undo: undo.map(|act| Job::Pool { pool: "tank".into(), act }),
    };
    ui.report(done("scrub of tank started", Some(PoolAct::StopScrub)));
    shows(&mut ui, state, "scrub of tank started · ctrl-u undoes it");
    // What cannot be undone leaves the way back of what was before it.
    ui.report(done("errors of tank cleared", None));
    shows(&mut ui, state, "errors of tank cleared");
    lacks(&mut ui, state, "undoes it");
    assert_eq!(control(&mut ui, state, 'u'), []);
    assert_eq!(job(&mut ui, state, ""), Job::Pool { pool: "tank".into(), act: PoolAct::StopScrub });
}

#[test]
fn processes_of_one_user_are_chosen() {
    let state = &*SERVER;
    let mut ui = at(state, "9u");
    shows(&mut ui, state, "postgres");
    let menu = screen(&mut ui, state);
    // `all` comes first, then the users by name.
    let down = menu.lines().filter(|line| line.contains("media") || line.contains("postgres")).count();
    assert!(down > 0, "{menu}");
    let mut ui = at(state, "9uj\n");
    shows(&mut ui, state, "user ");
    let one = screen(&mut ui, state);
    go(&mut ui, state, "uk\n");
    assert_ne!(screen(&mut ui, state), one, "all of them again");
}

/// The busy server with its history of benchmarks.
fn measured() -> State {
    let mut state = crate::server(super::server::Parts::FULL);
    super::suite::measured(&mut state);
    state
}

#[test]
fn benchmarks_are_filtered_by_what_is_typed_or_pasted() {
    let state = &measured();
    let mut ui = at(state, "b/");
    assert!(ui.takes_text());
    paste(&mut ui, state, "media");
    let pasted = screen(&mut ui, state);
    let mut typed = at(state, "b/media");
    assert_eq!(screen(&mut typed, state), pasted);
    let all = screen(&mut at(state, "b"), state);
    assert_ne!(all, pasted);
    go(&mut ui, state, "\x1b");
    assert!(!ui.takes_text());
    assert_eq!(screen(&mut ui, state), all, "Esc shows them all again");
}

#[test]
fn a_target_is_measured_from_the_scorecard() {
    let state = &measured();
    let catalog = state.runs.catalog.as_ref().unwrap();
    let targets = benchtop::target::shipped();
    let mut ui = at(state, "bt");
    let mut planned = Vec::new();
    for _ in &targets {
        for command in go(&mut ui, state, "r") {
            let Command::Bench(BenchAct::Plan(keys)) = command else { continue };
            assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "the same three times: {keys:?}");
            let bench = catalog.benches.iter().find(|bench| bench.bench == keys[0].bench).unwrap();
            assert!(bench.offers.iter().any(|offer| offer.of == keys[0].of && offer.missing.is_none()), "{keys:?}");
            planned.push(keys[0].bench.clone());
            go(&mut ui, state, "\x1b");
        }
        go(&mut ui, state, "j");
    }
    // What is for no part of the machine is measured wherever it can be.
    for target in targets.iter().filter(|target| target.role.is_none()) {
        let Some((bench, _)) = target.measure.benchmark.as_ref().and_then(|figure| catalog.figure(figure)) else {
            continue;
        };
        let able = bench.offers.iter().any(|offer| offer.missing.is_none());
        assert_eq!(planned.contains(&bench.bench), able, "{}", target.name);
    }
}

#[test]
fn a_key_that_was_taken_away_is_none_though_it_changes_nothing() {
    let state = &*SERVER;
    let keys = [("search".to_owned(), Vec::new())].into();
    let mut ui = crate::ui(Settings { colors: Colors::True, read_only: true, keys, ..Settings::default() });
    drawn(&mut ui, state, (200, 60));
    press(&mut ui, state, "?");
    let help = text(&drawn(&mut ui, state, (200, 60)));
    let line = help.lines().find(|line| line.contains("search as you type")).unwrap();
    assert!(line.contains("no key") && !line.contains("read-only  "), "{line}");
}

#[test]
fn long_details_are_scrolled() {
    let state = &*SERVER;
    for keys in ["\n", "6jjj\n", "4\n", "3\n", "7\n", "8\n"] {
        let mut ui = at(state, keys);
        let mut low = |keys: &str| {
            press(&mut ui, state, keys);
            text(&drawn(&mut ui, state, (160, 10)))
        };
        let first = low("");
        let last = low("G");
        assert_ne!(first, last, "{keys:?}");
        assert_eq!(low("g"), first, "{keys:?}");
        assert_ne!(low("j"), first, "{keys:?}");
        assert_eq!(low("k"), first, "{keys:?}");
    }
}

#[test]
fn what_happened_to_a_service_is_listed_with_its_age() {
    use benchtop::model::service::{Occurrence, What};
    let mut state = SERVER.clone();
    let now = state.host.now;
    let mut ago = 60_000_000;
    let mut line = |what, count, words: &str| {
        ago -= 10_000_000;
        let at = Stamp { mono_us: now.mono_us - ago, unix_ms: now.unix_ms - i64::try_from(ago / 1000).unwrap() };
        Occurrence { first: at, last: at, count, what, words: words.into() }
    };
    let row = state.host.services.rows.iter_mut().find(|row| row.probe.name == "vault").unwrap();
    row.log = [
        line(What::Failed, 3, "refused"),
        line(What::Unjudged, 1, "no DNS"),
        line(What::Answered, 1, ""),
        line(What::Retried, 2, "503"),
    ]
    .into();
    let mut ui = at(&state, "7j\n");
    for (ago, what, words) in [
        ("50s ago", "failed 3×", "refused"),
        ("40s ago", "not judged ", "no DNS"),
        ("30s ago", "answered again ", ""),
        ("20s ago", "second attempt 2×", "503"),
    ] {
        let screen = screen(&mut ui, &state);
        let line = screen.lines().find(|line| line.contains(ago)).unwrap_or_else(|| panic!("no {ago} in\n{screen}"));
        assert!(line.contains(what) && line.contains(words), "{line}");
    }
}

#[test]
fn a_socket_leads_to_its_process() {
    let state = &after(SourceId::Sockets, Ok(sockets()));
    let mut titles = Vec::new();
    for downs in 0..3 {
        let mut ui = at(state, &format!("S{}\n", "j".repeat(downs)));
        let screen = screen(&mut ui, state);
        titles.push((screen.contains("╭─ process "), screen.contains("its process is unknown")));
    }
    titles.sort_unstable();
    assert_eq!(titles, [(false, true), (true, false), (true, false)]);
}

#[test]
fn two_clicks_open_a_card() {
    let state = &*SERVER;
    let mut ui = at(state, "");
    let (x, y) = place(&mut ui, state, "util   ━");
    click(&mut ui, state, x, y);
    shows(&mut ui, state, "²memory");
    click(&mut ui, state, x, y);
    lacks(&mut ui, state, "²memory");
    shows(&mut ui, state, "RTX 3090");
}

#[test]
fn a_graph_of_a_container_needs_its_room() {
    let state = &*SERVER;
    let graph = |rows: u16| {
        let mut ui = at(state, "6jjj\n");
        text(&drawn(&mut ui, state, (160, rows))).contains(" now ")
    };
    // 14 rows, and the frame, the head and the foot around them.
    assert!(graph(18) && !graph(17));
}

#[test]
fn the_log_in_a_detail_is_of_its_container() {
    let state = &logged();
    let mut ui = at(state, "6jjj\n");
    go(&mut ui, state, "G");
    shows(&mut ui, state, "line 99");
    let mut ui = at(state, "6jjjj\n");
    go(&mut ui, state, "G");
    lacks(&mut ui, state, "line 99");
}

#[test]
fn errors_of_pools_keep_their_column_while_there_are_any() {
    let least = |state: &State| {
        let shown = |width: &u16| {
            let mut ui = truecolor();
            drawn(&mut ui, state, (*width, 24));
            press(&mut ui, state, "5z");
            text(&drawn(&mut ui, state, (*width, 24))).contains(" ERRS")
        };
        (24..=100).step_by(4).find(shown)
    };
    let state = &*SERVER;
    let mut sound = state.clone();
    for row in &mut sound.host.pools.rows {
        let reported = row.reported.as_mut().unwrap();
        reported.vdevs.iter_mut().for_each(|vdev| vdev.errors = [0; 3]);
    }
    let (with, without) = (least(state), least(&sound));
    assert!(with.is_some() && without.is_none_or(|without| Some(without) > with), "{with:?} {without:?}");
}
