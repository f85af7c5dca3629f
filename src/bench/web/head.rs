//! What the head of a page names: its styles and scripts, which a browser needs before it paints. A reader of tags, not of
//! HTML: what it does not understand it passes over.

/// A page names no more; the rest is not fetched.
const MOST: usize = 100;

/// Addresses of styles and scripts, as written, in their order, each once.
pub fn resources(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        let address = match tag.name.as_str() {
            "body" | "/head" => break,
            "script" => {
                // Its text is no markup.
                let end = rest.to_ascii_lowercase().find("</script");
                rest = end.map_or("", |end| &rest[end..]);
                tag.value("src")
            }
            "link" if tag.value("rel").is_some_and(|rel| is_needed(&rel)) => tag.value("href"),
            _ => None,
        };
        if let Some(address) = address.filter(|address| !address.is_empty() && !address.starts_with("data:"))
            && !found.contains(&address)
            && found.len() < MOST
        {
            found.push(address);
        }
    }
    found
}

/// A style, or a script that is announced.
fn is_needed(rel: &str) -> bool {
    let words: Vec<String> = rel.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    let has = |word: &str| words.iter().any(|known| known == word);
    (has("stylesheet") && !has("alternate")) || has("modulepreload")
}

#[derive(Default)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn value(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

/// The tag that begins here, and what comes after it.
fn tag(text: &str) -> (Tag, &str) {
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(text.len());
    let mut tag = Tag { name: text[..end].trim_end_matches('/').to_ascii_lowercase(), attributes: Vec::new() };
    let mut rest = &text[end..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (tag, after);
        }
        if rest.is_empty() {
            return (tag, rest);
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '>').unwrap_or(rest.len());
        // A sign that stands alone is passed over.
        let end = if end == 0 { 1 } else { end };
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = attribute(after.trim_start());
        }
        tag.attributes.push((name, value.replace("&amp;", "&")));
    }
}

/// A value, in quotes or without, and what comes after it.
fn attribute(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_scripts_of_the_head_are_found() {
        let page = include_str!("../../../tests/fixtures/bench/management-page.html");
        assert_eq!(
            resources(page),
            [
                "/vendor.css?v=1&w=2",
                "main.4f3a.css",
                "https://cdn.example.org/font.css",
                "/chunk.js",
                "/runtime.js",
                "main.js"
            ]
        );
    }

    #[test]
    fn odd_markup_is_passed_over() {
        assert_eq!(resources("<link rel=stylesheet href=a.css><body><script src=b.js>"), ["a.css"]);
        assert_eq!(
            resources("<script>if (a < b) document.write('<script src=x.js>')</script><script src=c.js>"),
            ["c.js"]
        );
        assert_eq!(
            resources("<link = rel=\"stylesheet\" href='a b.css' / ><LINK HREF=A.css REL=StyleSheet>"),
            ["a b.css", "A.css"]
        );
        assert_eq!(resources("<!-- <script src=no.js></script>"), [] as [&str; 0]);
        assert_eq!(resources("<script src=\"unended"), ["unended"]);
    }

    proptest::proptest! {
        #[test]
        fn no_page_makes_the_reader_panic(page in "(<|>|=|\"|'|/|!--|-->|script|link| rel=stylesheet| href=| src=|é|[a-z]| )*") {
            let _ = resources(&page);
        }
    }
}
