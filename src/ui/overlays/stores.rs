//! What engines keep: images, volumes, networks, build cache, with who uses each and what would be freed. What is removed
//! is named thing by thing before, and nothing else goes.

use std::{borrow::Cow, time::Duration};

use ratatui::layout::Rect;

use super::{Key, Overlay, confirm::Confirm, menu::Menu};
use crate::{
    act::job::{Job, Removal},
    alert::Level,
    collect::Want,
    model::{
        event::SourceId,
        store::{Kind, StoreSample, Stored},
    },
    state::State,
    ui::{
        action::{Action, Context},
        canvas::{Canvas, DrawCx, Target},
        effect::{Command, Effect, Message, To},
        panes::tabled::{RowKey, key_of},
        table::{
            column::{Column, Kind as Figure},
            filter::Fields,
            grid::{Grid, cell},
            needle::Needle,
        },
        theme::Role,
        widgets::{
            notice::{dim_when_stale, notice},
            text::{put, tint},
        },
    },
    units::{ABSENT, bytes_long, bytes_short, span_short},
};

mod at {
    pub const KIND: usize = 0;
    pub const NAME: usize = 1;
    pub const SIZE: usize = 2;
    pub const FREES: usize = 3;
    pub const USED: usize = 4;
    pub const AGE: usize = 5;
    pub const PLACE: usize = 6;
    pub const ENGINE: usize = 7;
}

static COLUMNS: [Column; 8] = [
    Column::words("kind", "KIND", 7, 0).also(&["type"]).doc("image, volume, network, build cache"),
    Column::words("name", "NAME", 28, 0).also(&["tag"]).stretching().doc("tags of an image, name of the rest"),
    Column::figure("size", "SIZE", Figure::Bytes, 5, 0).doc("bytes on disk"),
    Column::figure("frees", "FREES", Figure::Bytes, 5, 3).doc("bytes that no other image shares: freed by its removal"),
    Column::words("used", "USED BY", 24, 1).also(&["users", "containers"]).doc("containers that use it; `unused`"),
    Column::figure("age", "AGE", Figure::Seconds, 4, 2).doc("since it was made"),
    Column::words("place", "PLACE", 34, 4).also(&["driver", "subnet"]).doc("driver and folder, subnets, id"),
    Column::words("engine", "ENGINE", 24, 5).doc("address of its engine"),
];

/// What may be removed at once.
const PRUNES: [(&str, &str, Kind, bool); 5] = [
    ("dangling", "images without a tag that nothing uses", Kind::Image, true),
    ("images", "every image that nothing uses", Kind::Image, false),
    ("volumes", "every volume that no container uses, with what is in it", Kind::Volume, false),
    ("networks", "every network that no container uses", Kind::Network, false),
    ("cache", "build cache that no build uses", Kind::Cache, false),
];

/// The view.
pub struct Stores {
    grid: Grid<RowKey>,
    /// Indices into the things of the state.
    order: Vec<usize>,
}

impl Default for Stores {
    fn default() -> Self {
        Stores { grid: Grid::new(&COLUMNS, To::Top, &[], "size"), order: Vec::new() }
    }
}

struct Row<'a> {
    thing: &'a Stored,
    age: Option<Duration>,
}

impl<'a> Row<'a> {
    fn new(thing: &'a Stored, state: &State) -> Self {
        let age = thing.created_unix_ms.and_then(|at| u64::try_from(state.host.now.unix_ms.saturating_sub(at)).ok());
        Row { thing, age: age.map(Duration::from_millis) }
    }

    fn used(&self) -> Cow<'_, str> {
        match self.thing.users.as_slice() {
            [] if self.thing.held => Cow::Borrowed("in use"),
            [] => Cow::Borrowed("unused"),
            users => Cow::Owned(users.join(" ")),
        }
    }
}

impl Fields for Row<'_> {
    fn text(&self, column: usize) -> Cow<'_, str> {
        match column {
            at::KIND => Cow::Borrowed(self.thing.kind.word()),
            at::NAME => Cow::Borrowed(&self.thing.name),
            at::USED => self.used(),
            at::AGE => Cow::Owned(self.age.map_or_else(String::new, span_short)),
            at::PLACE => Cow::Borrowed(&self.thing.place),
            at::ENGINE => Cow::Borrowed(&self.thing.engine),
            // Networks take no room.
            _ if self.thing.kind == Kind::Network => Cow::Borrowed(""),
            _ => Cow::Owned(self.number(column).map_or_else(|| ABSENT.to_owned(), bytes_short)),
        }
    }

    fn number(&self, column: usize) -> Option<f64> {
        Some(match column {
            at::SIZE => self.thing.bytes? as f64,
            at::FREES => self.thing.bytes.map(|_| self.thing.frees())? as f64,
            at::AGE => self.age?.as_secs_f64(),
            _ => return None,
        })
    }

    fn word(&self, needle: &Needle) -> bool {
        [at::KIND, at::NAME, at::USED, at::PLACE].into_iter().any(|column| needle.is_in(&self.text(column)))
            || needle.is_in(&self.thing.id)
    }
}

