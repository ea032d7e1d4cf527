"""SpatialSonic: what it is conditioned with, what it writes, and model folders."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tiny_sonics
import torch
import transformers
from safetensors.torch import load_file, save_file

from auris import models
from auris.channels import ambisonics, stereo
from auris.errors import AurisError, CheckpointError, ParameterError
from auris.models.generating import GenerationRequest, Generator, SoundRequest
from auris.models.pretrained import weights_unset
from auris.models.spatialsonic import AzimuthTrack, DitConfig, PositionConfig, SamplingSettings, SpatialSonicConfig, VaeConfig
from auris.models.spatialsonic.network import SpatialSonic
from auris.models.spatialsonic.prompt_encoder import load_prompt_encoder

DOG, RAIN = SoundRequest("dog", 1, 5, 0.6), SoundRequest("rain", 3, 3)
REQUEST = GenerationRequest("a dog barks on the left", (DOG, RAIN), seconds=0.5)
PROMPTS = ["a dog barks", "rain falls on the left and then on the right"]
TRACKS = [[AzimuthTrack(1, 5, 0.5)], []]


@pytest.fixture(scope="module")
def model():
    return tiny_sonics.sonic()


def conditions(model, prompts=PROMPTS, tracks=TRACKS, drop=None, total=10.0):
    count = len(prompts)
    with torch.inference_mode():
        return model.context(prompts, tracks, seconds_start=[0.0] * count, seconds_total=[total] * count, drop=drop)


def test_it_is_a_generator(model):
    assert isinstance(model, Generator)
    assert (model.layout, model.sample_rate, model.longest, model.labels) == (stereo(), 8000, 1.0, None)


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.0])
def test_a_clip_has_whole_frames_and_is_finite(model, seconds):
    steps = []
    request = dataclasses.replace(REQUEST, seconds=seconds)
    audio = model.generate(request, seed=1, steps=3, report=lambda done, of: steps.append((done, of)))
    assert audio.length == round(seconds * 8000) // 32 * 32
    assert (audio.sample_rate, audio.layout) == (8000, stereo())
    assert np.abs(audio.samples).max() > 0
    assert steps == [(1, 3), (2, 3), (3, 3)]


def written(model, request=REQUEST, *, seed=1, steps=3, **settings):
    return model.generate(request, seed=seed, steps=steps, **settings).samples


def test_the_same_seed_writes_the_same_and_everything_asked_for_changes_it(model):
    once = written(model)
    assert np.array_equal(once, written(model))
    others = [
        written(model, seed=2),
        written(model, steps=4),
        written(model, guidance=2.0),
        written(model, dataclasses.replace(REQUEST, prompt="rain falls")),
        written(model, dataclasses.replace(REQUEST, sounds=(RAIN, DOG))),
        written(model, dataclasses.replace(REQUEST, sounds=())),
    ]
    assert all(np.abs(other - once).max() > 1e-5 * np.abs(once).max() for other in others)


def test_a_training_may_ask_for_a_clip():
    model = tiny_sonics.sonic().train()
    assert np.array_equal(written(model), written(model))  # nothing is dropped out
    assert model.training
    assert not model.prompt_encoder.training
    # What generation computed for itself does not keep training from its gradients.
    predicted = model.velocity(torch.randn(1, 4, 125), torch.rand(1), *conditions_with_gradients(model))
    predicted.square().mean().backward()
    frozen = {name for name, parameter in model.named_parameters() if parameter.grad is None and not name.startswith("vae.")}
    assert frozen == {"dit.time_proj.weight", "position.cross_a2t.embedding.weight", "position.cross_a2t.embedding.bias"}


def conditions_with_gradients(model):
    return model.context(PROMPTS[:1], TRACKS[:1], seconds_start=[0.0], seconds_total=[1.0])


def test_clips_of_a_batch_do_not_change_one_another(model):
    together, alone = (
        conditions(model),
        [conditions(model, [prompt], [track]) for prompt, track in zip(PROMPTS, TRACKS, strict=True)],
    )
    for number, one in enumerate(alone):
        torch.testing.assert_close(together.context[number], one.context[0], rtol=1e-4, atol=1e-5)
    latents, t = torch.randn(2, 4, 20), torch.tensor([0.2, 0.9])
    with torch.inference_mode():
        both = model.velocity(latents, t, *together)
        for number, one in enumerate(alone):
            single = model.velocity(latents[number : number + 1], t[number : number + 1], *one)
            torch.testing.assert_close(both[number], single[0], rtol=1e-4, atol=1e-5)


def test_what_is_dropped_is_zero_and_keeps_its_place(model):
    prompt, position = slice(0, 16), slice(18, 34)
    whole = conditions(model)
    assert whole.context.shape == (2, 34, 32)
    words = conditions(model, drop=["position"] * 2)
    assert not words.context[:, position].any()
    assert torch.equal(words.context[:, :18], whole.context[:, :18])
    places = conditions(model, drop=["text"] * 2)
    assert not places.context[:, prompt].any()
    assert places.context[:, position].any()
    # Where the text is dropped, nothing of it comes back by way of the positions.
    others = conditions(model, PROMPTS[::-1], drop=["text"] * 2)
    assert torch.equal(others.context, places.context)
    nothing = conditions(model, drop=["all", "nothing"])
    assert not nothing.context[0].any()
    torch.testing.assert_close(nothing.context[1], whole.context[1])
    assert torch.equal(nothing.globals, whole.globals)


def test_prompts_can_be_encoded_beforehand(model):
    tokens = model.prompt_encoder(PROMPTS)
    assert torch.equal(conditions(model, tokens).context, conditions(model).context)


def test_a_prompt_that_is_too_long_is_cut(model):
    assert model.prompt_encoder(["a dog barks " * 40]).shape == (1, 16, 32)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tracks": TRACKS[:1]}, "got 2, 1, 2 and 2"),
        ({"drop": ["all"]}, "got 1 for 2"),
        ({"drop": ["all", "words"]}, "unknown drop 'words'"),
        ({"tracks": [[], [AzimuthTrack(1, 1)] * 5]}, "at most 4 sounds"),
        ({"prompts": [], "tracks": []}, "every clip has a prompt"),
    ],
)
def test_conditions_that_do_not_fit_are_refused(model, arguments, said):
    with pytest.raises(ParameterError, match=said):
        conditions(model, **arguments)


def test_words_and_directions_are_guided_apart_where_training_told_them_apart():
    model = tiny_sonics.sonic(drops="separate")
    plain = written(model, guidance=3.0)
    np.testing.assert_allclose(written(model, guidance=3.0, guidance_position=3.0), plain, atol=1e-6)
    assert np.abs(written(model, guidance=3.0, guidance_position=0.0) - plain).max() > 1e-5 * np.abs(plain).max()
    # Without guidance by positions, it does not matter where the sounds are.
    elsewhere = dataclasses.replace(REQUEST, sounds=(RAIN,))
    unplaced = [written(model, request, guidance_position=0.0) for request in (REQUEST, elsewhere)]
    np.testing.assert_allclose(*unplaced, rtol=1e-3, atol=1e-4 * np.abs(unplaced[0]).max())


@pytest.mark.parametrize(
    ("seconds", "settings", "said"),
    [
        (1.5, {}, "writes clips of 0.004 to 1 s, 1.5 s are asked for"),
        (0.001, {}, "0.001 s are asked for"),
        (0.5, {"guidance_position": 2.0}, "words and directions together"),
        (0.5, {"steps": 0}, "at least 1 step"),
        (0.5, {"guidance": float("nan")}, "finite number"),
        (0.5, {"seed": -1}, "a seed is an integer of at least 0"),
    ],
)
def test_what_cannot_be_written_is_refused(model, seconds, settings, said):
    with pytest.raises(ParameterError, match=said):
        model.generate(dataclasses.replace(REQUEST, seconds=seconds), **({"seed": 1} | settings))


def test_numbers_that_are_not_finite_are_not_written():
    model = tiny_sonics.sonic()
    torch.nn.init.constant_(model.dit.proj_out.weight, float("inf"))
    with pytest.raises(AurisError, match="NaN or infinite"):
        written(model)


@pytest.mark.parametrize("layout", ["foa", "mono"])
def test_it_writes_other_layouts(layout):
    model = tiny_sonics.sonic(layout=layout)
    audio = model.generate(REQUEST, seed=1, steps=2)
    assert audio.layout.name == layout
    wave = torch.randn(2, audio.channels, 1000)
    latents = model.encode(wave)
    assert latents.shape == (2, 4, 31)
    assert model.decode(latents).shape == (2, audio.channels, 992)
    assert ambisonics().channels == 4


def test_latents_are_means_or_draws(model):
    wave = torch.randn(1, 2, 320)
    draws = [model.encode(wave, sample="random", generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(model.encode(wave), model.encode(wave))


def test_a_model_without_positions_reads_the_prompt_alone():
    model = tiny_sonics.sonic(position=None)
    assert conditions(model).context.shape == (2, 18, 32)
    assert np.array_equal(written(model), written(model, dataclasses.replace(REQUEST, sounds=())))


def test_times_close_to_one_another_stay_apart_in_half_precision():
    model = tiny_sonics.sonic().placed("cpu", precision="bfloat16")
    assert model.dit.proj_in.weight.dtype == torch.bfloat16
    assert model.vae.dtype == model.dit.time_proj.weight.dtype == torch.float32
    late = torch.tensor([0.9987, 0.9989])  # levels of noise of 490 and 579, the same number in bfloat16
    assert late.bfloat16().unique().numel() == 1
    features = model.dit.time_proj(late)
    assert (features[0].float() - features[1].float()).abs().max() > 0
    assert np.isfinite(written(model)).all()
    with pytest.raises(ParameterError, match="unknown precision 'half'"):
        model.placed("cpu", precision="half")


@pytest.mark.parametrize("position", [PositionConfig(), None])
def test_the_published_sizes(position):
    """Shapes alone: ten seconds are 215 latents, and the conditions 258 tokens or 130."""
    config = SpatialSonicConfig(position=position)
    assert config.latent_frames(441_000) == 215
    assert config.vae.hop == 2048
    assert config.context_tokens == (130 if position is None else 258)
    with weights_unset():
        model = SpatialSonic(config)
    millions = {name: sum(p.numel() for p in part.parameters()) / 1e6 for name, part in model.named_children()}
    wanted = {"vae": 156.11, "dit": 1056.94, "numbers": 0.397} | ({} if position is None else {"position": 29.53})
    assert millions == pytest.approx(wanted, abs=0.01)


def test_the_published_lengths_go_through_a_small_transformer():
    model = tiny_sonics.sonic(
        prompt_tokens=128, longest=10.0, vae=VaeConfig(latents=4, width=4, multiples=(1,), strides=(2048,)), sample_rate=44_100
    )
    words = torch.randn(2, 128, 32)
    context, whole = model.context(words, [[], []], seconds_start=[0, 0], seconds_total=[10, 10])
    assert context.shape == (2, 258, 32)
    assert model.velocity(torch.randn(2, 4, 215), torch.rand(2), context, whole).shape == (2, 4, 215)


def test_a_model_folder_holds_the_same_model(model, tmp_path):
    models.save_pretrained(model, tmp_path / "sonic", card="# Tiny\n")
    loaded = models.from_pretrained(tmp_path / "sonic")
    assert loaded.name == "sonic"
    assert not loaded.training
    assert loaded.config == model.config
    assert np.array_equal(written(loaded), written(model))
    told = models.describe(tmp_path / "sonic")
    assert (told["task"], told["layout"], told["architecture"]) == ("generate", "stereo", "spatialsonic")
    assert not any(name.startswith("prompt") for name in loaded.state_dict())
    # Its prompt encoder was loaded while a clip was written; training can use it as well.
    conditions_with_gradients(loaded).context.square().mean().backward()


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "sonic", card="# Tiny\n")
    return tmp_path / "sonic"


def changed(folder, **changes):
    file = folder / "config.json"
    plain = json.loads(file.read_text())
    plain["config"] |= changes
    file.write_text(json.dumps(plain))


def test_a_prompt_encoder_can_lie_elsewhere(model, folder, tmp_path):
    shutil.move(folder / "text_encoder", tmp_path / "words")
    with pytest.raises(CheckpointError, match="text_encoder"):
        models.from_pretrained(folder)
    loaded = SpatialSonic.from_pretrained(folder, prompt_encoder=tmp_path / "words")
    assert torch.equal(conditions(loaded).context, conditions(model).context)


def test_a_prompt_encoder_that_was_not_fetched_is_named(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    changed(folder, prompt_encoder="somebody/small-t5")
    with pytest.raises(CheckpointError, match="hf download somebody/small-t5"):
        models.from_pretrained(folder)
    loaded = SpatialSonic.from_pretrained(folder, prompts="unused")
    assert loaded.encode(torch.zeros(1, 2, 64)).shape == (1, 4, 2)
    with pytest.raises(CheckpointError, match="hf download somebody/small-t5"):
        loaded.generate(REQUEST, seed=1)


def test_a_prompt_encoder_of_another_width_is_refused(folder, tmp_path):
    tiny_sonics.prompt_encoder(width=16).save(tmp_path / "narrow")
    with pytest.raises(CheckpointError, match="tokens of 16 numbers, the model reads 32"):
        SpatialSonic.from_pretrained(folder, prompt_encoder=tmp_path / "narrow")


def test_a_whole_t5_serves_as_prompt_encoder(tmp_path):
    """The published encoder is fetched as a model that also writes."""
    ours = tiny_sonics.prompt_encoder()
    whole = transformers.T5ForConditionalGeneration(ours.model.config)
    whole.encoder.load_state_dict(ours.model.encoder.state_dict())
    whole.save_pretrained(tmp_path)
    ours.tokenizer.save_pretrained(tmp_path)
    loaded = load_prompt_encoder(tmp_path, tokens=tiny_sonics.TOKENS)
    assert torch.equal(loaded(PROMPTS), ours(PROMPTS))
    weights = tmp_path / "model.safetensors"
    kept = {name: value for name, value in load_file(weights).items() if "layer.1" not in name}
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="weights are missing"):
        load_prompt_encoder(tmp_path, tokens=tiny_sonics.TOKENS)


def test_a_folder_of_something_else_is_no_prompt_encoder(folder, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(CheckpointError, match="not a T5 encoder"):
        SpatialSonic.from_pretrained(folder, prompt_encoder=tmp_path / "other")
    (tmp_path / "other" / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 32}))
    with pytest.raises(CheckpointError, match="a bert model; prompts are encoded by a T5"):
        SpatialSonic.from_pretrained(folder, prompt_encoder=tmp_path / "other")


def test_a_folder_that_does_not_fit_is_refused(folder):
    changed(folder, position=None)
    with pytest.raises(CheckpointError, match="unknown position"):
        models.from_pretrained(folder)
    changed(folder, drop="all")
    with pytest.raises(CheckpointError, match="unknown key 'drop', did you mean 'drops'"):
        models.from_pretrained(folder)


def test_another_architecture_is_refused(tmp_path):
    listener = models.create("seld_crnn", labels=["dog"], layout="binaural")
    models.save_pretrained(listener, tmp_path / "ears", card="# Ears\n")
    with pytest.raises(CheckpointError, match="a seld_crnn, not a spatialsonic"):
        SpatialSonic.from_pretrained(tmp_path / "ears")


def test_a_model_of_its_own_encoder_needs_one():
    with pytest.raises(ParameterError, match="belongs to the model"):
        SpatialSonic(tiny_sonics.config()).generate(REQUEST, seed=1)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (VaeConfig, {"strides": (2, 4)}, "got 5 and 2"),
        (VaeConfig, {"strides": (3,), "multiples": (1,)}, "strides are even"),
        (VaeConfig, {"latents": 0}, "at least 1"),
        (VaeConfig, {"strides": (), "multiples": ()}, "a stride"),
        (DitConfig, {"head_width": 16}, "at least 32 numbers"),
        (PositionConfig, {"dropout": 1.0}, "dropout"),
        (PositionConfig, {"spread": "wide"}, "unknown spread"),
        (SamplingSettings, {"steps": 0}, "at least 1 step"),
        (SamplingSettings, {"guidance": float("inf")}, "finite"),
        (SamplingSettings, {"sigma_min": 0.0}, "sigma_min > 0"),
        (SpatialSonicConfig, {"layout": "quadro"}, "unknown layout 'quadro'"),
        (SpatialSonicConfig, {"condition_width": 100}, "heads of 64"),
        (SpatialSonicConfig, {"condition_width": 320}, "divides the transformer's 24"),
        (SpatialSonicConfig, {"longest": 0}, "above 0 s"),
        (SpatialSonicConfig, {"drops": "never"}, "unknown drops"),
        (SpatialSonicConfig, {"drops": "separate", "position": None}, "drops is 'together'"),
        (SpatialSonicConfig, {"prompt_encoder": ""}, "a prompt encoder"),
    ],
)
def test_sizes_that_make_no_model_are_refused(kind, values, said):
    with pytest.raises(ParameterError, match=said):
        kind(**values)
