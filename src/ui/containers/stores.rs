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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::ui::{
        canvas::testing::{answered, drawn},
        table::column::testing::{cell, column},
        view::Overlay,
    };

    fn stored(kind: Kind, name: &str, bytes: Option<u64>, users: &[&str]) -> Stored {
        Stored {
            engine: EngineAddress::default(),
            kind,
            id: format!("id-{name}"),
            name: name.into(),
            bytes,
            shared_bytes: 0,
            users: users.iter().map(|user| (*user).to_owned()).collect(),
            held: false,
            nameless: name.starts_with('<'),
            created_unix_ms: None,
            place: "local".into(),
        }
    }

    fn machine() -> State {
        let mut state = State::new(Vec::new().into());
        answered(&mut state, SourceId::Stores, 100_000);
        let mib = |count: u64| Some(count << 20);
        state.host.stores.objects = vec![
            stored(Kind::Image, "nginx:1", mib(100), &["web", "proxy"]),
            stored(Kind::Image, "<none>", mib(50), &[]),
            stored(Kind::Image, "old:1", mib(200), &[]),
            stored(Kind::Volume, "data", mib(10), &[]),
            stored(Kind::Network, "bridge", None, &[]),
            stored(Kind::Cache, "layer", mib(1), &[]),
        ];
        state.host.stores.objects[2].shared_bytes = 150 << 20;
        state.host.stores.objects[2].created_unix_ms = Some(state.host.now.unix_ms - 7_200_000);
        state.host.stores.objects[4].held = true;
        state.host.stores.answered = true;
        state
    }

    fn cells(state: &State, at: usize) -> [String; 7] {
        ["kind", "name", "size", "frees", "used", "age", "engine"].map(|id| {
            let of = Row::new(&state.host.stores.objects[at], state);
            cell::<Kept>(state, id, &of).0
        })
    }

    #[test]
    fn an_object_says_who_uses_it_and_what_it_frees() {
        let state = machine();
        assert_eq!(cells(&state, 0)[..6], ["image", "nginx:1", "100M", "100M", "web proxy", ""]);
        assert_eq!(cells(&state, 2)[..6], ["image", "old:1", "200M", "50.0M", "unused", "2h"]);
        assert_eq!(cells(&state, 4)[..6], ["network", "bridge", "", "", "in use", ""], "networks take no room");
        let unknown = stored(Kind::Volume, "data", None, &[]);
        let size = cell::<Kept>(&state, "size", &Row::new(&unknown, &state)).0;
        assert_eq!(size, "–");
        let role = |at: usize, id| cell::<Kept>(&state, id, &Row::new(&state.host.stores.objects[at], &state)).1;
        assert_eq!((role(0, "name"), role(2, "name")), (Some(Role::Strong), Some(Role::Text)));
        assert_eq!((role(0, "used"), role(2, "used")), (Some(Role::Container), Some(Role::Advice)));
    }

    #[test]
    fn engines_are_named_where_there_are_several() {
        let mut state = machine();
        let empty = column::<Kept>("engine").empty.expect("it gives way");
        assert!(empty(&state) && empty(&State::default()));
        state.host.stores.objects[3].engine = EngineAddress::new("tcp://nas:2375");
        assert!(!empty(&state));
        let ids: HashSet<String> =
            state.host.stores.objects.iter().map(|object| Kept::id(object).into_owned()).collect();
        assert_eq!(ids.len(), 6);
        let twin = Stored { engine: EngineAddress::new("tcp://nas:2375"), ..state.host.stores.objects[0].clone() };
        assert!(!ids.contains(&*Kept::id(&twin)), "the same image of another engine is another object");
    }

    #[test]
    fn title_sums_what_there_is_and_what_is_unused() {
        let mut state = machine();
        assert_eq!(
            Kept::title(&state),
            "images, volumes, networks · image 200M, unused 100M · volume 10.0M, unused 10.0M · cache 1.0M, unused 1.0M"
        );
        state.host.stores.asking = true;
        assert!(Kept::title(&state).ends_with(" · asking…"));
        state.host.stores.objects.clear();
        state.host.stores.asking = false;
        assert_eq!(Kept::title(&state), "images, volumes, networks");
        assert_eq!(Kept::nothing(&state), "no images, volumes or networks");
        state.host.stores.answered = false;
        assert!(Kept::nothing(&state).starts_with("the engines are computing disk usage"));
    }

    /// The lines of what these keys open.
    fn opened(effects: Vec<Effect>, state: &State) -> (String, Vec<String>) {
        match effects.into_iter().next() {
            Some(Effect::Open(view)) => {
                let (title, size) = (view.title(state), view.size(state));
                let lines = drawn(state, (80, size.1), |cx, area, canvas| view.draw(cx, area, canvas)).lines();
                (title, lines)
            }
            Some(Effect::Say(_, words)) => (words, Vec::new()),
            _ => Default::default(),
        }
    }

    #[test]
    fn what_can_be_removed_is_listed_with_what_it_frees() {
        let state = machine();
        let (title, lines) = opened(acts(&state, None), &state);
        assert_eq!(title, "remove");
        let words: Vec<String> =
            lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            words,
            [
                "dangling unused images without a tag: 1, frees 50.0 MiB",
                "images all unused images: 2, frees 100.0 MiB",
                "volumes all unused volumes, with their data: 1, frees 10.0 MiB",
                "cache unused build cache: 1, frees 1.0 MiB",
            ]
        );
        let first = |at| {
            let (_, lines) = opened(acts(&state, Some(at)), &state);
            lines[0].split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(first(0), "nginx:1 image, in use: the engine will refuse");
        assert_eq!(first(2), "old:1 image, frees 50.0 MiB");
    }

    #[test]
    fn each_object_is_named_before_it_is_removed() {
        let state = machine();
        let of = |at: usize| {
            let object = &state.host.stores.objects[at];
            (object.engine.clone(), object.id.clone())
        };
        let (title, lines) = opened(preview("unused images", &[of(1), of(2)], &state), &state);
        assert_eq!(title, "remove unused images: 2 of them? frees 100.0 MiB");
        assert_eq!(lines[..2], ["image    50.0M  <none>  local", "image    50.0M  old:1  local"]);
        let (title, lines) = opened(preview("data", &[of(3)], &state), &state);
        assert_eq!(
            (title.as_str(), lines[0].as_str()),
            ("remove volume data? frees 10.0 MiB", "volume   10.0M  data  local")
        );
        let (title, _) = opened(preview("gone", &[(EngineAddress::default(), "gone".into())], &state), &state);
        assert_eq!(title, "it no longer exists: nothing was done");
        let networks = opened(preview("bridge", &[of(4)], &state), &state).1;
        assert_eq!(networks[0], "network      –  bridge  local");
    }

    #[test]
    fn keys_offer_what_the_cursor_is_on() {
        let state = machine();
        let mut view = Stores::default();
        view.refresh(&state);
        let (title, lines) = opened(view.act(Action::Acts, &state).unwrap_or_default(), &state);
        assert_eq!(title, "remove");
        assert!(lines[0].starts_with("old:1"), "the largest comes first: {lines:?}");
        assert!(view.hints().contains(&(Action::Acts, "remove")));
        let mut want = Interest::default();
        view.want(&mut want, &state);
        assert!(want.stores);
    }
}