impl Stores {
    fn holds<'a>(order: &'a [usize], state: &'a State) -> impl Fn(usize, &Needle) -> bool + 'a {
        move |index, needle| {
            let thing = order.get(index).and_then(|i| state.host.stores.things.get(*i));
            thing.is_some_and(|thing| Row::new(thing, state).word(needle))
        }
    }

    fn chosen<'a>(&self, state: &'a State) -> Option<&'a Stored> {
        self.order.get(self.grid.cursor.position()).and_then(|i| state.host.stores.things.get(*i))
    }

    /// What can be removed: the thing under the cursor, or all unused ones of a kind.
    fn acts(&self, state: &State) -> Vec<Effect> {
        let mut menu = Menu::new("remove");
        if let Some(thing) = self.chosen(state) {
            let doc = match thing.is_unused() {
                true => format!("{}, frees {}", thing.kind.word(), bytes_long(thing.frees() as f64)),
                false => format!("{}, in use: the engine will refuse", thing.kind.word()),
            };
            let things = vec![(thing.engine.clone(), thing.id.clone())];
            menu.add(thing.name.clone(), doc, false, Message::Remove { what: thing.name.clone(), things });
        }
        for (label, doc, kind, nameless) in PRUNES {
            let things: Vec<&Stored> = unused(&state.host.stores, kind, nameless).collect();
            if things.is_empty() {
                continue;
            }
            let frees = things.iter().map(|thing| thing.frees()).sum::<u64>();
            let doc = format!("{doc}: {}, frees {}", things.len(), bytes_long(frees as f64));
            let things = things.iter().map(|thing| (thing.engine.clone(), thing.id.clone())).collect();
            menu.add(label, doc, false, Message::Remove { what: format!("unused {label}"), things });
        }
        vec![Effect::Open(Box::new(menu))]
    }
}

fn unused(all: &StoreSample, kind: Kind, nameless: bool) -> impl Iterator<Item = &Stored> {
    let wanted = move |thing: &&Stored| thing.kind == kind && thing.is_unused() && (thing.nameless || !nameless);
    all.things.iter().filter(wanted)
}

/// The question before things are removed: it names each of them and what it frees.
fn preview(what: &str, things: &[(String, String)], state: &State) -> Vec<Effect> {
    let all = &state.host.stores.things;
    let meant: Vec<&Stored> =
        things.iter().filter_map(|(engine, id)| all.iter().find(|t| t.engine == *engine && t.id == *id)).collect();
    if meant.is_empty() {
        return vec![Effect::Say(Level::Advice, "it is gone: nothing was done".to_owned())];
    }
    let frees = bytes_long(meant.iter().map(|thing| thing.frees()).sum::<u64>() as f64);
    let title = match meant.as_slice() {
        [one] => format!("remove {} {}? it frees {frees}", one.kind.word(), one.name),
        many => format!("remove {what}: {} of them? it frees {frees}", many.len()),
    };
    let lines = meant.iter().map(|thing| {
        let size = thing.bytes.map_or_else(|| ABSENT.to_owned(), |_| bytes_short(thing.frees() as f64));
        let facts = format!("{:<8}{size:>6}  ", thing.kind.word());
        vec![(facts, Role::Dim), (thing.name.clone(), Role::Strong), (format!("  {}", thing.place), Role::Dim)]
    });
    let removals = meant.iter().map(|thing| Removal {
        engine: thing.engine.clone(),
        kind: thing.kind,
        id: thing.id.clone(),
        name: thing.name.clone(),
        bytes: thing.frees(),
    });
    let command = Command::Job(Job::Remove(removals.collect()));
    vec![Effect::Open(Box::new(Confirm::new(title, lines.collect(), command)))]
}

impl Overlay for Stores {
    fn title(&self, state: &State) -> String {
        let all = &state.host.stores;
        let mut title = "images, volumes, networks".to_owned();
        for kind in [Kind::Image, Kind::Volume, Kind::Cache] {
            let (sum, unused) = all.sums(kind);
            if sum > 0 {
                let (sum, unused) = (bytes_short(sum as f64), bytes_short(unused as f64));
                title.push_str(&format!(" · {} {sum}, unused {unused}", kind.word()));
            }
        }
        if self.grid.is_filtered() {
            title.push_str(&format!(" · filter {} leaves {}", self.grid.filter_text(), self.order.len()));
        }
        if all.asking {
            title.push_str(" · asking…");
        }
        title
    }

    fn full_screen(&self) -> bool {
        true
    }

