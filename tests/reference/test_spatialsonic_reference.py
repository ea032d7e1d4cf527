"""The parts of SpatialSonic against the published code, at tiny sizes (the manifests say what each array is)."""

from __future__ import annotations

import functools

import fill
import numpy as np
import pytest
import torch
from transformers import T5Config, T5EncoderModel

from auris.models.checkpoint_conversion.spatialsonic_names import sources
from auris.models.diffusion import guided
from auris.models.spatialsonic import AzimuthTrack, DitConfig, SpatialSonicConfig, VaeConfig
from auris.models.spatialsonic.azimuth_matrix import active_rows, azimuth_matrix, state_matrices
from auris.models.spatialsonic.network import SpatialSonic
from auris.models.spatialsonic.prompt_encoder import PromptEncoder

VAE, DIT, T5, POSITION = "stable_audio_vae_tiny", "stable_audio_dit_tiny", "t5_prompt_conditioning", "bewo_position_conditioner"
SIZES = {"condition_width": 64, "dit": DitConfig(depth=2, heads=2)}
CONFIGS = {
    VAE: SpatialSonicConfig(
        sample_rate=16_000, vae=VaeConfig(latents=4, width=8, multiples=(1, 2, 4), strides=(2, 4, 8)), position=None, **SIZES
    ),
    DIT: SpatialSonicConfig(
        prompt_tokens=12, vae=VaeConfig(latents=8, width=8, multiples=(1,), strides=(2,)), position=None, **SIZES
    ),
    POSITION: SpatialSonicConfig(vae=VaeConfig(latents=4, width=8, multiples=(1,), strides=(2,)), **SIZES),
}


def close(found, wanted, tolerance=1e-4):
    """Equal as far as the largest number lets one say."""
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max()) <= tolerance * float(np.abs(wanted).max())


def tensors(fixture):
    return {name: torch.from_numpy(array) for name, array in fill.weights(fixture).items()}


def filled(config, weights, encoder=None):
    """A model with the weights of a fixture, by the names of a checkpoint; the rest of it is as it begins."""
    torch.manual_seed(0)
    model = SpatialSonic(config, prompt_encoder=encoder).eval()
    ours = model.state_dict()
    places = sources(config, ours)
    assert not weights.keys() - places.keys()
    for name, value in weights.items():
        for target, part in places[name].split(value, ours):
            ours[target].copy_(part)
    return model


@functools.cache
def autoencoder(snakes="own"):
    weights = tensors(VAE)
    if snakes == "shared":  # as in the fork that SpatialSonic was trained with
        for name in list(weights):
            last = name.replace(".layers.0.alpha", ".layers.2.alpha").replace(".layers.0.beta", ".layers.2.beta")
            if last != name and last in weights:
                weights[name] = weights[last]
    return filled(CONFIGS[VAE], weights)


@pytest.mark.parametrize("fixture", [VAE])
@torch.inference_mode()
def test_the_autoencoder_encodes(fixture):
    wanted, model = fill.expected(fixture), autoencoder()
    wave = np.stack([fill.waveform(11, 2, 2048), 0.3 * fill.waveform(12, 2, 2048)]).astype(np.float32)
    found = model.vae.encode(torch.from_numpy(wave)).latent_dist
    assert close(found.parameters, wanted["encoder_out"])
    assert close(found.std, wanted["std"])
    assert close(found.kl()[None], wanted["kl"])
    assert close(model.encode(torch.from_numpy(wave)), wanted["mean"])
    # What is left behind the last whole frame changes nothing.
    assert close(model.encode(torch.from_numpy(np.pad(wave, ((0, 0), (0, 0), (0, 63))))), wanted["mean"])


@pytest.mark.parametrize("fixture", [VAE])
@pytest.mark.parametrize(
    ("latents", "decoded"), [("mean", "decoded_mean"), ("z", "decoded_z"), ("latent_in", "decoded_latent")]
)
@torch.inference_mode()
def test_the_autoencoder_decodes(fixture, latents, decoded):
    wanted = fill.expected(fixture)
    assert close(wanted["mean"] + wanted["std"] * wanted["eps"], wanted["z"])
    assert close(autoencoder().decode(torch.from_numpy(wanted[latents])), wanted[decoded])


@pytest.mark.parametrize("fixture", [VAE])
@torch.inference_mode()
def test_the_autoencoder_of_the_fork_is_one_with_equal_activations(fixture):
    wanted, model = fill.expected(fixture), autoencoder("shared")
    wave = np.stack([fill.waveform(11, 2, 2048), 0.3 * fill.waveform(12, 2, 2048)]).astype(np.float32)
    assert close(model.encode(torch.from_numpy(wave)), wanted["tied_mean"])
    assert close(model.decode(torch.from_numpy(wanted["latent_in"])), wanted["tied_decoded_latent"])
    assert not close(model.encode(torch.from_numpy(wave)), wanted["mean"])


