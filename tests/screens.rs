//! The screen as drawn, cells and styles, in every state at four sizes; and what must hold at any size.
//!
//! `BENCHTOP_FRAMES=DIR cargo test --test screens` writes each frame there as a terminal would get it: `cat` shows it
//! in colour.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use benchtop::{
    alert::Level,
    app::encode::{Encoder, Shown},
    config::{Settings, settings::Colors},
    model::{
        container::{Container, RunState},
        fault::Fault,
        log::{LogLine, LogSample},
        process::Moved,
    },
    request::{Command, Job},
    state::State,
    ui::{
        Ui,
        theme::{Role, ThemeSet},
    },
};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::{collection::vec, prelude::*};
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};
use screens::{
    frame::{picture, text},
    machine::{Machine, Mood},
    server::{Parts, furnish},
    sizes::{inventory, missing},
};

mod screens {
    pub mod advice;
    pub mod containers;
    pub mod frame;
    pub mod keys;
    pub mod lists;
    pub mod machine;
    pub mod panel;
    pub mod server;
    pub mod sinks;
    pub mod sizes;
    pub mod suite;
    pub mod views;
}
#[path = "tools/server.rs"]
mod server_of_pictures;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (160, 45), (200, 60)];

fn ui(settings: Settings) -> Ui {
    let (colors, ascii) = (settings.colors, settings.ascii);
    Ui::new(settings, ThemeSet::new(None, colors, ascii))
}

fn truecolor() -> Ui {
    ui(Settings { colors: Colors::True, ..Settings::default() })
}

fn drawn(ui: &mut Ui, state: &State, (width, height): (u16, u16)) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    // Lists are computed for what the frame before showed.
    for _ in 0..2 {
        ui.refresh(state);
        ui.draw(state, &mut buf);
    }
    buf
}

fn press(ui: &mut Ui, state: &State, keys: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\x1b' => KeyCode::Esc,
            '\t' => KeyCode::Tab,
            c => KeyCode::Char(c),
        };
        commands.extend(ui.input(&Input::Key(KeyEvent::new(code, KeyModifiers::NONE)), state));
    }
    commands
}

fn click(ui: &mut Ui, state: &State, column: u16, row: u16) -> Vec<Command> {
    let kind = MouseEventKind::Down(MouseButton::Left);
    ui.input(&Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }), state)
}

/// To view by eye.
fn keep(name: &str, buf: &Buffer) {
    let Some(folder) = std::env::var_os("BENCHTOP_FRAMES") else { return };
    let mut bytes = Vec::new();
    Encoder::default().encode(false, &mut Shown::default(), buf, &mut bytes);
    let size = format!("{}x{}", buf.area.width, buf.area.height);
    std::fs::write(std::path::Path::new(&folder).join(format!("{name}-{size}")), bytes).unwrap();
}

/// Draws a state at every size and holds it against what was accepted. Times of day depend on the time zone.
fn accept(name: &str, state: &State) {
    SIZES.into_iter().for_each(|size| accept_after(name, state, "", size));
}

/// The same after these keys, at one size.
fn accept_after(name: &str, state: &State, keys: &str, size: (u16, u16)) {
    {
        let mut ui = truecolor();
        drawn(&mut ui, state, size);
        press(&mut ui, state, keys);
        let buf = drawn(&mut ui, state, size);
        accept_frame(name, &buf);
    }
}

/// Holds a frame against what was accepted.
fn accept_frame(name: &str, buf: &Buffer) {
    {
        keep(name, buf);
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"\b\d\d:\d\d:\d\d\b", "hh:mm:ss");
        // Where the checkout is.
        settings.add_filter(r"(checked from|looked for) /[^│]*│", "$1 … │");
        settings.add_filter(r"(today|[A-Z][a-z][a-z]( \d{4})?) \d\d:\d\d\b", "$1 hh:mm");
        // Days follow the zone of who looks.
        settings.add_filter(r"(started +)[A-Z][a-z][a-z] \d\d\b", "${1}Mmm dd");
        settings.add_filter(r"\b\d\d (Jan|Feb)\b", "dd Mmm");
        settings.set_snapshot_path("screens/accepted");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let size = buf.area;
        settings.bind(|| insta::assert_snapshot!(format!("{name}-{}x{}", size.width, size.height), picture(buf)));
    }
}

#[test]
fn what_comes_after_the_first_frame_gets_its_place() {
    let live = Machine::lively(Mood::Calm);
    for size in SIZES {
        let mut ui = truecolor();
        drawn(&mut ui, &Machine::waiting().state, size);
        let late = text(&drawn(&mut ui, &live.state, size));
        let at_once = text(&drawn(&mut truecolor(), &live.state, size));
        assert_eq!(late, at_once, "{size:?}");
    }
}

#[test]
fn first_frame_says_that_it_waits() {
    accept("waiting", &Machine::waiting().state);
}

#[test]
fn a_quiet_machine() {
    accept("live", &Machine::lively(Mood::Calm).state);
}

