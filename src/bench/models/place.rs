//! Which models can be measured, and how their server is reached: those in memory, those that play a role, and where a server
//! loads on demand the ones that are nearest to the sizes that targets are for.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    bench::{Offer, Stop, StopFlag, Survey},
    model::{
        figure::Fingerprint,
        model_server::{Expiry, Kind, Model, ModelServerTarget, ModelState, ServerRow, Shot},
        service::target::ServiceUrl,
    },
    state::roles::{billions, roles},
    sys::model_server::{
        fetch::Fetch,
        load::on_demand,
        timed_request::{Prompt, shoot},
    },
    target::Role,
    units::bytes_long,
};

/// One request: a large model is loaded first, and may be slow.
pub const PATIENCE: Duration = Duration::from_secs(600);
/// No model server was found.
const NONE: &str = "no model server was found: none runs here that is known, and no [[model_server]] names one";
/// Sizes, in billions of weights, that targets are for.
const SMALL: f64 = 8.0;
const LARGE: f64 = 30.0;

/// A model at its server.
#[derive(Debug, Clone)]
pub struct Place {
    pub target: ModelServerTarget,
    pub kind: Kind,
    pub model: Model,
    /// `Ollama 0.11.4`.
    runtime: String,
    /// Seconds that it stays in memory, where that has no end; `None`: as the server does by itself.
    pub keep_alive: Option<i64>,
}

/// Its server can be asked, and why not.
fn trouble(row: &ServerRow) -> Option<String> {
    let state = &row.raw.state;
    match state.is_well() {
        true => None,
        false => Some(format!(
            "{} is {}{}",
            row.raw.name,
            state.word(),
            state.why().map_or_else(String::new, |why| format!(": {why}"))
        )),
    }
}

/// What can be measured on each model that `fits`; else why nothing can.
pub fn offers(survey: &Survey<'_>, fits: impl Fn(&ServerRow) -> Result<(), String>) -> Vec<Offer> {
    let mut offers = Vec::new();
    for row in &survey.state.host.model_servers.rows {
        let missing = |why: String| Offer { of: row.raw.name.clone(), missing: Some(why) };
        match trouble(row).map_or_else(|| fits(row), Err) {
            Err(why) => offers.push(missing(why)),
            Ok(()) => {
                let names = models(survey, row);
                if names.is_empty() {
                    let why = match row.models.is_empty() {
                        true => format!("{} ({}) names no model", row.raw.name, row.raw.state.word()),
                        false => format!("{} has no model that generates text", row.raw.name),
                    };
                    offers.push(missing(why));
                }
                offers.extend(names.into_iter().map(|name| Offer { of: called(&name, row), missing: None }));
            }
        }
    }
    if offers.is_empty() {
        offers.push(Offer { of: String::new(), missing: Some(NONE.to_owned()) });
    }
    offers
}

/// `llama3.1:8b at ollama`.
fn called(model: &str, row: &ServerRow) -> String {
    format!("{model} at {}", row.raw.name)
}

/// Names of the models of a server that are measured, loaded ones first.
pub fn models(survey: &Survey<'_>, row: &ServerRow) -> Vec<String> {
    let of = |model: &&Model| {
        let name = model.name.to_lowercase();
        model.state != ModelState::Remote
            && model.state != ModelState::Failed
            && !["embed", "rerank", "whisper", "clip"].iter().any(|word| name.contains(word))
    };
    let all: Vec<&Model> = row.models.iter().map(|model| &model.raw).filter(of).collect();
    let size = |model: &Model| model.parameters.map(|n| n / 1e9).or_else(|| billions(&model.name));
    let mut chosen: Vec<&Model> = all.iter().copied().filter(|model| model.state != ModelState::NotLoaded).collect();
    if on_demand(row.raw.kind) {
        let given = [Role::SmallModel, Role::LargeModel].map(|role| survey.settings.targets.roles.get(&role));
        chosen.extend(all.iter().copied().filter(|model| given.contains(&Some(&model.name))));
        let off = |model: &&&Model| size(model).map_or(f64::INFINITY, |billions| (billions - SMALL).abs());
        chosen.extend(all.iter().min_by(|a, b| off(a).total_cmp(&off(b))).copied());
        let large = all.iter().filter(|model| size(model).is_some_and(|billions| billions >= LARGE));
        chosen.extend(large.max_by(|a, b| size(a).unwrap_or(0.0).total_cmp(&size(b).unwrap_or(0.0))).copied());
    }
    let mut seen = BTreeSet::new();
    chosen.into_iter().filter(|model| seen.insert(&model.name)).map(|model| model.name.clone()).collect()
}

