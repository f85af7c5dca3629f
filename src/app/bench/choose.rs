//! Which benchmarks the words of a command line mean.

use crate::{
    model::bench::{BenchKey, Catalog, Group},
    text::clean,
};

/// The whole suite.
const ALL: &str = "all";

/// The benchmarks of these ids and suites, on these targets where some are named; each once, in the order of the table.
///
/// # Errors
/// A word that is neither, with the nearest one.
pub fn keys(catalog: &Catalog, what: &[String], on: &[String]) -> Result<Vec<BenchKey>, String> {
    let mut keys: Vec<BenchKey> = Vec::new();
    for word in what {
        let group = Group::ALL.into_iter().find(|group| group.name() == word);
        let benches: Vec<_> = catalog
            .benches
            .iter()
            .filter(|bench| word == ALL || bench.bench == *word || group == Some(bench.group))
            .collect();
        if benches.is_empty() {
            return Err(unknown(catalog, word));
        }
        for bench in benches {
            let named = bench.bench == *word;
            let mut targets: Vec<&String> = bench.offers.iter().map(|offer| &offer.of).collect();
            if !on.is_empty() {
                // A target that a benchmark does not offer itself may still be one for it, if it is asked for by name.
                targets.retain(|of| on.contains(of));
                if named {
                    targets = on.iter().collect();
                }
            } else {
                // What cannot run here is left out silently, `list` says why; unless nothing else was asked for.
                let offered = bench.offers.iter().filter(|offer| offer.missing.is_none());
                let offered: Vec<&String> = offered.map(|offer| &offer.of).collect();
                if !named || !offered.is_empty() {
                    targets = offered;
                }
            }
            let new = targets.into_iter().map(|of| BenchKey { bench: bench.bench.clone(), of: of.clone() });
            for key in new {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    }
    match keys.is_empty() {
        true => Err(format!("nothing of `{}` can be run here: benchtop bench list says why", clean(&what.join(" ")))),
        false => Ok(keys),
    }
}

fn unknown(catalog: &Catalog, word: &str) -> String {
    let groups = Group::ALL.into_iter().map(|group| group.name().to_owned());
    let ids = catalog.benches.iter().map(|bench| bench.bench.clone());
    let near = groups.chain(ids).chain([ALL.to_owned()]).min_by_key(|known| strsim::damerau_levenshtein(known, word));
    let hint = near.filter(|near| strsim::damerau_levenshtein(near, word) <= 3);
    let hint =
        hint.map_or_else(|| "benchtop bench list names them".to_owned(), |near| format!("did you mean `{near}`?"));
    format!("there is no benchmark or suite `{}`: {hint}", clean(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bench::{Offer, Offered};

    fn catalog() -> Catalog {
        let bench = |id: &str, group, offers: &[(&str, bool)]| Offered {
            bench: id.to_owned(),
            group,
            doc: String::new(),
            figures: Vec::new(),
            offers: offers
                .iter()
                .map(|(of, here)| Offer { of: (*of).to_owned(), missing: (!here).then(|| "no".to_owned()) })
                .collect(),
        };
        Catalog {
            benches: vec![
                bench("storage-read", Group::Storage, &[("/", true), ("/srv", false)]),
                bench("storage-write", Group::Storage, &[("/", true)]),
                bench("storage-compress", Group::Storage, &[("tank", false)]),
                bench("cpu", Group::Machine, &[("", true)]),
            ],
        }
    }

    fn chosen(what: &[&str], on: &[&str]) -> Result<Vec<String>, String> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        keys(&catalog(), &owned(what), &owned(on)).map(|keys| keys.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_suite_is_what_can_run_and_an_id_is_what_was_asked_for() {
        let of = |what: &[&str]| chosen(what, &[]).expect("some");
        assert_eq!(of(&["storage"]), ["storage-read of /", "storage-write of /"]);
        assert_eq!(of(&["all"]), ["storage-read of /", "storage-write of /", "cpu"]);
        assert_eq!(of(&["storage-read"]), ["storage-read of /"]);
        assert_eq!(of(&["storage-compress"]), ["storage-compress of tank"], "why not is said");
        assert_eq!(of(&["cpu", "machine", "cpu"]), ["cpu"], "each once");
    }

    #[test]
    fn targets_narrow_a_suite_and_may_be_new_for_an_id() {
        assert_eq!(chosen(&["storage"], &["/srv"]), Ok(vec!["storage-read of /srv".to_owned()]));
        assert_eq!(chosen(&["storage-read"], &["/mnt/x"]), Ok(vec!["storage-read of /mnt/x".to_owned()]));
        assert!(chosen(&["machine"], &["/srv"]).expect_err("none").starts_with("nothing of `machine` can be run here"));
    }

    #[test]
    fn a_wrong_word_is_corrected() {
        let words = chosen(&["storage-raed"], &[]).expect_err("wrong");
        assert_eq!(words, "there is no benchmark or suite `storage-raed`: did you mean `storage-read`?");
        assert!(chosen(&["qqqqqqqqqq"], &[]).expect_err("wrong").ends_with("benchtop bench list names them"));
    }
}