#[test]
fn a_machine_past_its_first_limits() {
    accept("warn", &Machine::lively(Mood::Strained).state);
}

#[test]
fn a_machine_past_its_last_limits() {
    accept("crit", &Machine::lively(Mood::Failing).state);
}

#[test]
fn containers_in_every_state_and_an_engine_that_fell_silent() {
    let mut machine = Machine::lively(Mood::Calm);
    screens::containers::report(&mut machine.state);
    accept("containers", &machine.state);
}

/// A quiet host with these parts.
fn server(parts: Parts) -> State {
    let mut state = Machine::lively(Mood::Calm).state;
    furnish(&mut state, parts);
    state
}

#[test]
fn a_server_with_everything() {
    accept("server", &server(Parts::FULL));
}

#[test]
fn a_docker_host() {
    accept("docker", &server(Parts::DOCKER));
}

/// Every size at which a screen shows less than one that is a row lower or `step` columns narrower.
fn losses(parts: Parts, step: usize) -> Vec<String> {
    let state = server(parts);
    let mut ui = truecolor();
    drawn(&mut ui, &state, (160, 45));
    let mut lost = Vec::new();
    let mut above: Vec<_> = Vec::new();
    for height in 24..=70u16 {
        let widths = (80..=240u16).step_by(step);
        let row: Vec<_> = widths.map(|width| (width, inventory(&mut ui, &state, (width, height)))).collect();
        for (at, (width, here)) in row.iter().enumerate() {
            let beside = at.checked_sub(1).and_then(|at| row.get(at));
            for (smaller, what) in [(beside, "narrower"), (above.get(at), "lower")] {
                let missing = smaller.map(|(_, smaller)| missing(smaller, here)).unwrap_or_default();
                lost.extend((!missing.is_empty()).then(|| format!("{width}x{height} than {what}: {missing:?}")));
            }
        }
        above = row;
    }
    lost
}

#[test]
fn a_larger_screen_shows_no_less() {
    let none: [String; 0] = [];
    assert_eq!(losses(Parts::FULL, 1), none);
    let bare = Parts { containers: 0, ..Parts::DOCKER };
    let one_card = Parts { cards: 1, ..Parts::FULL };
    let many_cards = Parts { cards: 8, pools: 0, ..Parts::FULL };
    let few = Parts { containers: 3, pools: 1, ..Parts::FULL };
    for parts in [Parts::DOCKER, bare, one_card, many_cards, few] {
        assert_eq!(losses(parts, 8), none, "{parts:?}");
    }
}

#[test]
fn what_a_screen_is_said_to_show_is_on_it() {
    let state = server(Parts::FULL);
    for size in [(80, 24), (100, 30), (120, 40), (160, 45), (200, 60), (240, 70)] {
        let mut ui = truecolor();
        let screen = text(&drawn(&mut ui, &state, size));
        let inventory = inventory(&mut ui, &state, size);
        let rows = &state.host.containers.rows;
        let there = rows.iter().filter(|row| screen.contains(&format!(" {} ", row.meta.name))).count();
        assert!(there >= inventory["containers"].items, "{size:?}: {there} containers\n{screen}");
        let pools = state.host.pools.rows.iter().filter(|row| screen.contains(&format!(" {} ", row.name))).count();
        assert!(pools >= inventory["pools"].items, "{size:?}\n{screen}");
        let (shown, all) = (inventory["containers"].items, rows.len());
        let hidden = shown < all && screen.contains('╭');
        assert_eq!(screen.contains(&format!("{shown} of {all} ·")), hidden, "{size:?}\n{screen}");
    }
}

#[test]
fn no_pane_keeps_blank_rows_while_another_hides_some() {
    for parts in [Parts::FULL, Parts::DOCKER, Parts { cards: 1, ..Parts::DOCKER }] {
        let state = server(parts);
        for size in [(160, 45), (200, 60)] {
            let mut ui = truecolor();
            let buf = drawn(&mut ui, &state, size);
            for (name, area, _) in ui.inventory(&state, buf.area) {
                let blank = |y: &u16| (area.left()..area.right()).all(|x| buf[(x, *y)].symbol() == " ");
                let rows = (area.top()..area.bottom()).rev().take_while(blank).count();
                assert!(rows <= 1, "{name} keeps {rows} rows at {size:?} of {parts:?}\n{}", text(&buf));
            }
        }
    }
}

#[test]
fn cards_without_a_row_of_their_own_have_a_gauge_together() {
    let screen = text(&drawn(&mut truecolor(), &server(Parts { cards: 8, ..Parts::FULL }), (80, 24)));
    let line = screen.lines().find(|line| line.contains("5 more")).unwrap();
    assert!(line.contains("70%") && line.contains("━━━━━━━━━━"), "{line}");
}

#[test]
fn a_scan_and_errors_are_shown_at_any_width() {
    let state = server(Parts::FULL);
    for size in [(80, 24), (100, 30), (120, 40), (140, 45), (160, 45), (240, 70)] {
        let screen = text(&drawn(&mut truecolor(), &state, size));
        assert!(screen.contains("resilver 42%"), "{size:?}\n{screen}");
        assert!(screen.contains(" ERRS "), "{size:?}\n{screen}");
    }
}

