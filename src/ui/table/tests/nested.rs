//! Rows below others: folded, filtered, tagged.

use super::*;

#[test]
fn a_group_is_folded_from_its_line_and_from_its_rows() {
    let state = state(&SITES);
    let mut table = on_screen::<GROUPS>(&state, true);
    let mut after = |action: Action| {
        table.act(action, &state);
        (names(&table, &state), table.grid.cursor.position())
    };
    let all = ["db:1", " db/c", "web:2", " web/a", " web/b", "alone"].map(str::to_owned).to_vec();
    let folded = ["db:1", " db/c", "-web:2", "alone"].map(str::to_owned).to_vec();
    assert_eq!([Action::Down; 4].map(&mut after)[3], (all.clone(), 4));
    assert_eq!(after(Action::Fold), (folded.clone(), 2), "the cursor goes to the group");
    assert_eq!(after(Action::Fold), (all.clone(), 2), "the same key again unfolds it");
    assert_eq!(after(Action::Open), (folded.clone(), 2), "as Enter does");
    assert_eq!(after(Action::Left), (folded.clone(), 2));
    assert_eq!(after(Action::Right), (all.clone(), 2));
    assert_eq!(after(Action::Right), (all.clone(), 2));
    assert_eq!(after(Action::Left), (folded.clone(), 2));
    let none = ["-db:1", "-web:2", "alone"].map(str::to_owned).to_vec();
    assert_eq!(after(Action::FoldAll), (all.clone(), 2), "some are folded");
    assert_eq!(after(Action::FoldAll), (none.clone(), 1));
    assert_eq!(after(Action::Bottom), (none.clone(), 2));
    assert_eq!(after(Action::Fold), (none.clone(), 2), "it is of no group");
    assert!(table.act(Action::Left, &state).is_none(), "a row folds nothing to the side");
    table.act(Action::Tree, &state);
    assert_eq!(names(&table, &state), ["db/c", "web/a", "alone", "web/b"]);
    for action in [Action::Fold, Action::FoldAll] {
        assert!(table.act(action, &state).is_none(), "nothing is below another row");
    }
}

#[test]
fn rows_of_a_tree_are_below_their_parents() {
    let state = state(&FAMILY);
    let mut table = on_screen::<TREE>(&state, true);
    let all = ["stranger", "root", " other", " child", "  leaf"];
    assert_eq!(names(&table, &state), all, "the greatest of one parent first");
    let mut after = |action: Action| {
        table.act(action, &state);
        (names(&table, &state), table.grid.cursor.position())
    };
    let is = |lines: &[&str], at: usize| (lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), at);
    assert_eq!(after(Action::Bottom), is(&all, 4));
    assert_eq!(after(Action::Left), is(&all, 3), "to its parent");
    let folded = ["stranger", "root", " other", " child-1"];
    assert_eq!(after(Action::Left), is(&folded, 3));
    assert_eq!(after(Action::Left), is(&folded, 1));
    assert_eq!(after(Action::Left), is(&["stranger", "root-3"], 1));
    assert_eq!(after(Action::Left), is(&["stranger", "root-3"], 1), "it has no parent");
    assert_eq!(after(Action::Right), is(&folded, 1));
    assert_eq!(after(Action::Right), is(&folded, 1));
    assert_eq!(after(Action::FoldAll), is(&all, 1), "some are folded");
    assert_eq!(after(Action::FoldAll), is(&folded, 1), "all branches but the outermost");
    assert_eq!(after(Action::FoldAll), is(&all, 1));
    assert_eq!(after(Action::Fold), is(&["stranger", "root-3"], 1));
    assert_eq!(after(Action::Top), is(&["stranger", "root-3"], 0));
    assert_eq!(after(Action::Right), is(&["stranger", "root-3"], 0), "it has nothing below");
    assert_eq!(after(Action::Tree).0, ["leaf", "other", "stranger", "child", "root"]);
}

#[test]
fn a_filter_leaves_the_way_to_what_it_finds() {
    let state = state(&FAMILY);
    let mut table = on_screen::<TREE>(&state, true);
    filter(&mut table, &state, "load>8");
    assert_eq!(
        (names(&table, &state), table.list.kept, table.list.listed),
        (vec!["(root)".into(), " (child)".into(), "  leaf".to_owned()], 1, 5)
    );
    table.act(Action::Bottom, &state);
    let (drawn, _) = shown(&table, &state, 5);
    assert_eq!([1, 3].map(|y| drawn.role_at(0, y)), [Some(Role::Faint), Some(Role::Selected)]);
    table.act(Action::Back, &state);
    table.update(&state);
    assert_eq!(table.list.lines.len(), 5);
}

#[test]
fn rows_are_tagged_alone_and_by_their_group() {
    let state = state(&SITES);
    let mut table = on_screen::<GROUPS>(&state, true);
    assert_eq!(tagged(&table, &state), ["db/c"], "a group stands for its rows");
    let mut after = |action: Action| {
        table.act(action, &state);
        let mut tagged = tagged(&table, &state);
        tagged.sort();
        (tagged, table.tags.len(), table.grid.cursor.position())
    };
    let is = |tags: &[&str], count: usize, at: usize| {
        (tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>(), count, at)
    };
    assert_eq!(after(Action::Tag), is(&["db/c"], 1, 1), "and the next line");
    assert_eq!(after(Action::Tag), is(&["web/a", "web/b"], 0, 2), "off again: the group under the cursor");
    assert_eq!(after(Action::Down), is(&["web/a"], 0, 3));
    assert_eq!(after(Action::Tag), is(&["web/a"], 1, 4));
    assert_eq!(after(Action::Up).2, 3);
    assert_eq!(after(Action::Up).2, 2);
    assert_eq!(after(Action::Tag), is(&["web/a", "web/b"], 2, 3), "the rest of the group");
    assert_eq!(after(Action::Up).2, 2);
    assert_eq!(after(Action::Tag), is(&["web/a"], 0, 3), "none of them");
    after(Action::Tag);
    assert_eq!(after(Action::Untag), is(&["web/b"], 0, 4));
    table.act(Action::Up, &state);
    table.act(Action::Tag, &state);
    let (drawn, _) = shown(&table, &state, 9);
    assert_eq!([4, 6].map(|y| drawn.role_at(2, y)), [Some(Role::Tagged), Some(Role::Dim)]);
    let mut flat = on_screen::<FLAT>(&state, false);
    assert!(flat.act(Action::Tag, &state).is_none() && flat.act(Action::Untag, &state).is_none());
    assert_eq!(tagged(&flat, &state), ["db/c"]);
}

#[test]
fn tags_and_folds_of_rows_that_are_gone_are_forgotten() {
    let mut state = state(&FAMILY);
    let mut table = on_screen::<TREE>(&state, true);
    table.act(Action::Tag, &state);
    table.act(Action::Fold, &state);
    assert_eq!((table.tags.len(), names(&table, &state)), (1, vec!["stranger".into(), "root-3".to_owned()]));
    list(&mut state, &FAMILY[1..4]);
    answered(&mut state, 2);
    table.update(&state);
    assert_eq!(
        (table.tags.len(), names(&table, &state)),
        (0, vec!["other".into(), "child".into(), " leaf".to_owned()])
    );
    list(&mut state, &FAMILY);
    answered(&mut state, 3);
    table.update(&state);
    assert_eq!(names(&table, &state).len(), 5, "a new one of that name begins unfolded");
}
