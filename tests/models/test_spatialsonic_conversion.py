"""Published files of SpatialSonic to model folders: their names and shapes, and small ones of the same names."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_sonics
import torch
from safetensors.torch import save_file

sys.path.append(str(Path(__file__).resolve().parents[1] / "reference"))

import fill

from auris import models
from auris.cli import main
from auris.errors import CheckpointError, FormatError, ParameterError
from auris.models import diffusion
from auris.models.checkpoint_conversion import convert
from auris.models.checkpoint_conversion import spatialsonic as sonic_files
from auris.models.checkpoint_conversion.families import family_of, unwrapped
from auris.models.checkpoint_conversion.spatialsonic_names import ROTATION, rotation, sources
from auris.models.generating import GenerationRequest, SoundRequest
from auris.models.pretrained import weights_unset
from auris.models.published import published_model
from auris.models.spatialsonic import AzimuthTrack, DitConfig, PositionConfig, SpatialSonicConfig, VaeConfig
from auris.models.spatialsonic.azimuth_matrix import state_matrices
from auris.models.spatialsonic.network import SpatialSonic

SMALL = SpatialSonicConfig(
    vae=VaeConfig(latents=4, width=4, multiples=(1, 2), strides=(2, 4)),
    dit=DitConfig(depth=2, heads=2),
    condition_width=64,
    position=PositionConfig(layers=2),
)
VAE, DIT, POSITION, SAMPLER = (
    "stable_audio_vae_tiny",
    "stable_audio_dit_tiny",
    "bewo_position_conditioner",
    "dpmpp_3m_sde",
)


def published(model):
    """A model's weights as its authors save them, under their names."""
    ours = model.state_dict()
    tensors = {ROTATION: rotation(model.config.dit.rotated)}
    for name, source in sources(model.config, ours).items():
        value = torch.cat([ours[target] for target in source.targets]) if len(source.targets) > 1 else ours[source.targets[0]]
        tensors[name] = value.reshape(source.shape(ours)).clone()
    return tensors


@functools.cache
def small(*, position=True):
    torch.manual_seed(1)
    config = (
        SMALL
        if position
        else SpatialSonicConfig(vae=SMALL.vae, dit=SMALL.dit, condition_width=SMALL.condition_width, position=None)
    )
    model = SpatialSonic(config).eval()
    for weight in model.parameters():  # activations and offsets begin at zero, which would hide where they go
        torch.nn.init.normal_(weight, std=0.2)
    return model


def saved(tensors, folder, name="BEWO_mix.ckpt"):
    (folder / "files").mkdir(exist_ok=True)
    torch.save(tensors, folder / "files" / name)
    return folder / "files" / name


def loaded(folder):
    return SpatialSonic.from_pretrained(folder, prompts="unused")


def assert_same(model, other):
    weights = other.state_dict()
    assert model.state_dict().keys() == weights.keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[name]), name


@pytest.mark.parametrize("fixture", ["bewo_checkpoint_keys"])
@pytest.mark.parametrize("published_name", ["BEWO-mix", "BEWO-nl"])
def test_the_published_names_and_shapes_are_all_there_is(fixture, published_name, monkeypatch):
    keys = json.loads((fill.HERE / fixture / "keys.json").read_text())
    shapes = keys["stable_audio_tools"]
    assert len(shapes) == 813
    if published_name == "BEWO-nl":
        shapes = {name: shape for name, shape in shapes.items() if ".position." not in name}
    tensors = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()} | {ROTATION: rotation(32)}
    monkeypatch.setattr(sonic_files, "refuse_bad_numbers", lambda *_args, **_options: None)  # these have no numbers
    assert family_of(unwrapped(tensors), file="x") == "spatialsonic"
    found = sonic_files.recognise(unwrapped(tensors), sample_rate=None, prompt_encoder=None, file="x")
    known = SpatialSonicConfig() if published_name == "BEWO-mix" else SpatialSonicConfig(position=None)
    assert found.config == known
    parts = {"dit": "diffusers_transformer", "vae": "diffusers_vae", "numbers": "diffusers_projection_model"}
    targets = {f"{part}.{name}": shape for part, key in parts.items() for name, shape in keys[key].items()}
    here = {name: list(value.shape) for name, value in found.tensors.items() if not name.startswith("position.")}
    assert here == targets
    assert found.parameters == published_model(published_name).parameters
    assert any("hf download t5-base" in note for note in found.notes)
    assert any("BEWO_nl or stable-audio-open" in note for note in found.notes) == (published_name == "BEWO-nl")


@functools.cache
def fixture_weights(name):
    return {key: torch.from_numpy(array) for key, array in fill.weights(name).items()}