#[test]
fn sources_that_fell_silent_show_their_age() {
    accept("stale", &Machine::silent(90).state);
}

#[test]
fn a_detail_says_that_its_figures_are_old() {
    let machine = Machine::silent(90);
    for keys in ["1\n", "2\n", "3\n", "3z\n"] {
        let mut ui = truecolor();
        press(&mut ui, &machine.state, keys);
        let screen = text(&drawn(&mut ui, &machine.state, (160, 45)));
        let title = screen.lines().nth(1).unwrap_or_default();
        assert!(title.contains("stale 1m"), "{keys:?}: {title}");
    }
}

#[test]
fn details_of_a_machine_past_its_limits() {
    let machine = Machine::lively(Mood::Failing);
    for size in [(80, 24), (160, 45)] {
        for (name, keys) in [("cpu-detail", "1\n"), ("memory-detail", "2\n"), ("disk-detail", "3\n")] {
            accept_after(name, &machine.state, keys, size);
        }
    }
}

#[test]
fn alerts_with_what_was_said_of_them() {
    let mut machine = Machine::lively(Mood::Failing);
    let state = &mut machine.state;
    let known = state.answer(state.watches[1].key(), "a new fan is ordered".into(), state.host.now);
    state.apply(benchtop::model::event::Event::Alert(known));
    for size in [(80, 24), (160, 45)] {
        accept_after("alerts", state, "a", size);
    }
}

#[test]
fn filesystems_and_sensors_open_and_fill_the_screen() {
    let machine = Machine::lively(Mood::Calm);
    let size = (160, 45);
    for (pane, one) in [("filesystems", "filesystem"), ("sensors", "sensor")] {
        let digit = digit(&drawn(&mut truecolor(), &machine.state, size), pane);
        accept_after(&format!("{one}-detail"), &machine.state, &format!("{digit}j\n"), size);
        accept_after(&format!("{pane}-zoomed"), &machine.state, &format!("{digit}z"), size);
        // A small screen has no pane of them: the terminal became smaller.
        let mut ui = truecolor();
        drawn(&mut ui, &machine.state, size);
        press(&mut ui, &machine.state, &format!("{digit}j\n"));
        accept_frame(&format!("{one}-detail"), &drawn(&mut ui, &machine.state, (80, 24)));
    }
}

#[test]
fn small_tables_filter_and_sort() {
    let machine = Machine::lively(Mood::Calm);
    let size = (160, 45);
    let after = |pane: &str, keys: &str| {
        let mut ui = truecolor();
        let digit = digit(&drawn(&mut ui, &machine.state, size), pane);
        press(&mut ui, &machine.state, &format!("{digit}{keys}"));
        text(&drawn(&mut ui, &machine.state, size))
    };
    let place = |screen: &str, word: &str| screen.find(word).unwrap_or_else(|| panic!("{word}: {screen}"));
    let fullest = after("filesystems", "");
    assert!(place(&fullest, "/mnt/backup") < place(&fullest, "/boot/efi"));
    // By mount: the first column.
    let by_name = after("filesystems", "<<<<<<<<<");
    assert!(place(&by_name, "/boot/efi") < place(&by_name, "/mnt/backup"), "{by_name}");
    let filtered = after("filesystems", "fused>60\n");
    assert!(filtered.contains("2 of 4 · filter used>60") && !filtered.contains("/boot/efi"), "{filtered}");
    let hot = after("sensors", "fkind=cpu\n");
    assert!(hot.contains("k10temp Tctl") && !hot.contains("nvme0 Composite"), "{hot}");
    let disks = after("disk", "fkind=disk busy>21\n");
    assert!(disks.contains("dm-0") && !disks.contains("nvme0n1") && !disks.contains("eno1"), "{disks}");
}

#[test]
fn what_the_machine_lacks_takes_no_room() {
    accept("absent", &Machine::faulty(&Fault::Absent("/proc/nothing".into())).state);
}

#[test]
fn what_is_refused_says_so_with_its_cure() {
    let fault = Fault::Denied { what: "/proc/secret may not be read".into(), hint: "run as root".into() };
    accept("denied", &Machine::faulty(&fault).state);
}

/// What opens from the overview, by keys.
const OVERLAYS: [&str; 16] =
    ["?", "a", "C", "S", "s", "c", "u", "x", "x\n", "\n", "1\n", "2\n", "3\n", "z", "/ngin", "fcpu>>"];

