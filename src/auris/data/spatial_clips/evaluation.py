"""Fixed pairs of clip and response, so that a score is the same every time it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from torch.utils.data import Dataset

from auris import seeding
from auris.data.spatial_clips.clip_banks import ClipBank
from auris.data.spatial_clips.items import ClipSettings, SpatialItem, clip_item
from auris.errors import ParameterError, unknown_name
from auris.io.mp3d_reverb import ReverbBank

Pairing = Literal["fixed", "upstream"]


class ClipPair(NamedTuple):
    """A clip and the response it is heard with, by number."""

    clip: int
    response: int


def evaluation_pairs(
    clips: ClipBank | int, responses: ReverbBank | int, seed: int = 0, *, per_clip: int = 1, pairing: Pairing = "fixed"
) -> tuple[ClipPair, ...]:
    """Pair every clip with responses.

    Args:
        clips: the bank, or how many there are.
        responses: the bank, or how many there are.
        seed: another seed gives other pairs.
        per_clip: pairs of each clip.
        pairing: ``fixed`` is a pure function of the numbers and the seed, in which every response is met equally often.
            ``upstream`` draws a response for each clip anew at every call, as the published evaluation does; its scores differ
            by some tenths of a per cent from call to call.

    Raises:
        ParameterError: there is nothing to pair, or the pairing is unknown.
    """
    if pairing not in get_args(Pairing):
        raise ParameterError(unknown_name("pairing", pairing, get_args(Pairing)))
    first, second = (bank if isinstance(bank, int) else len(bank) for bank in (clips, responses))
    if min(first, second, per_clip) < 1:
        raise ParameterError(f"nothing to pair: {first} clips, {second} responses, {per_clip} of them per clip")
    count = first * per_clip
    if pairing == "upstream":
        drawn = np.random.default_rng().integers(second, size=count)
    else:
        rounds = [seeding.generator(seed, "pairs", n).permutation(second) for n in range(-(-count // second))]
        drawn = np.concatenate(rounds)[:count]
    return tuple(ClipPair(number % first, int(response)) for number, response in enumerate(drawn))


class EvaluationClips(Dataset[SpatialItem]):
    """Items of fixed pairs: no gain, no mixing.

    Attributes:
        clips: dry clips.
        responses: their places.
        settings: lengths, sample rate and level are used.
        pairs: what is paired.
    """

    def __init__(
        self,
        clips: ClipBank,
        responses: ReverbBank,
        settings: ClipSettings | None = None,
        *,
        pairs: Sequence[ClipPair] | None = None,
    ) -> None:
        """Join clips and responses; ``pairs`` are :func:`evaluation_pairs` with seed 0 unless given."""
        self.clips, self.responses, self.settings = clips, responses, settings or ClipSettings()
        self.pairs = tuple(evaluation_pairs(clips, responses) if pairs is None else pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> SpatialItem:
        if not 0 <= number < len(self.pairs):
            raise IndexError(f"pair {number} of {len(self.pairs)}")
        pair = self.pairs[number]
        # The variation of a clip, where a bank has any, belongs to the pair too.
        rng = seeding.generator(number, "evaluation")
        return clip_item(self.clips, self.responses, self.settings, clip=pair.clip, response=pair.response, rng=rng)