def converted_fixture(config, fixtures, folder, change=lambda _: None):
    """A model folder from a file with the weights of fixtures, and others where these leave it open."""
    torch.manual_seed(0)
    tensors = published(SpatialSonic(config))
    for fixture in fixtures:
        weights = fixture_weights(fixture)
        assert weights.keys() <= tensors.keys()
        tensors |= weights
    change(tensors)
    convert(saved(tensors, folder), folder / "sonic")
    return loaded(folder / "sonic")


def assert_close(found, wanted, tolerance=1e-4):
    """Equal as far as the largest number lets one say."""
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * float(np.abs(wanted).max()))


def share_snakes(tensors):
    """As in the fork that SpatialSonic was trained with: both activations of a unit are one tensor under two names."""
    for name in tensors:
        if name.endswith((".layers.0.alpha", ".layers.0.beta")):
            same = name.replace(".layers.0.alpha", ".layers.2.alpha").replace(".layers.0.beta", ".layers.2.beta")
            tensors[name] = tensors.get(same, tensors[name])


@pytest.mark.parametrize("fixture", [VAE])
@pytest.mark.parametrize("snakes", ["own", "shared"])
@torch.inference_mode()
def test_a_converted_autoencoder_is_the_published_one(fixture, snakes, tmp_path):
    config = SpatialSonicConfig(
        vae=VaeConfig(latents=4, width=8, multiples=(1, 2, 4), strides=(2, 4, 8)),
        dit=DitConfig(depth=1, heads=1),
        condition_width=64,
        position=None,
    )
    change = share_snakes if snakes == "shared" else lambda _: None
    model = converted_fixture(config, [fixture], tmp_path, change)
    assert model.config == config
    wave = np.stack([fill.waveform(11, 2, 2048), 0.3 * fill.waveform(12, 2, 2048)]).astype(np.float32)
    wanted, kind = fill.expected(fixture), "tied_" if snakes == "shared" else ""
    assert_close(model.encode(torch.from_numpy(wave)), wanted[f"{kind}mean"])
    assert_close(model.decode(torch.from_numpy(wanted["latent_in"])), wanted[f"{kind}decoded_latent"])


