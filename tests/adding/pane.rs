//! The pane of the dummies. Its tests look at all five things that were added.

use ratatui::layout::Rect;

use crate::{
    model::source::SourceId,
    state::State,
    ui::{
        canvas::{Canvas, DrawCx},
        ids::PaneId,
        theme::Role,
        view::{Pane, PaneDef, Rows},
        widgets::text::put,
    },
};

pub const DEF: PaneDef = PaneDef {
    id: PaneId::Dummies,
    name: "dummies",
    title: "dummies",
    feeds: &[SourceId::Dummies],
    min_width: 20,
    worth: 10,
    past: 0,
    make: |_| Box::new(Dummies),
};

struct Dummies;

impl Pane for Dummies {
    fn rows(&self, state: &State, _width: u16) -> Option<Rows> {
        state.host.dummies.count.map(|_| Rows { min: 3, want: 3 })
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let words = format!("{} of them", cx.state.host.dummies.count.unwrap_or_default());
        put(canvas.buf, area.x, area.y, area.width, &words, cx.theme.style(Role::Text));
    }

    fn draw_compact(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        self.draw(cx, area, canvas);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
    use ratatui::{buffer::Buffer, layout::Rect};

    use crate::{
        alert::Rule,
        clock::Stamp,
        collect::{CollectCx, OpenCx, SOURCES},
        config::Settings,
        interest::Interest,
        model::{
            event::{Envelope, Event},
            metrics::{self, MetricId},
            source::SourceId,
        },
        state::State,
        sys::root::Root,
        ui::{Ui, pools, table::column::Columns, theme::ThemeSet},
    };

    fn read() -> State {
        let source = SOURCES.iter().find(|source| source.id == SourceId::Dummies).expect("a row of SOURCES");
        let mut collector = (source.open)(&OpenCx::of(Root::new("/nowhere"))).expect("opens");
        let (at, took, every) = (Stamp::at_seconds(1), Duration::ZERO, Duration::from_secs(1));
        let outcome = collector.collect(&CollectCx::new(at, &Interest::default()));
        let metric = MetricId::find("load_dummies").expect("a row of METRICS");
        let mut rule = Rule::new("dummies", metric);
        rule.limits.warn = Some(1.0);
        rule.say = "{value} dummies".to_owned();
        let mut state = State::new(vec![rule].into());
        state.apply(Event::Reading(Envelope { source: SourceId::Dummies, at, took, every, outcome }));
        state
    }

    fn screen(ui: &mut Ui, state: &State) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, 160, 45));
        ui.refresh(state);
        ui.draw(state, &mut buf);
        buf.content.iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn dummy_source_metric_pane_and_overlay_work() {
        let state = read();
        let mut values = Vec::new();
        let metric = metrics::find("load_dummies").expect("a metric");
        (metric.read)(&state.host, &mut |_, value| values.push(value));
        assert_eq!(values, [42.0]);
        let mut ui = Ui::new(Settings::default(), ThemeSet::new(None, Settings::default().colors, false));
        let shown = screen(&mut ui, &state);
        assert!(shown.contains("dummies") && shown.contains("42 of them"), "{shown}");
        ui.input(&Input::Key(KeyEvent::new(KeyCode::Char('J'), KeyModifiers::NONE)), &state);
        assert!(screen(&mut ui, &state).contains("nothing but dummies"));
    }

    #[test]
    fn dummy_column_is_one_of_its_table() {
        assert!(pools::row::Pools::COLUMNS.iter().any(|column| column.def.id == "letters"));
    }
}