/// The server and the model that `of` names.
///
/// # Errors
/// Why they cannot be used.
pub fn find(survey: &Survey<'_>, of: &str) -> Result<Place, String> {
    let (model, server) = of.rsplit_once(" at ").ok_or_else(|| format!("`{of}` names no model: NAME at SERVER"))?;
    let row = server_of(survey, server)?;
    at(survey, row, model)
}

/// A server that can be asked.
///
/// # Errors
/// Why it cannot.
pub fn server_of<'a>(survey: &Survey<'a>, name: &str) -> Result<&'a ServerRow, String> {
    let rows = &survey.state.host.model_servers.rows;
    let row =
        rows.iter().find(|row| row.raw.name == name).ok_or_else(|| format!("there is no model server `{name}`"))?;
    trouble(row).map_or(Ok(row), Err)
}

/// One model of a server.
///
/// # Errors
/// When it has none of that name.
pub fn at(survey: &Survey<'_>, row: &ServerRow, model: &str) -> Result<Place, String> {
    let known = row.models.iter().find(|known| known.raw.name == model);
    let known = known.ok_or_else(|| format!("{} has no model `{model}`", row.raw.name))?;
    let configured = survey.settings.model_servers.iter().find(|target| target.name == row.raw.name).cloned();
    let target = match configured {
        Some(target) => target,
        None => {
            let url = ServiceUrl::parse(&row.raw.url).map_err(|error| format!("{}: {error}", row.raw.url))?;
            ModelServerTarget::new(row.raw.name.clone(), url)
        }
    };
    let version = row.raw.reading.version.clone().unwrap_or_default();
    Ok(Place {
        target,
        kind: row.raw.kind,
        model: known.raw.clone(),
        runtime: format!("{} {version}", row.raw.kind.title()).trim().to_owned(),
        keep_alive: (known.raw.expires == Some(Expiry::Never)).then_some(-1),
    })
}

impl Place {
    /// What figures of it depend on.
    pub fn fingerprint(&self, method: &str) -> Fingerprint {
        let model = &self.model;
        let weights = model.parameters.map(|n| match n {
            n if n >= 1e9 => format!("{:.1}B", n / 1e9),
            n => format!("{:.1}M", n / 1e6),
        });
        let size = model.size.map(|bytes| bytes_long(bytes as f64));
        let parts: Vec<String> = [weights, model.quantisation.clone(), size].into_iter().flatten().collect();
        let mut found: Fingerprint = [
            ("method".to_owned(), method.to_owned()),
            ("runtime".to_owned(), self.runtime.clone()),
            ("model".to_owned(), parts.join(" ")),
        ]
        .into();
        found.extend(model.slots_total.map(|slots| ("slots".to_owned(), slots.to_string())));
        found
    }

    /// A connection of one's own.
    ///
    /// # Errors
    /// When there is none, or its key cannot be read.
    pub fn fetch(&self) -> Result<Fetch, Stop> {
        let target = self.target.clone();
        let mut fetch = Fetch::new(target.url, target.token_file, target.ca_file).map_err(Stop::failed)?;
        fetch.begin().map_err(Stop::failed)?;
        Ok(fetch)
    }

    /// One request, timed.
    ///
    /// # Errors
    /// Why there is no answer; stopped.
    pub fn shoot(&self, fetch: &mut Fetch, text: &str, tokens: u32, stop: &StopFlag) -> Result<Shot, Stop> {
        stop.check()?;
        let shot = self.shoot_while(fetch, text, tokens, &|| stop.is_set());
        stop.check()?;
        shot
    }

