//! Keys, clicks and both layouts of the panel.

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::{
    analysis::regression::Verdict,
    ui::{
        benchmarks::testing::{compressed, effects, key, measured, series, since, state, under_way},
        canvas::testing::Look,
    },
};

const WIDE_ROOM: (u16, u16) = (160, 40);
const NARROW_ROOM: (u16, u16) = (80, 22);

fn worse() -> State {
    let mut state = state();
    measured(&mut state, &series("container_start_seconds", ""), &[(3, 0.6, Verdict::Same, 1.0)]);
    measured(
        &mut state,
        &series("storage_random_iops", "tank"),
        &[(9, 200.0, Verdict::Same, 1.0), (1, 150.0, Verdict::Regressed, 0.75)],
    );
    since(&mut state, &series("storage_random_iops", "tank"), 9);
    compressed(&mut state, 3);
    state
}

fn opened(state: &State, size: (u16, u16), read_only: bool) -> Benchmarks {
    let mut panel = Benchmarks::default();
    let settings = Settings { read_only, ..Settings::default() };
    panel.begin(state, &settings, Rect::new(0, 0, size.0, size.1));
    panel.refresh(state);
    panel
}

fn shown(panel: &Benchmarks, state: &State, size: (u16, u16)) -> Vec<String> {
    Look::keyed().draw(state, size, |cx, area, canvas| panel.draw(cx, area, canvas)).lines()
}

fn act(panel: &mut Benchmarks, state: &State, action: Action) -> Option<Vec<String>> {
    panel.act(action, state).map(|done| effects(&done, state))
}

/// The lines that can be selected, the one under the cursor after a dash.
fn names(panel: &Benchmarks) -> Vec<String> {
    let selected = panel.cursor.selected();
    let name = |line: &Line| {
        let name = match line {
            Line::Item(item) => item.name(),
            Line::Missing { why, .. } => why.clone(),
            _ => return None,
        };
        Some(if line.key() == selected { format!("- {name}") } else { name })
    };
    panel.lines.iter().filter_map(name).collect()
}

#[test]
fn a_wide_screen_has_list_and_detail_side_by_side() {
    let state = worse();
    let mut panel = opened(&state, WIDE_ROOM, false);
    act(&mut panel, &state, Action::Down);
    let lines = shown(&panel, &state, WIDE_ROOM);
    let left = |line: &String| line.chars().take(67).collect::<String>();
    let right = |line: &String| line.chars().skip(68).collect::<String>();
    assert!(left(&lines[0]).starts_with("╭─ benchmarks ─") && left(&lines[0]).ends_with('╮'), "{}", lines[0]);
    assert!(right(&lines[0]).starts_with("╭─ tank · random 4k ─") && right(&lines[0]).ends_with('╮'), "{}", lines[0]);
    assert!(right(&lines[22]).starts_with("╭─ what changed before it ─"), "{}", lines.join("\n"));
    assert!(left(&lines[39]).starts_with('╰') && right(&lines[39]).starts_with('╰'));
    act(&mut panel, &state, Action::Down);
    let missing = shown(&panel, &state, WIDE_ROOM);
    assert!(right(&missing[0]).starts_with("╭─ cannot be measured here ─") && missing.concat().contains("no space"));
    let mut none = opened(&State::default(), WIDE_ROOM, false);
    none.refresh(&State::default());
    let lines = shown(&none, &State::default(), WIDE_ROOM);
    assert!(left(&lines[1]).contains("looking at what can be measured here…"), "{}", lines[1]);
    assert!(right(&lines[0]).starts_with("╭─ benchmark ─") && right(&lines[1]).contains("nothing is selected"));
}

#[test]
fn boxes_side_by_side_share_the_room() {
    let state = worse();
    let panel = opened(&state, WIDE_ROOM, false);
    let split = |width: u16, height: u16| {
        let lines = shown(&panel, &state, (width, height));
        let place = |line: &String, of: char| line.chars().position(|c| c == of);
        let lower = (1..lines.len()).find(|y| lines[*y].chars().skip(30).any(|c| c == '╭'));
        (place(&lines[0], '╮').map(|x| x + 1), lower)
    };
    assert_eq!(split(116, 24), (Some(56), Some(13)));
    assert_eq!(split(160, 40), (Some(67), Some(22)));
    assert_eq!(split(240, 30), (Some(76), Some(16)));
    assert_eq!((split(115, 40).0, split(160, 23).0), (None, None), "a narrow screen has the list alone");
}

