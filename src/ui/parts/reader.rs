//! Where a reader is in a page: scrolled how far, on which link. Tab and the arrows to the side go from link to link,
//! Enter and a click follow one.

use std::cell::RefCell;

use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
};

use crate::{
    model::subject::Subject,
    text::width,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        theme::Role,
        view::Effect,
        widgets::{
            page::{LinkedLine, Page},
            sheet::Sheet,
            text::{put, tint},
        },
    },
};

/// Scroll and selected link of one page.
#[derive(Debug, Default)]
pub struct Reader {
    sheet: Sheet,
    /// Links of the last frame, each with its line; those of the head, which is always in sight, without.
    links: RefCell<Vec<(Option<usize>, Subject)>>,
    /// Which of them is selected. By its subject too: lines move while one reads.
    selected: RefCell<Option<(usize, Subject)>>,
}

impl Reader {
    /// Scrolls, goes to another link or follows one; `None` when `action` is none of these.
    pub fn act(&self, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::FocusNext | Action::Right => self.select(1),
            Action::FocusPrevious | Action::Left => self.select(-1),
            Action::Open => {
                let (_, subject) = self.selected.borrow().clone()?;
                return Some(vec![Effect::OpenDetail(subject)]);
            }
            action => return self.sheet.act(action).then(Vec::new),
        }
        Some(Vec::new())
    }

    /// Keys for the footer.
    #[must_use]
    pub fn hints(&self) -> Vec<(Action, &'static str)> {
        match self.links.borrow().is_empty() {
            true => Vec::new(),
            false => vec![(Action::FocusNext, "next link"), (Action::Open, "open")],
        }
    }

    /// Selects the next link, or the one before; from outside of the screen the first visible one.
    fn select(&self, by: isize) {
        let links = self.links.borrow();
        let in_sight = self.sheet.in_sight();
        let here = self.selected.borrow().as_ref().map(|(at, _)| *at).filter(|at| *at < links.len());
        let next = match here.filter(|at| links[*at].0.is_none_or(|line| in_sight.contains(&line))) {
            Some(at) => Some(at as isize + by).map(|at| at.rem_euclid(links.len() as isize) as usize),
            None if by > 0 => links.iter().position(|(line, _)| line.is_none_or(|line| line >= in_sight.start)),
            None => links.iter().rposition(|(line, _)| line.is_none_or(|line| line < in_sight.end)),
        };
        // Beyond the last one it begins again.
        let Some(at) = next.or(if by > 0 { Some(0) } else { links.len().checked_sub(1) }) else { return };
        let Some((line, subject)) = links.get(at) else { return };
        line.iter().for_each(|line| self.sheet.reveal(*line));
        self.selected.replace(Some((at, subject.clone())));
    }

    /// Lines have moved or gone: the selection stays on its subject, else on its place.
    fn settle(&self, head: &[LinkedLine], page: &Page) {
        let mut links = self.links.borrow_mut();
        links.clear();
        links.extend(head.iter().flat_map(|line| &line.links).map(|(_, to)| (None, to.clone())));
        links.extend(page.links().map(|(line, to)| (Some(line), to.clone())));
        let mut selected = self.selected.borrow_mut();
        let Some((was, subject)) = selected.take() else { return };
        let same = links.iter().enumerate().filter(|(_, (_, to))| *to == subject);
        let at = same.min_by_key(|(at, _)| at.abs_diff(was)).map_or(was, |(at, _)| at);
        let at = at.min(links.len().saturating_sub(1));
        *selected = links.get(at).map(|(_, to)| (at, to.clone()));
    }

    /// Draws the visible lines.
    pub fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, page: &Page) {
        self.draw_below(cx, (Rect::default(), &[]), area, canvas, page);
    }

    /// The same with lines elsewhere that do not scroll, and whose links come first.
    pub fn draw_below(
        &self,
        cx: &DrawCx<'_>,
        (place, head): (Rect, &[LinkedLine]),
        area: Rect,
        canvas: &mut Canvas<'_>,
        page: &Page,
    ) {
        self.settle(head, page);
        self.lines(cx, place, canvas, head, 0);
        let top = self.sheet.begin(page.lines().len(), usize::from(area.height));
        let before = head.iter().chain(&page.lines()[..top]).map(|line| line.links.len()).sum();
        self.lines(cx, area, canvas, &page.lines()[top..], before);
        self.sheet.edges(cx, area, canvas);
    }

    /// As many of the lines as `area` has; `link` is the number of their first link.
    fn lines(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>, lines: &[LinkedLine], mut link: usize) {
        let selected = self.selected.borrow().as_ref().map(|(at, _)| *at);
        for (line, y) in lines.iter().zip(area.y..area.bottom()) {
            let row = Rect { y, height: 1, ..area };
            put_line(cx, row, canvas, line, |canvas, place, to| {
                if selected == Some(link) {
                    // With a blank on each side: a short number alone is easily overlooked.
                    let around = Rect { x: place.x.saturating_sub(1), width: place.width + 2, ..place };
                    let style = cx.theme.style(Role::Selected).add_modifier(Modifier::BOLD);
                    tint(canvas.buf, around.intersection(row), style);
                }
                canvas.hit(place, Target::Link(to.clone()));
                link += 1;
            });
        }
    }
}