    /// The same until somebody gives it up.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn shoot_while(
        &self,
        fetch: &mut Fetch,
        text: &str,
        tokens: u32,
        give_up: &dyn Fn() -> bool,
    ) -> Result<Shot, Stop> {
        let prompt = Prompt { model: &self.model.name, text, tokens, keep_alive: self.keep_alive };
        let shot = shoot(fetch, self.kind, &prompt, PATIENCE, give_up);
        shot.map_err(|why| Stop::Failed(format!("{} at {}: {why}", self.model.name, self.target.name)))
    }

    /// The model has the role of the large one, and its targets.
    pub fn is_large(&self, survey: &Survey<'_>) -> bool {
        let assigned = roles(survey.state, &survey.settings.targets.roles);
        match assigned.get(&Role::LargeModel) {
            Some(assigned) if assigned.value == self.model.name => true,
            _ => self
                .model
                .parameters
                .map(|n| n / 1e9)
                .or_else(|| billions(&self.model.name))
                .is_some_and(|n| n >= LARGE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        bench::engine::testing::Surveyed,
        model::model_server::{ModelRow, Reading, Server, ServerState},
        state::State,
    };

    /// A server of that kind with these models: name, state, billions of weights.
    fn surveyed(kind: Kind, models: &[(&str, ModelState, Option<f64>)]) -> Surveyed {
        let raw = Server {
            name: "here".into(),
            url: "http://127.0.0.1:11434".into(),
            kind,
            state: ServerState::Up,
            reading: Arc::new(Reading { version: Some("0.11.4".into()), ..Reading::default() }),
            ..Server::default()
        };
        let mut row = ServerRow { raw, ..ServerRow::default() };
        for (name, state, billions) in models {
            let mut model = ModelRow::default();
            let parameters = billions.map(|billions| billions * 1e9);
            model.raw = Model { name: (*name).to_owned(), state: *state, parameters, ..Model::default() };
            row.models.push(model);
        }
        let mut state = State::default();
        state.host.model_servers.rows.push(row);
        Surveyed::new(state)
    }

    fn names(surveyed: &Surveyed) -> Vec<String> {
        models(&surveyed.survey(), &surveyed.state.host.model_servers.rows[0])
    }

    #[test]
    fn of_a_server_that_loads_one_model_only_what_is_there_is_measured() {
        use ModelState::{Asleep, Failed, Loaded, NotLoaded, Remote};
        let all = [
            ("a", Loaded, None),
            ("b", NotLoaded, None),
            ("c", Asleep, None),
            ("d", Remote, None),
            ("e", Failed, None),
            ("nomic-Embed-text", Loaded, None),
            ("bge-reranker", Loaded, None),
        ];
        assert_eq!(names(&surveyed(Kind::Vllm, &all)), ["a", "c"]);
    }

    #[test]
    fn of_a_server_that_loads_on_demand_those_nearest_to_the_targets_are_too() {
        use ModelState::{Loaded, NotLoaded};
        let all = [
            ("loaded", Loaded, Some(1.0)),
            ("tiny:3b", NotLoaded, None),
            ("near", NotLoaded, Some(7.0)),
            ("mid", NotLoaded, Some(14.0)),
            ("large", NotLoaded, Some(30.0)),
            ("largest:70b", NotLoaded, None),
        ];
        let mut surveyed = surveyed(Kind::Ollama, &all);
        assert_eq!(names(&surveyed), ["loaded", "near", "largest:70b"]);
        surveyed.settings.targets.roles.insert(Role::SmallModel, "tiny:3b".into());
        surveyed.settings.targets.roles.insert(Role::LargeModel, "large".into());
        assert_eq!(
            names(&surveyed),
            ["loaded", "tiny:3b", "large", "near", "largest:70b"],
            "what the user named first"
        );
        let small = self::surveyed(Kind::Ollama, &[("only", NotLoaded, Some(2.0))]);
        assert_eq!(names(&small), ["only"], "each once");
    }

    #[test]
    fn an_offer_without_a_model_says_why() {
        let said = |surveyed: &Surveyed, fits: Result<(), String>| {
            let all = offers(&surveyed.survey(), |_| fits.clone());
            all.into_iter().map(|offer| (offer.of, offer.missing)).collect::<Vec<_>>()
        };
        let why = |of: &str, why: &str| vec![(of.to_owned(), Some(why.to_owned()))];
        let mut one = surveyed(Kind::Vllm, &[("a", ModelState::Loaded, None)]);
        assert_eq!(said(&one, Ok(())), [("a at here".to_owned(), None)]);
        assert_eq!(said(&one, Err("too old".into())), why("here", "too old"));
        one.state.host.model_servers.rows[0].raw.state = ServerState::Unreachable("no route".into());
        assert_eq!(said(&one, Ok(())), why("here", "here is unreachable: no route"));
        let embeds = surveyed(Kind::Vllm, &[("embed", ModelState::Loaded, None)]);
        assert_eq!(said(&embeds, Ok(())), why("here", "here has no model that generates text"));
        assert_eq!(said(&surveyed(Kind::Vllm, &[]), Ok(())), why("here", "here (up) names no model"));
        assert_eq!(said(&Surveyed::new(State::default()), Ok(())), why("", NONE));
    }

    #[test]
    fn a_place_is_a_model_at_a_server() {
        let mut surveyed = surveyed(Kind::Ollama, &[("a at b", ModelState::Loaded, None)]);
        let place = find(&surveyed.survey(), "a at b at here").expect("it is there");
        assert_eq!((place.target.url.to_string().as_str(), place.keep_alive), ("http://127.0.0.1:11434", None));
        let why = |of: &str| find(&surveyed.survey(), of).map(|_| ());
        assert_eq!(why("x"), Err("`x` names no model: NAME at SERVER".to_owned()));
        assert_eq!(why("x at there"), Err("there is no model server `there`".to_owned()));
        assert_eq!(why("x at here"), Err("here has no model `x`".to_owned()));
        surveyed.state.host.model_servers.rows[0].models[0].raw.expires = Some(Expiry::Never);
        let url = ServiceUrl::parse("http://10.0.0.1:1").expect("a URL");
        surveyed.settings.model_servers = vec![ModelServerTarget::new("here".to_owned(), url)];
        let place = find(&surveyed.survey(), "a at b at here").expect("it is there");
        let reached = (place.target.url.to_string(), place.keep_alive);
        assert_eq!(reached, ("http://10.0.0.1:1".to_owned(), Some(-1)), "as the config says, and for ever");
    }

    #[test]
    fn figures_depend_on_the_model_and_what_runs_it() {
        let mut surveyed = surveyed(Kind::Ollama, &[("a", ModelState::Loaded, Some(8.0))]);
        let of = |surveyed: &Surveyed, key: &str| {
            let place = find(&surveyed.survey(), "a at here").expect("it is there");
            place.fingerprint("cold").get(key).cloned()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!((of(&surveyed, "method"), of(&surveyed, "runtime")), (some("cold"), some("Ollama 0.11.4")));
        assert_eq!((of(&surveyed, "model"), of(&surveyed, "slots")), (some("8.0B"), None));
        let model = &mut surveyed.state.host.model_servers.rows[0].models[0].raw;
        (model.quantisation, model.size, model.slots_total) = (some("Q4_K_M"), Some(1 << 30), Some(4));
        assert_eq!((of(&surveyed, "model"), of(&surveyed, "slots")), (some("8.0B Q4_K_M 1.0 GiB"), some("4")));
        for (weights, words) in [(1e9, "1.0B"), (999e6, "999.0M")] {
            let model = &mut surveyed.state.host.model_servers.rows[0].models[0].raw;
            (model.quantisation, model.size, model.parameters) = (None, None, Some(weights));
            assert_eq!(of(&surveyed, "model"), some(words));
        }
    }

    #[test]
    fn a_model_is_large_by_its_weights_or_as_the_user_says() {
        let large = |name: &str, billions: Option<f64>, role: Option<&str>| {
            let mut surveyed = surveyed(Kind::Ollama, &[(name, ModelState::Loaded, billions)]);
            if let Some(role) = role {
                surveyed.settings.targets.roles.insert(Role::LargeModel, role.to_owned());
            }
            let survey = surveyed.survey();
            find(&survey, &format!("{name} at here")).expect("it is there").is_large(&survey)
        };
        assert!(large("a", Some(30.0), None) && large("a:70b", None, None));
        assert!(!large("a", Some(29.9), None) && !large("a", None, None));
        assert!(large("a", Some(2.0), Some("a")) && !large("a", Some(2.0), Some("b")));
        assert!(large("a", Some(40.0), Some("b")), "there may be two");
    }
}