@pytest.fixture(scope="module")
def with_tiny_parts(tmp_path_factory):
    """The transformer, number and position conditioners of the fixtures."""
    config = SpatialSonicConfig(
        vae=VaeConfig(latents=8, width=4, multiples=(1,), strides=(2,)), dit=DitConfig(depth=2, heads=2), condition_width=64
    )
    return converted_fixture(config, [DIT, POSITION], tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("fixture", [DIT, POSITION])
@torch.inference_mode()
def test_converted_networks_answer_as_published(fixture, with_tiny_parts):
    wanted = {name: torch.from_numpy(array) for name, array in fill.expected(fixture).items()}
    model = with_tiny_parts
    if fixture == DIT:
        start, total = model.numbers(wanted["seconds_start"], wanted["seconds_total"])
        assert_close(torch.cat([start, total], 1), torch.cat([wanted["seconds_start_embed"], wanted["seconds_total_embed"]], 1))
        answer = model.velocity(wanted["x"], wanted["t"], wanted["cross_attn_cond"], wanted["global_cond"])
        assert_close(answer, wanted["v_cond"])
    else:
        clips = [
            [AzimuthTrack(start, end, share, "coarse" if coarse else "fine") for start, end, share, coarse in clip]
            for clip in fill.manifest(fixture)["positions"]
        ]
        tokens = model.position(wanted["text"], state_matrices(clips, sounds=4, columns=64))
        assert_close(tokens, wanted["position_tokens"])


@pytest.mark.parametrize("fixture", [SAMPLER])
@pytest.mark.parametrize(("scale", "eta", "name"), [(3.0, 0, "dit_cfg3_3m_eta0"), (7.5, 1, "dit_cfg7p5_3m_eta1")])
@torch.inference_mode()
def test_a_converted_transformer_is_sampled_as_published(fixture, scale, eta, name, with_tiny_parts):
    noise, *steps = (
        torch.from_numpy(2 * fill.fill(f"sampler/{part}", (2, 8, 21), "embed"))
        for part in ("init", *(f"step{i}" for i in range(11)))
    )
    given = {key: torch.from_numpy(array) for key, array in fill.expected(DIT).items()}
    context = torch.cat([given["cross_attn_cond"], torch.zeros_like(given["cross_attn_cond"])])
    whole = given["global_cond"].repeat(2, 1)
    velocity = diffusion.guided(lambda x, t: with_tiny_parts.velocity(x, t, context, whole), scale=scale)
    latents = diffusion.sample(
        diffusion.denoiser(velocity), noise, diffusion.polyexponential_sigmas(12), step_noise=steps, eta=eta
    )
    assert_close(latents, fill.expected(fixture)[name], tolerance=1e-3)


@pytest.mark.parametrize("position", [True, False])
@pytest.mark.parametrize("container", ["flat", "lightning", "training", "safetensors", "half"])
def test_every_container_is_read(container, position, tmp_path):
    model = small(position=position)
    tensors, file = published(model), tmp_path / "files" / "model.ckpt"
    file.parent.mkdir()
    if container == "safetensors":
        save_file(tensors, file)
    elif container == "lightning":
        torch.save({"state_dict": tensors, "optimizer_states": [{"lr": 1e-4}], "epoch": 83}, file)
    elif container == "training":
        average = {f"diffusion_ema.ema_model.{name.removeprefix('model.')}": torch.zeros(1) for name in tensors}
        rest = {"diffusion_ema.step": torch.tensor(5), "losses.losses.0.weight": torch.ones(3)}
        torch.save({"state_dict": {f"diffusion.{name}": value for name, value in tensors.items()} | average | rest}, file)
    elif container == "half":
        torch.save({name: value.half() for name, value in tensors.items()}, file)
    else:
        del tensors[ROTATION]
        torch.save(tensors, file)
    made = convert(file, tmp_path / "sonic")
    again = loaded(tmp_path / "sonic")
    assert {weight.dtype for weight in again.parameters()} == {torch.float32}
    assert again.config == model.config
    assert (made["positions"], made["layout"], made["sample_rate"]) == (position, "stereo", 44_100)
    assert made["parameters"] == sum(weight.numel() for weight in model.state_dict().values())
    assert json.dumps(made)
    if container != "half":
        assert_same(again, model)


def test_a_prompt_encoder_may_be_named_and_then_it_generates(tmp_path):
    tiny_sonics.prompt_encoder(width=64).save(tmp_path / "t5")
    made = convert(saved(published(small()), tmp_path), tmp_path / "sonic", prompt_encoder=tmp_path / "t5", sample_rate=8000)
    assert made["prompt_encoder"] == str(tmp_path / "t5")
    assert made["notes"] == []
    model = models.from_pretrained(tmp_path / "sonic")
    request = GenerationRequest("a dog barks", (SoundRequest("dog", 1, 5, 0.5),), seconds=0.02)
    audio = model.generate(request, seed=0, steps=2)
    assert (audio.sample_rate, audio.channels, audio.samples.shape[1]) == (8000, 2, 160)
    assert models.describe(tmp_path / "sonic")["task"] == "generate"
    tiny_sonics.prompt_encoder().save(tmp_path / "narrow")
    with pytest.raises(CheckpointError, match=r"narrow: writes tokens of 32 numbers, the model reads 64"):
        convert(tmp_path / "files" / "BEWO_mix.ckpt", tmp_path / "other", prompt_encoder=tmp_path / "narrow")
    (tmp_path / "empty").mkdir()
    for name, sentence in [(tmp_path / "empty", "not a T5 encoder"), (tmp_path / "nowhere", "there is no prompt encoder")]:
        with pytest.raises(CheckpointError, match=sentence):
            convert(tmp_path / "files" / "BEWO_mix.ckpt", tmp_path / "other", prompt_encoder=name)


def test_four_channels_are_ambisonics(tmp_path):
    torch.manual_seed(2)
    model = SpatialSonic(
        SpatialSonicConfig(layout="foa", vae=SMALL.vae, dit=SMALL.dit, condition_width=64, position=SMALL.position)
    ).eval()
    made = convert(saved(published(model), tmp_path), tmp_path / "sonic")
    assert made["layout"] == "foa"
    assert any("ambisonics of first order" in note for note in made["notes"])
    assert_same(loaded(tmp_path / "sonic"), model)


QKV = "model.model.transformer.layers.1.self_attn.to_qkv.weight"
SNAKE = "pretransform.model.decoder.layers.1.layers.2.layers.0.alpha"


def removed(beginning):
    def remove(tensors):
        for name in [name for name in tensors if name.startswith(beginning)]:
            del tensors[name]

    return remove


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop(QKV), f"looks like SpatialSonic, but does not fit it: missing {QKV}$"),
        (lambda t: t.pop(SNAKE), f"missing {SNAKE}$"),
        (lambda t: t.update({QKV: torch.zeros(383, 128)}), r"to_qkv.weight is \(383, 128\), needed \(384, 128\)$"),
        (lambda t: t.update({SNAKE: torch.zeros(1, 4, 1)}), r"alpha is \(1, 4, 1\), needed"),
        (lambda t: t.update(extra=torch.zeros(2)), "unknown model.model.extra$"),
        (
            lambda t: t.update({"conditioner.conditioners.flavour.weight": torch.zeros(2)}),
            "unknown conditioner.conditioners.fl",
        ),
        (lambda t: t.pop("conditioner.conditioners.position.cross_a2t.output_layer.bias"), "missing .*output_layer.bias$"),
        (removed("conditioner."), "not the diffusion model of SpatialSonic .*: missing conditioner.conditioners.seconds_start"),
        (
            removed("model."),
            "not the diffusion model of SpatialSonic or stable-audio-open: missing model.model.to_timestep_embed",
        ),
        (removed("pretransform."), "missing pretransform.model.encoder.layers.0.weight_v$"),
        (removed("pretransform.model.encoder.layers.1"), "or stable-audio-open: missing pretransform.model.encoder.layers.1"),
        (removed("pretransform.model.decoder.layers.2.layers.3"), "does not fit it: missing .*decoder.layers.2.layers.3"),
        (removed("model.model.transformer.layers."), "depth and heads of at least 1"),
        (lambda t: t.update({ROTATION: torch.ones(16)}), "counts time in another way"),
        (lambda t: t[QKV].fill_(torch.nan), "to_qkv.weight holds NaN"),
        (
            lambda t: t.update({"pretransform.model.encoder.layers.0.weight_v": torch.zeros(8, 3, 7)}),
            "3 channels; accepted: 1",
        ),
        (
            lambda t: t.update({"pretransform.model.encoder.layers.0.weight_v": torch.zeros(9, 2, 7)}),
            "9 wide for 4 latents",
        ),
        (
            lambda t: t.update({"model.model.transformer.layers.1000000000.pre_norm.gamma": torch.zeros(128)}),
            "missing|unknown",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named_and_leave_nothing(change, sentence, tmp_path):
    tensors = published(small())
    change(tensors)
    with pytest.raises(CheckpointError, match=sentence) as raised:
        convert(saved(tensors, tmp_path), tmp_path / "sonic")
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_what_belongs_to_others_is_refused_and_a_folder_again(tmp_path):
    file = saved(published(small()), tmp_path)
    with pytest.raises(ParameterError, match=r"SpatialSonic has no classes.*leave out labels and encoder"):
        convert(file, tmp_path / "sonic", labels=["a"], encoder="nano-foa")
    convert(file, tmp_path / "sonic")
    with pytest.raises(CheckpointError, match="is an auris network already"):
        convert(tmp_path / "sonic" / "model.safetensors", tmp_path / "again")
    with pytest.raises(FormatError, match="already and not empty"):
        convert(file, tmp_path / "sonic")


def test_a_failing_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(FormatError, match="No space left on device"):
        convert(saved(published(small()), tmp_path), tmp_path / "sonic")
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_the_command_line_converts_and_says_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["models", "convert", str(saved(published(small()), tmp_path)), "--to", "sonic"]) == 0
    printed = capsys.readouterr()
    assert "transformer of 2 layers, 128 wide" in printed.out
    assert "hf download t5-base" in printed.err
    assert main(["models", "show", "sonic"]) == 0
    card = capsys.readouterr().out
    for sentence in ("arXiv:2410.10676", "auris generate", "Stability AI Community Licence", "`t5-base`", "stereo"):
        assert sentence in card
    assert main(["models", "show", "BEWO-mix"]) == 0
    out = capsys.readouterr().out
    for sentence in ("hf download spw2000/bewo-1m BEWO_mix.ckpt", "hf download t5-base", "--to BEWO-mix", "auris generate"):
        assert sentence in out