#[test]
fn boxes_keep_within_the_room() {
    let state = worse();
    let panel = opened(&state, WIDE_ROOM, false);
    let drawn =
        Look::default().draw(&state, (170, 40), |cx, area, canvas| panel.draw(cx, Rect { width: 160, ..area }, canvas));
    assert!(drawn.lines().iter().all(|line| line.chars().count() == 160), "{}", drawn.lines().join("\n"));
}

#[test]
fn a_narrow_screen_has_the_list_first() {
    let state = worse();
    let mut panel = opened(&state, NARROW_ROOM, false);
    assert!(!panel.lines.contains(&Line::Blank));
    let lines = shown(&panel, &state, NARROW_ROOM);
    assert!(lines[0].starts_with("   BENCHMARK"), "{}", lines[0]);
    assert!(lines[19].starts_with(" start  600 ms"), "{}", lines.join("\n"));
    let low = shown(&panel, &state, (80, 17)).concat();
    assert!(!low.contains("as normal") && lines.concat().contains("as normal"), "the list keeps the greater part");
    assert_eq!(act(&mut panel, &state, Action::Down), Some(vec![]));
    assert_eq!(panel.hints()[0], (Action::Open, "details"));
    assert_eq!(act(&mut panel, &state, Action::Open), Some(vec![]));
    assert!(shown(&panel, &state, NARROW_ROOM)[0].starts_with("╭─ tank · random 4k ─"));
    assert_eq!(panel.hints()[0], (Action::Open, "run"));
    assert_eq!(act(&mut panel, &state, Action::Open).unwrap()[0], "opens run tank random 4k?");
    for back in [Action::Back, Action::Left] {
        assert_eq!(act(&mut panel, &state, back), Some(vec![]));
        assert!(shown(&panel, &state, NARROW_ROOM)[0].starts_with("   BENCHMARK"));
        assert_eq!(act(&mut panel, &state, Action::Right), Some(vec![]));
        assert!(shown(&panel, &state, NARROW_ROOM)[0].starts_with("╭─ tank"));
    }
    act(&mut panel, &state, Action::Left);
    assert_eq!(act(&mut panel, &state, Action::Back), None, "then the panel is left");
    assert_eq!(act(&mut panel, &state, Action::Left), None);
}

#[test]
fn a_detail_on_a_narrow_screen_is_scrolled() {
    let state = worse();
    let mut panel = opened(&state, NARROW_ROOM, false);
    act(&mut panel, &state, Action::Down);
    act(&mut panel, &state, Action::Open);
    let page = |panel: &Benchmarks| shown(panel, &state, NARROW_ROOM)[13].clone();
    let first = page(&panel);
    assert_eq!(act(&mut panel, &state, Action::Down), Some(vec![]));
    assert_ne!(page(&panel), first);
    assert_eq!(names(&panel)[1], "- tank · random 4k", "the list stays where it is");
    act(&mut panel, &state, Action::Back);
    act(&mut panel, &state, Action::Up);
    act(&mut panel, &state, Action::Down);
    act(&mut panel, &state, Action::Open);
    shown(&panel, &state, NARROW_ROOM);
    assert_ne!(page(&panel), first, "the same figure is read on");
    act(&mut panel, &state, Action::Back);
    act(&mut panel, &state, Action::Up);
    act(&mut panel, &state, Action::Open);
    shown(&panel, &state, NARROW_ROOM);
    act(&mut panel, &state, Action::Back);
    act(&mut panel, &state, Action::Down);
    act(&mut panel, &state, Action::Open);
    assert_eq!(page(&panel), first, "after another one it begins at the top");
}

#[test]
fn all_figures_of_a_benchmark_are_listed_and_folded_away() {
    let state = worse();
    let mut panel = opened(&state, WIDE_ROOM, false);
    act(&mut panel, &state, Action::Down);
    assert_eq!(act(&mut panel, &state, Action::Right), Some(vec![]));
    assert_eq!(names(&panel), ["start", "- tank · random 4k", "tank · latency", "no space", "no GPU"]);
    act(&mut panel, &state, Action::Down);
    assert_eq!(act(&mut panel, &state, Action::Left), Some(vec![]));
    assert_eq!(
        names(&panel),
        ["start", "- tank · random 4k", "no space", "no GPU"],
        "the cursor goes to what it is about"
    );
    act(&mut panel, &state, Action::Up);
    act(&mut panel, &state, Action::Left);
    assert_eq!(names(&panel)[0], "- start");
    act(&mut panel, &state, Action::Bottom);
    assert_eq!(act(&mut panel, &state, Action::Right), Some(vec![]));
    assert_eq!(names(&panel)[3], "- no GPU", "there is nothing to unfold");
}

