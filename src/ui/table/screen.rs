//! An overlay over the whole screen that is one table.

use ratatui::layout::Rect;

use super::{core::Table, def::TableDef};
use crate::{
    interest::Interest,
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        ids::Key,
        theme::Role,
        view::{Effect, Message, Overlay},
        widgets::text::put,
    },
};

/// What a table is over the whole screen.
pub trait ScreenTable: TableDef<Options = ()> {
    /// The column that it is sorted by at first.
    const SORT: &'static str;
    /// Which keys mean something on it.
    const CONTEXT: Context;

    /// The title of its frame.
    fn title(state: &State) -> String;

    /// A line at the foot.
    fn foot(_cx: &DrawCx<'_>) -> Option<String> {
        None
    }

    /// What another key does, beside what all tables do; `None` when it means nothing here.
    fn act(_table: &mut Table<Self>, _action: Action, _state: &State) -> Option<Vec<Effect>> {
        None
    }

    /// What the footer offers beside the table's own.
    fn hints() -> Vec<(Action, &'static str)>;

    /// Adds what it needs of the sources while open.
    fn want(want: &mut Interest);
}

/// The view of one table.
pub struct TableScreen<T: TableDef> {
    table: Table<T>,
}

impl<T: ScreenTable> Default for TableScreen<T> {
    fn default() -> Self {
        TableScreen { table: Table::on_screen(T::SORT, ()) }
    }
}

impl<T: ScreenTable> Overlay for TableScreen<T> {
    fn title(&self, state: &State) -> String {
        let mut title = T::title(state);
        if self.table.grid.is_filtered() {
            let (text, kept) = (self.table.grid.filter_text(), self.table.list.kept);
            title.push_str(&format!(" · filter {text} leaves {kept}"));
        }
        title
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn refresh(&mut self, state: &State) {
        self.table.update(state);
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let foot = T::foot(cx).filter(|_| area.height > 3 && T::count(cx.state) > 0);
        let body = Rect { height: area.height - u16::from(foot.is_some()), ..area };
        self.table.draw(cx, body, canvas, "");
        if let Some(words) = foot {
            put(canvas.buf, area.x, body.bottom(), area.width, &words, cx.theme.style(Role::Dim));
        }
    }

    fn takes_text(&self) -> bool {
        self.table.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.table.key(key, state)
    }

    fn paste(&mut self, text: &str, state: &State) {
        self.table.paste(text, state);
    }

    fn context(&self) -> Context {
        T::CONTEXT
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        self.table.act(action, state).or_else(|| T::act(&mut self.table, action, state))
    }

    fn click(&mut self, target: &Target, state: &State) -> Vec<Effect> {
        self.table.click(target, state)
    }

    fn receive(&mut self, message: Message) {
        self.table.receive(&message);
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        self.table.grid.footer(cx, area, canvas, &format!("{} rows", self.table.list.kept))
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let own = [
            (Action::Search, "search"),
            (Action::Filter, "filter"),
            (Action::SortMenu, "sort"),
            (Action::Columns, "columns"),
        ];
        T::hints().into_iter().chain(own).collect()
    }

    fn want(&self, want: &mut Interest, _state: &State) {
        T::want(want);
        self.table.asks(want);
    }
}
