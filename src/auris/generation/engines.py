"""Who writes: a model end to end, or mono sounds that the simulator places; which of them, and what classes it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from auris.channels import ChannelLayout, stereo
from auris.errors import CheckpointError, LayoutError, ParameterError
from auris.generation.place import BankContent, Content, GeneratedContent, MonoGenerator, PlaceEngine
from auris.generation.place_scene import scene_of
from auris.generation.plan import Plan, label_for, request_of
from auris.generation.results import Made, Report, Sampling
from auris.models.generating import Generator

if TYPE_CHECKING:
    from auris.data.sound_bank import Bank

ContentKind = Literal["generated", "bank"]

PLACE = "place"
NANO = "nano-generator"
"""The generator that ships, where it does."""
_USUAL_SECONDS = 10.0  # of a clip, where the model writes that much


@runtime_checkable
class Engine(Protocol):
    """Makes clips of plans."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def layout(self) -> ChannelLayout:
        """What it writes."""
        ...

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes it knows; None where it takes any words."""
        ...

    @property
    def usual(self) -> float:
        """Seconds of a clip when nothing else is asked for."""
        ...

    @property
    def longest(self) -> float:
        """The longest clip, seconds."""
        ...

    def make(self, plan: Plan, *, seed: int, sampling: Sampling, report: Report) -> Made:
        """Write a clip; the plan names sounds by :attr:`labels`, and is at most :attr:`longest` long."""
        ...


@dataclass(frozen=True, eq=False)
class EndToEnd:
    """A model that writes all channels itself."""

    generator: Generator

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.generator.name

    @property
    def layout(self) -> ChannelLayout:
        """What it writes."""
        return self.generator.layout

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes it knows; None where it takes any words."""
        return self.generator.labels

    @property
    def usual(self) -> float:
        """Ten seconds, as published, or what it writes at most."""
        return min(self.generator.longest, _USUAL_SECONDS)

    @property
    def longest(self) -> float:
        """The longest clip, seconds."""
        return self.generator.longest

    def make(self, plan: Plan, *, seed: int, sampling: Sampling, report: Report) -> Made:
        """Write a clip; see :meth:`Engine.make`."""
        audio = self.generator.generate(
            request_of(plan),
            seed=seed,
            steps=sampling.steps,
            guidance=sampling.guidance,
            guidance_position=sampling.guidance_position,
            report=lambda done, total: report("sampling", done, total),
        )
        return Made(audio, scene_of(plan, seed=seed))


@dataclass(frozen=True)
class Chosen:
    """An engine, and why it is not another.

    Attributes:
        engine: who writes.
        notes: what the user should know of the choice.
    """

    engine: Engine
    notes: tuple[str, ...] = ()


def engine_for(
    model: str | Path | Generator | Engine | None = None,
    *,
    layout: ChannelLayout | str | None = None,
    sounds: str | Path | Bank | None = None,
    content: ContentKind | None = None,
    device: str = "auto",
) -> Chosen:
    """Return who writes a clip.

    Args:
        model: ``place``; name or folder of a generator; a loaded one, or an engine; None takes the one that ships, where it
            writes what is asked for, and ``place`` otherwise.
        layout: what is wanted; None is what the engine writes, a stereo pair for ``place``.
        sounds: of ``place``: bank of sounds, as in :func:`auris.pipelines.sound_bank`.
        content: of ``place``: ``generated`` sounds are written by the generator that ships, ``bank`` takes them from
            ``sounds``, or from the syntheses that ship; None is ``bank`` where sounds are given or no generator ships.
        device: where a model given by name computes.

    Raises:
        ParameterError: settings contradict each other.
        LayoutError: the model does not write the layout.
        CheckpointError: there is no such generator.
    """
    wanted = None if layout is None else ChannelLayout.parse(layout)
    of_place = {name: value for name, value in (("sounds", sounds), ("content", content)) if value is not None}
    if model is None:
        model = NANO if _ships(NANO) and not of_place else PLACE
    if model == PLACE:
        return Chosen(PlaceEngine(_content(sounds, content, device), wanted or stereo()))
    if isinstance(model, Engine):
        if of_place:
            raise ParameterError(
                f"{' and '.join(of_place)} belong to the model 'place', and an engine is given; leave them out"
            )
        if wanted is not None and wanted != model.layout:
            raise LayoutError(f"the engine {model.name} writes {model.layout.name}, but {wanted.name} was asked for")
        return Chosen(model)
    generator = model if isinstance(model, Generator) else loaded_generator(model, device=device)
    if of_place:
        raise ParameterError(
            f"{' and '.join(of_place)} belong to the model 'place', and {generator.name} writes its sounds itself; "
            "leave them out"
        )
    if wanted is None or wanted == generator.layout:
        return Chosen(EndToEnd(generator))
    if not isinstance(generator, MonoGenerator):
        raise LayoutError(
            f"{generator.name} writes {generator.layout.name} and nothing else; for {wanted.name} use the model place"
        )
    note = f"{generator.name} writes {generator.layout.name}; for {wanted.name} the simulator places the sounds it writes"
    return Chosen(PlaceEngine(GeneratedContent(generator), wanted), (note,))


def loaded_generator(name_or_path: str | Path, *, device: str = "auto") -> Generator:
    """Load a model that generates.

    Raises:
        CheckpointError: there is none of this name, or it does something else.
        ParameterError: there is no such device.
    """
    from auris.models.pretrained import describe, from_pretrained
    from auris.pipelines import device_named

    where = device_named(device)
    known = describe(name_or_path)
    model: Any = from_pretrained(name_or_path)
    if not hasattr(model, "generate") or known["task"] != "generate":
        raise CheckpointError(
            f"{name_or_path} is a model to {known['task']} with; generators are place, {NANO}, "
            "or a folder made by auris models convert of a BEWO checkpoint"
        )
    # Large ones choose a precision for where they compute.
    placed: Generator = model.placed(where) if hasattr(model, "placed") else model.to(where)
    return placed


def _ships(name: str) -> bool:
    from auris.models.pretrained import SHIPPED

    return name in SHIPPED


def _content(sounds: str | Path | Bank | None, content: ContentKind | None, device: str) -> Content:
    """Where the sounds of ``place`` come from."""
    from auris.pipelines import sound_bank

    if content not in (None, "generated", "bank"):
        raise ParameterError(f"content is 'generated' or 'bank', got {content!r}")
    if content == "generated" and sounds is not None:
        raise ParameterError("sounds are given, but content='generated' would not use them; leave one of the two out")
    if content == "bank" or sounds is not None or (content is None and not _ships(NANO)):
        return BankContent(sound_bank(sounds))
    if not _ships(NANO):
        raise CheckpointError("no generator ships with this auris; give sounds, or content='bank' for the syntheses that ship")
    generator: Any = loaded_generator(NANO, device=device)
    return GeneratedContent(generator)


def with_known_sounds(plan: Plan, labels: Sequence[str] | None) -> Plan:
    """Return a plan whose sounds are called by the classes of a model: "a puppy" becomes ``dog``.

    Args:
        plan: what is asked for.
        labels: the classes; None takes every word as it is.

    Raises:
        ParameterError: a sound is of none of the classes; the text names them.
    """
    if labels is None:
        return plan
    sounds = tuple(replace(sound, description=label_for(sound.description, labels)) for sound in plan.attributes.sounds)
    return replace(plan, attributes=replace(plan.attributes, sounds=sounds))
