//! Keys and clicks on the whole screen.

use ratatui::buffer::Buffer;

use super::*;
use crate::{
    clock::Stamp,
    config::{Settings, settings::Colors},
    request::Job,
    ui::theme::ThemeSet,
};

fn press(ui: &mut Ui, code: KeyCode) -> Vec<Command> {
    ui.input(&Input::Key(Key::new(code, KeyModifiers::NONE)), &State::default())
}

fn yes() -> [Command; 1] {
    [Command::Job(Job::Remove(Vec::new()))]
}

fn asked() -> Ui {
    let mut ui = Ui::new(Settings::default(), ThemeSet::new(None, Colors::None, false));
    let question = Confirm::new("remove?".to_owned(), Vec::new(), Job::Remove(Vec::new()));
    ui.apply(vec![Effect::Open(Box::new(question))], &State::default(), &mut Vec::new());
    ui
}

fn draw(ui: &mut Ui) {
    ui.draw(&State::default(), &mut Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24)));
}

#[test]
fn a_question_is_answered_after_it_was_drawn() {
    let mut ui = asked();
    for code in [KeyCode::Char('y'), KeyCode::Enter, KeyCode::Char('y')] {
        assert!(press(&mut ui, code).is_empty(), "typed ahead");
    }
    let control = Input::Key(Key::new(KeyCode::Char('y'), KeyModifiers::CONTROL));
    assert!(ui.input(&control, &State::default()).is_empty(), "ctrl-y is a habit, not an answer");
    draw(&mut ui);
    assert!(ui.input(&control, &State::default()).is_empty());
    assert_eq!(press(&mut ui, KeyCode::Char('y')), yes());
}

#[test]
fn a_paste_answers_no_question() {
    let mut ui = asked();
    draw(&mut ui);
    let paste = Input::Paste("yes, y\n".to_owned());
    assert!(ui.input(&paste, &State::default()).is_empty());
    assert_eq!(press(&mut ui, KeyCode::Char('y')), yes(), "it is still asked");
}

#[test]
fn a_question_typed_over_can_be_left() {
    let mut ui = asked();
    press(&mut ui, KeyCode::Esc);
    assert_eq!(press(&mut ui, KeyCode::Char('q')), [Command::Quit]);
}
fn screen() -> Ui {
    let mut ui = Ui::new(Settings::default(), ThemeSet::new(None, Colors::None, false));
    draw(&mut ui);
    ui
}

fn said(ui: &Ui) -> &str {
    ui.said.as_ref().map_or("", |said| said.text.as_str())
}

#[test]
fn the_refresh_rate_goes_from_step_to_step() {
    let pace = |before: u64, key: char| {
        let mut ui = screen();
        ui.settings.refresh = Duration::from_millis(before);
        press(&mut ui, KeyCode::Char(key));
        (ui.settings.refresh.as_millis(), said(&ui).to_owned())
    };
    let is = |ms: u128, text: &str| (ms, format!("refresh every {text}"));
    assert_eq!(pace(1000, '+'), is(2000, "2 s"));
    assert_eq!(pace(1000, '-'), is(500, "500 ms"));
    assert_eq!(pace(500, '+'), is(1000, "1 s"));
    assert_eq!((pace(1500, '+'), pace(1500, '-')), (is(2000, "2 s"), is(1000, "1 s")));
    assert_eq!((pace(60_000, '+'), pace(100, '-')), (is(60_000, "60 s"), is(100, "100 ms")));
}

#[test]
fn what_is_said_before_the_first_reading_stays_too() {
    let mut ui = screen();
    let mut state = State::default();
    press(&mut ui, KeyCode::Char('p'));
    ui.refresh(&state);
    let mut after = |second: u64| {
        state.host.now = Stamp::at_seconds(second);
        ui.refresh(&state);
        ui.said.as_ref().map(|said| said.text.clone())
    };
    assert_eq!(after(100).as_deref(), Some("paused"), "the clock began long before");
    assert_eq!(after(99 + Ui::SAY_SECONDS).as_deref(), Some("paused"));
    assert_eq!(after(100 + Ui::SAY_SECONDS), None);
}

#[test]
fn a_pause_is_begun_and_ended_by_one_key() {
    let mut ui = screen();
    assert!(!ui.paused());
    press(&mut ui, KeyCode::Char('p'));
    assert_eq!((ui.paused(), said(&ui), ui.want(&State::default()).paused), (true, "paused", true));
    press(&mut ui, KeyCode::Char('p'));
    assert_eq!((ui.paused(), said(&ui)), (false, "resumed"));
}

#[test]
fn panes_are_focused_by_number_and_one_after_the_other() {
    let mut ui = screen();
    let (numbered, order) = (ui.numbered.clone(), ui.rows.iter().flatten().map(|(slot, _)| *slot).collect::<Vec<_>>());
    let shown: Vec<usize> = order.into_iter().filter(|slot| ui.shown.contains(slot)).collect();
    assert!(shown.len() > 2, "{shown:?}");
    for (digit, slot) in ('1'..='9').zip(&numbered).take(shown.len()) {
        press(&mut ui, KeyCode::Char(digit));
        assert_eq!((ui.focus, ui.zoomed), (*slot, false));
    }
    ui.focus = shown[0];
    let after = |ui: &mut Ui, code| {
        press(ui, code);
        ui.focus
    };
    assert_eq!([(); 3].map(|()| after(&mut ui, KeyCode::Tab)), [shown[1], shown[2], shown[3 % shown.len()]]);
    ui.focus = shown[0];
    assert_eq!([(); 2].map(|()| after(&mut ui, KeyCode::BackTab)), [shown[shown.len() - 1], shown[shown.len() - 2]]);
    ui.numbered.truncate(1);
    press(&mut ui, KeyCode::Char('2'));
    assert_eq!(said(&ui), "no pane 2");
    ui.shown.retain(|slot| *slot != ui.numbered[0]);
    press(&mut ui, KeyCode::Char('1'));
    assert!(ui.zoomed, "what the screen has no room for fills it");
}

