"""Long clips of one class each, and their single seconds, as active separation plays them: mono, 16 kHz, 16 bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auris.audio import Audio
from auris.data.production.encoding import encoded_audio, fitted
from auris.data.production.maker import MadeFile
from auris.data.sound_bank import Bank
from auris.errors import ParameterError
from auris.io.separation_episodes import clip_folder

Singles = NDArray[np.float32]

_SHORTEST = 1.0  # seconds of a piece; a shorter sound repeats
_SILENT = 1e-4


@dataclass(frozen=True, eq=False)
class LongClip:
    """Seconds of one class.

    Attributes:
        samples: ``(N,)`` within -1 and 1.
        gain_db: by how much the loudest of its pieces was turned down so that nothing clips; 0 for none.
        recordings: files that are heard.
    """

    samples: Singles
    gain_db: float
    recordings: tuple[str, ...]


def class_name(label: str) -> str:
    """Return a class as clips are named by it: what follows an underscore would not belong to it.

    >>> class_name("crying_baby")
    'crying-baby'
    """
    return label.replace("_", "-").replace("/", "-")


def class_names(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes in the order of their numbers.

    Raises:
        ParameterError: two labels have the same name.
    """
    names = tuple(class_name(label) for label in labels)
    if len(set(names)) < len(names):
        raise ParameterError(f"classes must differ in more than '_' and '-', got {', '.join(labels)}")
    return names


def long_clip(
    bank: Bank, label: str, *, seconds: int, sample_rate: int, level_db: float, generator: np.random.Generator
) -> LongClip:
    """Return sounds of a class one after another, without a break, until ``seconds`` are full.

    Args:
        bank: the sounds.
        label: of the bank.
        seconds: whole seconds.
        sample_rate: hertz.
        level_db: active level of each sound, dB re full scale.
        generator: source of randomness.
    """
    wanted = seconds * sample_rate
    pieces: list[Singles] = []
    gains, files, filled = [0.0], [], 0
    while filled < wanted:
        left = (wanted - filled) / sample_rate
        sound = bank.pick(label, generator, duration=left)
        lasting = min(max(bank.clip_length(sound), _SHORTEST), left)
        count = min(max(round(lasting * sample_rate), 1), wanted - filled)
        piece = bank.dry(sound, sample_rate, count / sample_rate) * np.float32(10 ** (level_db / 20))
        piece, gain_db = fitted(piece[:count])
        pieces.append(np.pad(piece, (0, count - len(piece))))
        gains.append(gain_db)
        files += [sound.file] if sound.file is not None else []
        filled += count
    return LongClip(np.concatenate(pieces).astype(np.float32), min(gains), tuple(dict.fromkeys(files)))


def clip_files(clip: LongClip, name: str, *, bank_name: str, split: str, sample_rate: int, chunks: int) -> Iterator[MadeFile]:
    """Yield a clip as a file of ``min20s_clips``, and its first ``chunks`` seconds of ``1s_chunks``, silent ones left out.

    Args:
        clip: the clip.
        name: ``<class>_<rest>``.
        bank_name: folder of the clips below ``audio_data``.
        split: ``train``, ``valUnheard`` or ``testUnheard``.
        sample_rate: hertz.
        chunks: most seconds.
    """
    path = f"{clip_folder(bank_name, 'min20s_clips', split)}/{name}.wav"
    yield MadeFile(path, f"{name}.wav", _encoded(clip.samples, sample_rate))
    for second in range(min(chunks, len(clip.samples) // sample_rate)):
        piece = clip.samples[second * sample_rate : (second + 1) * sample_rate]
        if np.sqrt(np.mean(np.square(piece))) > _SILENT:
            path = f"{clip_folder(bank_name, '1s_chunks', split)}/{name}-{second:02d}.wav"
            yield MadeFile(path, f"{name}-{second:02d}.wav", _encoded(piece, sample_rate))


def _encoded(samples: Singles, sample_rate: int) -> bytes:
    return encoded_audio(Audio(samples[None], sample_rate, "mono"), form="wav", subtype="PCM_16")