#[test]
fn no_size_and_no_overlay_makes_it_fall() {
    let machines = [Machine::waiting(), Machine::lively(Mood::Failing), Machine::silent(30)];
    let sizes = [(1, 1), (2, 3), (5, 1), (9, 4), (20, 6), (39, 9), (40, 10), (41, 12), (60, 15), (300, 8), (30, 120)];
    for machine in &machines {
        for keys in OVERLAYS {
            for ascii in [false, true] {
                let mut ui = ui(Settings { colors: Colors::True, ascii, ..Settings::default() });
                let overview = drawn(&mut ui, &machine.state, (160, 45));
                press(&mut ui, &machine.state, keys);
                let changed = overview != drawn(&mut ui, &machine.state, (160, 45));
                assert!(changed || machine.state.host.began.is_none(), "{keys:?} does nothing");
                for size in sizes {
                    let buf = drawn(&mut ui, &machine.state, size);
                    assert!(!ascii || text(&buf).is_ascii(), "{keys:?} at {size:?}:\n{}", text(&buf));
                }
            }
        }
    }
}

/// The digit in the border of a pane.
fn digit(overview: &Buffer, title: &str) -> usize {
    let overview = text(overview);
    let (before, _) = overview.split_once(title).unwrap();
    let raised = before.chars().next_back().unwrap();
    "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|c| c == raised).unwrap()
}

#[test]
fn keys_faster_than_frames_act_on_the_current_list() {
    let mut machine = Machine::lively(Mood::Calm);
    screens::containers::report(&mut machine.state);
    let state = &machine.state;
    let mut ui = truecolor();
    let overview = drawn(&mut ui, state, (160, 45));
    // The last of the list: whoever acts on the list before the filter opens another.
    let last = state.host.processes.rows.iter().rfind(|p| !p.kernel && !p.is_thread()).unwrap();
    let processes = digit(&overview, "processes");
    press(&mut ui, state, &format!("{processes}fpid={}\n\n", last.key.pid));
    let title = format!("process {} {}", last.key.pid, last.name);
    let opened = text(&drawn(&mut ui, state, (160, 45)));
    assert!(opened.contains(&title), "{title} in\n{opened}");

    press(&mut ui, state, "\x1b\x1b");
    let containers = digit(&overview, "containers");
    press(&mut ui, state, &format!("{containers}fname=plex\n\n"));
    let opened = text(&drawn(&mut ui, state, (160, 45)));
    assert!(opened.contains("container plex"), "{opened}");
}

#[test]
fn cpu_of_ended_processes_is_in_the_title() {
    let mut machine = Machine::lively(Mood::Calm);
    machine.state.host.processes.ended_cpu = Some(0.14);
    let screen = text(&drawn(&mut truecolor(), &machine.state, (160, 45)));
    let title = screen.lines().find(|line| line.contains("processes")).unwrap();
    assert!(title.contains(" · 14 % in ended processes · "), "{title}");
    assert!(!screen.contains("(ended"), "{screen}");
}

#[test]
fn match_beyond_the_edge_is_brought_into_sight() {
    let machine = Machine::lively(Mood::Calm);
    let mut ui = truecolor();
    drawn(&mut ui, &machine.state, (80, 24));
    press(&mut ui, &machine.state, "/startups");
    let buf = drawn(&mut ui, &machine.state, (80, 24));
    let screen = text(&buf);
    let (y, row) = (0u16..).zip(screen.lines()).find(|(_, line)| line.contains("startups")).expect("visible");
    assert!(row.contains("612"), "{row}");
    let x = row[..row.find("startups").unwrap()].chars().count() as u16;
    let before = buf[(x - 2, y)].style();
    assert!((x..x + 8).all(|x| buf[(x, y)].style() != before), "it is marked");
}

#[test]
fn footer_offers_only_what_works() {
    let mut machine = Machine::lively(Mood::Calm);
    screens::containers::report(&mut machine.state);
    for size in [(160, 45), (80, 24)] {
        for pane in 1..=7 {
            for (key, words) in [("\n", "↵ details"), ("z", "z zoom")] {
                let mut ui = truecolor();
                drawn(&mut ui, &machine.state, size);
                press(&mut ui, &machine.state, &pane.to_string());
                let before = text(&drawn(&mut ui, &machine.state, size));
                let offered = before.lines().last().unwrap().contains(words);
                press(&mut ui, &machine.state, key);
                let after = text(&drawn(&mut ui, &machine.state, size));
                assert!(!offered || before != after, "{words} in pane {pane} at {size:?}:\n{before}");
            }
        }
    }
}

#[test]
fn first_down_goes_to_the_second_row() {
    let machine = Machine::lively(Mood::Calm);
    let mut ui = truecolor();
    drawn(&mut ui, &machine.state, (200, 60));
    press(&mut ui, &machine.state, "3j\n");
    let opened = text(&drawn(&mut ui, &machine.state, (200, 60)));
    // What the pane lists below nvme0n1.
    assert!(opened.contains("╭─ dm-0"), "{opened}");
}

#[test]
fn graphs_of_zoomed_disks_and_network_keep_within_the_pane() {
    let machine = Machine::lively(Mood::Calm);
    let size = (120, 40);
    let digit = digit(&drawn(&mut truecolor(), &machine.state, size), "disk");
    accept_after("disk-net-zoomed", &machine.state, &format!("{digit}z"), size);
}

