"""Language models that hear, in sizes that a test can afford; their random weights say much about nothing."""

import functools
from pathlib import Path

import torch
import transformers

from auris.models.bat import Bat
from auris.models.bat_config import LANGUAGE_MODEL, BatConfig, LoraSettings, SmallLanguageModel, WritingSettings
from auris.models.language_models import (
    load_language_model,
    load_tokenizer,
    new_language_model,
    new_tokenizer,
    save_language_model,
    with_adapters,
)
from auris.models.projectors import ProjectorConfig
from auris.models.spatial_ast import SpatialAst, SpatialAstConfig

TEXTS = (
    "Based on the audio you've heard, refer to the instruction and provide a response.",
    "Is the dog to the left of the alarm clock? Where is the rain? How far away is it?",
    "left, behind, below; 2.5m right, front, above; 0.5m yes no dog; speech rain alarm clock",
)
QUESTIONS = ("Where is the dog?", "Is the rain to the left of the alarm clock, and how far away is it?", "Rain?")
PROJECTORS = {
    "qformer": ProjectorConfig(queries=4, layers=2, width=64, heads=1, inner=32),
    "mlp": ProjectorConfig(kind="mlp", inner=32),
}


def ears(seed=0, **config):
    """A small Spatial-AST that hears a second."""
    torch.manual_seed(seed)
    sizes = {"width": 48, "depth": 1, "heads": 2, "sample_rate": 8000, "clip_seconds": 1.0, "n_fft": 256, "hop": 80}
    sizes |= {"bands": 32, "high": 4000.0, "frames": 112}
    return spread(SpatialAst(SpatialAstConfig(labels=("dog", "rain"), **(sizes | config)))).eval()


def spread(model):
    """Make random weights of a transformer so large, against its words, that different inputs end differently."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                words = any(part in name for part in ("embed", "lm_head", "wte", "wpe"))
                parameter.normal_(std=0.3 if words else 2 * parameter.shape[1] ** -0.5)
    return model


@functools.cache
def tokenizer():
    return new_tokenizer(TEXTS, words=320)


def language_model(seed=0, **sizes):
    torch.manual_seed(seed)
    small = {"words": 320, "width": 32, "layers": 2, "heads": 2, "inner": 64, "context": 200} | sizes
    return spread(new_language_model(SmallLanguageModel(**small), tokenizer())).eval()


def saved_language_model(folder, model=None):
    save_language_model(model or language_model(), tokenizer(), folder)
    return Path(folder)


def whole(kind="qformer", *, model=None, words=None, **config):
    """A model whose language model belongs to it."""
    torch.manual_seed(1)
    settings = {"language_model": LANGUAGE_MODEL, "lora": None, "projector": PROJECTORS[kind]}
    settings |= {"writing": WritingSettings(beams=1, longest=12)}
    config = BatConfig(**(settings | config))
    return Bat(config, encoder=ears(), language_model=model or language_model(), tokenizer=words or tokenizer()).eval()


def adapted(folder, kind="qformer", **config):
    """A model with adapters, not new ones, of the language model in a folder."""
    lora = config.pop("lora", LoraSettings(rank=4))
    writer = with_adapters(load_language_model(str(folder)), lora)
    torch.manual_seed(2)
    for name, parameter in writer.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter.data, std=0.3)
    settings = {"language_model": str(folder), "lora": lora, "projector": PROJECTORS[kind]}
    settings |= {"writing": WritingSettings(beams=1, longest=12)}
    return Bat(
        BatConfig(**(settings | config)), encoder=ears(), language_model=writer, tokenizer=load_tokenizer(str(folder))
    ).eval()


def waves(count=3, seed=5):
    """Clips of a second for two ears, ``(count, 2, 8000)``."""
    return torch.randn(count, 2, 8000, generator=torch.Generator().manual_seed(seed))


def other_families():
    """Small models of other families, by name."""
    words, end = len(tokenizer()), tokenizer().eos_token_id
    shared = {"vocab_size": words, "bos_token_id": tokenizer().bos_token_id, "eos_token_id": end}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    sizes |= {"num_key_value_heads": 1, "max_position_embeddings": 128}
    return {
        "gpt2": lambda: transformers.GPT2LMHeadModel(
            transformers.GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=128, **shared)
        ),
        "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**sizes, **shared)),
        "mistral": lambda: transformers.MistralForCausalLM(transformers.MistralConfig(sliding_window=16, **sizes, **shared)),
        "bloom": lambda: transformers.BloomForCausalLM(transformers.BloomConfig(hidden_size=32, n_layer=2, n_head=2, **shared)),
    }
