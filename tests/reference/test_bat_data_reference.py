"""Items, targets, sample weights and rendering against Spatial-AST and BAT (see the fixture's manifest.json)."""

import json

import fill
import numpy as np
import pytest
import soundfile
import torch

from auris.data.spatial_clips import AudioSetBank, ClipSettings, SpatialClips, clip_banks, items, render
from auris.io.mp3d_reverb import place_classes, read_reverb_bank
from auris.io.spatial_sound_qa import read_clips, read_label_csv, sample_weights

FIXTURE = pytest.mark.parametrize("fixture", ["bat_metrics"])
WANTED = fill.expected("bat_metrics")
TOLD = fill.manifest("bat_metrics")["expected"]
EVERY = 400  # samples of an item that the fixture keeps one of


def point(text):
    return tuple(map(float, text.split(",")))


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """The files of ``item.recipe``: two clips with the classes 0, 2 and 2, 3 of five, and a response."""
    root = tmp_path_factory.mktemp("spatial_sound_qa")
    (root / "r" / "f").mkdir(parents=True)
    soundfile.write(root / "r/f/a.wav", fill.waveform(31, 2, 170_000).T, 16_000, subtype="FLOAT")
    soundfile.write(root / "r/f/b.wav", fill.waveform(32, 1, 500_000).T, 44_100, subtype="FLOAT")
    (root / "classes.csv").write_text("index,mid,display_name\n" + "".join(f'{9 - n},/m/{n},"Name, {n}"\n' for n in range(5)))
    clips = [{"folder": "f", "id": "a", "label": ["/m/0", "/m/2"]}, {"folder": "f", "id": "b", "label": ["/m/2", "/m/3"]}]
    (root / "clips.json").write_text(json.dumps(clips))
    (root / "q/binaural/s").mkdir(parents=True)
    np.save(root / "q/binaural/s/0.npy", fill.waveform(33, 2, 70_000).astype(np.float64))
    targets = TOLD["item.plain"]["targets"]
    assert targets == {"distance": 5, "azimuth": 63, "elevation": 103}
    entry = {"fname": "s/0.npy", "sensor_position": "1.0,1.5,2.0", "source_position": "2.0,2.0,0.0", "agent_position": "1,0,2"}
    (root / "q/eval_reverberation.json").write_text(json.dumps({"data": [entry]}))
    return root


class ScriptedDraws:
    """The draws of ``item.recipe``: mixing or not, partner b, every Beta(10, 10) is 0.4."""

    def __init__(self, mixing, partner):
        self.mixing, self.partner = mixing, partner

    def random(self):
        return self.mixing

    def integers(self, high):
        return min(self.partner, high - 1)

    def beta(self, a, b):
        assert (a, b) == (10, 10)
        return 0.4


def scripted_item(material, *, gain, mixup):
    classes = read_label_csv(material / "classes.csv")
    bank = AudioSetBank(read_clips(material / "clips.json", material / "r", classes), classes)
    dataset = SpatialClips(bank, read_reverb_bank(material / "q", "eval"), ClipSettings(gain=gain, mixup=mixup))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items.seeding, "generator", lambda *_: ScriptedDraws(0.5, partner=1))
        return dataset.item(0, 0)


@FIXTURE
@pytest.mark.parametrize(("name", "gain", "mixup"), [("item.plain", "none", 0.0), ("item.mixup", "beta", 0.9)])
def test_items(fixture, material, name, gain, mixup):
    item = scripted_item(material, gain=gain, mixup=mixup)
    assert list(item.dry.shape) == TOLD[name]["wave_shape"]
    assert list(item.responses.shape) == [1, *TOLD[name]["rir_shape"]]
    np.testing.assert_allclose(item.dry[:, ::EVERY], WANTED[f"{name}.wave"], rtol=1e-5, atol=1e-6)
    assert np.linalg.norm(item.dry.astype(float)) == pytest.approx(TOLD[name]["wave_l2"], rel=1e-5)
    np.testing.assert_array_equal(item.responses[0, :, ::EVERY], WANTED[f"{name}.rir"])
    np.testing.assert_allclose(item.labels, WANTED[f"{name}.label"], rtol=1e-6)
    assert item._asdict().items() >= TOLD[name]["targets"].items()


@FIXTURE
def test_published_targets(fixture):
    for row in TOLD["targets"]:
        found = place_classes(point(row["sensor_position"]), point(row["source_position"]), variant="upstream")
        assert found._asdict() == {name: row[name] for name in ("distance", "azimuth", "elevation")}, row


@FIXTURE
def test_corrected_targets_differ_only_straight_up(fixture):
    for row in TOLD["targets"]:
        found = place_classes(point(row["sensor_position"]), point(row["source_position"]))
        wanted = {name: row[name] for name in ("distance", "azimuth", "elevation")}
        if row["source_position"] == "0.001,2,0":
            assert TOLD["straight_up"] == "ok"
            assert (found.elevation, wanted["elevation"]) == (179, 0)
        else:
            assert found._asdict() == wanted, row


@FIXTURE
def test_level(fixture):
    settings = ClipSettings(sample_rate=1000, clip_seconds=2)
    found = items.dry_clip(WANTED["norm.in"], settings)
    np.testing.assert_allclose(found, WANTED["norm.out"], rtol=1e-5, atol=1e-7)
    assert np.sqrt(np.mean(np.square(found, dtype=float))) == pytest.approx(TOLD["norm_rms"], rel=1e-6)
    silence = items.dry_clip(np.zeros(16, np.float32), settings)
    np.testing.assert_array_equal(silence[:16], WANTED["norm.silent"])


@FIXTURE
def test_sample_weights(fixture):
    found = sample_weights(TOLD["weights"]["labels_of_each_sample"])
    np.testing.assert_allclose(found, WANTED["weights.out"], rtol=1e-6)


@FIXTURE
def test_rendering_of_one_and_two_sources(fixture, material):
    settings = ClipSettings()
    dry = [items.dry_clip(clip_banks.read_first_channel(material / f"r/f/{n}.wav", 32_000), settings) for n in "ab"]
    near = fill.waveform(41, 2, 3_000) * np.exp(-np.arange(3_000) / 500)
    far = fill.waveform(42, 2, 80_000) * np.exp(-np.arange(80_000) / 4_000)
    responses = torch.zeros(2, 2, 80_000)
    responses[0, :, :3_000], responses[1] = torch.from_numpy(near), torch.from_numpy(far)
    signals = torch.from_numpy(np.stack(dry))
    alone = render(signals[:1, None], responses[:1, None])[0]
    both = 0.5 * render(signals[None], responses[None])[0]
    for found, name, norm in zip((alone, both), ("render.one", "render.two"), TOLD["render"]["l2"], strict=True):
        assert list(found.shape) == TOLD["render"]["shape"]
        wanted = WANTED[name]
        np.testing.assert_allclose(found[:, ::200], wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
        assert float(found.norm()) == pytest.approx(norm, rel=1e-5)
