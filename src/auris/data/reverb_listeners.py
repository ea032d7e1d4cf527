"""Who listens in a simulated bank of room responses: a population of heads that take turns, or one microphone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from auris import seeding
from auris.acoustics.engine import ShoeboxEngine
from auris.acoustics.receivers import AmbisonicReceiver, DirectionalReceiver, OpenArrayReceiver, Receiver
from auris.dsp.hrtf import DirectionalResponses, structural_head
from auris.errors import FormatError

Layout = Literal["binaural", "mono", "foa"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
BUILT_IN = "built-in"  # stands for the head with which scenes are rendered if no other is asked for


@dataclass(frozen=True)
class BankPopulation:
    """The listeners of a bank.

    Attributes:
        layout: what they hear with.
        sample_rate: hertz.
        heads: how many structural heads.
        head_radius: range of their radii in metres.
        measured: SOFA files of measured heads, or :data:`BUILT_IN`, each with a size.
        seed: of the structural heads, whose radii and pinnae also depend on the split.
    """

    layout: Layout
    sample_rate: int
    heads: int
    head_radius: tuple[float, float]
    measured: tuple[tuple[str, float], ...]
    seed: int

    @property
    def count(self) -> int:
        """How many there are."""
        return self.heads + len(self.measured) if self.layout == "binaural" else 1

    def check(self) -> None:
        """See whether all files of measured heads exist, before anything is simulated.

        Raises:
            FormatError: one does not.
        """
        for file, _ in self.measured:
            if file != BUILT_IN and not Path(file).is_file():
                raise FormatError(f"{file}: no such SOFA file of a measured head")


@dataclass(frozen=True)
class BankListener:
    """One of a population.

    Attributes:
        population: the population.
        split: of the bank.
        number: which of them.
    """

    population: BankPopulation
    split: str
    number: int

    @property
    def name(self) -> str:
        """What listens, in words."""
        population = self.population
        if population.layout != "binaural":
            return population.layout
        if self.number < population.heads:
            return f"structural head {self.number} of {self.split}"
        file, scale = population.measured[self.number - population.heads]
        return f"{'built-in head' if file == BUILT_IN else Path(file).stem}, {scale:g} times as large"

    @cached_property
    def engine(self) -> ShoeboxEngine:
        """What renders rooms for this listener; its tables take seconds to make."""
        return ShoeboxEngine(self._receiver(), self.population.sample_rate)

    def _receiver(self) -> Receiver:
        if self.population.layout == "foa":
            return AmbisonicReceiver(1)
        if self.population.layout == "mono":
            return OpenArrayReceiver(np.zeros((1, 3)))
        return DirectionalReceiver(self._head())

    def _head(self) -> DirectionalResponses:
        population = self.population
        if self.number >= population.heads:
            file, scale = population.measured[self.number - population.heads]
            return _complete_head(file, population.sample_rate).scaled(scale)
        seed = seeding.derive(population.seed, "reverb-bank", self.split, "head", self.number)
        radius = float(seeding.generator(seed, "radius").uniform(*population.head_radius))
        return structural_head(population.sample_rate, head_radius=radius, pinna_seed=seed)


def _complete_head(file: str, sample_rate: int) -> DirectionalResponses:
    if file == BUILT_IN:
        return structural_head(sample_rate)
    from auris.io.sofa import read_hrtf

    return read_hrtf(file).resampled(sample_rate)
