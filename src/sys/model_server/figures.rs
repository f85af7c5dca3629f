//! What the names of figures mean, in each server's own and in those that older versions had.

use super::prometheus::Exposition;
use crate::model::model_server::{Model, ModelState, Work};

/// llama.cpp: one model, no labels, no histograms.
#[must_use]
pub fn llama(all: &Exposition<'_>) -> Work {
    let sum = |name: &str| all.sum(&[&format!("llamacpp:{name}")], None);
    Work {
        running: sum("requests_processing"),
        waiting: sum("requests_deferred"),
        kv_used: sum("kv_cache_usage_ratio"),
        prompt_tokens: sum("prompt_tokens_total"),
        cached_tokens: sum("prompt_tokens_cached_total"),
        generated_tokens: sum("tokens_predicted_total"),
        prompt_seconds: sum("prompt_seconds_total"),
        generated_seconds: sum("tokens_predicted_seconds_total"),
        ..Work::default()
    }
}

/// vLLM: `model_name` and `engine` are labels; engines of one model add up.
#[must_use]
pub fn vllm(all: &Exposition<'_>) -> Vec<Model> {
    labelled(all, "vllm:", |name| {
        let of = Some(("model_name", name));
        let failed = ["abort", "error"];
        Work {
            running: all.sum(&["vllm:num_requests_running"], of),
            waiting: all.sum(&["vllm:num_requests_waiting"], of),
            kv_used: all.most(&["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"], of),
            prompt_tokens: all.sum(&["vllm:prompt_tokens_total"], of),
            cached_tokens: all.sum(&["vllm:prompt_tokens_cached_total", "vllm:prefix_cache_hits_total"], of),
            generated_tokens: all.sum(&["vllm:generation_tokens_total"], of),
            preemptions: all.sum(&["vllm:num_preemptions_total"], of),
            completed: all.sum(&["vllm:request_success_total"], of),
            failed: all.sum_where("vllm:request_success_total", of, "finished_reason", &failed),
            prompt_seconds: all.sum(&["vllm:request_prefill_time_seconds_sum"], of),
            generated_seconds: all.sum(&["vllm:request_decode_time_seconds_sum"], of),
            first_token: all.histogram(&["vllm:time_to_first_token_seconds"], of),
            per_token: all.histogram(
                &[
                    "vllm:request_time_per_output_token_seconds",
                    "vllm:time_per_output_token_seconds",
                    "vllm:inter_token_latency_seconds",
                ],
                of,
            ),
            response: all.histogram(&["vllm:e2e_request_latency_seconds"], of),
            queue: all.histogram(&["vllm:request_queue_time_seconds"], of),
            ..Work::default()
        }
    })
}

/// True where vLLM says that its engine sleeps.
#[must_use]
pub fn vllm_sleeps(all: &Exposition<'_>) -> bool {
    all.sum_where("vllm:engine_sleep_state", None, "sleep_state", &["weights_offloaded", "discard_all"])
        .is_some_and(|asleep| asleep > 0.0)
}

/// SGLang: gauges are given for each rank, of which the first speaks for all.
#[must_use]
pub fn sglang(all: &Exposition<'_>) -> Vec<Model> {
    labelled(all, "sglang:", |name| {
        let of = Some(("model_name", name));
        Work {
            running: all.most(&["sglang:num_running_reqs"], of),
            waiting: all.most(&["sglang:num_queue_reqs"], of),
            kv_used: all.most(&["sglang:token_usage"], of),
            kv_tokens: all.most(&["sglang:max_total_num_tokens"], of),
            prompt_tokens: all.sum(&["sglang:prompt_tokens_total"], of),
            cached_tokens: all.sum(&["sglang:cached_tokens_total"], of),
            generated_tokens: all.sum(&["sglang:generation_tokens_total"], of),
            preemptions: all.sum(&["sglang:num_retractions_total", "sglang:num_retracted_reqs_total"], of),
            completed: all.sum(&["sglang:num_requests_total"], of),
            failed: all.sum(&["sglang:num_aborted_requests_total"], of),
            throughput: all.most(&["sglang:gen_throughput"], of),
            first_token: all.histogram(&["sglang:time_to_first_token_seconds"], of),
            per_token: all
                .histogram(&["sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"], of),
            response: all.histogram(&["sglang:e2e_request_latency_seconds"], of),
            queue: all.histogram(&["sglang:queue_time_seconds"], of),
            load_seconds: all.sum_where("sglang:startup_time_seconds", of, "phase", &["load_weight"]),
            ..Work::default()
        }
    })
}

