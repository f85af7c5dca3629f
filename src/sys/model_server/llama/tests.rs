//! One server of llama.cpp over recorded and made-up answers.

use super::{
    super::{fetch::Answers, part::testing::fixture},
    *,
};

fn server() -> Answers {
    Answers::default()
        .with("/props", 200, fixture("llama.cpp/props.json"))
        .with("/v1/models", 200, fixture("llama.cpp/models.json"))
        .with("/metrics", 200, fixture("llama.cpp/metrics-busy.prom"))
        .with("/slots", 200, fixture("llama.cpp/slots-busy.json"))
}

const AWAKE: Hints = Hints { sleeps: Sleeps::Never, unified: false, works: false };

fn at(second: u64) -> Stamp {
    Stamp::at_seconds(second)
}

#[test]
fn a_busy_server_is_known_with_its_slots() {
    let reading = Llama::default().round(&mut server(), at(1), AWAKE).expect("a reading");
    let model = &reading.models[0];
    assert_eq!((model.name.as_str(), model.slots_total, model.context), ("tiny-a", Some(4), Some(1024)));
    assert_eq!(
        (model.context_trained, model.size, model.quantisation.as_deref()),
        (Some(4096), Some(427_264), Some("F16"))
    );
    let work = &model.work;
    assert_eq!((work.running, work.waiting), (Some(1.0), Some(0.0)));
    assert_eq!((work.generated_tokens, work.pending_tokens), (Some(96.0), Some(294.0)));
    assert_eq!((model.slots.len(), model.slots.iter().filter(|slot| slot.busy).count()), (4, 1));
    assert_eq!(work.kv_used.map(|used| (used * 4096.0).round()), Some(331.0));
}

#[test]
fn only_figures_are_asked_in_each_round() {
    let (mut llama, mut server) = (Llama::default(), server());
    llama.round(&mut server, at(1), AWAKE).expect("a reading");
    assert_eq!(server.take_asked(), ["/props", "/v1/models", "/metrics", "/slots"]);
    llama.round(&mut server, at(2), AWAKE).expect("a reading");
    assert_eq!(server.take_asked(), ["/metrics", "/slots"]);
    server.put("/metrics", 200, fixture("llama.cpp/metrics.prom"));
    llama.round(&mut server, at(3), AWAKE).expect("a reading");
    assert_eq!(server.take_asked(), ["/metrics"], "an idle server has nothing in its slots");
}

#[test]
fn an_idle_server_that_may_sleep_is_left_alone() {
    let (mut llama, mut server) = (Llama::default(), server());
    server.put("/metrics", 200, fixture("llama.cpp/metrics.prom"));
    let sleepy = Hints { sleeps: Sleeps::After(Duration::from_secs(60)), ..AWAKE };
    llama.round(&mut server, at(1), sleepy).expect("a reading");
    server.take_asked();
    llama.round(&mut server, at(2), sleepy).expect("a reading");
    assert_eq!(server.take_asked(), ["/props"], "neither /metrics nor /slots");
    llama.round(&mut server, at(3), Hints { works: true, ..sleepy }).expect("a reading");
    assert_eq!(server.take_asked(), ["/props", "/metrics"], "it is awake anyhow");
    let asleep = String::from_utf8(fixture("llama.cpp/props.json"))
        .expect("text")
        .replace("\"is_sleeping\":false", "\"is_sleeping\":true");
    server.put("/props", 200, asleep);
    assert_eq!(llama.round(&mut server, at(70), sleepy), Err(ServerState::Asleep));
    assert_eq!(server.take_asked(), ["/props"], "a sleeper is not woken");
    let perhaps = Hints { sleeps: Sleeps::Perhaps, ..AWAKE };
    assert_eq!(llama.round(&mut server, at(99), perhaps), Err(ServerState::Asleep));
}

