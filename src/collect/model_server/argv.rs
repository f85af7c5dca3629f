//! What a command line says of a model server: which it is, where it listens, and how it is set. Of the environment only
//! names are taken: values may be secret. So are other flags: a key is among them.

use std::time::Duration;

use crate::{
    model::model_server::{Kind, Setting},
    sys::model_server::Sleeps,
    text::clean,
};

/// Letters of a value that are shown.
const VALUE: usize = 40;

/// Settings: how they are called, their flags, and variables that set them too.
const SETTINGS: &[(&str, &[&str], &[&str])] = &[
    (
        "context",
        &["-c", "--ctx-size", "--max-model-len", "--context-length", "--max-total-tokens"],
        &["LLAMA_ARG_CTX_SIZE", "OLLAMA_CONTEXT_LENGTH", "OLLAMA_NUM_CTX"],
    ),
    (
        "parallel",
        &["-np", "--parallel", "--max-num-seqs", "--max-running-requests", "--max-concurrent-requests"],
        &["LLAMA_ARG_N_PARALLEL", "OLLAMA_NUM_PARALLEL"],
    ),
    (
        "batch",
        &["-b", "--batch-size", "--max-num-batched-tokens", "--chunked-prefill-size", "--max-batch-prefill-tokens"],
        &["LLAMA_ARG_BATCH"],
    ),
    ("micro batch", &["-ub", "--ubatch-size"], &["LLAMA_ARG_UBATCH"]),
    (
        "flash attention",
        &["-fa", "--flash-attn", "--attention-backend"],
        &["LLAMA_ARG_FLASH_ATTN", "OLLAMA_FLASH_ATTENTION", "VLLM_ATTENTION_BACKEND"],
    ),
    (
        "KV cache type",
        &["-ctk", "--cache-type-k", "--kv-cache-dtype"],
        &["LLAMA_ARG_CACHE_TYPE_K", "OLLAMA_KV_CACHE_TYPE"],
    ),
    ("offload", &["-ngl", "--gpu-layers", "--n-gpu-layers", "--cpu-offload-gb"], &["LLAMA_ARG_N_GPU_LAYERS"]),
    (
        "tensor split",
        &["-ts", "--tensor-split", "-tp", "--tensor-parallel-size", "--tp-size", "--tp", "--num-shard"],
        &["LLAMA_ARG_TENSOR_SPLIT", "OLLAMA_SCHED_SPREAD"],
    ),
    ("GPU memory share", &["--gpu-memory-utilization", "--mem-fraction-static", "--cuda-memory-fraction"], &[]),
    ("quantisation", &["--quantization", "--quantize"], &[]),
    ("threads", &["-t", "--threads"], &["LLAMA_ARG_THREADS"]),
    ("models loaded at most", &["--models-max"], &["OLLAMA_MAX_LOADED_MODELS"]),
    ("queue at most", &["--max-queued-requests"], &["OLLAMA_MAX_QUEUE"]),
    ("keep-alive", &["--sleep-idle-seconds"], &["LLAMA_ARG_SLEEP_IDLE_SECONDS", "OLLAMA_KEEP_ALIVE"]),
    (
        "speculative decoding",
        &["-md", "--model-draft", "--speculative-config", "--speculative-algorithm"],
        &["LLAMA_ARG_MODEL_DRAFT"],
    ),
];

/// Flags without a value, as some versions have them.
const BARE: &[&str] = &["-fa", "--flash-attn"];

/// Python programs by the module or script that they run.
const MODULES: &[(&str, Kind)] = &[
    ("vllm.entrypoints.openai.api_server", Kind::Vllm),
    ("sglang.launch_server", Kind::Sglang),
    ("llama_cpp.server", Kind::OpenAi),
    ("mlx_lm.server", Kind::OpenAi),
    ("aphrodite.endpoints.openai.api_server", Kind::OpenAi),
];

/// A command line, as `/proc/PID/cmdline` has it.
pub(super) struct Command(Vec<String>);