#[test]
fn what_cannot_be_measured_says_why_to_every_key() {
    let state = worse();
    let mut panel = opened(&state, WIDE_ROOM, false);
    act(&mut panel, &state, Action::Bottom);
    for action in
        [Action::Open, Action::BenchRun, Action::BenchAccept, Action::BenchPin, Action::BenchForget, Action::BenchUndo]
    {
        assert_eq!(act(&mut panel, &state, action), Some(vec!["no GPU".into()]), "{action:?}");
    }
    assert_eq!(panel.hints()[0], (Action::BenchRun, "run 3×"), "Enter does nothing");
    let mut none = opened(&State::default(), WIDE_ROOM, false);
    assert_eq!(act(&mut none, &State::default(), Action::BenchRun), Some(vec!["no benchmark is selected".into()]));
}

#[test]
fn each_key_does_its_operation() {
    let state = worse();
    let mut panel = opened(&state, WIDE_ROOM, false);
    act(&mut panel, &state, Action::Down);
    for (action, first) in [
        (Action::Open, "opens run tank random 4k?"),
        (Action::BenchRun, "opens run tank random 4k, 3 times?"),
        (Action::BenchSuite, "opens run which benchmarks?"),
        (Action::BenchStop, "nothing runs"),
        (Action::BenchUndo, "opens undo what changed before tank · random 4k?"),
        (Action::BenchAccept, "Accept of storage_random_iops tank"),
        (Action::BenchPin, "opens tank · random 4k: pin which run to compare with?"),
        (Action::BenchForget, "opens tank · random 4k: which run does not count?"),
        (Action::BenchSave, "saves 3 lines in benchmarks.jsonl"),
        (Action::Scorecard, "opens scorecard · 0 met · 0 missed · 0 stale · 0 unmeasured"),
    ] {
        assert_eq!(act(&mut panel, &state, action).unwrap()[0], first, "{action:?}");
    }
    assert_eq!(
        (act(&mut panel, &state, Action::Tree), act(&mut panel, &state, Action::FocusNext)),
        (None, Some(vec![]))
    );
    let mut reading = opened(&state, WIDE_ROOM, true);
    let why = "nothing is run: benchtop was started with --read-only";
    assert_eq!(act(&mut reading, &state, Action::Open), Some(vec![why.into()]));
    assert_eq!(reading.hints()[0], (Action::BenchRun, "run 3×"));
}

#[test]
fn a_row_is_chosen_by_a_click_and_run_by_another() {
    let state = worse();
    let mut panel = opened(&state, WIDE_ROOM, false);
    let mut click = |target: Target| effects(&panel.click(&target, &state), &state);
    assert_eq!(click(Target::OverlayRow(1)), [""; 0]);
    assert_eq!(click(Target::OverlayRow(0)), [""; 0], "it is another one");
    assert_eq!(click(Target::OverlayRow(0))[0], "opens run start?");
    assert_eq!(click(Target::OverlayColumn("x")), [""; 0]);
    assert_eq!(names(&panel)[0], "- start");
    let mut fresh = opened(&state, WIDE_ROOM, false);
    assert!(fresh.click(&Target::OverlayRow(0), &state).is_empty(), "it was under the cursor, but not chosen");
}

fn typed(panel: &mut Benchmarks, state: &State, code: KeyCode) -> bool {
    panel.key(Key::new(code, KeyModifiers::NONE), state).is_some()
}

