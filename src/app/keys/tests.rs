//! Bytes as terminals send them, whole, torn and hostile.

use proptest::prelude::*;

use super::*;

fn decode(bytes: &[u8]) -> Vec<Event> {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(bytes, &mut out);
    out
}

fn keys(bytes: &[u8]) -> Vec<(KeyCode, KeyModifiers)> {
    let key = |event| match event {
        Event::Key(key) => (key.code, key.modifiers),
        other => panic!("{other:?}"),
    };
    decode(bytes).into_iter().map(key).collect()
}

#[test]
fn keys_are_known() {
    const NONE: KeyModifiers = KeyModifiers::NONE;
    const CTRL: KeyModifiers = KeyModifiers::CONTROL;
    const ALT: KeyModifiers = KeyModifiers::ALT;
    const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
    for (bytes, code, modifiers) in [
        (&b"j"[..], KeyCode::Char('j'), NONE),
        (b"G", KeyCode::Char('G'), SHIFT),
        ("é".as_bytes(), KeyCode::Char('é'), NONE),
        ("日".as_bytes(), KeyCode::Char('日'), NONE),
        (b"\r", KeyCode::Enter, NONE),
        (b"\n", KeyCode::Enter, NONE),
        (b"\t", KeyCode::Tab, NONE),
        (b"\x1b[Z", KeyCode::BackTab, SHIFT),
        (b"\x7f", KeyCode::Backspace, NONE),
        (b"\x03", KeyCode::Char('c'), CTRL),
        (b"\x1a", KeyCode::Char('z'), CTRL),
        (b"\x1c", KeyCode::Char('4'), CTRL),
        (b"\0", KeyCode::Char(' '), CTRL),
        (b"\x1b", KeyCode::Esc, NONE),
        (b"\x1bf", KeyCode::Char('f'), ALT),
        (b"\x1b\x7f", KeyCode::Backspace, ALT),
        (b"\x1b[A", KeyCode::Up, NONE),
        (b"\x1bOB", KeyCode::Down, NONE),
        (b"\x1b[1;5C", KeyCode::Right, CTRL),
        (b"\x1b[1;3D", KeyCode::Left, ALT),
        (b"\x1b[H", KeyCode::Home, NONE),
        (b"\x1b[4~", KeyCode::End, NONE),
        (b"\x1b[3;2~", KeyCode::Delete, SHIFT),
        (b"\x1b[5~", KeyCode::PageUp, NONE),
        (b"\x1bOP", KeyCode::F(1), NONE),
        (b"\x1b[[B", KeyCode::F(2), NONE),
        (b"\x1b[15~", KeyCode::F(5), NONE),
        (b"\x1b[21~", KeyCode::F(10), NONE),
        (b"\x1b[24~", KeyCode::F(12), NONE),
        (b"\x1b[113;5u", KeyCode::Char('q'), CTRL),
    ] {
        assert_eq!(keys(bytes), [(code, modifiers)], "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_burst_is_many_keys() {
    let codes: Vec<KeyCode> = keys(b"/ab\x1b[B\x1b\x1b[A\r").into_iter().map(|(code, _)| code).collect();
    let [slash, a, b] = ['/', 'a', 'b'].map(KeyCode::Char);
    assert_eq!(codes, [slash, a, b, KeyCode::Down, KeyCode::Esc, KeyCode::Up, KeyCode::Enter]);
}

#[test]
fn clicks_are_known() {
    let at = |kind, column, row| vec![Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })];
    assert_eq!(decode(b"\x1b[<0;11;3M"), at(MouseEventKind::Down(MouseButton::Left), 10, 2));
    assert_eq!(decode(b"\x1b[<0;11;3m"), at(MouseEventKind::Up(MouseButton::Left), 10, 2));
    assert_eq!(decode(b"\x1b[<65;300;200M"), at(MouseEventKind::ScrollDown, 299, 199));
    assert_eq!(decode(b"\x1b[M !!"), at(MouseEventKind::Down(MouseButton::Left), 0, 0));
}

#[test]
fn pasted_text_is_one_event() {
    let text = "y\nq\u{1b}[A ü";
    let bytes = format!("\x1b[200~{text}\x1b[201~j");
    assert_eq!(decode(bytes.as_bytes()), [Event::Paste(text.to_owned()), decode(b"j").remove(0)]);
}

#[test]
fn an_unfinished_paste_is_given_up() {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1b[200~abc", &mut out);
    assert!(out.is_empty() && decoder.wait().is_some());
    assert!(decoder.is_by_hand(1) && !decoder.is_by_hand(1000));
    decoder.give_up(&mut out);
    decoder.feed(b"q", &mut out);
    assert_eq!(out, [Event::Paste("abc".to_owned()), decode(b"q").remove(0)]);
    assert_eq!(decoder.wait(), None);
}

#[test]
fn a_torn_sequence_is_joined_or_given_up() {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1b[", &mut out);
    decoder.feed(b"A", &mut out);
    assert_eq!(std::mem::take(&mut out), decode(b"\x1b[A"));
    for (torn, left) in
        [(&b"\x1b[1;2"[..], &b""[..]), (b"\x1b]52;c;AAAA", b""), (b"\xe2\x82", b""), (b"\x1bO", b"\x1bx")]
    {
        decoder.feed(torn, &mut out);
        assert!(out.is_empty() && decoder.wait().is_some());
        decoder.give_up(&mut out);
        assert_eq!(out.len(), left.len().min(1), "{}", torn.escape_ascii());
        out.clear();
        decoder.feed(b"q", &mut out);
        assert_eq!(std::mem::take(&mut out), decode(b"q"));
    }
}

#[test]
fn a_late_answer_to_another_program_is_no_key() {
    assert!(decode(b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\").is_empty());
    assert!(decode(b"\x1bP1+r696e\x1b\\").is_empty());
    assert!(decode(b"\x1b[?62;22c\x1b[24;80R").is_empty());
}

#[test]
fn a_huge_paste_is_cut() {
    let mut decoder = Decoder::default();
    let mut out = Vec::new();
    decoder.feed(b"\x1b[200~", &mut out);
    for _ in 0..64 {
        decoder.feed(&[b'a'; 16 << 10], &mut out);
    }
    decoder.feed(PASTE_ENDS, &mut out);
    assert!(matches!(&out[..], [Event::Paste(text)] if text.len() == MOST_PASTED));
}

proptest! {
    #[test]
    fn nothing_typed_can_break_it(pieces in prop::collection::vec(prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        Just(b"\x1b".to_vec()),
        Just(b"\x1b[".to_vec()),
        Just(PASTE_BEGINS.to_vec()),
        Just(PASTE_ENDS.to_vec()),
    ], 0..40)) {
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        for piece in &pieces {
            decoder.feed(piece, &mut out);
        }
        decoder.give_up(&mut out);
        out.clear();
        decoder.feed(b"q", &mut out);
        prop_assert_eq!(out, decode(b"q"));
    }

    #[test]
    fn where_a_paste_is_torn_makes_no_difference(text in "[a-z\u{1b}\\[201~]{0,40}", at in 0..60usize) {
        prop_assume!(!text.contains("\x1b[201~"));
        let bytes = format!("\x1b[200~{text}\x1b[201~").into_bytes();
        let at = at.clamp(6, bytes.len());
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        decoder.feed(&bytes[..at], &mut out);
        decoder.feed(&bytes[at..], &mut out);
        prop_assert_eq!(out, [Event::Paste(text)]);
    }
}