#[test]
fn what_was_said_is_gone_after_some_seconds_or_with_a_key() {
    let mut ui = screen();
    let mut state = State::default();
    let mut at = |ui: &mut Ui, second| {
        state.host.now = crate::clock::Stamp::at_seconds(second);
        ui.refresh(&state);
        said(ui).to_owned()
    };
    ui.say(Level::Ok, "hello");
    assert_eq!(
        [10, 15, 16].map(|second| at(&mut ui, second)),
        ["hello", "hello", ""],
        "six seconds after it was first seen"
    );
    ui.say(Level::Ok, "again");
    assert_eq!(at(&mut ui, 20), "again");
    press(&mut ui, KeyCode::Char('j'));
    assert_eq!(said(&ui), "");
    ui.say(Level::Warn, "two\nlines");
    assert_eq!((said(&ui), ui.overlays.len()), ("", 1), "they stay in a box");
}

#[test]
fn the_last_operation_that_can_be_undone_is_undone() {
    use crate::request::{Done, Outcome};
    let mut ui = screen();
    let undo = Input::Key(Key::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
    ui.input(&undo, &State::default());
    assert_eq!((said(&ui), ui.overlays.len()), ("nothing to undo", 0));
    let outcome = |text: &str| Outcome { level: Level::Ok, text: text.to_owned() };
    ui.report(Done { outcome: outcome("removed"), undo: Some(Job::Remove(Vec::new())) });
    assert_eq!(said(&ui), "removed · ctrl-u undoes it");
    ui.report(Done { outcome: outcome("done"), undo: None });
    assert_eq!(said(&ui), "done");
    ui.input(&undo, &State::default());
    assert_eq!((ui.overlays.len(), ui.is_question_unseen()), (1, true), "the one before");
}

#[test]
fn overlays_that_lead_to_one_another_are_not_kept_for_ever() {
    let mut ui = screen();
    for _ in 0..MOST_OPEN + 3 {
        let question = Confirm::new("remove?".to_owned(), Vec::new(), Job::Remove(Vec::new()));
        ui.apply(vec![Effect::Open(Box::new(question))], &State::default(), &mut Vec::new());
    }
    assert_eq!(ui.overlays.len(), MOST_OPEN);
}

#[test]
fn a_released_key_does_nothing() {
    let mut ui = screen();
    let mut key = Key::new(KeyCode::Char('q'), KeyModifiers::NONE);
    key.kind = KeyEventKind::Release;
    assert!(ui.input(&Input::Key(key), &State::default()).is_empty());
    assert_eq!(press(&mut ui, KeyCode::Char('q')), [Command::Quit]);
}

fn mouse(ui: &mut Ui, kind: MouseEventKind, column: u16, row: u16) {
    ui.input(&Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }), &State::default());
}

#[test]
fn the_wheel_scrolls_by_three_rows() {
    let mut ui = screen();
    press(&mut ui, KeyCode::Char('s'));
    draw(&mut ui);
    let chosen = |ui: &mut Ui| {
        draw(ui);
        let mut buf = Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
        ui.draw(&State::default(), &mut buf);
        (0..24u16).find(|y| buf[(40, *y)].modifier.contains(ratatui::style::Modifier::REVERSED))
    };
    let first = chosen(&mut ui).expect("a row under the cursor");
    mouse(&mut ui, MouseEventKind::ScrollDown, 40, 12);
    assert_eq!(chosen(&mut ui), Some(first + 3));
    mouse(&mut ui, MouseEventKind::ScrollUp, 40, 12);
    assert_eq!(chosen(&mut ui), Some(first));
    mouse(&mut ui, MouseEventKind::Moved, 40, 12);
    mouse(&mut ui, MouseEventKind::Down(MouseButton::Right), 40, 12);
    assert_eq!(ui.overlays.len(), 1, "another button does nothing");
    ui.settings.mouse = false;
    mouse(&mut ui, MouseEventKind::ScrollDown, 40, 12);
    assert_eq!(chosen(&mut ui), Some(first), "the mouse is switched off");
}
#[test]
fn back_leaves_the_zoom_and_no_other_key_does() {
    let mut ui = screen();
    press(&mut ui, KeyCode::Char('z'));
    assert!(ui.zoomed);
    press(&mut ui, KeyCode::Char('j'));
    press(&mut ui, KeyCode::Char('p'));
    assert!(ui.zoomed && ui.paused);
    press(&mut ui, KeyCode::Esc);
    assert!(!ui.zoomed);
    press(&mut ui, KeyCode::Char('z'));
    press(&mut ui, KeyCode::Char('z'));
    assert!(!ui.zoomed, "the same key again");
}