#[test]
fn detail_asks_for_the_sockets_of_its_container_while_it_runs() {
    let wanted = |name: &str| {
        let mut machine = Machine::lively(Mood::Calm);
        screens::containers::report(&mut machine.state);
        let mut ui = truecolor();
        let digit = digit(&drawn(&mut ui, &machine.state, (160, 45)), "containers");
        press(&mut ui, &machine.state, &format!("{digit}fname={name}\n\n"));
        drawn(&mut ui, &machine.state, (160, 45));
        let open = ui.want(&machine.state).sockets_of;
        let pid = machine.state.host.containers.rows.iter().find(|row| row.meta.name == name).unwrap().meta.pid;
        machine.state.host.containers.rows.clear();
        drawn(&mut ui, &machine.state, (160, 45));
        (open.is_some_and(|open| open == pid), open, ui.want(&machine.state).sockets_of)
    };
    let (its_own, _, once_gone) = wanted("jellyfin");
    assert!(its_own);
    assert_eq!(once_gone, None);
    assert_eq!(wanted("import"), (false, None, None), "one that does not run has none");
}

#[test]
fn zoom_of_memory_is_its_detail() {
    let machine = Machine::lively(Mood::Calm);
    let after = |keys: &str| {
        let mut ui = truecolor();
        drawn(&mut ui, &machine.state, (160, 45));
        press(&mut ui, &machine.state, keys);
        text(&drawn(&mut ui, &machine.state, (160, 45)))
    };
    assert_eq!(after("2z"), after("2\n"));
    assert_eq!(after("1z"), after("1\n"));
}

#[test]
fn paused_is_apart_and_not_amber() {
    let machine = Machine::lively(Mood::Calm);
    let mut ui = truecolor();
    press(&mut ui, &machine.state, "p");
    let buf = drawn(&mut ui, &machine.state, (160, 45));
    let screen = text(&buf);
    let head = screen.lines().next().unwrap();
    assert!(head.contains(" PAUSED   load "), "{head}");
    let x = head[..head.find("PAUSED").unwrap()].chars().count() as u16;
    let amber = ui.theme().style(Role::VerdictWarn);
    assert_ne!(buf[(x, 0)].bg, amber.bg.unwrap());
    assert_ne!(buf[(x, 0)].fg, amber.bg.unwrap());
}

#[test]
fn selection_is_reversed_where_colours_are_few() {
    let machine = Machine::lively(Mood::Calm);
    for colors in [Colors::None, Colors::Sixteen] {
        let mut ui = ui(Settings { colors, ..Settings::default() });
        for keys in ["", "jk"] {
            press(&mut ui, &machine.state, keys);
            let buf = drawn(&mut ui, &machine.state, (160, 45));
            let screen = text(&buf);
            let (y, _) = (0u16..).zip(screen.lines()).find(|(_, line)| line.contains(" 2044 ")).unwrap();
            let reversed = (2..158).all(|x| buf[(x, y)].modifier.contains(Modifier::REVERSED));
            assert!(reversed, "{colors:?} after {keys:?}");
        }
    }
}

#[test]
fn console_has_lines_and_blocks_but_no_braille() {
    const FONT: &str = "─│┌┐└┘├┤┼═▀▄█•○▲▼►◄↑↓→←↕°·±²";
    for mood in [Mood::Calm, Mood::Failing] {
        let mut machine = Machine::lively(mood);
        screens::containers::report(&mut machine.state);
        for keys in OVERLAYS {
            let settings = Settings { colors: Colors::Sixteen, ..Settings::default() };
            let mut ui = Ui::new(settings, ThemeSet::new(None, Colors::Sixteen, false).on_console());
            drawn(&mut ui, &machine.state, (160, 45));
            press(&mut ui, &machine.state, keys);
            let screen = text(&drawn(&mut ui, &machine.state, (160, 45)));
            let beyond = screen.chars().find(|c| !c.is_ascii() && !FONT.contains(*c));
            assert_eq!(beyond, None, "{keys:?}:\n{screen}");
            assert!(screen.contains('┌') && (!keys.is_empty() || screen.contains('▄')), "{screen}");
        }
    }
}

#[test]
fn unknown_sign_is_for_the_unknown() {
    let mut machine = Machine::lively(Mood::Calm);
    screens::containers::report(&mut machine.state);
    for (run, words) in [
        (RunState::Paused, "‖ paused"),
        (RunState::Exited, "○ exited"),
        (RunState::Created, "◇ created"),
        (RunState::Unknown, "◌ unknown"),
    ] {
        let row = machine.state.host.containers.rows.iter_mut().find(|row| row.meta.name == "paused").unwrap();
        let meta = Container { state: run, exit_code: Some(0), ..(*row.meta).clone() };
        row.meta = meta.into();
        let screen = text(&drawn(&mut truecolor(), &machine.state, (200, 60)));
        let line = screen.lines().find(|line| line.starts_with("│ paused ")).unwrap_or_default();
        assert!(line.contains(words), "{words}: {line}\n{screen}");
    }
}

