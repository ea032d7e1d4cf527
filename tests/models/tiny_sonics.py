"""SpatialSonics in sizes that a test can afford; their random weights say much about nothing."""

import functools

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from auris.models.spatialsonic import DitConfig, PositionConfig, SpatialSonicConfig, VaeConfig
from auris.models.spatialsonic.config import TEXT_ENCODER
from auris.models.spatialsonic.network import SpatialSonic
from auris.models.spatialsonic.prompt_encoder import PromptEncoder

WIDTH, TOKENS = 32, 16
WORDS = ("<pad>", "</s>", "<unk>", "a", "dog", "barks", "on", "the", "left", "right", "rain", "falls", "and", "then")


def tokenizer():
    """Words to numbers, and the end of a text, as T5 has it."""
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


@functools.cache
def prompt_encoder(width=WIDTH):
    torch.manual_seed(3)
    sizes = {"d_model": width, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    t5 = transformers.T5EncoderModel(transformers.T5Config(vocab_size=len(WORDS), **sizes))
    return PromptEncoder(t5, tokenizer(), tokens=TOKENS)


def config(**changes):
    sizes = {
        "sample_rate": 8000,
        "longest": 1.0,
        "vae": VaeConfig(latents=4, width=4, multiples=(1, 2), strides=(4, 8)),
        "dit": DitConfig(depth=1, heads=2, head_width=32),
        "condition_width": WIDTH,
        "prompt_encoder": TEXT_ENCODER,
        "prompt_tokens": TOKENS,
        "position": PositionConfig(layers=1, heads=2),
    }
    return SpatialSonicConfig(**(sizes | changes))


def sonic(**changes):
    torch.manual_seed(5)
    return SpatialSonic(config(**changes), prompt_encoder=prompt_encoder()).eval()