#[test]
fn a_filter_is_typed_kept_and_taken_away() {
    let state = worse();
    let mut panel = opened(&state, WIDE_ROOM, false);
    assert!(!typed(&mut panel, &state, KeyCode::Char('x')) && !panel.takes_text());
    act(&mut panel, &state, Action::Search);
    assert!(panel.takes_text());
    panel.paste("tank", &state);
    assert_eq!(names(&panel), ["- tank · random 4k"]);
    assert!(typed(&mut panel, &state, KeyCode::Left) && !typed(&mut panel, &state, KeyCode::F(5)));
    let footer = Look::default().draw(&state, (70, 1), |cx, area, canvas| assert!(panel.footer(cx, area, canvas)));
    assert!(
        footer.line().starts_with(" filter tank") && footer.line().ends_with("words of a name, a group or a verdict")
    );
    assert!(typed(&mut panel, &state, KeyCode::Enter) && !panel.takes_text());
    assert!(shown(&panel, &state, WIDE_ROOM)[0].contains(" filter tank "));
    act(&mut panel, &state, Action::Filter);
    assert!(typed(&mut panel, &state, KeyCode::Char('x')));
    assert!(shown(&panel, &state, WIDE_ROOM)[1].contains("no benchmark matches the filter"));
    assert!(shown(&panel, &state, NARROW_ROOM)[0].contains("no benchmark matches the filter"));
    typed(&mut panel, &state, KeyCode::Esc);
    assert_eq!((names(&panel).len(), panel.takes_text()), (4, false));
    act(&mut panel, &state, Action::Filter);
    assert!(typed(&mut panel, &state, KeyCode::Up), "the last one comes back");
    typed(&mut panel, &state, KeyCode::Enter);
    assert_eq!(names(&panel).len(), 1);
    assert_eq!(act(&mut panel, &state, Action::Back), Some(vec![]));
    assert_eq!(names(&panel).len(), 4);
    assert_eq!(act(&mut panel, &state, Action::Back), None);
    panel.paste("ignored", &state);
    assert_eq!(names(&panel).len(), 4);
}

#[test]
fn the_foot_of_the_list_shows_what_runs_or_how_it_ended() {
    let mut state = worse();
    let empty = State::default();
    assert!(!shown(&opened(&empty, WIDE_ROOM, false), &empty, WIDE_ROOM).concat().contains("measuring"));
    state.runs.report = Some("stopped after 1 of 2".to_owned());
    let panel = opened(&state, WIDE_ROOM, false);
    assert!(shown(&panel, &state, WIDE_ROOM)[38].contains(" stopped after 1 of 2 "));
    assert!(shown(&panel, &state, NARROW_ROOM)[21].starts_with(" stopped after 1 of 2"));
    under_way(&mut state, &key("random", "tank"), &[key("start", "")]);
    state.runs.formed = vec![1.0, 2.0];
    let at = |size: (u16, u16)| {
        let lines = shown(&panel, &state, size);
        let row = lines.iter().position(|line| line.contains("measuring · 18s of 30s"));
        (row, lines.iter().any(|line| line.starts_with("│ ██ ")), lines[0].contains("1 of 2"))
    };
    assert_eq!(at((160, 40)), (Some(33), true, true));
    assert_eq!(at((160, 26)), (Some(19), true, true), "with the graph from 24 rows on");
    assert_eq!(at((160, 25)), (Some(20), false, true));
    assert_eq!(at((80, 22)), (Some(17), false, false));
    assert!(
        shown(&panel, &state, (80, 22))[17].contains("1 of 2 · measuring"),
        "{}",
        shown(&panel, &state, (80, 22)).join("\n")
    );
}

#[test]
fn an_alert_leads_to_its_figure() {
    let state = worse();
    let open = |figure: &str, of: &str| {
        let mut panel = super::open(&Subject::Benchmark(series(figure, of)), &state).unwrap();
        panel.begin(&state, &Settings::default(), Rect::new(0, 0, 80, 22));
        panel.refresh(&state);
        Look::default().draw(&state, NARROW_ROOM, |cx, area, canvas| panel.draw(cx, area, canvas)).line()
    };
    assert!(open("storage_random_iops", "tank").starts_with("╭─ tank · random 4k ─"));
    assert!(open("storage_latency_seconds", "tank").starts_with("╭─ tank · latency ─"), "its benchmark is unfolded");
    assert!(super::open(&Subject::Cpu, &state).is_none());
}

#[test]
fn the_panel_asks_for_the_catalog_and_for_runs() {
    let (state, mut want) = (worse(), Interest::default());
    let mut panel = Benchmarks::default();
    let asked = panel.begin(&state, &Settings::default(), Rect::new(0, 0, 80, 22));
    assert_eq!(asked, [Command::Bench(BenchAct::Survey)]);
    panel.want(&mut want, &state);
    assert!(want.runs && panel.full_screen() && !panel.framed());
    assert_eq!((panel.title(&state), panel.context()), ("benchmarks".to_owned(), Context::Benchmarks));
}