#[test]
fn sick_container_shows_its_log_first() {
    let mut machine = Machine::lively(Mood::Calm);
    screens::containers::report(&mut machine.state);
    let row = |machine: &Machine| {
        machine.state.host.containers.rows.iter().position(|row| row.meta.name == "jellyfin").unwrap()
    };
    let at = row(&machine);
    let meta = machine.state.host.containers.rows[at].meta.clone();
    let lines =
        ["first", "bind: address already in use"].map(|text| LogLine { text: text.into(), ..LogLine::default() });
    let sample = LogSample { id: meta.id.clone(), fresh: true, lines: lines.to_vec(), ..LogSample::default() };
    machine.state.host.log.apply(sample);
    let opened = |state: &State| {
        let mut ui = truecolor();
        let overview = drawn(&mut ui, state, (160, 90));
        let pane = digit(&overview, "containers");
        press(&mut ui, state, &format!("{pane}fname=jellyfin\n\n"));
        let screen = text(&drawn(&mut ui, state, (160, 90)));
        assert!(ui.want(state).log.is_some_and(|(_, id)| id == meta.id), "the log is asked for");
        screen
    };
    let place = |screen: &str, words: &str| {
        screen.lines().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{words} in\n{screen}"))
    };
    let well = opened(&machine.state);
    assert!(place(&well, "bind: address already in use") > place(&well, "Networks"), "{well}");
    let sick = Container { state: RunState::Restarting, ..(*meta).clone() };
    machine.state.host.containers.rows[at].meta = sick.into();
    let sick = opened(&machine.state);
    assert!(place(&sick, "bind: address already in use") < place(&sick, "Networks"), "{sick}");
}

/// The title of what is laid over the overview, where titles begin with a digit.
fn opened(ui: &mut Ui, state: &State) -> Option<String> {
    let screen = text(&drawn(ui, state, (160, 45)));
    let border = screen.lines().nth(1)?.strip_prefix("╭─ ")?;
    let title = border.split(" ─").next()?;
    (!title.starts_with(|c| "¹²³⁴⁵⁶⁷⁸⁹".contains(c))).then(|| title.to_owned())
}

#[test]
fn enter_on_an_alert_opens_its_subject() {
    let machine = Machine::lively(Mood::Failing);
    let state = &machine.state;
    let alerts = state.watches.len();
    assert!(alerts > 5, "{alerts}");
    let mut titles = Vec::new();
    for at in 0..alerts {
        let mut ui = truecolor();
        drawn(&mut ui, state, (160, 45));
        press(&mut ui, state, "a");
        press(&mut ui, state, &"j".repeat(at));
        press(&mut ui, state, "\n");
        let title = opened(&mut ui, state).unwrap();
        if title.starts_with("alerts") {
            continue;
        }
        titles.push(title);
        press(&mut ui, state, "\x1b");
        assert!(opened(&mut ui, state).unwrap().starts_with("alerts"), "esc goes back to the list");
    }
    for subject in ["memory · ", "nvme0n1"] {
        assert!(titles.iter().any(|title| title.starts_with(subject)), "{subject} in {titles:?}");
    }
}

#[test]
fn links_lead_on_and_esc_leads_back() {
    let machine = Machine::lively(Mood::Calm);
    let state = &machine.state;
    let mut ui = truecolor();
    drawn(&mut ui, state, (160, 45));
    let mut way = vec![None];
    press(&mut ui, state, "2\n");
    for _ in 0..4 {
        way.push(opened(&mut ui, state));
        press(&mut ui, state, "\t\n");
    }
    let titles: Vec<&str> = way.iter().flatten().map(String::as_str).collect();
    assert!(titles[0].starts_with("memory · ") && titles[1].starts_with("process "), "{titles:?}");
    while let Some(before) = way.pop() {
        press(&mut ui, state, "\x1b");
        assert_eq!(opened(&mut ui, state), before);
    }
}

#[test]
fn one_key_sorts_by_storage() {
    let mut machine = Machine::lively(Mood::Calm);
    let tmux = machine.state.host.processes.rows.iter_mut().find(|p| p.key.pid == 2300).unwrap();
    let moved = Moved { read_per_second: Some(2e6), write_per_second: Some(3e6), ..Moved::default() };
    tmux.moved = Some(Box::new(moved));
    for size in [(160, 45), (80, 24)] {
        let mut ui = truecolor();
        drawn(&mut ui, &machine.state, size);
        press(&mut ui, &machine.state, "D");
        let screen = text(&drawn(&mut ui, &machine.state, size));
        let mut rows = screen.lines().skip_while(|line| !line.contains("COMMAND"));
        assert!(rows.next().unwrap().contains("I/O/s"), "{screen}");
        let first = rows.next().unwrap();
        assert!(first.contains(" 2300 ") && first.contains("4.8M"), "{screen}");
        assert!(ui.want(&machine.state).io_of_all);
    }
}

