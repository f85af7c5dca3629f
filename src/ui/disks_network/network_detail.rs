//! One network interface: its link, its addresses, what it moves and loses, and how it was.

use ratatui::layout::Rect;

use crate::{
    model::source::SourceId,
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        figures::{bytes, fixed},
        theme::Role,
        view::Overlay,
        widgets::{
            graph::{axis, mirrored, nice_top},
            sheet::{SheetLine, pair, put_lines},
            text::put,
        },
    },
    units::{ABSENT, bits_per_second, bytes_long, count_short},
};

pub struct NetworkDetail {
    name: String,
}

impl NetworkDetail {
    /// Of the interface with this name.
    #[must_use]
    pub fn new(name: String) -> Self {
        NetworkDetail { name }
    }
}

impl Overlay for NetworkDetail {
    fn title(&self, _state: &State) -> String {
        self.name.clone()
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn feeds(&self, _state: &State) -> &'static [SourceId] {
        &[SourceId::Network]
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let found = cx.state.host.network.find(&self.name);
        let Some(n) = found else {
            put(canvas.buf, area.x, area.y, area.width, "the interface is gone", cx.theme.style(Role::Dim));
            return;
        };
        let raw = &n.raw;
        let mut link = vec![raw.state.clone().unwrap_or_else(|| ABSENT.to_owned())];
        link.extend(raw.speed_bits.map(|b| bits_per_second(b as f64)));
        link.push(if raw.physical { "a card" } else { "virtual" }.to_owned());
        link.extend(raw.master.as_ref().map(|m| format!("part of {m}")));
        link.extend(raw.mac.clone());
        let counts = |v: Option<f64>| fixed(v, 6, count_short);
        let moved = |v: Option<f64>, packets: Option<f64>, all: u64| {
            format!("{}/s {} packets/s   {} since boot", bytes(v), counts(packets), bytes_long(all as f64))
        };
        let addresses = if raw.addresses.is_empty() { ABSENT.to_owned() } else { raw.addresses.join("  ") };
        let facts: Vec<SheetLine> = vec![
            pair("link", 9, link.join(" · ")),
            pair("addresses", 9, addresses),
            pair("received", 9, moved(n.rx_per_second, n.rx_packets_per_second, raw.rx_bytes)),
            pair("sent", 9, moved(n.tx_per_second, n.tx_packets_per_second, raw.tx_bytes)),
            pair(
                "errors",
                9,
                format!(
                    "{}/s   {} in, {} out since boot",
                    counts(n.errors_per_second).trim_start(),
                    raw.rx_errors,
                    raw.tx_errors
                ),
            ),
            pair(
                "dropped",
                9,
                format!(
                    "{}/s   {} in, {} out since boot",
                    counts(n.drops_per_second).trim_start(),
                    raw.rx_dropped,
                    raw.tx_dropped
                ),
            ),
        ];
        put_lines(cx, area, canvas, &facts);
        let rest = Rect { y: area.y + 7, height: area.height.saturating_sub(7), ..area };
        if rest.height < 4 {
            return;
        }
        let top = nice_top(n.rx_history.max().unwrap_or(0.0).max(n.tx_history.max().unwrap_or(0.0)));
        let words = format!("received ↑ / sent ↓, scale {}/s", bytes(Some(top)).trim_start());
        put(canvas.buf, rest.x, rest.y, rest.width, &words, cx.theme.style(Role::Faint));
        let past = Rect { y: rest.y + 1, height: rest.height - 2, ..rest };
        axis(cx, Rect { y: past.bottom(), height: 1, ..rest }, canvas, &n.rx_history);
        mirrored(cx, past, canvas, top, (&n.rx_history, Role::NetReceive), (&n.tx_history, Role::NetTransmit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::network::{Interface, InterfaceCounters},
        ui::canvas::testing::{Drawn, answered, drawn, series},
    };

    fn machine(interface: Interface) -> State {
        let mut state = State::new(Vec::new().into());
        answered(&mut state, SourceId::Network, 100);
        state.host.network.interfaces = vec![interface];
        state
    }

    fn eth0() -> Interface {
        Interface {
            raw: InterfaceCounters {
                name: "eth0".into(),
                rx_bytes: 3 << 30,
                tx_bytes: 2 << 20,
                rx_errors: 1,
                tx_errors: 2,
                rx_dropped: 3,
                tx_dropped: 4,
                state: Some("up".into()),
                speed_bits: Some(1_000_000_000),
                physical: true,
                master: Some("br0".into()),
                mac: Some("aa:bb".into()),
                addresses: vec!["10.0.0.2/24".into(), "fe80::1/64".into()],
                ..InterfaceCounters::default()
            },
            rx_per_second: Some(2048.0),
            tx_per_second: Some(1024.0),
            rx_packets_per_second: Some(12.0),
            tx_packets_per_second: None,
            errors_per_second: Some(0.5),
            drops_per_second: Some(7.0),
            rx_history: series([2048.0; 100]),
            tx_history: series([1024.0; 100]),
        }
    }

    fn view(state: &State, size: (u16, u16)) -> Drawn {
        drawn(state, size, |cx, area, canvas| NetworkDetail::new("eth0".into()).draw(cx, area, canvas))
    }

    #[test]
    fn link_addresses_and_figures_have_a_line_each() {
        let state = machine(eth0());
        assert_eq!(
            view(&state, (70, 6)).lines(),
            [
                "link      up · 1 Gb/s · a card · part of br0 · aa:bb",
                "addresses 10.0.0.2/24  fe80::1/64",
                "received   2.0K/s     12 packets/s   3.0 GiB since boot",
                "sent       1.0K/s      – packets/s   2.0 MiB since boot",
                "errors    0.5/s   1 in, 2 out since boot",
                "dropped   7/s   3 in, 4 out since boot",
            ]
        );
        let bare = Interface {
            raw: InterfaceCounters { name: "eth0".into(), ..InterfaceCounters::default() },
            ..Interface::default()
        };
        assert_eq!(view(&machine(bare), (70, 6)).lines()[..2], ["link      – · virtual", "addresses –"]);
        let detail = NetworkDetail::new("eth0".into());
        assert_eq!((detail.title(&state).as_str(), detail.full_screen()), ("eth0", true));
        assert_eq!(detail.feeds(&state), [SourceId::Network]);
    }

    #[test]
    fn received_is_drawn_upward_and_sent_downward_on_one_scale() {
        let state = machine(eth0());
        let screen = view(&state, (40, 15));
        let (full, half) = ("⣿".repeat(40), "⣿".repeat(40));
        assert_eq!(
            screen.lines()[6..],
            [
                String::new(),
                "received ↑ / sent ↓, scale 2.0K/s".to_owned(),
                full.clone(),
                full.clone(),
                full,
                // Half of the scale: one row and a half of three.
                half,
                "⠛".repeat(40),
                String::new(),
                format!("1m ago{}now", " ".repeat(31)),
            ]
        );
        assert_eq!((screen.role_at(0, 8), screen.role_at(0, 11)), (Some(Role::NetReceive), Some(Role::NetTransmit)));
        assert_eq!(screen.role_at(0, 7), Some(Role::Faint));
        // Four rows are the least: the words, two of graphs, the axis.
        assert_eq!(view(&state, (40, 11)).lines()[8], "⣿".repeat(40));
        assert_eq!(view(&state, (40, 10)).lines()[7..], ["", "", ""]);
    }

    #[test]
    fn an_interface_that_went_away_is_gone() {
        let state = State::new(Vec::new().into());
        assert_eq!(view(&state, (40, 2)).lines(), ["the interface is gone", ""]);
    }
}