    fn refresh(&mut self, state: &State) {
        let things = &state.host.stores.things;
        self.order.clear();
        self.order.extend((0..things.len()).filter(|i| self.grid.keeps(&Row::new(&things[*i], state))));
        let sort = self.grid.sort();
        let row = |i: &usize| Row::new(&things[*i], state);
        if COLUMNS[sort.column].kind == Figure::Text {
            self.order.sort_by_cached_key(|i| row(i).text(sort.column).to_lowercase());
            if sort.greatest_first {
                self.order.reverse();
            }
        } else {
            let key = |i: &usize| {
                let figure = row(i).number(sort.column);
                figure.map_or(f64::INFINITY, |f| if sort.greatest_first { -f } else { f })
            };
            self.order.sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        let name = |t: &Stored| key_of(&format!("{} {} {}", t.engine, t.kind.word(), t.id));
        self.grid.cursor.settle(self.order.iter().map(|i| name(&things[*i])));
        self.grid.seek(&Self::holds(&self.order, state));
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        if area.is_empty() || notice(cx, area, canvas, SourceId::Stores) {
            return;
        }
        let (theme, all) = (cx.theme, &cx.state.host.stores);
        let mut y = area.y;
        for (engine, why) in all.faults.iter().take(usize::from(area.height / 2)) {
            put(canvas.buf, area.x, y, area.width, &format!("{engine}: {why}"), theme.style(Role::Warn));
            y += 1;
        }
        if !all.told {
            let words = "the engines count what they keep, which may take them a while…";
            put(canvas.buf, area.x, y, area.width, words, theme.style(Role::Dim));
            return;
        }
        let several = all.things.iter().any(|t| all.things.first().is_some_and(|first| first.engine != t.engine));
        let placed = self.grid.placed(area.width, |column| column.id == "engine" && !several);
        self.grid.header(cx, Rect { y, height: 1, ..area }, canvas, &placed, Target::OverlayColumn);
        let body = Rect { y: y + 1, height: area.bottom().saturating_sub(y + 1), ..area };
        for (index, y) in self.grid.cursor.window(usize::from(body.height)).zip(body.y..body.bottom()) {
            let Some(thing) = self.order.get(index).and_then(|i| all.things.get(*i)) else { continue };
            let row = Row::new(thing, cx.state);
            let line = Rect { y, height: 1, ..area };
            for p in &placed {
                let place = Rect { x: area.x + p.x, width: p.width, ..line }.intersection(line);
                let text = row.text(p.column);
                let role = match p.column {
                    at::NAME if thing.is_unused() => Role::Text,
                    at::NAME => Role::Strong,
                    at::SIZE => Role::Text,
                    at::USED if thing.is_unused() => Role::Advice,
                    at::USED => Role::Container,
                    _ => Role::Dim,
                };
                cell(canvas, place, COLUMNS[p.column].align, &text, theme.style(role));
                self.grid.mark(cx, place, canvas, &text);
            }
            if index == self.grid.cursor.position() {
                tint(canvas.buf, line, theme.style(Role::Selected));
            }
            canvas.hit(line, Target::OverlayRow(index));
        }
        if self.order.is_empty() {
            let words = if self.grid.is_filtered() { "nothing fits the filter" } else { "nothing is kept" };
            put(canvas.buf, body.x, body.y, body.width, words, theme.style(Role::Dim));
        }
        dim_when_stale(cx, body, canvas, SourceId::Stores);
    }

    fn takes_text(&self) -> bool {
        self.grid.takes_text()
    }

    fn key(&mut self, key: Key, state: &State) -> Option<Vec<Effect>> {
        self.grid.key(key, &Self::holds(&self.order, state))
    }

    fn context(&self) -> Context {
        Context::Things
    }

    fn act(&mut self, action: Action, state: &State) -> Option<Vec<Effect>> {
        match action {
            Action::Stores => return Some(vec![Effect::Close]),
            Action::Acts => return Some(self.acts(state)),
            _ => {}
        }
        self.grid.act(action, &Self::holds(&self.order, state))
    }

    fn click(&mut self, target: &Target, _state: &State) -> Vec<Effect> {
        match target {
            Target::OverlayColumn(id) => self.grid.sort_by(id),
            Target::OverlayRow(index) => self.grid.cursor.hold(*index),
            _ => {}
        }
        Vec::new()
    }

    fn tell(&mut self, message: Message, state: &State) -> Vec<Effect> {
        if let Message::Remove { what, things } = &message {
            return preview(what, things, state);
        }
        self.grid.tell(&message);
        Vec::new()
    }

    fn footer(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) -> bool {
        self.grid.footer(cx, area, canvas, &format!("{} rows", self.order.len()))
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Acts, "remove"),
            (Action::Search, "search"),
            (Action::Filter, "filter"),
            (Action::SortMenu, "sort"),
            (Action::Columns, "columns"),
        ]
    }

    fn want(&self, want: &mut Want, _state: &State) {
        want.stores = true;
    }
}