/// Draws one line; each link in it is underlined and given to `place` with its position.
fn put_line(
    cx: &DrawCx<'_>,
    row: Rect,
    canvas: &mut Canvas<'_>,
    line: &LinkedLine,
    mut place: impl FnMut(&mut Canvas<'_>, Rect, &Subject),
) {
    let mut x = row.x;
    for (index, (text, role)) in line.pieces.iter().enumerate() {
        let room = row.right().saturating_sub(x);
        let used = put(canvas.buf, x, row.y, room, text, cx.theme.style(*role));
        for (_, to) in line.links.iter().filter(|(piece, _)| *piece == index) {
            // The words without the blanks that align them.
            let words = text.trim_start();
            let blank = u16::try_from(width(text) - width(words)).unwrap_or(u16::MAX).min(used);
            let columns = u16::try_from(width(words.trim_end())).unwrap_or(u16::MAX).min(used - blank);
            let words = Rect { x: x + blank, width: columns, ..row };
            tint(canvas.buf, words, Style::new().add_modifier(Modifier::UNDERLINED));
            place(canvas, words, to);
        }
        x += used;
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::{
        config::Settings,
        state::State,
        ui::{keymap::Keymap, theme::Theme},
    };

    const ROWS: u16 = 10;

    fn pool(name: &str) -> Subject {
        Subject::Pool(name.to_owned())
    }

    /// So many lines; those at these places name a pool.
    fn page(lines: usize, links: &[(usize, &str)]) -> Page {
        (0..lines)
            .map(|at| {
                let named = links.iter().filter(|(line, _)| *line == at);
                let pieces = named.clone().map(|(_, name)| (format!("  {name} "), Role::Text)).collect();
                named.enumerate().fold(LinkedLine { pieces, ..LinkedLine::default() }, |line, (piece, (_, name))| {
                    line.link(piece, Some(pool(name)))
                })
            })
            .collect()
    }

    fn draw(reader: &Reader, page: &Page) -> Vec<(Rect, Target)> {
        draw_below(reader, &[], page)
    }

    /// With a head of two rows.
    fn draw_below(reader: &Reader, head: &[LinkedLine], page: &Page) -> Vec<(Rect, Target)> {
        let state = State::new(Vec::new().into());
        let (settings, keys, theme) = (Settings::default(), Keymap::default(), Theme::plain());
        let cx =
            DrawCx { state: &state, theme: &theme, settings: &settings, keys: &keys, focused: true, paused: false };
        let area = Rect::new(0, 0, 20, ROWS);
        let (mut buf, mut hits) = (Buffer::empty(Rect { height: ROWS + 2, ..area }), Vec::new());
        let above = Rect::new(0, ROWS, 20, 2);
        reader.draw_below(&cx, (above, head), area, &mut Canvas { buf: &mut buf, hits: &mut hits }, page);
        hits
    }

    fn press(reader: &Reader, page: &Page, action: Action) -> Option<Subject> {
        let effects = reader.act(action);
        draw(reader, page);
        match effects?.pop()? {
            Effect::OpenDetail(subject) => Some(subject),
            _ => None,
        }
    }

    #[test]
    fn tab_goes_from_link_to_link() {
        let (reader, page) = (Reader::default(), page(40, &[(2, "a"), (5, "b"), (5, "c"), (25, "d")]));
        draw(&reader, &page);
        for name in ["a", "b", "c", "d", "a"] {
            press(&reader, &page, Action::FocusNext);
            assert_eq!(press(&reader, &page, Action::Open), Some(pool(name)));
            let (line, _) = page.links().find(|(_, to)| **to == pool(name)).unwrap_or((99, &Subject::Cpu));
            assert!(reader.sheet.in_sight().contains(&line), "{name} in {:?}", reader.sheet.in_sight());
        }
        press(&reader, &page, Action::FocusPrevious);
        assert_eq!(press(&reader, &page, Action::Open), Some(pool("d")));
    }

    #[test]
    fn tab_begins_with_what_is_in_sight() {
        let (reader, page) = (Reader::default(), page(40, &[(2, "a"), (25, "b"), (39, "c")]));
        draw(&reader, &page);
        press(&reader, &page, Action::FocusNext);
        (0..2).for_each(|_| drop(press(&reader, &page, Action::PageDown)));
        press(&reader, &page, Action::FocusNext);
        assert_eq!(press(&reader, &page, Action::Open), Some(pool("b")));
    }

    #[test]
    fn selection_stays_on_its_subject() {
        let reader = Reader::default();
        let before = page(20, &[(2, "a"), (3, "b"), (4, "c")]);
        draw(&reader, &before);
        (0..2).for_each(|_| drop(press(&reader, &before, Action::FocusNext)));
        let moved = page(20, &[(1, "b"), (2, "c"), (4, "a")]);
        draw(&reader, &moved);
        assert_eq!(press(&reader, &moved, Action::Open), Some(pool("b")));
        let gone = page(20, &[(1, "c"), (4, "a")]);
        draw(&reader, &gone);
        assert_eq!(press(&reader, &gone, Action::Open), Some(pool("c")), "what is in its place");
        draw(&reader, &page(20, &[]));
        assert_eq!(reader.act(Action::Open).map(|effects| effects.len()), None, "no link is left");
    }

    #[test]
    fn words_of_a_link_answer_a_click() {
        let page = page(3, &[(1, "tank"), (1, "backup")]);
        let hits = draw(&Reader::default(), &page);
        let place = |x: u16, width: u16| Rect { x, y: 1, width, height: 1 };
        assert_eq!(hits, [(place(2, 4), Target::Link(pool("tank"))), (place(9, 6), Target::Link(pool("backup")))]);
    }

    #[test]
    fn links_of_the_head_come_before_those_of_the_page() {
        let (reader, page, head) = (Reader::default(), page(40, &[(2, "a"), (25, "b")]), page(2, &[(1, "disk")]));
        let hits = draw_below(&reader, head.lines(), &page);
        assert_eq!(hits[0], (Rect::new(2, ROWS + 1, 4, 1), Target::Link(pool("disk"))));
        for name in ["disk", "a", "b", "disk"] {
            reader.act(Action::FocusNext);
            draw_below(&reader, head.lines(), &page);
            let opened = reader.act(Action::Open).and_then(|mut effects| effects.pop());
            assert!(matches!(opened, Some(Effect::OpenDetail(to)) if to == pool(name)), "{name}");
        }
    }

    #[test]
    fn tab_back_begins_with_the_last_link_in_sight() {
        let (reader, page) = (Reader::default(), page(40, &[(2, "a"), (9, "b"), (10, "c"), (25, "d")]));
        draw(&reader, &page);
        press(&reader, &page, Action::FocusPrevious);
        assert_eq!(press(&reader, &page, Action::Open), Some(pool("b")), "the tenth row is the last");
    }
}
