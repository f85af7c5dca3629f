//! Who imports whom: `use` trees and paths of every file, resolved to the file that defines the name. `self`, `super`,
//! `crate`, aliases and re-exports are followed; a name from another crate is nobody's.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{UseTree, visit::Visit};

/// A module path without `crate`: `["ui", "table"]`; the crate root is empty.
pub type Path = Vec<String>;

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: Path,
    pub to: Path,
    pub line: usize,
    /// In code that only tests see.
    pub test: bool,
}

/// What one file says.
#[derive(Default)]
struct Scan {
    module: Path,
    /// Inline modules around the item that is visited.
    inline: Path,
    test: bool,
    /// What a name of this file was imported as, by inline module.
    names: BTreeMap<(Path, String), Path>,
    /// Paths as written, where, and in tests or not.
    paths: Vec<(Path, Path, usize, bool)>,
}

/// The module of a file below `src`.
pub fn module_of(file: &str) -> Path {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut path: Path = inside.split('/').map(str::to_owned).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib")) {
        path.pop();
    }
    path
}

/// All imports between these files, each `(name below the package, text)`.
pub fn edges(files: &[(String, String)]) -> Vec<Edge> {
    let scans: BTreeMap<Path, Scan> = files
        .iter()
        .map(|(name, text)| {
            let mut scan = Scan { module: module_of(name), ..Scan::default() };
            scan.visit_file(&syn::parse_file(text).unwrap_or_else(|e| panic!("{name}: {e}")));
            (scan.module.clone(), scan)
        })
        .collect();
    let mut out = BTreeSet::new();
    for scan in scans.values() {
        for (within, path, line, test) in &scan.paths {
            let Some(path) = absolute(&scans, scan, within, path) else { continue };
            let to = defined_in(&scans, &path, 0);
            if to != scan.module && !to.is_empty() {
                out.insert(Edge { from: scan.module.clone(), to, line: *line, test: *test });
            }
        }
    }
    out.into_iter().collect()
}

/// A path as seen from the crate root; `None` for another crate's.
fn absolute(scans: &BTreeMap<Path, Scan>, scan: &Scan, within: &Path, path: &[String]) -> Option<Path> {
    let mut here: Path = scan.module.iter().chain(within).cloned().collect();
    let first = path.first()?;
    let rest = match first.as_str() {
        "crate" | "benchtop" => {
            here.clear();
            1
        }
        "self" => 1,
        "super" => {
            let ups = path.iter().take_while(|s| *s == "super").count();
            here.truncate(here.len().saturating_sub(ups));
            ups
        }
        name => {
            if let Some(target) = scan.names.get(&(within.clone(), name.to_owned())) {
                // An import of its own name from another crate would recurse without end.
                let target = if target.first() == Some(first) { None } else { absolute(scans, scan, within, target) };
                return target.map(|target| target.into_iter().chain(path[1..].iter().cloned()).collect());
            }
            let child: Path = here.iter().cloned().chain([name.to_owned()]).collect();
            scans.contains_key(&child).then_some(())?;
            0
        }
    };
    Some(here.into_iter().chain(path[rest..].iter().cloned()).collect())
}

/// The module that defines what an absolute path names: imports of imports and re-exports are followed.
fn defined_in(scans: &BTreeMap<Path, Scan>, path: &[String], depth: u8) -> Path {
    let long = (0..=path.len()).rev().find(|n| scans.contains_key(&path[..*n])).unwrap_or(0);
    let (module, rest) = path.split_at(long);
    let (Some(scan), Some(name)) = (scans.get(module), rest.first()) else { return module.to_vec() };
    if depth > 8 {
        return module.to_vec();
    }
    if let Some(target) = scan.names.get(&(Path::new(), name.clone()))
        && let Some(target) = absolute(scans, scan, &Path::new(), target)
    {
        let full: Path = target.into_iter().chain(rest[1..].iter().cloned()).collect();
        return defined_in(scans, &full, depth + 1);
    }
    module.to_vec()
}

impl Scan {
    fn take_use(&mut self, tree: &UseTree, prefix: &Path) {
        let with = |ident: &proc_macro2::Ident| -> Path { prefix.iter().cloned().chain([ident.to_string()]).collect() };
        let mut leaf = |path: Path, name: String, line: usize| {
            let path = if path.last().is_some_and(|s| s == "self") && path.len() > 1 {
                path[..path.len() - 1].to_vec()
            } else {
                path
            };
            let name = if name == "self" { path.last().cloned().unwrap_or_default() } else { name };
            self.names.insert((self.inline.clone(), name), path.clone());
            self.paths.push((self.inline.clone(), path, line, self.test));
        };
        match tree {
            UseTree::Path(path) => self.take_use(&path.tree, &with(&path.ident)),
            UseTree::Name(name) => leaf(with(&name.ident), name.ident.to_string(), name.ident.span().start().line),
            UseTree::Rename(name) => leaf(with(&name.ident), name.rename.to_string(), name.ident.span().start().line),
            UseTree::Glob(glob) => {
                self.paths.push((
                    self.inline.clone(),
                    prefix.clone(),
                    glob.star_token.spans[0].start().line,
                    self.test,
                ));
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.take_use(tree, prefix)),
        }
    }

    /// Paths in the arguments of a macro, which no parser sees.
    fn take_tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut line, mut colons) = (Path::new(), 0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if colons == 2 => {
                    path.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    self.flush(&mut path, line);
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => {
                    self.flush(&mut path, line);
                    self.take_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.flush(&mut path, line),
            }
            colons = 0;
        }
        self.flush(&mut path, line);
    }

    fn flush(&mut self, path: &mut Path, line: usize) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.paths.push((self.inline.clone(), path, line, self.test));
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes
        .iter()
        .any(|a| a.path().is_ident("cfg") && a.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test"))
}

impl<'ast> Visit<'ast> for Scan {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_none() {
            return;
        }
        let before = self.test;
        self.test |= is_test(&item.attrs);
        self.inline.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.inline.pop();
        self.test = before;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let before = self.test;
        self.test |= is_test(&item.attrs);
        self.take_use(&item.tree, &Path::new());
        self.test = before;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let names: Path = path.segments.iter().map(|s| s.ident.to_string()).collect();
            let line = path.segments[0].ident.span().start().line;
            self.paths.push((self.inline.clone(), names, line, self.test));
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.take_tokens(call.tokens.clone());
    }
}

/// Groups of modules that all depend on one another, largest first.
pub fn cycles(edges: &[Edge]) -> Vec<Vec<Path>> {
    let mut next: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for edge in edges.iter().filter(|e| !e.test) {
        next.entry(&edge.from).or_default().insert(&edge.to);
        next.entry(&edge.to).or_default();
    }
    let reach = |from: &Path| -> BTreeSet<Path> {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from]);
        while let Some(at) = todo.pop() {
            for to in &next[at] {
                if seen.insert((*to).clone()) {
                    todo.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Path, BTreeSet<Path>> = next.keys().map(|m| (*m, reach(m))).collect();
    let mut groups: BTreeSet<Vec<Path>> = BTreeSet::new();
    for (module, seen) in &reached {
        if seen.contains(*module) {
            groups.insert(seen.iter().filter(|other| reached[other].contains(*module)).cloned().collect());
        }
    }
    let mut groups: Vec<_> = groups.into_iter().filter(|group| group.len() > 1).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}
