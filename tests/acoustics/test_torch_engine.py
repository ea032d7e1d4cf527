"""The engine in PyTorch: equal to the compiled one, differentiable, and frank about what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from auris.acoustics import torch_engine, torch_images
from auris.acoustics.engine import EngineSettings, ShoeboxEngine
from auris.acoustics.paths import SoundPaths
from auris.acoustics.receivers import Receiver, receiver_for
from auris.acoustics.response_engine import LayeredEngine
from auris.acoustics.shoebox import ShoeboxAcoustics
from auris.acoustics.torch_engine import TorchShoeboxEngine
from auris.acoustics.torch_images import PathTensors
from auris.channels import ChannelLayout
from auris.errors import ParameterError, SceneError
from auris.scene import Room

RATE = 16_000
ROOMS = (
    ShoeboxAcoustics.from_room(Room((5.0, 4.0, 2.7), t60=0.3), RATE),
    ShoeboxAcoustics.from_room(Room((8.0, 6.5, 3.2), absorption=(0.1, 0.2, 0.3, 0.15, 0.4, 0.5)), RATE),
)


def receiver(layout: str) -> Receiver:
    return receiver_for(ChannelLayout.parse(layout), RATE)


def paths(count: int = 8, seed: int = 0) -> SoundPaths:
    rng = np.random.default_rng(seed)
    patterns = ("omni", "cardioid", "speech", "bidirectional")
    facings = rng.standard_normal((count, 3))
    return SoundPaths(
        rooms=ROOMS,
        room_index=np.arange(count) % 2,
        sources=rng.uniform(0.4, 2.2, (count, 3)),
        listeners=rng.uniform((2.4, 1.9, 0.4), (4.2, 3.7, 2.2), (count, 3)),
        rotations=Rotation.random(count, random_state=seed).as_matrix(),
        keys=rng.integers(0, 2**63, count).astype(np.uint64),
        directivity=tuple(patterns[k % 4] for k in range(count)),
        facings=facings / np.linalg.norm(facings, axis=1, keepdims=True),
    )


def difference_db(ours: np.ndarray, reference: np.ndarray) -> float:
    return 20 * np.log10(np.linalg.norm(ours - reference) / np.linalg.norm(reference))


@pytest.mark.parametrize("layout", ["mono", "foa", "hoa2", "hoa3", "stereo", "tetra", "binaural"])
def test_agrees_with_the_compiled_engine(layout) -> None:
    compiled, ours, pairs = ShoeboxEngine(receiver(layout), RATE), TorchShoeboxEngine(receiver(layout), RATE), paths()
    assert isinstance(ours, LayeredEngine)
    assert ours.channels == compiled.channels
    assert difference_db(ours.early(pairs), compiled.early(pairs)) < -65
    assert difference_db(ours.reflections(pairs), compiled.reflections(pairs)) < -65
    assert difference_db(ours.late(pairs, length=4000), compiled.late(pairs, length=4000)) < -110
    whole = compiled.responses(pairs)
    assert ours.responses(pairs).shape == whole.shape
    assert difference_db(ours.responses(pairs), whole) < -65


def test_agrees_where_images_alone_are_followed() -> None:
    settings, pairs = EngineSettings(mode="images", horizon=0.1), paths(2)
    compiled = ShoeboxEngine(receiver("foa"), RATE, settings=settings).responses(pairs)
    ours = TorchShoeboxEngine(receiver("foa"), RATE, settings=settings).responses(pairs)
    assert ours.shape == compiled.shape
    assert difference_db(ours, compiled) < -65


def test_low_cut_and_other_noise_follow_the_settings() -> None:
    settings, pairs = EngineSettings(low_cut=20.0, noise_seed=3), paths(2)
    compiled = ShoeboxEngine(receiver("foa"), RATE, settings=settings).responses(pairs)
    assert difference_db(TorchShoeboxEngine(receiver("foa"), RATE, settings=settings).responses(pairs), compiled) < -65
    assert difference_db(TorchShoeboxEngine(receiver("foa"), RATE).responses(pairs), compiled) > -10


@pytest.mark.parametrize("layout", ["foa", "binaural", "stereo"])
def test_single_precision_is_enough(layout) -> None:
    single, double = (TorchShoeboxEngine(receiver(layout), RATE, dtype=dtype) for dtype in (torch.float32, torch.float64))
    tensors = PathTensors.of(paths(4))
    assert double.render(tensors).dtype == torch.float64
    assert difference_db(single.render(tensors).double().numpy(), double.render(tensors).numpy()) < -95


def test_a_path_sounds_the_same_alone_in_a_batch_and_in_small_pieces(monkeypatch) -> None:
    engine, pairs = TorchShoeboxEngine(receiver("foa"), RATE), paths()
    batch = engine.responses(pairs, length=3000)
    fields = ("room_index", "sources", "listeners", "rotations", "keys", "directivity", "facings")
    alone = replace(pairs, **{name: getattr(pairs, name)[5:6] for name in fields})
    np.testing.assert_allclose(engine.responses(alone, length=3000)[0], batch[5], atol=2e-6)
    monkeypatch.setattr(torch_engine, "_CHUNK_FLOATS", {"cpu": 1, "cuda": 1})
    monkeypatch.setattr(torch_images, "_MOST_CELLS", 200)
    np.testing.assert_allclose(TorchShoeboxEngine(receiver("foa"), RATE).responses(pairs, length=3000), batch, atol=2e-6)


def test_short_lengths_cut_and_no_paths_give_nothing() -> None:
    engine, pairs = TorchShoeboxEngine(receiver("foa"), RATE), paths(2)
    np.testing.assert_allclose(engine.responses(pairs, length=300), engine.responses(pairs)[..., :300], atol=2e-6)
    nothing = SoundPaths.in_room(ROOMS[0], np.zeros((0, 3)), np.zeros((0, 3)))
    assert engine.responses(nothing, length=100).shape == (0, 4, 100)


def gradient_and_slope(engine: TorchShoeboxEngine, field: str, step: float, part: str) -> tuple[float, float]:
    """Derivative of a random functional of the responses along a random change, by autograd and by differences."""
    constant = PathTensors.of(paths(2, seed=4))
    generator = torch.Generator().manual_seed(1)
    start = getattr(constant, field)
    change = torch.randn(start.shape, generator=generator, dtype=torch.float64)
    probe = torch.randn(2, engine.channels, 2500, generator=generator, dtype=torch.float64)
    # Smooth in time: the functional should not hang on single samples.
    probe = torch.nn.functional.avg_pool1d(probe, 5, stride=1, padding=2)

    def functional(value: torch.Tensor) -> torch.Tensor:
        return (probe * engine.render(replace(constant, **{field: value}), part=part, length=2500)).sum()

    leaf = start.clone().requires_grad_()
    functional(leaf).backward()
    assert leaf.grad is not None
    with torch.no_grad():
        slope = (functional(start + step * change) - functional(start - step * change)) / (2 * step)
    return float((leaf.grad * change).sum()), float(slope)


@pytest.mark.parametrize("field", ["sources", "listeners", "rotations", "absorption", "dimensions"])
@pytest.mark.parametrize("layout", ["foa", "stereo"])
def test_gradients_match_finite_differences(layout, field) -> None:
    engine = TorchShoeboxEngine(receiver(layout), RATE, dtype=torch.float64)
    gradient, slope = gradient_and_slope(engine, field, 1e-7, "reflections")
    assert gradient == pytest.approx(slope, rel=2e-3)


@pytest.mark.parametrize("field", ["absorption", "dimensions"])
def test_tails_are_differentiable(field) -> None:
    gradient, slope = gradient_and_slope(TorchShoeboxEngine(receiver("foa"), RATE, dtype=torch.float64), field, 1e-6, "late")
    assert gradient == pytest.approx(slope, rel=1e-4)


def test_heads_pass_gradients_of_delay_and_level() -> None:
    engine = TorchShoeboxEngine(receiver("binaural"), RATE, dtype=torch.float64)
    gradient, slope = gradient_and_slope(engine, "absorption", 1e-6, "whole")
    assert gradient == pytest.approx(slope, rel=1e-4)


def test_single_precision_gradients_follow_double_ones() -> None:
    gradients = []
    for dtype in (torch.float32, torch.float64):
        tensors = PathTensors.of(paths(2))
        walls = tensors.absorption.clone().requires_grad_()
        engine = TorchShoeboxEngine(receiver("foa"), RATE, dtype=dtype)
        engine.render(replace(tensors, absorption=walls), length=2000).square().sum().backward()
        gradients.append(walls.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-5 * float(gradients[1].abs().max()))


def test_absorption_is_found_again_by_descent() -> None:
    engine = TorchShoeboxEngine(receiver("mono"), RATE)
    tensors = PathTensors.of(paths(2))
    wanted = engine.render(tensors, part="early").detach()
    guess = torch.full_like(tensors.absorption, 0.35).logit().requires_grad_()
    optimiser = torch.optim.Adam([guess], lr=0.1)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        heard = engine.render(replace(tensors, absorption=guess.sigmoid()), part="early")
        loss = (heard - wanted).square().sum()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.05 * losses[0]


def engine(rate: int = RATE, **options) -> TorchShoeboxEngine:
    return TorchShoeboxEngine(receiver_for(ChannelLayout.parse("foa"), rate), rate, **options)


MISTAKES: dict[str, Callable[[], object]] = {
    "float32": lambda: engine(dtype=torch.float16),
    "unknown part": lambda: engine().render(PathTensors.of(paths(1)), part="tail"),
    "needs a length": lambda: engine().render(PathTensors.of(paths(1)), part="late"),
    "at least one sample": lambda: engine().responses(paths(1), length=0),
    "another sample rate": lambda: engine(48_000).responses(paths(1)),
    "no tail": lambda: engine(settings=EngineSettings(mode="images")).late(paths(1), length=9),
}


@pytest.mark.parametrize("reason", MISTAKES)
def test_mistakes_are_named(reason) -> None:
    with pytest.raises(ParameterError, match=reason):
        MISTAKES[reason]()


def test_places_outside_the_room_are_refused() -> None:
    tensors = PathTensors.of(paths(1))
    with pytest.raises(SceneError, match="outside its room"):
        TorchShoeboxEngine(receiver("foa"), RATE).render(replace(tensors, sources=tensors.sources + 20.0))


def test_a_missing_gpu_is_named_and_a_present_one_agrees() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="no GPU"):
            TorchShoeboxEngine(receiver("foa"), RATE, device="cuda")
        return
    for layout in ("foa", "stereo", "binaural"):
        here, there = (TorchShoeboxEngine(receiver(layout), RATE, device=device) for device in ("cpu", "cuda"))
        assert difference_db(there.responses(paths()), here.responses(paths())) < -90