#[test]
fn one_that_loads_or_has_no_figures_says_so() {
    let loading = fixture("llama.cpp/loading-health.json");
    let mut server = server().with("/props", 503, loading);
    assert_eq!(Llama::default().round(&mut server, at(1), AWAKE), Err(ServerState::Loading));
    let mut bare = self::server().with("/metrics", 501, r#"{"error":{"message":"not supported"}}"#);
    let reading = Llama::default().round(&mut bare, at(1), AWAKE).expect("a reading");
    assert!(reading.missing.is_some_and(|missing| missing.contains("--metrics")));
    assert_eq!(reading.models[0].work.running, Some(1.0), "by its slots");
    let mut cut = self::server().with("/metrics", 200, "<html>");
    assert!(matches!(Llama::default().round(&mut cut, at(1), AWAKE), Err(ServerState::Broken(_))));
}

/// A server with these figures, and what its figures ask for in rounds at these seconds.
fn asked(figures: &str, hints: Hints, seconds: &[u64]) -> Vec<usize> {
    let mut server = Answers::default().with("/metrics", 200, figures).with("/slots", 200, "[]");
    let mut known = Figures::default();
    let mut round = |second: &u64| {
        known.round(&mut server, "", false, at(*second), hints).expect("figures");
        server.take_asked().len()
    };
    seconds.iter().map(&mut round).collect()
}

fn working(running: u32, waiting: u32) -> String {
    format!("llamacpp:requests_processing {running}\nllamacpp:requests_deferred {waiting}\n")
}

#[test]
fn an_idle_sleeper_is_asked_only_after_it_would_sleep() {
    let after = Hints { sleeps: Sleeps::After(Duration::from_secs(60)), ..AWAKE };
    let idle = working(0, 0);
    // Five seconds beyond its minute.
    assert_eq!(asked(&idle, after, &[1, 65, 66, 67, 131]), [1, 0, 1, 0, 1]);
    let perhaps = Hints { sleeps: Sleeps::Perhaps, ..AWAKE };
    assert_eq!(asked(&idle, perhaps, &[1, 900, 901]), [1, 0, 1]);
    assert_eq!(asked(&idle, AWAKE, &[1, 2, 3]), [1, 1, 1]);
    for busy in [working(1, 0), working(0, 1)] {
        assert_eq!(asked(&busy, after, &[1, 2, 3]), [1, 1, 1], "{busy}");
    }
    assert_eq!(asked(&idle, Hints { works: true, ..after }, &[1, 2, 3]), [1, 1, 1]);
}

/// The figures of one round over these answers.
fn figures(metrics: (u16, &str), slots: &str, hints: Hints) -> Result<Figures, ServerState> {
    let mut server = Answers::default().with("/metrics", metrics.0, metrics.1).with("/slots", 200, slots);
    let mut figures = Figures::default();
    figures.round(&mut server, "", true, at(1), hints)?;
    Ok(figures)
}

const SLOTS: &str = r#"[{"id":0,"n_ctx":100,"is_processing":true,"n_prompt_tokens":30,"next_token":[{"n_decoded":7}]},
    {"id":1,"n_ctx":300,"is_processing":true,"n_prompt_tokens":10,"next_token":{"n_decoded":5}},
    {"id":2,"n_ctx":200,"is_processing":false,"n_prompt_tokens":60,"next_token":[{"n_decoded":9}]}]"#;

#[test]
fn slots_say_what_the_figures_do_not() {
    let of = |metrics, slots, hints| {
        let work = figures(metrics, slots, hints).expect("figures").work;
        (work.running, work.pending_tokens, work.kv_used)
    };
    let (busy, idle) = (working(9, 0), working(0, 0));
    assert_eq!(of((200, &busy), SLOTS, AWAKE), (Some(9.0), Some(12.0), Some(40.0 / 600.0)));
    let shared = Hints { unified: true, ..AWAKE };
    assert_eq!(of((200, &busy), SLOTS, shared).2, Some(40.0 / 300.0), "they share the cache of the greatest");
    let own = busy.clone() + "llamacpp:kv_cache_usage_ratio 0.5\n";
    assert_eq!(of((200, &own), SLOTS, AWAKE).2, Some(0.5), "the server knows best");
    assert_eq!(of((200, &busy), "[]", AWAKE), (Some(9.0), None, None));
    assert_eq!(of((200, &idle), SLOTS, AWAKE), (Some(0.0), Some(0.0), None), "it is not asked");
    let no_room = r#"[{"id":0,"is_processing":true,"n_ctx":0}]"#;
    assert_eq!(of((200, &busy), no_room, AWAKE), (Some(9.0), Some(0.0), None));
    let full = r#"[{"id":0,"is_processing":true,"n_ctx":10,"n_prompt_tokens":11}]"#;
    assert_eq!(of((200, &busy), full, AWAKE).2, Some(1.0));
    for status in [404, 501] {
        assert_eq!(of((status, ""), SLOTS, AWAKE).0, Some(2.0), "as many as are busy");
        assert_eq!(of((status, ""), "[]", AWAKE), (None, None, None));
        let missing = figures((status, ""), "[]", AWAKE).expect("figures").missing;
        assert_eq!(missing.as_deref(), Some("no figures of speed: start it with --metrics"));
    }
    let state = figures((500, "oops"), SLOTS, AWAKE).map(|_| ()).expect_err("broken");
    assert_eq!(state, ServerState::Broken("/metrics: status 500, oops".to_owned()));
}