/// A key that a keyboard has, or a click or a turn of the wheel.
fn any_input() -> impl Strategy<Value = Input> {
    let code = prop_oneof![
        6 => proptest::char::range(' ', '~').prop_map(KeyCode::Char),
        1 => Just(KeyCode::Char('é')),
        2 => (1..=12u8).prop_map(KeyCode::F),
        4 => proptest::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Backspace, KeyCode::Delete,
            KeyCode::Up, KeyCode::Down, KeyCode::Left, KeyCode::Right, KeyCode::Home, KeyCode::End, KeyCode::PageUp,
            KeyCode::PageDown,
        ]),
    ];
    let control = prop_oneof![9 => Just(KeyModifiers::NONE), 1 => Just(KeyModifiers::CONTROL)];
    let kind = proptest::sample::select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
    ]);
    let modifiers = KeyModifiers::NONE;
    prop_oneof![
        5 => (code, control).prop_map(|(code, modifiers)| Input::Key(KeyEvent::new(code, modifiers))),
        1 => (kind, 0..170u16, 0..50u16)
            .prop_map(move |(kind, column, row)| Input::Mouse(MouseEvent { kind, column, row, modifiers })),
    ]
}

/// Lists that lead to an operation, each gone through to its end: nothing is done before a `y`.
#[test]
fn nothing_is_done_without_a_yes() {
    let mut machine = Machine::lively(Mood::Calm);
    screens::containers::report(&mut machine.state);
    let state = &machine.state;
    let overview = drawn(&mut truecolor(), state, (160, 45));
    let processes = digit(&overview, "processes").to_string();
    let containers = digit(&overview, "containers").to_string();
    let container = |name: &str| format!("{containers}fname={name}\n");
    let mut paths = vec![(format!("{processes}]"), "niceness"), (format!("{processes}["), "niceness")];
    paths.push((format!("{processes}x\n"), "send TERM"));
    for (name, downs, question) in [
        ("import", "", "start import?"),
        ("import", "j", "remove import?"),
        ("grafana", "", "stop grafana?"),
        ("grafana", "j", "restart grafana?"),
        ("grafana", "jj", "pause grafana?"),
        ("grafana", "jjj", "kill grafana?"),
        ("paused", "", "unpause paused?"),
    ] {
        paths.push((format!("{}x{downs}\n", container(name)), question));
    }
    paths.push((format!("{}xjjjj\nmemory 128M\n", container("grafana")), "set limits of grafana?"));
    for (keys, question) in paths {
        for answer in ["\n", "\x1b", "n", "Y", " "] {
            let mut ui = truecolor();
            drawn(&mut ui, state, (160, 45));
            assert!(!done(&press(&mut ui, state, &keys)), "{keys:?} does it unasked");
            let shown = text(&drawn(&mut ui, state, (160, 45)));
            assert!(shown.contains(question), "{keys:?}: no {question} in\n{shown}");
            assert!(!done(&press(&mut ui, state, answer)), "{keys:?} and {answer:?} does it");
        }
        let mut ui = truecolor();
        drawn(&mut ui, state, (160, 45));
        press(&mut ui, state, &keys);
        drawn(&mut ui, state, (160, 45));
        assert!(done(&press(&mut ui, state, "y")), "{keys:?} and y does nothing");
    }
}

fn done(commands: &[Command]) -> bool {
    commands.iter().any(|command| matches!(command, Command::Job(_)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_typed_and_clicked_at_whatever_size_it_draws(
        steps in vec((any_input(), 0..3usize, (1..200u16, 1..60u16)), 1..80),
    ) {
        // The machines differ in their processes, so what is selected, tagged or looked at comes and goes.
        let machines = [Machine::lively(Mood::Calm), Machine::waiting(), Machine::silent(30)];
        let mut ui = truecolor();
        for (input, machine, size) in steps {
            let state = &machines[machine].state;
            ui.input(&input, state);
            let _ = ui.want(state);
            drawn(&mut ui, state, size);
        }
    }
}

#[test]
fn no_colour_still_marks_the_selected_row() {
    let machine = Machine::lively(Mood::Failing);
    let mut ui = ui(Settings { colors: Colors::None, ..Settings::default() });
    drawn(&mut ui, &machine.state, (120, 40));
    let before = drawn(&mut ui, &machine.state, (120, 40));
    ui.input(&Input::Key(KeyEvent::new(KeyCode::Down, KeyModifiers::NONE)), &machine.state);
    let after = drawn(&mut ui, &machine.state, (120, 40));
    for buf in [&before, &after] {
        let colored = buf.content.iter().find(|c| (c.fg, c.bg) != (Default::default(), Default::default()));
        assert_eq!(colored.map(|c| (c.fg, c.bg)), None);
    }
    assert_eq!(text(&before), text(&after), "only the style marks the cursor");
    assert_ne!(before, after);
}

fn control(ui: &mut Ui, state: &State, key: char) -> Vec<Command> {
    ui.input(&Input::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL)), state)
}

