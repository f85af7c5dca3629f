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
