//! The rows of disks, interfaces and filesystems at each size.

use super::*;
use crate::{
    model::{
        disk::{Disk, DiskCounters},
        filesystem::{Filesystem, Space},
        network::{Interface, InterfaceCounters},
        subject::Subject,
    },
    ui::canvas::testing::{answered, drawn, series},
};

fn machine(down: usize, up: usize) -> State {
    let mut state = State::new(Vec::new().into());
    let interface = |number: usize| Interface {
        raw: InterfaceCounters {
            name: format!("eth{number}"),
            physical: true,
            state: (number < down).then(|| "down".to_owned()),
            ..InterfaceCounters::default()
        },
        ..Interface::default()
    };
    state.host.network.interfaces = (0..down + up).map(interface).collect();
    state
}

fn pane(state: &State) -> DiskNetPane {
    let mut pane = DiskNetPane::new(&Settings::default());
    pane.refresh(state, &Settings::default());
    pane
}

#[test]
fn interfaces_that_are_down_are_named_up_to_three() {
    for (down, line) in [
        (0, ""),
        (1, "eth0 down"),
        (3, "eth0, eth1, eth2 down"),
        (4, "eth0, eth1 and 2 more down"),
        (12, "eth0, eth1 and 10 more down"),
    ] {
        let state = machine(down, 1);
        let shown = drawn(&state, (60, 1), |cx, area, canvas| pane(&state).quiet_line(cx, area, canvas));
        assert_eq!(shown.line(), line);
    }
}

#[test]
fn what_is_not_there_has_a_row_that_says_so() {
    for (up, rows) in [(0, Rows { min: 4, want: 4 }), (1, Rows { min: 4, want: 4 }), (9, Rows { min: 5, want: 12 })] {
        let state = machine(0, up);
        assert_eq!(pane(&state).rows(&state, 80), Some(rows), "{up} interfaces");
    }
}

#[test]
fn only_a_box_lists_devices() {
    let state = machine(0, 3);
    let shown = |boxed, height| {
        let shown = pane(&state).shown(&state, Room { width: 60, height, boxed });
        (shown.items, shown.of)
    };
    assert_eq!([shown(true, 9), shown(true, 2), shown(false, 9)], [(3, 3), (2, 3), (0, 3)]);
}

/// The machine's own disks and interfaces, `count` ports of a bridge, and a filesystem.
fn server(count: usize) -> State {
    let mut state = machine(0, 2);
    answered(&mut state, SourceId::Disks, 1);
    answered(&mut state, SourceId::Network, 1);
    let disk =
        |name: &str| Disk { raw: DiskCounters { name: name.into(), ..DiskCounters::default() }, ..Disk::default() };
    state.host.disks.disks = vec![disk("sda"), disk("sdb")];
    let port = |number: usize| Interface {
        raw: InterfaceCounters {
            name: format!("veth{number}"),
            master: Some("br0".into()),
            ..InterfaceCounters::default()
        },
        ..Interface::default()
    };
    state.host.network.interfaces.extend((0..count).map(port));
    state
}