#[test]
fn slots_are_read_and_free_once_nothing_runs() {
    let mut server = Answers::default().with("/metrics", 200, working(2, 0)).with("/slots", 200, SLOTS);
    let mut figures = Figures::default();
    figures.round(&mut server, "", true, at(1), AWAKE).expect("figures");
    let busy = |figures: &Figures| figures.slots.iter().map(|slot| slot.busy).collect::<Vec<_>>();
    assert_eq!(busy(&figures), [true, true, false]);
    server.put("/metrics", 200, working(0, 0));
    figures.round(&mut server, "", true, at(2), AWAKE).expect("figures");
    assert_eq!(busy(&figures), [false; 3]);
    let whole = r#"[{"id":3,"id_task":104,"is_processing":true,"n_ctx":9,"n_prompt_tokens":4,
        "n_prompt_tokens_processed":5,"n_prompt_tokens_cache":6,"next_token":[{"n_decoded":7}]},{"n_ctx":1}]"#;
    let slot = Slot {
        id: 3,
        busy: true,
        task: Some(104),
        context: Some(9),
        prompt: Some(4),
        processed: Some(5),
        cached: Some(6),
        generated: Some(7),
    };
    assert_eq!(slots(&serde_json::from_str(whole).expect("JSON")), [slot], "one without an id is none");
}

#[test]
fn what_does_not_change_is_asked_once_a_minute() {
    let (mut llama, mut server) = (Llama::default(), server());
    let mut asked = |llama: &mut Llama, second| {
        let reading = llama.round(&mut server, at(second), AWAKE).expect("a reading");
        assert_eq!(reading.version.as_deref(), Some("b0-unknown"));
        assert_eq!((reading.models[0].state, reading.models[0].slots.len()), (ModelState::Loaded, 4));
        server.take_asked().len()
    };
    assert_eq!([1, 2, 60, 61, 62].map(|second| asked(&mut llama, second)), [4, 2, 2, 4, 2]);
    llama.forget();
    assert_eq!(asked(&mut llama, 63), 4, "it may have another model");
}

#[test]
fn one_without_slots_is_not_asked_for_them() {
    let props = |slots: bool| format!(r#"{{"endpoint_slots":{slots},"build_info":"b1"}}"#);
    for (slots, asked) in [(true, 4), (false, 3)] {
        let mut server = server().with("/props", 200, props(slots));
        Llama::default().round(&mut server, at(1), AWAKE).expect("a reading");
        assert_eq!(server.take_asked().len(), asked, "{slots}");
    }
}

#[test]
fn what_a_model_is_comes_from_both_answers() {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let of = |props: &str, entry: &str| {
        let mut model = Model::default();
        meta(&json(entry), &mut model);
        about(&json(props), &mut model);
        model
    };
    let entry = r#"{"meta":{"size":5,"n_params":6.5,"n_ctx_train":7,"ftype":"Q4"}}"#;
    let whole = of(r#"{"total_slots":2,"default_generation_settings":{"n_ctx":1},"model_ftype":"F16"}"#, entry);
    let expected = Model {
        slots_total: Some(2),
        context: Some(1),
        quantisation: Some("F16".to_owned()),
        size: Some(5),
        parameters: Some(6.5),
        context_trained: Some(7),
        ..Model::default()
    };
    assert_eq!(whole, expected);
    let least = of(r#"{"default_generation_settings":{"n_ctx":0}}"#, entry);
    assert_eq!((least.context, least.quantisation.as_deref()), (None, Some("Q4")), "0 is no length of a context");
    assert_eq!(of("{}", "{}"), Model::default());
    let mut kept = Model { quantisation: Some("F16".to_owned()), ..Model::default() };
    meta(&json(r#"{"meta":{}}"#), &mut kept);
    assert_eq!(kept.quantisation.as_deref(), Some("F16"));
}
