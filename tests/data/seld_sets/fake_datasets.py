"""Tiny data sets on disk, laid out as their publishers do. Noise that is loud where the labels say that something sounds."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from auris.vocabulary import L3DAS22

SECONDS = 3.0
FAKE_LABELS_170 = tuple(f"Fake class {number}" for number in range(170))


@dataclass(frozen=True)
class FakeClip:
    """Where one clip goes, relative to the root: its recordings and its labels."""

    audio: tuple[str, ...]
    labels: str | None


def _dcase(group: str, folder: str, stem: str, *, labelled: bool = True) -> FakeClip:
    inner = f"{folder}/{stem}" if folder else stem
    audio = tuple(f"{recording}_{group}/{inner}.wav" for recording in ("foa", "mic"))
    return FakeClip(audio, f"metadata_{group}/{inner}.csv" if labelled else None)


def _pseldnets(name: str, stem: str) -> FakeClip:
    return FakeClip(tuple(f"{name}/{kind}/{stem}.flac" for kind in ("foa", "mic", "sum")), f"{name}/metadata/{stem}.csv")


def _l3das(folder: str, stem: str) -> FakeClip:
    base = f"L3DAS22_Task2_{folder}"
    return FakeClip(tuple(f"{base}/data/{stem}_{mic}.wav" for mic in "AB"), f"{base}/labels/label_{stem}.csv")


_TRAIN_SETS = (
    "train20000_ov1_1",
    "train20000_ov1_2",
    "train10000_ov2_1",
    "train10000_ov2_2",
    "train3500_ov3_1",
    "train3500_ov3_2",
)
_TEST_SETS = ("test1800_ov1", "test900_ov2", "test360_ov3")

FAKE_CLIPS: dict[str, tuple[FakeClip, ...]] = {
    "pseldnets": (
        *(_pseldnets(name, f"fold0_room0_mix{number}") for name in _TRAIN_SETS for number in (1, 100)),
        *(_pseldnets(name, f"fold1_room{room}_mix1") for room, name in enumerate(_TEST_SETS, start=1)),
    ),
    "dcase2021": (
        *(_dcase("dev", "dev-train", f"fold{fold}_room1_mix001") for fold in range(1, 5)),
        _dcase("dev", "dev-val", "fold5_room1_mix001"),
        _dcase("dev", "dev-test", "fold6_room2_mix001"),
        _dcase("eval", "eval-test", "mix001"),
        _dcase("eval", "eval-test", "mix002"),
    ),
    "dcase2022synth": (
        *(_dcase("dev", "dev-train-synth", f"fold1_room{room}_mix001") for room in (1, 2)),
        _dcase("dev", "dev-test-synth", "fold2_room1_mix001"),
    ),
    "starss23": (
        *(_dcase("dev", "dev-train-tau", f"fold3_room{room}_mix001") for room in (4, 6, 14)),
        *(_dcase("dev", "dev-train-sony", f"fold3_room{room}_mix001") for room in (21, 22)),
        _dcase("dev", "dev-test-tau", "fold4_room2_mix001"),
        _dcase("dev", "dev-test-sony", "fold4_room23_mix001"),
        _dcase("eval", "", "mix001", labelled=False),
    ),
    "l3das22": (
        *(_l3das("train", f"split{split}_ov{ov}_1") for split in range(5) for ov in (1, 2)),
        _l3das("test", "split5_ov1_1"),
        _l3das("test", "split5_ov3_1"),
    ),
    "auris": tuple(
        FakeClip((f"scene_{n:05d}/foa.wav", f"scene_{n:05d}/mono.wav"), f"scene_{n:05d}/labels.csv") for n in range(6)
    ),
}
AURIS_CLASSES = ("dog", "speech", "music")
RATES = {"l3das22": 32_000}


def make_fake_dataset(root: Path, name: str, *, seconds: float = SECONDS) -> Path:
    """Write a tiny copy of a set below ``root`` and return ``root``.

    Every clip lasts ``seconds``; every labelled one has two events: class ``i % 3`` at azimuth 30° from 0.5 s to 1.5 s and
    class 1 at -90° from 1.0 s to 2.0 s (both static, elevation 10°), so that ov1 names are not taken literally.
    """
    rate = RATES.get(name, 24_000)
    for index, clip in enumerate(FAKE_CLIPS[name]):
        for path in clip.audio:
            mono = "/sum/" in path or "/mono." in path
            write_fake_audio(root / path, rate=rate, channels=1 if mono else 4, seconds=seconds, seed=index)
        if clip.labels is not None:
            place = root / clip.labels
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(fake_labels(name, index))
            if name == "auris":
                place.with_name("classes.txt").write_text("".join(f"{label}\n" for label in AURIS_CLASSES))
    if name == "pseldnets":
        rows = (f"{i}\t/m/fake{i:03d}\t{label}\t10\t100.0\n" for i, label in enumerate(FAKE_LABELS_170))
        (root / "cls_indices_train.tsv").write_text("".join(rows))
    return root


def write_fake_audio(path: Path, *, rate: int = 24_000, channels: int = 4, seconds: float = SECONDS, seed: int = 0) -> None:
    """Noise in 16 bit (as the sets are), WAV or FLAC by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * rate), channels))
    soundfile.write(path, samples, rate, subtype="PCM_16")


def fake_labels(name: str, index: int) -> str:
    """Label text of a clip in the form of its set."""
    if name == "l3das22":
        point = 2 * np.cos(np.radians(10))
        x, y = point * np.cos(np.radians(30)), point * np.sin(np.radians(30))
        z = 2 * np.sin(np.radians(10))
        out = io.StringIO("File,Start,End,Class,X,Y,Z\n")
        out.seek(0, io.SEEK_END)
        out.write(f"a.wav,0.5,1.5,{L3DAS22.labels[index % 3]},{x:.6f},{y:.6f},{z:.6f}\n")
        out.write(f"b.wav,1.0,2.0,{L3DAS22.labels[1]},0.0,-{point:.6f},{z:.6f}\n")
        return out.getvalue()
    lines = [(frame, index % 3, 0, 30, 10) for frame in range(5, 15)] + [(frame, 1, 1, -90, 10) for frame in range(10, 20)]
    end = {"starss23": ",150", "auris": ",150"}.get(name, "")
    return "".join(",".join(map(str, row)) + end + "\n" for row in sorted(lines))
