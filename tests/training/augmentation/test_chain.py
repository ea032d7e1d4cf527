from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from auris.data.seld_targets import AccdoaTargets, AdpitTargets, TrackTargets
from auris.dsp.ambisonics import encode
from auris.dsp.features import LogMelIntensity
from auris.errors import LayoutError, ParameterError
from auris.training.augmentation import (
    PRESETS,
    AugmentationRecipe,
    MaskSettings,
    ShiftSettings,
    augment_features,
    augment_waveforms,
    draw_chain,
    preset,
)

seeds = st.integers(0, 2**32)
EVERYTHING = AugmentationRecipe(
    copies=2,
    rotation="reflections",
    wave_mix_probability=1.0,
    chain=("spec_augment", "cutout", "frequency_shift", "track_mix"),
)


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def targets_of(kind, items, frames, classes=3):
    """One source at a time in every item: class 0, at the front."""
    front = torch.tensor([1.0, 0.0, 0.0])
    if kind is AccdoaTargets:
        vectors = torch.zeros(items, frames, 3, classes)
        vectors[..., 0] = front
        return AccdoaTargets(vectors)
    if kind is AdpitTargets:
        slots = torch.zeros(items, frames, 6, 4, classes)
        slots[:, :, 0, 0, 0], slots[:, :, 0, 1:, 0] = 1, front
        return AdpitTargets(slots)
    sed, doa = torch.zeros(items, frames, 3, classes), torch.zeros(items, frames, 3, 3)
    sed[:, :, 0, 0], doa[:, :, 0] = 1, front
    return TrackTargets(sed, doa)


def both(recipe, waveforms, features_of, targets, overlap, *, seed):
    generator = random(seed)
    first = augment_waveforms(waveforms, targets, overlap, recipe=recipe, generator=generator)
    second = augment_features(features_of(first.signals), first.targets, first.overlap, recipe=recipe, generator=generator)
    return first, second


@pytest.mark.parametrize("kind", [AccdoaTargets, AdpitTargets, TrackTargets])
@pytest.mark.parametrize("recipe", [*PRESETS.values(), EVERYTHING], ids=[*PRESETS, "everything"])
@settings(max_examples=8)
@given(seed=seeds, items=st.integers(1, 4), frames=st.integers(1, 5))
def test_shapes_kinds_and_reproducibility(recipe, kind, seed, items, frames):
    waveforms = torch.randn(items, 4, 31, generator=random(seed))
    targets, overlap = targets_of(kind, items, frames), torch.ones(items, dtype=torch.long)
    kept = [part.clone() for part in (waveforms, *targets, overlap)]

    def features_of(signals):
        return torch.randn(len(signals), 7, 10 * frames + 1, 16, generator=random(seed))

    once = both(recipe, waveforms, features_of, targets, overlap, seed=seed)
    again = both(recipe, waveforms, features_of, targets, overlap, seed=seed)
    assert all(torch.equal(a, b) for a, b in zip((waveforms, *targets, overlap), kept, strict=True))
    count = recipe.copies * items
    assert once[0].signals.shape == (count, 4, 31)
    assert once[1].signals.shape == (count, 7, 10 * frames + 1, 16)
    for one, other in zip(once, again, strict=True):
        assert type(one.targets) is kind
        assert one.signals.dtype == torch.float32
        assert one.overlap.tolist() == other.overlap.tolist()
        assert len(one.overlap) == count
        assert torch.equal(one.signals, other.signals)
        for part, same, before in zip(one.targets, other.targets, targets, strict=True):
            assert part.shape == (count, *before.shape[1:])
            assert torch.equal(part, same)


def test_nothing_passes_everything_through():
    recipe = preset("none")
    assert recipe.does_nothing
    assert not any(other.does_nothing for name, other in PRESETS.items() if name != "none")
    waveforms, targets, overlap = torch.randn(2, 2, 8), targets_of(AccdoaTargets, 2, 3), torch.tensor([1, 2])
    for batch in both(recipe, waveforms, lambda signals: signals[..., None], targets, overlap, seed=0):
        assert torch.equal(batch.signals.reshape(waveforms.shape), waveforms)
        assert torch.equal(batch.targets.vectors, targets.vectors)


def test_the_first_copy_keeps_its_features():
    recipe = replace(EVERYTHING, copies=3, wave_mix_probability=0.0)
    targets, overlap = targets_of(AccdoaTargets, 4, 3), torch.ones(4, dtype=torch.long)
    waveforms = torch.randn(4, 4, 16)
    generator = random(4)
    first = augment_waveforms(waveforms, targets, overlap, recipe=recipe, generator=generator)
    assert not torch.equal(first.signals[:4], first.signals[4:8])
    features = torch.randn(12, 7, 31, 64)
    second = augment_features(features, first.targets, first.overlap, recipe=recipe, generator=generator)
    assert torch.equal(second.signals[:4], features[:4])
    assert torch.equal(second.targets.vectors[:4], first.targets.vectors[:4])
    assert not torch.equal(second.signals[4:8], features[4:8])
    assert not torch.equal(second.signals[8:], features[8:])


