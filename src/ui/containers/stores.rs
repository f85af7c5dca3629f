//! What engines keep: images, volumes, networks, build cache, with who uses each and what would be freed. What is removed
//! is listed object by object before, and nothing else is removed.

use std::{borrow::Cow, time::Duration};

use crate::{
    alert::Level,
    interest::Interest,
    model::{
        engine_address::EngineAddress,
        source::SourceId,
        store::{Kind, StoreSample, Stored},
    },
    request::{Job, Removal},
    state::{State, levels},
    ui::{
        action::{Action, Context},
        overlays::{confirm::Confirm, menu::Menu},
        table::{
            column::{Column, Columns, Kind as Figure},
            core::Table,
            def::ListDef,
            needle::Needle,
            screen::{ScreenTable, TableScreen},
        },
        theme::Role,
        view::Effect,
    },
    units::{ABSENT, bytes_long, bytes_short},
};

impl Columns for Kept {
    type Row<'a> = Row<'a>;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "name";

    fn matches(row: &Row<'_>, needle: &Needle) -> bool {
        let Stored { kind, name, place, id, .. } = row.object;
        [kind.word(), name, &row.used(), place, id].into_iter().any(|text| needle.is_in(text))
    }
}

type Col = Column<Kept>;

static COLUMNS: &[Col] = &[
    Col::words("kind", "KIND", 7, 0, |r| r.object.kind.word().into())
        .also(&["type"])
        .doc("image, volume, network, build cache"),
    Col::words("name", "NAME", 28, 0, |r| Cow::Borrowed(&r.object.name))
        .also(&["tag"])
        .stretching()
        .role_of(|r, _| if r.object.is_unused() { Role::Text } else { Role::Strong })
        .doc("image tags, or the name"),
    Col::figure("size", "SIZE", Figure::Bytes, 5, 0, |r| r.object.bytes.map(|bytes| bytes as f64))
        .absent(absent)
        .role(Role::Text)
        .doc("bytes on disk"),
    Col::figure("frees", "FREES", Figure::Bytes, 5, 3, |r| r.object.bytes.map(|_| r.object.frees() as f64))
        .absent(absent)
        .doc("bytes freed by its removal (not shared with other images)"),
    Col::words("used", "USED BY", 24, 1, |r| r.used())
        .also(&["users", "containers"])
        .role_of(|r, _| if r.object.is_unused() { Role::Advice } else { Role::Container })
        .doc("containers that use it, or `unused`"),
    Col::figure("age", "AGE", Figure::Seconds, 4, 2, |r| r.age.map(|age| age.as_secs_f64()))
        .absent(|_| "")
        .doc("time since it was created"),
    Col::words("place", "PLACE", 34, 4, |r| Cow::Borrowed(&r.object.place))
        .also(&["driver", "subnet"])
        .doc("driver and folder, subnets, id"),
    Col::words("engine", "ENGINE", 24, 5, |r| r.object.engine.as_str().into())
        // One engine needs no name beside each row.
        .empty(|state| {
            let all = &state.host.stores.objects;
            all.iter().all(|t| all.first().is_some_and(|first| first.engine == t.engine))
        })
        .doc("address of its engine"),
];

/// Networks take no room.
fn absent(row: &Row<'_>) -> &'static str {
    if row.object.kind == Kind::Network { "" } else { ABSENT }
}

/// What may be removed at once.
const PRUNES: [(&str, &str, Kind, bool); 5] = [
    ("dangling", "unused images without a tag", Kind::Image, true),
    ("images", "all unused images", Kind::Image, false),
    ("volumes", "all unused volumes, with their data", Kind::Volume, false),
    ("networks", "all unused networks", Kind::Network, false),
    ("cache", "unused build cache", Kind::Cache, false),
];

pub type Stores = TableScreen<Kept>;

/// What all engines keep.
pub struct Kept;

/// An object with its age.
pub struct Row<'a> {
    object: &'a Stored,
    age: Option<Duration>,
}

impl<'a> Row<'a> {
    fn new(object: &'a Stored, state: &State) -> Self {
        let age = object.created_unix_ms.and_then(|at| u64::try_from(state.host.now.unix_ms.saturating_sub(at)).ok());
        Row { object, age: age.map(Duration::from_millis) }
    }

    fn used(&self) -> Cow<'_, str> {
        match self.object.users.as_slice() {
            [] if self.object.held => Cow::Borrowed("in use"),
            [] => Cow::Borrowed("unused"),
            users => Cow::Owned(users.join(" ")),
        }
    }
}