CONVERTED = """
import resource, sys
from pathlib import Path
from auris.models.checkpoint_conversion import convert
import auris.models.spatialsonic.network

def memory(what):
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(what))

before = memory("VmRSS")
convert(sys.argv[1], sys.argv[2])
print(before, memory("VmHWM"))
"""


@pytest.mark.slow
def test_the_file_is_in_memory_once_at_most(tmp_path):
    """A training checkpoint of all parts: narrower, but large against what Python itself takes and gives back."""
    config = SpatialSonicConfig(
        vae=VaeConfig(latents=16, width=32, multiples=(1, 2, 4, 8, 16)), dit=DitConfig(depth=3, heads=12), condition_width=256
    )
    with weights_unset():
        model = SpatialSonic(config)
    ours = model.state_dict()
    tensors = {name: torch.zeros(source.shape(ours)) for name, source in sources(config, ours).items()}
    file = saved({"state_dict": {f"diffusion.{name}": value for name, value in tensors.items()}}, tmp_path)
    size = file.stat().st_size
    assert size > 120e6
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", CONVERTED, str(file), str(tmp_path / "sonic")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    before, peak = map(int, done.stdout.split())
    assert peak - before < 1.3 * size, f"{(peak - before) / size:.2f} times the file"
    assert (tmp_path / "sonic" / "model.safetensors").stat().st_size == pytest.approx(size, rel=0.01)