@pytest.mark.parametrize("rotation", ["swaps16", "swaps48", "reflections"])
def test_audio_and_labels_agree_after_the_whole_chain(rotation):
    recipe = AugmentationRecipe(copies=3, rotation=rotation, chain=("spec_augment", "frequency_shift", "cutout"))
    noise = torch.randn(24_000, generator=random()).numpy()
    waveforms = torch.from_numpy(encode(noise, [1.0, 0.0, 0.0])).expand(5, -1, -1)
    features_of = LogMelIntensity(sample_rate=24_000)
    overlap = torch.ones(5, dtype=torch.long)
    _, batch = both(recipe, waveforms, features_of, targets_of(AccdoaTargets, 5, 10), overlap, seed=7)
    # Frame by frame, where the label is not hidden, the median over bands of the intensity points at it.
    intensity = batch.signals[:, [6, 4, 5], :100].median(dim=-1).values.unflatten(-1, (10, 10)).median(dim=-1).values
    seen = torch.nn.functional.normalize(intensity.movedim(1, 2), dim=-1)
    labels = batch.targets.vectors[..., 0]
    heard = labels.norm(dim=-1) > 0
    assert heard.float().mean() > 0.5
    assert ((seen * labels).sum(-1)[heard] > 0.99).all()


def test_mono_becomes_ambisonics_with_its_labels():
    waveforms, overlap = torch.randn(6, 1, 100), torch.ones(6, dtype=torch.long)
    found = augment_waveforms(waveforms, targets_of(AdpitTargets, 6, 2), overlap, recipe=preset("mono"), generator=random())
    flow = (found.signals[:, :1] * found.signals[:, [3, 1, 2]]).mean(-1)
    label = found.targets.slots[:, 0, 0, 1:, 0]
    torch.testing.assert_close(torch.nn.functional.normalize(flow, dim=-1), label, atol=1e-5, rtol=0)
    assert len(torch.unique(label, dim=0)) == 6


def test_combinations_are_drawn_alike_in_every_order():
    generator, steps = random(), ("spec_augment", "cutout", "track_mix")
    seen: dict[tuple[str, ...], int] = {}
    for _ in range(3000):
        chain = draw_chain(steps, generator=generator)
        seen[chain] = seen.get(chain, 0) + 1
    assert len(seen) == 3 + 3 * 2 + 6
    shares: dict[frozenset[str], float] = {}
    for chain, count in seen.items():
        shares[frozenset(chain)] = shares.get(frozenset(chain), 0) + count / 3000
    assert len(shares) == 7
    assert all(share == pytest.approx(1 / 7, abs=0.03) for share in shares.values())


def test_global_randomness_is_not_touched():
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    targets, overlap = targets_of(AccdoaTargets, 3, 2), torch.ones(3, dtype=torch.long)
    waveforms = torch.randn(3, 4, 9, generator=random())
    both(EVERYTHING, waveforms, lambda x: x[..., None].expand(-1, -1, -1, 20), targets, overlap, seed=1)
    assert torch.equal(torch.rand(1), wanted)


def test_published_presets():
    assert preset("augment").copies == 1
    assert preset("augmix").copies == preset("augmix1").copies == 3
    assert preset("augmix1").rotation == "swaps16"
    assert preset("augmix1").chain == ("spec_augment", "cutout", "frequency_shift")
    assert preset("augmix1").wave_mix_probability == 0
    for name in ("augment", "augmix", "augmix1"):
        assert preset(name).masks.fill == "zero"
        assert preset(name).shift == ShiftSettings(largest=14, direction="down", probability=0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: preset("augmix2"), "unknown augmentation 'augmix2', did you mean 'augmix"),
        (lambda: AugmentationRecipe(rotation="swaps"), "unknown rotation 'swaps', did you mean 'swaps"),
        (lambda: AugmentationRecipe(chain=("crop",)), "unknown step 'crop'"),
        (lambda: AugmentationRecipe(chain=("cutout", "cutout")), "each step of the chain is named once"),
        (lambda: AugmentationRecipe(copies=0), "copies is a whole number of at least 1, got 0"),
        (lambda: AugmentationRecipe(copies=3), "3 copies would stay alike without a chain"),
        (lambda: AugmentationRecipe(rotation_probability=1.2), "rotation_probability is a probability from 0 to 1, got 1.2"),
        (lambda: AugmentationRecipe(spatialisation="stereo"), "unknown spatialisation 'stereo'"),
        (lambda: MaskSettings(longest_time=0), "longest_time is a whole number of at least 1, got 0"),
        (lambda: MaskSettings(times=-1), "times is a whole number of at least 0, got -1"),
        (lambda: MaskSettings(fill="none"), "unknown fill 'none'"),
        (lambda: ShiftSettings(direction="None"), "unknown direction 'None'"),
        (lambda: ShiftSettings(largest=2.5), "largest is a whole number"),
    ],
)
def test_impossible_recipes_are_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


def test_batches_that_do_not_fit_are_refused():
    targets, overlap = targets_of(AccdoaTargets, 2, 3), torch.ones(2, dtype=torch.long)
    recipe = preset("augmix")
    with pytest.raises(LayoutError, match=r"foa is \(B, 4, samples\), got \(6, 2, 9\)"):
        augment_waveforms(torch.zeros(2, 2, 9), targets, overlap, recipe=recipe, generator=random())
    with pytest.raises(LayoutError, match="binaural cannot be turned by 'swaps48'"):
        augment_waveforms(torch.zeros(2, 2, 9), targets, overlap, recipe=recipe, generator=random(), layout="binaural")
    with pytest.raises(ParameterError, match=r"as many items each, got \[3, 2, 2\]"):
        augment_waveforms(torch.zeros(3, 4, 9), targets, overlap, recipe=recipe, generator=random())
    with pytest.raises(ParameterError, match="2 items are not 3 copies; augment the waveforms by the same recipe"):
        augment_features(torch.zeros(2, 7, 31, 64), targets, overlap, recipe=recipe, generator=random())
