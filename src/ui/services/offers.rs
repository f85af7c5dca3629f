//! Services that are found on this machine and not probed: a list to choose from. What is chosen is shown as the lines of
//! the config that it adds, and added after a yes.

use std::borrow::Cow;

use crate::{
    config::adding,
    interest::Interest,
    model::{
        join::{Offer, offers},
        source::SourceId,
    },
    request::Job,
    state::State,
    ui::{
        action::{Action, Context},
        canvas::DrawCx,
        overlays::confirm::Confirm,
        table::{
            column::{Column, Columns},
            def::{TableDef, key_of},
            screen::{ScreenTable, TableScreen},
        },
        theme::Role,
        view::Effect,
    },
};

/// The list of offers.
pub type Offers = TableScreen<All>;

/// Every offer.
pub struct All;

impl Columns for All {
    type Row<'a> = Offer;
    const COLUMNS: &'static [Column<Self>] = COLUMNS;
    const NAME: &'static str = "service";
}

type Col = Column<All>;

static COLUMNS: &[Col] = &[
    Col::words("service", "SERVICE", 20, 0, |r| Cow::Borrowed(&r.target.name))
        .between(8, 32)
        .role(Role::Strong)
        .doc("its name"),
    Col::words("address", "ADDRESS", 30, 1, |r| r.target.url.to_string().into())
        .between(12, 60)
        .role(Role::Text)
        .doc("what would be probed"),
    Col::words("found", "FOUND", 24, 2, |r| Cow::Borrowed(&r.found)).between(10, 48).doc("where it was found"),
];

impl TableDef for All {
    type Key = u64;
    type Cx<'a> = &'a State;
    type Options = ();
    const SOURCES: &'static [SourceId] = &[SourceId::Containers, SourceId::Sockets, SourceId::Services];
    const NOUN: &'static str = "service";

    fn cx<'a>(state: &'a State, (): &'a ()) -> &'a State {
        state
    }

    fn count(state: &State) -> usize {
        offers(&state.host).len()
    }

    fn row<'a>(state: Self::Cx<'a>, index: usize) -> Self::Row<'a> {
        offers(&state.host).swap_remove(index)
    }

    fn key(state: &State, index: usize) -> u64 {
        offers(&state.host).get(index).map_or(0, |offer| key_of(&offer.target.name))
    }

    fn nothing(_state: &State) -> &'static str {
        "nothing is found that is not probed already"
    }

    fn open(state: &State, index: usize) -> Vec<Effect> {
        let Some(offer) = offers(&state.host).into_iter().nth(index) else { return Vec::new() };
        vec![Effect::Open(Box::new(ask(offer)))]
    }
}

/// Shows the lines that are added, and asks.
fn ask(offer: Offer) -> Confirm {
    let target = offer.target;
    let title = format!("probe {}?", target.name);
    let written = adding::lines(&target);
    let mut lines =
        vec![vec![("These lines go into a file of their own beside your config:".to_owned(), Role::Text)], Vec::new()];
    lines.extend(written.lines().map(|line| vec![(line.to_owned(), Role::Dim)]));
    lines.push(Vec::new());
    Confirm::new(title, lines, Job::Service { own: None, target: Box::new(target), add: true })
}

impl ScreenTable for All {
    const SORT: &'static str = "found";
    const CONTEXT: Context = Context::List;

    fn title(state: &State) -> String {
        format!("services found here · {}", Self::count(state))
    }

    fn foot(_cx: &DrawCx<'_>) -> Option<String> {
        Some("Published ports of containers and servers that listen. Enter shows the lines of the config, and adds them.".to_owned())
    }

    fn hints() -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "add")]
    }

    fn want(want: &mut Interest) {
        want.sockets = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{
        canvas::testing::{answered, drawn},
        view::Overlay,
    };

    #[test]
    fn a_machine_without_offers_says_so() {
        let mut state = State::new(Vec::new().into());
        SourceId::ALL.into_iter().for_each(|source| answered(&mut state, source, 1));
        let mut view = Offers::default();
        view.refresh(&state);
        let lines = drawn(&state, (80, 6), |cx, area, canvas| view.draw(cx, area, canvas)).lines();
        assert!(lines.iter().any(|line| line == "nothing is found that is not probed already"), "{lines:?}");
        assert_eq!(view.title(&state), "services found here · 0");
        let mut want = Interest::default();
        view.want(&mut want, &state);
        assert!(want.sockets);
    }
}
