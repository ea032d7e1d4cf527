"""Vectors of whole clips: of our listeners, and of a small CLAP model made here."""

import numpy as np
import pytest
import torch

from auris.audio import Audio
from auris.channels import ChannelLayout, mono, stereo
from auris.errors import CheckpointError, LayoutError
from auris.models import create
from auris.models.audio_embedding import ClapEmbedder, ListenerEmbedder


@pytest.fixture(scope="module")
def embedder():
    torch.manual_seed(0)
    listener = create("seld_crnn", labels=["dog", "rain", "speech"], layout="stereo", sample_rate=16_000, window=640, hop=320)
    return ListenerEmbedder(listener.eval())


def noise(seed, *, channels=2, seconds=1.0, rate=16_000, layout=None):
    samples = np.random.default_rng(seed).normal(scale=0.1, size=(channels, round(seconds * rate))).astype(np.float32)
    return Audio(samples, rate, layout or stereo())


def test_different_clips_have_different_vectors_of_one_width(embedder):
    first, second, longer = embedder.embedded(noise(1)), embedder.embedded(noise(2)), embedder.embedded(noise(1, seconds=2.5))
    assert first.shape == second.shape == longer.shape
    assert not np.allclose(first, second)
    assert np.array_equal(first, embedder.embedded(noise(1)))


def test_a_clip_at_another_rate_is_resampled(embedder):
    assert embedder.embedded(noise(1, rate=44_100)).shape == embedder.embedded(noise(1)).shape


def test_probabilities_are_one_number_for_each_class(embedder):
    heard = embedder.probabilities(noise(3))
    assert heard.shape == (3,)
    assert (heard >= 0).all()
    assert embedder.embedded_text("a dog") is None


def test_another_layout_is_refused(embedder):
    with pytest.raises(LayoutError, match="stereo"):
        embedder.embedded(noise(1, layout=ChannelLayout.parse("binaural")))


def test_clap_puts_clips_and_words_into_one_space():
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    class Processor:
        """What a ClapProcessor does, with one letter a token."""

        def __call__(self, *, text=None, audio=None, sampling_rate=None, return_tensors=None, padding=True):
            if audio is not None:
                return ClapFeatureExtractor()(audio, sampling_rate=sampling_rate, return_tensors=return_tensors)
            ids = torch.tensor([[2 + ord(letter) % 90 for letter in text[0]]])
            return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    torch.manual_seed(0)
    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 100}
    audio = {
        "patch_embeds_hidden_size": 16,
        "hidden_size": 128,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 1, 1],
        "enable_fusion": True,
    }
    config = ClapConfig(text_config=small, audio_config=audio, projection_dim=24)
    clap = ClapEmbedder(ClapModel(config), Processor())
    assert clap.embedded(noise(1, channels=1, layout=mono())).shape == clap.embedded_text("a dog barks").shape == (24,)
    assert clap.probabilities(noise(1)) is None


def test_a_clap_model_that_is_not_here_is_named_with_what_fetches_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CheckpointError, match="hf download nobody/clap"):
        ClapEmbedder.loaded("nobody/clap")