/// What can be removed: the object under the cursor, or all unused ones of a kind.
fn acts(state: &State, chosen: Option<usize>) -> Vec<Effect> {
    let mut menu = Menu::new("remove");
    if let Some(object) = chosen.and_then(|index| state.host.stores.objects.get(index)) {
        let doc = match object.is_unused() {
            true => format!("{}, frees {}", object.kind.word(), bytes_long(object.frees() as f64)),
            false => format!("{}, in use: the engine will refuse", object.kind.word()),
        };
        let objects = vec![(object.engine.clone(), object.id.clone())];
        let what = object.name.clone();
        menu.add(what.clone(), doc, false, move |state| preview(&what, &objects, state));
    }
    for (label, doc, kind, nameless) in PRUNES {
        let objects: Vec<&Stored> = unused(&state.host.stores, kind, nameless).collect();
        if objects.is_empty() {
            continue;
        }
        let frees = objects.iter().map(|object| object.frees()).sum::<u64>();
        let doc = format!("{doc}: {}, frees {}", objects.len(), bytes_long(frees as f64));
        let objects: Vec<_> = objects.iter().map(|object| (object.engine.clone(), object.id.clone())).collect();
        menu.add(label, doc, false, move |state| preview(&format!("unused {label}"), &objects, state));
    }
    vec![Effect::Open(Box::new(menu))]
}

fn unused(all: &StoreSample, kind: Kind, nameless: bool) -> impl Iterator<Item = &Stored> {
    let wanted = move |object: &&Stored| object.kind == kind && object.is_unused() && (object.nameless || !nameless);
    all.objects.iter().filter(wanted)
}

/// The question before objects are removed: it lists each of them and what it frees.
fn preview(what: &str, objects: &[(EngineAddress, String)], state: &State) -> Vec<Effect> {
    let all = &state.host.stores.objects;
    let targets: Vec<&Stored> =
        objects.iter().filter_map(|(engine, id)| all.iter().find(|t| t.engine == *engine && t.id == *id)).collect();
    if targets.is_empty() {
        return vec![Effect::Say(Level::Advice, "it no longer exists: nothing was done".to_owned())];
    }
    let frees = bytes_long(targets.iter().map(|object| object.frees()).sum::<u64>() as f64);
    let title = match targets.as_slice() {
        [one] => format!("remove {} {}? frees {frees}", one.kind.word(), one.name),
        many => format!("remove {what}: {} of them? frees {frees}", many.len()),
    };
    let lines = targets.iter().map(|object| {
        let size = object.bytes.map_or_else(|| ABSENT.to_owned(), |_| bytes_short(object.frees() as f64));
        let facts = format!("{:<8}{size:>6}  ", object.kind.word());
        vec![(facts, Role::Dim), (object.name.clone(), Role::Strong), (format!("  {}", object.place), Role::Dim)]
    });
    let removals = targets.iter().map(|object| Removal {
        engine: object.engine.clone(),
        kind: object.kind,
        id: object.id.clone(),
        name: object.name.clone(),
        bytes: object.frees(),
    });
    let job = Job::Remove(removals.collect());
    vec![Effect::Open(Box::new(Confirm::new(title, lines.collect(), job)))]
}

impl ListDef for Kept {
    type Item = Stored;
    const SOURCES: &'static [SourceId] = &[SourceId::Stores];
    const NOUN: &'static str = "object";

    fn items(state: &State) -> &[Stored] {
        &state.host.stores.objects
    }

    fn row<'a>(object: &'a Stored, state: &'a State) -> Row<'a> {
        Row::new(object, state)
    }

    fn id(object: &Stored) -> Cow<'_, str> {
        Cow::Owned(format!("{} {} {}", object.engine, object.kind.word(), object.id))
    }

    fn notes(state: &State) -> Vec<(Level, String)> {
        levels::silent_stores(state)
    }

    fn nothing(state: &State) -> &'static str {
        match state.host.stores.answered {
            true => "no images, volumes or networks",
            false => "the engines are computing disk usage, which may take a while…",
        }
    }
}

impl ScreenTable for Kept {
    const SORT: &'static str = "size";
    const CONTEXT: Context = Context::Objects;

    fn act(table: &mut Table<Self>, action: Action, state: &State) -> Option<Vec<Effect>> {
        (action == Action::Acts).then(|| acts(state, table.selected()))
    }

    fn title(state: &State) -> String {
        let all = &state.host.stores;
        let mut title = "images, volumes, networks".to_owned();
        for kind in [Kind::Image, Kind::Volume, Kind::Cache] {
            let (sum, unused) = all.sums(kind);
            if sum > 0 {
                let (sum, unused) = (bytes_short(sum as f64), bytes_short(unused as f64));
                title.push_str(&format!(" · {} {sum}, unused {unused}", kind.word()));
            }
        }
        if all.asking {
            title.push_str(" · asking…");
        }
        title
    }

    fn hints() -> Vec<(Action, &'static str)> {
        vec![(Action::Acts, "remove")]
    }

    fn want(want: &mut Interest) {
        want.stores = true;
    }
}