impl Command {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
        Command(parts.take(400).map(|part| String::from_utf8_lossy(part).into_owned()).collect())
    }

    /// Which server it is; `None` for any other program.
    pub(super) fn kind(&self) -> Option<Kind> {
        let base = |arg: &str| arg.rsplit('/').next().unwrap_or_default().to_owned();
        let first = base(self.0.first()?);
        let serves = |at: usize| self.0.get(at).is_some_and(|arg| arg == "serve");
        let of = |name: &str, at: usize| match name {
            "ollama" if serves(at) => Some(Kind::Ollama),
            "llama-server" | "llama-server.exe" => Some(Kind::LlamaCpp),
            "llama-swap" => Some(Kind::LlamaSwap),
            "vllm" if serves(at) => Some(Kind::Vllm),
            "sglang" if serves(at) => Some(Kind::Sglang),
            "text-generation-router" => Some(Kind::Tgi),
            "koboldcpp" | "local-ai" | "mistralrs-server" | "tabbyapi" => Some(Kind::OpenAi),
            _ => None,
        };
        if !first.starts_with("python") {
            return of(&first, 1);
        }
        match self.0.iter().position(|arg| arg == "-m") {
            Some(at) => {
                let module = self.0.get(at + 1)?;
                MODULES.iter().find(|(name, _)| name == module).map(|(_, kind)| *kind)
            }
            None => {
                let at = 1 + self.0.iter().skip(1).position(|arg| !arg.starts_with('-'))?;
                of(&base(self.0.get(at)?), at + 1)
            }
        }
    }

    /// The value after the last of these flags, or behind its `=`.
    fn value(&self, flags: &[&str]) -> Option<&str> {
        let mut found = None;
        for (at, arg) in self.0.iter().enumerate() {
            if flags.contains(&arg.as_str()) {
                let next = self.0.get(at + 1).map(String::as_str);
                let bare = BARE.contains(&arg.as_str()) && next.is_none_or(|next| next.starts_with('-'));
                found = if bare { Some("on") } else { next.or(found) };
            } else if let Some((flag, value)) = arg.split_once('=')
                && flags.contains(&flag)
            {
                found = Some(value);
            }
        }
        found
    }

    /// The port on which its arguments make it listen.
    pub(super) fn port(&self) -> Option<u16> {
        let listen = || self.value(&["--listen", "-listen"])?.rsplit(':').next();
        self.value(&["--port", "-p"]).or_else(listen)?.parse().ok()
    }

    /// Settings by the command line, else by a variable of the environment.
    pub(super) fn settings(&self, variables: &[String]) -> Vec<Setting> {
        let of = |(name, flags, names): &(&str, &[&str], &[&str])| {
            let by =
                || names.iter().find(|name| variables.iter().any(|set| set == *name)).map(|name| format!("by {name}"));
            let set = match self.value(flags) {
                Some(value) => clean(&value.chars().take(VALUE).collect::<String>()).into_owned(),
                None => by()?,
            };
            Some(Setting { name: (*name).to_owned(), set })
        };
        SETTINGS.iter().filter_map(of).collect()
    }

    /// Whether it puts its model out of memory when idle.
    pub(super) fn sleeps(&self, variables: Option<&[String]>) -> Sleeps {
        if let Some(value) = self.value(&["--sleep-idle-seconds"]) {
            return match value.parse::<i64>() {
                Ok(seconds) => u64::try_from(seconds).map_or(Sleeps::Never, |s| Sleeps::After(Duration::from_secs(s))),
                Err(_) => Sleeps::Perhaps,
            };
        }
        match variables {
            Some(names) if !names.iter().any(|name| name == "LLAMA_ARG_SLEEP_IDLE_SECONDS") => Sleeps::Never,
            _ => Sleeps::Perhaps,
        }
    }

    /// Its slots share one KV cache: as asked for, or because it chooses their number itself.
    pub(super) fn unified(&self) -> bool {
        let asked = self.0.iter().any(|arg| arg == "-kvu" || arg == "--kv-unified");
        asked || self.value(&["-np", "--parallel"]).is_none()
    }

    /// A process that publishes the port of a container: the port here, then address and port there.
    pub(super) fn published(&self) -> Option<(u16, String, u16)> {
        if !self.0.first()?.ends_with("docker-proxy") {
            return None;
        }
        let port = |flag: &str| self.value(&[flag]).and_then(|value| value.parse().ok());
        Some((port("-host-port")?, self.value(&["-container-ip"])?.to_owned(), port("-container-port")?))
    }
}