@pytest.mark.parametrize("fixture", [DIT])
@torch.inference_mode()
def test_the_transformer_predicts(fixture):
    wanted, weights = fill.expected(fixture), tensors(fixture)
    weights.pop("model.model.transformer.rotary_pos_emb.inv_freq", None)
    model = filled(CONFIGS[fixture], weights)
    given = {name: torch.from_numpy(wanted[name]) for name in ("x", "t", "prompt_embeds", "seconds_start", "seconds_total")}
    start, total = model.numbers(given["seconds_start"], given["seconds_total"])
    assert close(start, wanted["seconds_start_embed"])
    assert close(total, wanted["seconds_total_embed"])
    times = model.dit.time_proj(given["t"])
    assert close(times, wanted["timestep_features"])
    assert close(model.dit.timestep_proj(times), wanted["timestep_embed"])

    def conditions(drop, copies=1):
        prompts, begins, lengths = (
            torch.cat([given[name]] * copies) for name in ("prompt_embeds", "seconds_start", "seconds_total")
        )
        sounds = [[]] * len(prompts)
        drops = [one for one in drop for _ in range(2)]
        return model.context(prompts, sounds, seconds_start=begins, seconds_total=lengths, drop=drops)

    context, whole = conditions(["nothing"])
    assert close(context, wanted["cross_attn_cond"])
    assert close(whole, wanted["global_cond"])
    assert close(model.velocity(given["x"], given["t"], context, whole), wanted["v_cond"])
    without = conditions(["all"])
    assert not without.context.any()
    assert close(model.velocity(given["x"], given["t"], *without), wanted["v_uncond"])
    both = conditions(["nothing", "all"], copies=2)
    for name, rescale in (("v_cfg7p5", 0.0), ("v_cfg7p5_phi0p75", 0.75)):
        velocity = guided(lambda x, t: model.velocity(x, t, *both), scale=7.5, rescale=rescale)
        assert close(velocity(given["x"], given["t"]), wanted[name])


@pytest.mark.parametrize("fixture", [POSITION])
def test_the_azimuth_matrix_has_the_published_rows(fixture):
    wanted = fill.expected(fixture)
    for (start, end, speed), rows in zip(wanted["case_params"].tolist(), wanted["row_index_768"], strict=True):
        assert np.array_equal(active_rows(AzimuthTrack(start, end, speed), 768), rows), (start, end, speed)
    bells = [azimuth_matrix(AzimuthTrack(1 + row / 4, 1 + row / 4), 3)[:, 1] for row in range(17)]
    np.testing.assert_allclose(torch.stack(bells), wanted["gaussian_columns"], rtol=1e-5, atol=1e-7)


def tracks(clip):
    return [AzimuthTrack(start, end, speed, "coarse" if coarse else "fine") for start, end, speed, coarse in clip]


@pytest.mark.parametrize("fixture", [POSITION])
@torch.inference_mode()
def test_position_tokens(fixture):
    wanted, model = fill.expected(fixture), filled(CONFIGS[fixture], tensors(fixture))
    matrices = state_matrices([tracks(clip) for clip in fill.manifest(fixture)["positions"]], sounds=4, columns=64)
    np.testing.assert_allclose(matrices, wanted["state_matrices"], rtol=1e-5, atol=1e-7)
    found = model.position(torch.from_numpy(wanted["text"]), matrices)
    np.testing.assert_allclose(found, wanted["position_tokens"], rtol=1e-4, atol=1e-5)


@functools.cache
def with_prompts():
    weights, facts = tensors(T5), fill.manifest(T5)
    words = {name.removeprefix("t5."): weights.pop(name) for name in list(weights) if name.startswith("t5.")}
    words["encoder.embed_tokens.weight"] = words["shared.weight"]
    t5 = T5EncoderModel(T5Config(**facts["t5_config"]))
    t5.load_state_dict(words)
    return filled(CONFIGS[POSITION], weights, PromptEncoder(t5, None, tokens=128))


@pytest.mark.parametrize("fixture", [T5])
@torch.inference_mode()
def test_conditions_stand_in_their_order(fixture):
    wanted, model = fill.expected(fixture), with_prompts()
    ids, mask = torch.from_numpy(wanted["input_ids"]), torch.from_numpy(wanted["attention_mask"])
    words = model.prompt_encoder.encoded(ids, mask)
    assert words.shape == (3, 128, 64)
    assert not words[:, 48:].any()
    assert close(words[:, :48], wanted["prompt_fp32"])
    assert close(words[:, :48], wanted["prompt_fp16"], tolerance=2e-2)
    # The published program runs T5 in float16: its conditions are ours, computed from such words.
    halves = torch.zeros(3, 128, 64)
    halves[:, :48] = torch.from_numpy(wanted["prompt_fp16"])
    clips = fill.manifest(fixture)["conditioning"]
    for given, tolerance in ((halves, 1e-4), (words, 2e-2)):
        context, whole = model.context(
            given,
            [tracks(clip["position"]) for clip in clips],
            seconds_start=[clip["seconds_start"] for clip in clips],
            seconds_total=[clip["seconds_total"] for clip in clips],
        )
        assert context.shape == (3, 258, 64)
        kept = torch.cat([context[:, :48], context[:, 128:]], dim=1)
        assert close(kept, wanted["cross_attn_cond"], tolerance)
        assert close(whole, wanted["global_cond"])