/// The settings that a command saves, as TOML by name.
fn saved(commands: &[Command]) -> Vec<String> {
    match commands {
        [Command::Job(Job::Save(save))] => save.changes.iter().map(|c| format!("{} = {}", c.path, c.value)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn changes_are_saved_on_request() {
    let machine = Machine::lively(Mood::Calm);
    let state = &machine.state;
    let mut ui = truecolor();
    drawn(&mut ui, state, (160, 45));
    assert!(control(&mut ui, state, 's').is_empty());
    assert!(text(&drawn(&mut ui, state, (160, 45))).contains("nothing to save"));
    press(&mut ui, state, "tMw+");
    let all = saved(&control(&mut ui, state, 's'));
    // The tree has its own order, which is not saved: memory is that of the tree.
    assert_eq!(all, ["refresh = \"2s\"", "processes.tree = true", "processes.full_path = true"]);
    press(&mut ui, state, "tM-");
    let all = saved(&control(&mut ui, state, 's'));
    let list = ["processes.sort = \"memory\"", "processes.reverse = false"];
    assert_eq!(all[..3], ["refresh = \"1s\"", list[0], list[1]], "taken back, and so saved again");
    // A menu saves its own settings alone.
    press(&mut ui, state, "s");
    assert_eq!(saved(&control(&mut ui, state, 's')), list, "saved as it is, not turned around");
    press(&mut ui, state, "c ");
    let columns = saved(&control(&mut ui, state, 's'));
    assert!(columns.len() == 1 && columns[0].starts_with("processes.columns = [\"user\", "), "{columns:?}");
}

#[test]
fn theme_is_previewed_and_esc_undoes() {
    let machine = Machine::lively(Mood::Calm);
    let state = &machine.state;
    let mut ui = truecolor();
    let before = drawn(&mut ui, state, (160, 45));
    press(&mut ui, state, "Cj");
    assert_eq!(ui.theme().name, "light", "put on as the cursor comes to it");
    assert_ne!(drawn(&mut ui, state, (160, 45))[(0, 44)], before[(0, 44)]);
    press(&mut ui, state, "\x1b");
    assert_eq!((ui.theme().name.as_str(), ui.settings().theme.as_str()), ("calm", "calm"));
    assert_eq!(text(&drawn(&mut ui, state, (160, 45))), text(&before));
    press(&mut ui, state, "Cjj\n");
    assert_eq!(ui.settings().theme, "contrast");
    press(&mut ui, state, "Cj");
    assert_eq!(saved(&control(&mut ui, state, 's')), ["theme = \"colorblind\""]);
    assert_eq!(ui.settings().theme, "colorblind");
}

#[test]
fn report_of_lines_stays() {
    let machine = Machine::lively(Mood::Calm);
    let state = &machine.state;
    let mut ui = truecolor();
    drawn(&mut ui, state, (80, 24));
    ui.say(Level::Warn, "could not save in /x: denied\nwrite into /y:\n  theme = \"nord\"");
    let shown = text(&drawn(&mut ui, state, (80, 24)));
    assert!(shown.contains("could not save in /x: denied") && shown.contains("  theme = \"nord\""), "{shown}");
    accept_frame("report", &drawn(&mut ui, state, (80, 24)));
    press(&mut ui, state, "\n");
    assert!(!text(&drawn(&mut ui, state, (80, 24))).contains("nord"));
}

#[test]
fn help_fits_and_has_no_ids() {
    let machine = Machine::lively(Mood::Calm);
    let state = &machine.state;
    let mut ui = truecolor();
    drawn(&mut ui, state, (160, 45));
    press(&mut ui, state, "?");
    let page = text(&drawn(&mut ui, state, (160, 45)));
    assert!(page.lines().nth(2).unwrap().contains("The ten keys you need"), "{page}");
    assert!(page.contains("In a log") && page.contains("Signs") && page.contains("esc closes this"), "{page}");
    assert!(!page.contains("next page") && !page.contains('↓'.to_string().repeat(2).as_str()), "{page}");
    for id in ["sort_cpu", "log_wrap", "kernel_threads", "focus_next"] {
        assert!(!page.contains(id), "{id} in {page}");
    }
    let halves: Vec<(bool, bool)> = page
        .lines()
        .skip(2)
        .take(41)
        .map(|line| line.chars().collect::<Vec<_>>())
        .map(|line| {
            let words = |from: usize, to: usize| {
                line.get(from.min(line.len())..to.min(line.len()))
                    .is_some_and(|half| half.iter().any(|c| c.is_alphanumeric()))
            };
            (words(0, 78), words(78, 160))
        })
        .collect();
    let (left, right) = (halves.iter().filter(|h| h.0).count(), halves.iter().filter(|h| h.1).count());
    assert!(left.abs_diff(right) <= 6, "both columns are used: {left} and {right} lines");
    let small = text(&drawn(&mut ui, state, (80, 24)));
    assert!(small.contains("The ten keys you need") && small.contains("next page"), "{small}");
    for _ in 0..5 {
        ui.input(&Input::Key(KeyEvent::new(KeyCode::PageDown, KeyModifiers::NONE)), state);
        drawn(&mut ui, state, (80, 24));
    }
    assert!(text(&drawn(&mut ui, state, (80, 24))).contains("cpu>50 user=root name~"));
}
