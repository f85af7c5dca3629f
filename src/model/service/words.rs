//! How a service stands, in a word or two, for every reader.

use std::borrow::Cow;

use super::{
    round::{Cause, Outcome},
    row::{ServiceRow, Standing},
    target::Scheme,
};

impl ServiceRow {
    /// `200`, `slow 200`, `down 2×`, `no network`. That it is slow is a matter of the rules.
    #[must_use]
    pub fn words(&self, is_slow: bool) -> Cow<'static, str> {
        match self.standing {
            Standing::Waiting => Cow::Borrowed("waiting"),
            Standing::Paused => Cow::Borrowed("paused"),
            Standing::Down => Cow::Owned(format!("down {}×", self.failures)),
            Standing::Unjudged => Cow::Borrowed(self.why_unjudged()),
            Standing::Up if is_slow => Cow::Owned(format!("slow {}", self.answer())),
            Standing::Up => self.answer(),
        }
    }

    /// What it answered: a status, or that it takes connections.
    fn answer(&self) -> Cow<'static, str> {
        let found = self.round.as_ref().map(|round| &round.found);
        match (self.probe.scheme, found.and_then(|found| found.status)) {
            (_, Some(status)) => Cow::Owned(status.to_string()),
            (Scheme::Ping, _) => match found.and_then(|found| found.loss).filter(|loss| *loss > 0.0) {
                Some(loss) => Cow::Owned(format!("{:.0}% lost", loss * 100.0)),
                None => Cow::Borrowed("up"),
            },
            _ => Cow::Borrowed("up"),
        }
    }

    fn why_unjudged(&self) -> &'static str {
        match self.round.as_ref().map(|round| &round.outcome) {
            Some(Outcome::Unjudged { cause, .. }) => match cause {
                Cause::Dns => "no DNS",
                Cause::Network => "no network",
                Cause::Starved => "CPU starved",
                Cause::Suspended => "woke up",
                Cause::Setup => "not probed",
            },
            _ => "not judged",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::Stamp,
        model::service::round::{Found, Round},
    };

    fn row(standing: Standing, outcome: Outcome, found: Found) -> ServiceRow {
        let at = Stamp::at_seconds(1);
        let round = Round { number: 1, began: at, ended: at, outcome, retried: None, found };
        let mut row = ServiceRow::new(Arc::default(), at);
        (row.standing, row.round) = (standing, Some(Arc::new(round)));
        row
    }

    #[test]
    fn what_was_not_judged_says_why() {
        for (cause, words) in [
            (Cause::Dns, "no DNS"),
            (Cause::Network, "no network"),
            (Cause::Starved, "CPU starved"),
            (Cause::Suspended, "woke up"),
            (Cause::Setup, "not probed"),
        ] {
            let outcome = Outcome::Unjudged { cause, words: String::new() };
            let row = row(Standing::Unjudged, outcome, Found::default());
            assert_eq!((row.words(false), row.cause()), (words.into(), Some(cause)));
        }
        let up = row(Standing::Unjudged, Outcome::Up { seconds: None }, Found::default());
        assert_eq!((up.words(true), up.cause()), ("not judged".into(), None));
    }

    #[test]
    fn pings_say_what_was_lost() {
        let ping = |loss: Option<f64>| {
            let mut row = row(Standing::Up, Outcome::Up { seconds: None }, Found { loss, ..Found::default() });
            Arc::make_mut(&mut row.probe).scheme = Scheme::Ping;
            row.words(false).into_owned()
        };
        assert_eq!([ping(None), ping(Some(0.0)), ping(Some(0.25))], ["up", "up", "25% lost"]);
    }

    #[test]
    fn a_slow_service_says_so() {
        let found = Found { status: Some(200), ..Found::default() };
        let row = row(Standing::Up, Outcome::Up { seconds: Some(9.0) }, found);
        assert_eq!((row.words(true), row.words(false)), ("slow 200".into(), "200".into()));
    }
}