/// TGI: one model without a label.
#[must_use]
pub fn tgi(all: &Exposition<'_>) -> Work {
    let (asked, done) = (all.sum(&["tgi_request_count"], None), all.sum(&["tgi_request_success"], None));
    Work {
        running: all.sum(&["tgi_batch_current_size"], None),
        waiting: all.sum(&["tgi_queue_size"], None),
        prompt_tokens: all.sum(&["tgi_request_input_length_sum"], None),
        generated_tokens: all.sum(&["tgi_request_generated_tokens_sum"], None),
        completed: done,
        failed: all.sum(&["tgi_request_failure"], None).or_else(|| asked.zip(done).map(|(a, d)| (a - d).max(0.0))),
        per_token: all.histogram(&["tgi_request_mean_time_per_token_duration"], None),
        response: all.histogram(&["tgi_request_duration"], None),
        queue: all.histogram(&["tgi_request_queue_duration"], None),
        ..Work::default()
    }
}

/// A model for each value of `model_name`.
fn labelled(all: &Exposition<'_>, prefix: &str, work: impl Fn(&str) -> Work) -> Vec<Model> {
    let names = all.values_of("model_name", prefix);
    let of = |name: String| {
        let work = work(&name);
        Model { name, state: ModelState::Loaded, work, ..Model::default() }
    };
    names.into_iter().take(super::part::MODELS).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::part::testing::fixture, *};

    fn read<T>(file: &str, of: impl Fn(&Exposition<'_>) -> T) -> T {
        let text = String::from_utf8(fixture(file)).expect("text");
        of(&Exposition::parse(&text))
    }

    #[test]
    fn vllm_is_read() {
        let models = read("vllm/metrics.prom", vllm);
        assert_eq!((models.len(), models[0].name.as_str()), (1, "tiny-a"));
        let work = &models[0].work;
        assert_eq!((work.running, work.waiting, work.kv_used), (Some(5.0), Some(2.0), Some(0.4375)));
        assert_eq!(
            (work.generated_tokens, work.cached_tokens, work.preemptions),
            (Some(2560.0), Some(1024.0), Some(1.0))
        );
        assert_eq!((work.completed, work.failed), (Some(21.0), Some(1.0)));
        let first = work.first_token.as_ref().and_then(|h| h.spread()).expect("requests");
        assert_eq!((first.count, first.p50, first.p95.is_some()), (20.0, 0.06, true));
        assert!(!read("vllm/metrics.prom", vllm_sleeps));
    }

    #[test]
    fn names_of_older_versions_are_known() {
        let text = String::from_utf8(fixture("vllm/metrics.prom")).expect("text");
        let older = text
            .replace("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
            .replace("vllm:request_time_per_output_token_seconds", "vllm:time_per_output_token_seconds");
        assert_eq!(vllm(&Exposition::parse(&older)), vllm(&Exposition::parse(&text)));
    }

    #[test]
    fn the_others_are_read() {
        let work = read("sglang/metrics.prom", sglang).remove(0).work;
        assert_eq!((work.running, work.waiting, work.kv_used), (Some(5.0), Some(2.0), Some(0.31)));
        assert_eq!((work.throughput, work.load_seconds), (Some(412.5), Some(12.5)));
        assert_eq!((work.first_token.map(|h| h.count), work.response.map(|h| h.count)), (Some(20.0), Some(20.0)));
        let work = read("tgi/metrics.prom", tgi);
        assert_eq!((work.running, work.waiting, work.failed), (Some(5.0), Some(2.0), Some(1.0)));
        assert_eq!((work.generated_tokens, work.first_token), (Some(2432.0), None), "it does not say the first token");
        let work = read("llama.cpp/metrics-deferred.prom", llama);
        assert_eq!((work.running, work.waiting, work.generated_tokens), (Some(4.0), Some(3.0), Some(696.0)));
    }

    /// Figures of these names whose values are 1, 2, 3 …, of a model where it is labelled.
    fn numbered(names: &[&str], labels: &str) -> String {
        (1..).zip(names).map(|(value, name)| format!("{name}{{{labels}}} {value}\n")).collect()
    }

    /// A histogram of so many requests, each of which took two seconds.
    fn histogram(name: &str, labels: &str, count: u32) -> String {
        let comma = if labels.is_empty() { "" } else { "," };
        format!(
            "{name}_bucket{{{labels}{comma}le=\"1\"}} 0\n{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}\n\
             {name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {count}\n",
            count * 2
        )
    }

    fn of(count: f64) -> Option<crate::model::model_server::Histogram> {
        Some(crate::model::model_server::Histogram { bounds: vec![1.0], below: vec![0.0], count, sum: count * 2.0 })
    }

    fn loaded(work: Work) -> Vec<Model> {
        vec![Model { name: "m".to_owned(), state: ModelState::Loaded, work, ..Model::default() }]
    }

    #[test]
    fn each_figure_of_llama_has_its_place() {
        let names = [
            "requests_processing",
            "requests_deferred",
            "kv_cache_usage_ratio",
            "prompt_tokens_total",
            "prompt_tokens_cached_total",
            "tokens_predicted_total",
            "prompt_seconds_total",
            "tokens_predicted_seconds_total",
        ];
        let names = names.map(|name| format!("llamacpp:{name}"));
        let text = numbered(&names.each_ref().map(String::as_str), "");
        let work = Work {
            running: Some(1.0),
            waiting: Some(2.0),
            kv_used: Some(3.0),
            prompt_tokens: Some(4.0),
            cached_tokens: Some(5.0),
            generated_tokens: Some(6.0),
            prompt_seconds: Some(7.0),
            generated_seconds: Some(8.0),
            ..Work::default()
        };
        assert_eq!(llama(&Exposition::parse(&text)), work);
    }

    #[test]
    fn each_figure_of_vllm_has_its_place() {
        let labels = "model_name=\"m\",engine=\"0\"";
        let names = [
            "vllm:num_requests_running",
            "vllm:num_requests_waiting",
            "vllm:kv_cache_usage_perc",
            "vllm:prompt_tokens_total",
            "vllm:prompt_tokens_cached_total",
            "vllm:generation_tokens_total",
            "vllm:num_preemptions_total",
            "vllm:request_prefill_time_seconds_sum",
            "vllm:request_decode_time_seconds_sum",
        ];
        let ends = |reason: &str, value: u32| {
            format!("vllm:request_success_total{{{labels},finished_reason=\"{reason}\"}} {value}\n")
        };
        let text = numbered(&names, labels)
            + &[ends("stop", 10), ends("abort", 20), ends("error", 40)].concat()
            + &histogram("vllm:time_to_first_token_seconds", labels, 11)
            + &histogram("vllm:request_time_per_output_token_seconds", labels, 12)
            + &histogram("vllm:e2e_request_latency_seconds", labels, 13)
            + &histogram("vllm:request_queue_time_seconds", labels, 14)
            + "vllm:engine_sleep_state{sleep_state=\"awake\"} 1\n";
        let work = Work {
            running: Some(1.0),
            waiting: Some(2.0),
            kv_used: Some(3.0),
            prompt_tokens: Some(4.0),
            cached_tokens: Some(5.0),
            generated_tokens: Some(6.0),
            preemptions: Some(7.0),
            completed: Some(70.0),
            failed: Some(60.0),
            prompt_seconds: Some(8.0),
            generated_seconds: Some(9.0),
            first_token: of(11.0),
            per_token: of(12.0),
            response: of(13.0),
            queue: of(14.0),
            ..Work::default()
        };
        assert_eq!(vllm(&Exposition::parse(&text)), loaded(work));
        assert!(!vllm_sleeps(&Exposition::parse(&text)));
        for state in ["weights_offloaded", "discard_all"] {
            let asleep = format!("vllm:engine_sleep_state{{sleep_state=\"{state}\"}} 1\n");
            assert!(vllm_sleeps(&Exposition::parse(&asleep)), "{state}");
        }
    }

    #[test]
    fn each_figure_of_sglang_has_its_place() {
        let labels = "model_name=\"m\",tp_rank=\"0\"";
        let names = [
            "sglang:num_running_reqs",
            "sglang:num_queue_reqs",
            "sglang:token_usage",
            "sglang:max_total_num_tokens",
            "sglang:prompt_tokens_total",
            "sglang:cached_tokens_total",
            "sglang:generation_tokens_total",
            "sglang:num_retractions_total",
            "sglang:num_requests_total",
            "sglang:num_aborted_requests_total",
            "sglang:gen_throughput",
        ];
        let text = numbered(&names, labels)
            + &format!("sglang:startup_time_seconds{{{labels},phase=\"load_weight\"}} 12\n")
            + &format!("sglang:startup_time_seconds{{{labels},phase=\"scheduler_e2e\"}} 99\n")
            + &histogram("sglang:time_to_first_token_seconds", labels, 13)
            + &histogram("sglang:inter_token_latency_seconds", labels, 14)
            + &histogram("sglang:e2e_request_latency_seconds", labels, 15)
            + &histogram("sglang:queue_time_seconds", labels, 16);
        let work = Work {
            running: Some(1.0),
            waiting: Some(2.0),
            kv_used: Some(3.0),
            kv_tokens: Some(4.0),
            prompt_tokens: Some(5.0),
            cached_tokens: Some(6.0),
            generated_tokens: Some(7.0),
            preemptions: Some(8.0),
            completed: Some(9.0),
            failed: Some(10.0),
            throughput: Some(11.0),
            load_seconds: Some(12.0),
            first_token: of(13.0),
            per_token: of(14.0),
            response: of(15.0),
            queue: of(16.0),
            ..Work::default()
        };
        assert_eq!(sglang(&Exposition::parse(&text)), loaded(work));
    }

    #[test]
    fn each_figure_of_tgi_has_its_place() {
        let names = [
            "tgi_batch_current_size",
            "tgi_queue_size",
            "tgi_request_input_length_sum",
            "tgi_request_generated_tokens_sum",
            "tgi_request_success",
            "tgi_request_failure",
        ];
        let text = numbered(&names, "")
            + &histogram("tgi_request_mean_time_per_token_duration", "", 11)
            + &histogram("tgi_request_duration", "", 12)
            + &histogram("tgi_request_queue_duration", "", 13);
        let work = Work {
            running: Some(1.0),
            waiting: Some(2.0),
            prompt_tokens: Some(3.0),
            generated_tokens: Some(4.0),
            completed: Some(5.0),
            failed: Some(6.0),
            per_token: of(11.0),
            response: of(12.0),
            queue: of(13.0),
            ..Work::default()
        };
        assert_eq!(tgi(&Exposition::parse(&text)), work);
        let failed = |asked: u32| {
            let text = format!("tgi_request_count {asked}\ntgi_request_success 20\n");
            tgi(&Exposition::parse(&text)).failed
        };
        assert_eq!((failed(23), failed(20), failed(19)), (Some(3.0), Some(0.0), Some(0.0)), "what did not succeed");
    }

    #[test]
    fn what_is_not_there_is_not_known() {
        assert_eq!(read("tgi/metrics.prom", llama), Work::default());
        assert_eq!(vllm(&Exposition::parse("")), []);
    }
}
