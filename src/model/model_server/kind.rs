//! The programs that serve models, and how they are recognised.

use serde::{Deserialize, Serialize};

/// A program that serves models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Ollama,
    /// With one model.
    LlamaCpp,
    /// Starts one server for each of several models.
    LlamaRouter,
    Vllm,
    Sglang,
    Tgi,
    LmStudio,
    LlamaSwap,
    /// Anything else that answers `/v1/models`.
    #[default]
    OpenAi,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Ollama,
        Kind::LlamaCpp,
        Kind::LlamaRouter,
        Kind::Vllm,
        Kind::Sglang,
        Kind::Tgi,
        Kind::LmStudio,
        Kind::LlamaSwap,
        Kind::OpenAi,
    ];

    /// As the config and JSON spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ollama => "ollama",
            Kind::LlamaCpp => "llama.cpp",
            Kind::LlamaRouter => "llama.cpp-router",
            Kind::Vllm => "vllm",
            Kind::Sglang => "sglang",
            Kind::Tgi => "tgi",
            Kind::LmStudio => "lmstudio",
            Kind::LlamaSwap => "llama-swap",
            Kind::OpenAi => "openai",
        }
    }

    /// As its makers write it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Kind::Ollama => "Ollama",
            Kind::LlamaCpp => "llama.cpp",
            Kind::LlamaRouter => "llama.cpp router",
            Kind::Vllm => "vLLM",
            Kind::Sglang => "SGLang",
            Kind::Tgi => "TGI",
            Kind::LmStudio => "LM Studio",
            Kind::LlamaSwap => "llama-swap",
            Kind::OpenAi => "OpenAI-compatible",
        }
    }

    #[must_use]
    pub fn find(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The port that it listens on unless it is set.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Kind::Ollama => 11434,
            Kind::LlamaCpp | Kind::LlamaRouter | Kind::LlamaSwap | Kind::OpenAi => 8080,
            Kind::Vllm => 8000,
            Kind::Sglang => 30000,
            Kind::Tgi => 3000,
            Kind::LmStudio => 1234,
        }
    }

    /// It writes no line into its log for what is asked in each round: it can be asked often.
    #[must_use]
    pub fn is_silent(self) -> bool {
        matches!(self, Kind::LlamaCpp | Kind::LlamaRouter)
    }

    /// What gives its figures, where they are not on by themselves.
    #[must_use]
    pub fn switch(self) -> Option<&'static str> {
        match self {
            Kind::LlamaCpp | Kind::LlamaRouter => Some("--metrics"),
            Kind::Sglang => Some("--enable-metrics"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::find(kind.name()), Some(kind));
            assert!(!kind.title().is_empty() && kind.port() > 1023);
        }
        assert_eq!(Kind::find("Ollama"), None, "as the config spells it");
        assert_eq!(Kind::ALL.map(|kind| kind.switch().is_some()).iter().filter(|switch| **switch).count(), 3);
    }
}