/// Names of variables, of `/proc/PID/environ`: only those of settings are kept.
pub(super) fn variables(environ: &[u8]) -> Vec<String> {
    let names = environ.split(|byte| *byte == 0).filter_map(|entry| entry.split(|byte| *byte == b'=').next());
    let names = names.map(|name| String::from_utf8_lossy(name).into_owned());
    names.filter(|name| SETTINGS.iter().any(|(_, _, known)| known.contains(&name.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Command {
        Command::parse(text.replace(' ', "\0").as_bytes())
    }

    #[test]
    fn servers_are_known_by_their_command_line() {
        for (text, kind) in [
            ("/usr/local/bin/ollama serve", Some(Kind::Ollama)),
            ("ollama runner --model x", None),
            ("ollama run llama3", None),
            ("/opt/llama-server -m x.gguf --port 8081", Some(Kind::LlamaCpp)),
            ("/usr/bin/python3 /usr/local/bin/vllm serve Qwen/Qwen3-8B", Some(Kind::Vllm)),
            ("vllm serve x", Some(Kind::Vllm)),
            ("python -m vllm.entrypoints.openai.api_server --model x", Some(Kind::Vllm)),
            ("python3 -m sglang.launch_server --model-path x", Some(Kind::Sglang)),
            ("python3 -m http.server", None),
            ("python3", None),
            ("text-generation-router --port 80", Some(Kind::Tgi)),
            ("/app/llama-swap -config x -listen 0.0.0.0:9292", Some(Kind::LlamaSwap)),
            ("vim ollama serve", None),
        ] {
            assert_eq!(command(text).kind(), kind, "{text}");
        }
    }

    #[test]
    fn ports_are_those_that_are_set() {
        assert_eq!(command("llama-server --port 8081").port(), Some(8081));
        assert_eq!(command("vllm serve x --port=9000").port(), Some(9000));
        assert_eq!(command("llama-swap -listen 0.0.0.0:9292").port(), Some(9292));
        assert_eq!(command("llama-server --port").port(), None);
        let proxy = command(
            "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 11435 -container-ip 172.17.0.2 -container-port 11434",
        );
        assert_eq!(proxy.published(), Some((11435, "172.17.0.2".to_owned(), 11434)));
    }

    #[test]
    fn only_known_settings_are_taken_and_no_value_of_the_environment() {
        let variables = variables(b"OLLAMA_KV_CACHE_TYPE=q8_0\0SECRET=x\0OLLAMA_FLASH_ATTENTION=1\0");
        assert_eq!(variables, ["OLLAMA_KV_CACHE_TYPE", "OLLAMA_FLASH_ATTENTION"]);
        let settings =
            command("llama-server -c 4096 --ctx-size 8192 -fa --api-key s3cret -ngl 99").settings(&variables);
        let shown: Vec<String> = settings.iter().map(|s| format!("{} {}", s.name, s.set)).collect();
        assert_eq!(
            shown,
            ["context 8192", "flash attention on", "KV cache type by OLLAMA_KV_CACHE_TYPE", "offload 99"]
        );
    }

    #[test]
    fn sleeping_is_known_or_may_be() {
        let known = |text: &str, variables: Option<&[String]>| command(text).sleeps(variables);
        assert_eq!(known("llama-server", Some(&[])), Sleeps::Never);
        assert_eq!(known("llama-server", None), Sleeps::Perhaps, "its environment cannot be read");
        assert_eq!(known("llama-server --sleep-idle-seconds 60", None), Sleeps::After(Duration::from_secs(60)));
        assert_eq!(known("llama-server --sleep-idle-seconds -1", None), Sleeps::Never);
        assert!(command("llama-server").unified() && !command("llama-server -np 4").unified());
    }

    #[test]
    fn other_programs_that_speak_openai_s_form_are_known_too() {
        for name in ["koboldcpp", "local-ai", "mistralrs-server", "tabbyapi"] {
            assert_eq!(command(&format!("/opt/{name} --port 1")).kind(), Some(Kind::OpenAi), "{name}");
        }
        assert_eq!(command("sglang serve --model x").kind(), Some(Kind::Sglang));
        assert_eq!((command("sglang bench").kind(), command("vllm bench").kind()), (None, None));
        assert_eq!(command("python3 -u /opt/vllm serve x").kind(), Some(Kind::Vllm), "flags of python's own");
        let named = ["LLAMA_ARG_SLEEP_IDLE_SECONDS".to_owned()];
        assert_eq!(command("llama-server").sleeps(Some(&named)), Sleeps::Perhaps, "its value is not read");
    }
}