fn lines(pane: &DiskNetPane, state: &State, height: u16) -> Vec<String> {
    let shown = drawn(state, (60, height), |cx, area, canvas| pane.draw(cx, area, canvas)).lines();
    shown.iter().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn devices_are_listed_disks_first() {
    let mut state = server(0);
    assert_eq!(lines(&pane(&state), &state, 5), ["sda r", "sdb r", "eth0 ↓", "eth1 ↓", ""]);
    state.host.network.interfaces[1].raw.state = Some("down".into());
    assert_eq!(lines(&pane(&state), &state, 5), ["sda r", "sdb r", "eth0 ↓", "eth1 down", ""]);
    state.host.network.interfaces.clear();
    assert_eq!(lines(&pane(&state), &state, 3), ["sda r", "sdb r", "no network"]);
    state.host.disks.disks.clear();
    assert_eq!(lines(&pane(&state), &state, 3), ["no disks", "no network", ""]);
}

#[test]
fn ports_are_a_row_until_it_is_unfolded() {
    let state = server(5);
    let mut pane = pane(&state);
    assert_eq!(lines(&pane, &state, 6), ["sda r", "sdb r", "eth0 ↓", "eth1 ↓", "5 ports", ""]);
    let settings = Settings::default();
    pane.act(Action::Bottom, &state, &settings);
    pane.act(Action::Fold, &state, &settings);
    pane.refresh(&state, &settings);
    assert!(pane.devices.unfolded);
    let all = lines(&pane, &state, 10);
    assert_eq!(all[4..], ["5 ports", "veth0 ↓", "veth1 ↓", "veth2 ↓", "veth3 ↓", "veth4 ↓"]);
    pane.act(Action::Fold, &state, &settings);
    pane.refresh(&state, &settings);
    assert!(!pane.devices.unfolded);
}

#[test]
fn a_click_chooses_a_device_and_the_next_one_opens_it() {
    let state = server(0);
    let mut pane = pane(&state);
    let row = |at| Target::Row(PaneId::DiskNet, at);
    assert!(pane.click(&row(2), &state).is_empty());
    let opened = pane.click(&row(2), &state);
    assert!(matches!(&opened[..], [Effect::OpenDetail(Subject::Interface(name))] if name == "eth0"));
    let settings = Settings::default();
    pane.receive(Message::Sort("name"));
    pane.refresh(&state, &settings);
    assert!(!pane.table.is_plain(BY_MACHINE));
    assert!(pane.act(Action::Search, &state, &settings).is_some());
    assert!(pane.takes_text());
    pane.paste("sdb", &state);
    let footer = drawn(&state, (60, 1), |cx, area, canvas| assert!(pane.footer(cx, area, canvas)));
    assert!(footer.line().contains("sdb"), "{}", footer.line());
    assert_eq!(pane.hints()[0], (Action::Search, "search"));
    assert!(pane.opens(&state) && pane.zooms());
}

#[test]
fn totals_are_in_the_border() {
    let mut state = server(0);
    (state.host.disks.read_per_second, state.host.network.tx_per_second) = (Some(1024.0), Some(2048.0));
    let mut words = String::new();
    drawn(&state, (1, 1), |cx, _, _| words = pane(&state).info(cx));
    assert_eq!(words, "r 1.0K w – · ↓ – ↑ 2.0K");
}

#[test]
fn old_figures_are_faint_each_by_its_own_source() {
    let mut state = server(0);
    let roles = |state: &State| {
        let shown = drawn(state, (60, 4), |cx, area, canvas| pane(state).draw(cx, area, canvas));
        [1, 2].map(|y| shown.role_at(0, y))
    };
    assert_eq!(roles(&state), [Some(Role::Text); 2]);
    answered(&mut state, SourceId::Network, 100);
    assert_eq!(roles(&state), [Some(Role::Faint), Some(Role::Text)]);
}

#[test]
fn zoomed_it_has_four_graphs_of_the_totals() {
    let mut state = server(0);
    state.host.disks.read_history = series([2048.0; 200]);
    state.host.network.tx_history = series([2048.0; 200]);
    let zoomed =
        |height: u16| drawn(&state, (63, height), |cx, area, canvas| pane(&state).draw_zoomed(cx, area, canvas));
    // Five rows of the list and three to spare; what is left, but half of the screen at most.
    let shown = zoomed(20);
    let halves = |y: usize| {
        let line = shown.lines()[y].clone();
        let of = |from: usize| line.chars().skip(from).take(30).collect::<String>().trim_end().to_owned();
        (of(0), of(33))
    };
    let full = "⣿".repeat(30);
    assert_eq!(halves(10), ("read over written   top 2.0K/s".to_owned(), "received over sent   top 2.0K…".to_owned()));
    assert_eq!(
        [11, 14, 15, 18].map(halves),
        [
            (full.clone(), String::new()),
            (full.clone(), String::new()),
            (String::new(), full.clone()),
            (String::new(), full)
        ]
    );
    assert!(halves(19).0.ends_with("now"));
    assert_eq!([(0, 11), (33, 15)].map(|(x, y)| shown.role_at(x, y)), [Role::DiskRead, Role::NetTransmit].map(Some));
    assert!(zoomed(10).lines().iter().all(|line| !line.contains("over")), "two rows are no graph");
    assert!(zoomed(12).lines()[8].starts_with("read over written"));
}

#[test]
fn filesystems_without_a_pane_of_their_own_are_listed_below() {
    let mut state = server(0);
    let space = Space { size: 100, free: 50, available: 50, ..Space::default() };
    let filesystem = |mount: &str| Filesystem {
        mount: mount.into(),
        device: String::new(),
        kind: "ext4".into(),
        options: String::new(),
        read_only: false,
        space: Ok(space),
    };
    state.host.filesystems.filesystems = vec![filesystem("/"), filesystem("/srv")];
    answered(&mut state, SourceId::Filesystems, 1);
    let mut pane = pane(&state);
    assert_eq!((pane.title(), lines(&pane, &state, 8)[4].as_str()), (None, ""));
    pane.take_in(true);
    assert_eq!(pane.title(), Some("disk · net · fs"));
    assert_eq!(lines(&pane, &state, 8), ["sda r", "sdb r", "eth0 ↓", "eth1 ↓", "/ 50%", "/srv 50%", "", ""]);
    // They have half of the rows at least, and the devices the other half.
    assert_eq!(lines(&pane, &state, 4), ["sda r", "eth0 ↓", "/ 50%", "/srv 50%"]);
    let shown = pane.shown(&state, Room { width: 60, height: 5, boxed: true });
    assert_eq!((shown.items, shown.of), (5, 6));
    let zoomed = drawn(&state, (80, 9), |cx, area, canvas| pane.draw_zoomed(cx, area, canvas)).lines();
    assert!(zoomed[5..].iter().any(|line| line.starts_with("/srv")), "{zoomed:?}");
}

#[test]
fn a_line_without_a_box_names_the_busiest_disk() {
    let mut state = server(0);
    let disk = &mut state.host.disks.disks[1];
    (disk.busy_ratio, disk.busy_history, disk.read_history) = (Some(0.5), series([0.5; 100]), series([1024.0; 100]));
    let line = drawn(&state, (80, 1), |cx, area, canvas| pane(&state).draw_compact(cx, area, canvas)).line();
    assert!(line.contains(" sdb 50% "), "{line}");
}
