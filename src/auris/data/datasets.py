"""Sets of examples for PyTorch: read from a made set in any order or as a stream, or simulated on the fly.

==================== ===============================================================================================
class                what it gives
==================== ===============================================================================================
`MadeSet`            example ``i`` of a made set, of folders or shards
`MadeStream`         the examples one after the other: shuffled, dealt out to processes, resumed in the middle
`SimulatedDataset`   scene ``i`` of a preset, drawn and rendered when it is asked for; nothing is written
==================== ===============================================================================================

All give :class:`~auris.data.made_examples.MadeExample`; :mod:`auris.data.made_batches` makes batches of them. All can be sent
to other processes, by fork or by pickling: nothing is kept open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from auris import seeding
from auris.channels import ChannelLayout
from auris.data.dry import dry_signals
from auris.data.example_sources import Place, Source, find_source
from auris.data.made_examples import Check, MadeExample, Reading
from auris.data.scene_presets import ScenePreset, preset
from auris.data.scene_sampler import sample_scene
from auris.data.sound_bank import Bank
from auris.data.stems import BankSettings
from auris.data.stream_order import Order, Tail, ordered, share_of_rank, share_of_worker
from auris.dsp.hrtf import DirectionalResponses
from auris.errors import ParameterError, unknown_name
from auris.io.frame_labels import scene_to_rows
from auris.scene import Scene

Draw = Literal["same", "fresh"]


class MadeSet(Dataset[MadeExample]):
    """The examples of a set, by their number.

    Args:
        place: the folder of a set that auris made (``auris data make``), in folders or in shards; or tar shards that anybody
            wrote: their folder, a path, a pattern, or a list.
        layouts: recordings to decode with the example, and no others, by the names of their files or their layouts; None
            decodes each when it is asked for.
        channels: what the channels of a recording mean, by its name or a pattern for names (``{"rir.*": "binaural"}``), where
            nothing else says it.
        where: only items whose facts are these: ``{"split": "train"}``, ``{"kind": "clip"}``.
        check: compare the ``size`` of every file that is read with the manifest, or its ``checksum`` as well.

    Raises:
        FormatError: there is no such set, or it is not finished.
        ParameterError: no item has such facts.
    """

    def __init__(
        self,
        place: Place,
        *,
        layouts: str | Sequence[str] | None = None,
        channels: Mapping[str, ChannelLayout | str] | None = None,
        where: Mapping[str, Any] | None = None,
        check: Check = "size",
    ) -> None:
        self.source: Source = find_source(place, where or {})
        self.reading = Reading.of(layouts, channels or {}, check)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> MadeExample:
        """Return example ``index``.

        Raises:
            IndexError: there are fewer.
            FormatError: a file of it is missing or damaged; shard and member are named.
            LayoutError: a recording that is asked for is not there, or nothing says what its channels are.
        """
        number = range(len(self.source))[index]
        return self.source.read(self.source.member(number), self.reading)


class MadeStream(IterableDataset[MadeExample]):
    """The examples of a set one after the other, each exactly once in an epoch.

    The order is a pure function of seed and epoch, whatever the number of processes. Every ``ranks * batch`` examples are dealt
    out to the ranks, ``batch`` to each, and a rank's batches to the workers of its loader in turn. So, with ``batch`` equal to
    the loader's ``batch_size``, a ``DataLoader`` gives the same batches in the same order with any number of workers, and all
    ranks together see in each step what one process would with a batch ``ranks`` times as large.

    Only places are shuffled, not content: a buffer of any size costs no memory to speak of, and going on in the middle of an
    epoch reads nothing of what was given before.

    Args:
        place: as for :class:`MadeSet`. Shards without a manifest are read through, header by header, when their turn comes.
        layouts: as for :class:`MadeSet`.
        channels: as for :class:`MadeSet`.
        where: as for :class:`MadeSet`.
        check: as for :class:`MadeSet`.
        order: ``shuffled`` or as ``stored``.
        buffer: examples among which the next one is chosen. Shards come in random order as well; the items of folders are
            shuffled as a whole.
        seed: of the order.
        batch: examples that stay together; the ``batch_size`` of the loader.
        tail: ``keep`` gives every example, so that ranks may get unequal numbers; ``drop`` leaves out the last round where it
            is incomplete.
        ranks: this process among those that train together, ``(rank, ranks)``; None asks ``torch.distributed`` or the
            environment (``RANK``, ``WORLD_SIZE``) here and now, in the process that makes the stream.

    Raises:
        FormatError: there is no such set, or it is not finished.
        ParameterError: no item has such facts, or a number or name is impossible.
    """

    def __init__(
        self,
        place: Place,
        *,
        layouts: str | Sequence[str] | None = None,
        channels: Mapping[str, ChannelLayout | str] | None = None,
        where: Mapping[str, Any] | None = None,
        check: Check = "size",
        order: Order = "shuffled",
        buffer: int = 1000,
        seed: int = 0,
        batch: int = 1,
        tail: Tail = "keep",
        ranks: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        if buffer < 1 or batch < 1:
            raise ParameterError(f"buffer and batch are at least 1, got {buffer!r} and {batch!r}")
        for kind, value, accepted in (("order", order, get_args(Order)), ("tail", tail, get_args(Tail))):
            if value not in accepted:
                raise ParameterError(unknown_name(kind, value, accepted))
        self.source: Source = find_source(place, where or {})
        self.reading = Reading.of(layouts, channels or {}, check)
        self.order, self.buffer, self.seed, self.batch, self.tail = order, buffer, seed, batch, tail
        self.rank, self.ranks = _place_among_ranks() if ranks is None else ranks
        if not 0 <= self.rank < self.ranks:
            raise ParameterError(f"ranks is (rank, ranks) with 0 <= rank < ranks, got {(self.rank, self.ranks)!r}")
        self._at = _SharedNumbers(epoch=0, start=0)  # where the next iteration begins, in every process that has this stream
        self._taken, self._resumed = 0, 0  # by this process: examples given, and of them before it was resumed
        self._begun, self._workers = (0, 0), 1  # in a worker: epoch and start of its iteration, and how many workers there are

    @property
    def epoch(self) -> int:
        """Number of the epoch, from 0."""
        return self._at["epoch"]

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iteration, which begins at its first example, or where a loaded state of it says.

        Workers that are there already (``persistent_workers=True``) learn of it.
        """
        if epoch != self.epoch:
            self._at["start"], self._taken, self._resumed = 0, 0, 0
        self._at["epoch"] = epoch

    def __len__(self) -> int:
        """Number of examples that this rank gets in an epoch."""
        total, whole = len(self.source), self.ranks * self.batch
        rest = 0 if self.tail == "drop" else min(max(total % whole - self.rank * self.batch, 0), self.batch)
        return total // whole * self.batch + rest

    def __iter__(self) -> Iterator[MadeExample]:
        """Yield the examples of this process.

        Raises:
            FormatError: a shard or a file is missing, damaged or cut short; shard and member are named.
            ParameterError: a state that one of several workers saved is continued with another number of workers.
        """
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info is not None else (0, 1)
        if self._resumed and workers != self._workers:
            raise ParameterError(f"this state is of one of {self._workers} workers and cannot go on with {workers}")
        start, skip = self._at["start"], self._resumed
        self._begun, self._workers, self._taken, self._resumed = (self.epoch, start), workers, skip, 0
        if info is None:
            self._at["start"], self._taken = 0, start + skip  # a state is continued once
        members = ordered(
            self.source.groups, self.source.members, order=self.order, buffer=self.buffer, seed=self.seed, epoch=self.epoch
        )
        mine = share_of_rank(members, rank=self.rank, ranks=self.ranks, batch=self.batch, tail=self.tail)
        part = share_of_worker(islice(mine, start, None), worker=worker, workers=workers, batch=self.batch)
        for member in islice(part, skip, None):
            example = self.source.read(member, self.reading)
            self._taken += 1
            yield example

    def state_dict(self, *, delivered: int | None = None) -> dict[str, Any]:
        """Return where this rank is in the epoch.

        Args:
            delivered: examples given since the epoch began. This process counts them by itself; when a ``DataLoader`` reads
                ahead in workers, only who takes its batches knows: say it here. A loader that asks the workers themselves
                (``torchdata.stateful_dataloader``) gets from each its own state.
        """
        if delivered is not None or get_worker_info() is None:
            return {"epoch": self.epoch, "delivered": int(self._taken if delivered is None else delivered), "plan": self._plan}
        epoch, start = self._begun
        return {"epoch": epoch, "delivered": start, "taken": self._taken, "workers": self._workers, "plan": self._plan}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on where a stream like this one was.

        Raises:
            ParameterError: the state is not one, or of a stream with other examples, another order or other ranks.
        """
        try:
            epoch, delivered, plan = int(state["epoch"]), int(state["delivered"]), str(state["plan"])
        except (KeyError, TypeError, ValueError):
            raise ParameterError(f"not the state of a stream: {state!r}") from None
        if plan != self._plan:
            raise ParameterError(
                f"this state ({plan}) is of a stream with other examples, or another order, buffer, seed, batch, tail or "
                f"number of ranks than this one ({self._plan}); it would not go on with the same examples"
            )
        self._at["epoch"], self._at["start"] = epoch, delivered
        self._taken, self._resumed = delivered, int(state.get("taken", 0))
        self._workers = int(state.get("workers", 1))

    @property
    def _plan(self) -> str:
        """What decides about the order."""
        own = (self.order, self.buffer, self.seed, self.batch, self.tail, self.ranks)
        return f"{self.source.identity}-{seeding.derive(0, repr(own)):016x}"


class SimulatedDataset(Dataset[MadeExample]):
    """Scenes of a preset, drawn and rendered when they are asked for.

    Scene ``i`` is a pure function of preset, sounds, seed and ``i``, and of the epoch where ``draw`` says so: the scene that
    ``auris simulate --sample`` draws from ``seeding.derive(seed, "scene", i)``. Use workers: rendering is what takes time.

    Args:
        choice: ranges to draw from, or the name of a preset (:data:`auris.data.scene_presets.PRESETS`).
        sounds: what is heard; settings are opened in each process that needs them.
        scenes: how many.
        layouts: what hears them.
        sample_rate: hertz.
        seed: of all scenes.
        draw: the ``same`` scenes in every epoch, or ``fresh`` ones.
        heads: of binaural layouts, taking turns; none takes the built-in head.

    Raises:
        ParameterError: a number or name is impossible.
        LayoutError: a layout is unknown.
    """

    def __init__(
        self,
        choice: ScenePreset | str,
        sounds: BankSettings | Bank | None = None,
        *,
        scenes: int,
        layouts: Sequence[ChannelLayout | str] = ("foa",),
        sample_rate: int = 24_000,
        seed: int = 0,
        draw: Draw = "same",
        heads: Sequence[DirectionalResponses] = (),
    ) -> None:
        if scenes < 1:
            raise ParameterError(f"there must be at least 1 scene, got {scenes!r}")
        if draw not in get_args(Draw):
            raise ParameterError(unknown_name("draw", draw, get_args(Draw)))
        self.preset, self.sounds = preset(choice), BankSettings() if sounds is None else sounds
        self.scenes, self.sample_rate, self.seed, self.draw = scenes, sample_rate, seed, draw
        self.layouts = tuple(map(ChannelLayout.parse, (layouts,) if isinstance(layouts, str) else layouts))
        self.heads = tuple(heads)
        self._at = _SharedNumbers(epoch=0)
        self._bank: Bank | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what every process opens for itself."""
        opened = isinstance(self.sounds, BankSettings)
        return {**self.__dict__, "_bank": None if opened else self._bank}

    @property
    def bank(self) -> Bank:
        """The sounds, opened."""
        if self._bank is None:
            self._bank = self.sounds.open() if isinstance(self.sounds, BankSettings) else self.sounds
        return self._bank

    @property
    def epoch(self) -> int:
        """Number of the epoch, from 0."""
        return self._at["epoch"]

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; workers that are there already learn of it. Without ``draw="fresh"`` it changes nothing."""
        self._at["epoch"] = epoch

    def __len__(self) -> int:
        return self.scenes

    def scene(self, index: int) -> Scene:
        """Return scene ``index`` of this epoch, without rendering it.

        Raises:
            IndexError: there are fewer.
            SceneError: the preset asks for something impossible; the text names what.
        """
        number = range(self.scenes)[index]
        seed = self.seed if self.draw == "same" else seeding.derive(self.seed, "epoch", self.epoch)
        return sample_scene(self.preset, self.bank, seeding.derive(seed, "scene", number))

    def __getitem__(self, index: int) -> MadeExample:
        """Return scene ``index`` as it is heard; raises as :meth:`scene`."""
        from auris.acoustics.renderer import render

        number = range(self.scenes)[index]
        scene = self.scene(number)
        dry = dry_signals(scene, self.bank, self.sample_rate)
        head = self.heads[number % len(self.heads)] if self.heads else None
        audio = {}
        for layout in self.layouts:
            hrtf = head if layout.kind == "binaural" else None
            audio[layout.name] = render(scene, dry, layout=layout, sample_rate=self.sample_rate, hrtf=hrtf).mixture
        return MadeExample(f"scene_{number:05d}", number, audio, scene, scene_to_rows(scene, self.bank.labels))


class _SharedNumbers:
    """Whole numbers that a dataset and its copies in the workers of a loader have in common."""

    def __init__(self, **values: int) -> None:
        self._names = tuple(values)
        self._values: Tensor = torch.tensor(list(values.values()), dtype=torch.int64)
        self._values.share_memory_()  # type: ignore[no-untyped-call]

    def __getitem__(self, name: str) -> int:
        return int(self._values[self._names.index(name)])

    def __setitem__(self, name: str, value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise ParameterError(f"{name} is a whole number of at least 0, got {value!r}")
        self._values[self._names.index(name)] = int(value)


def _place_among_ranks() -> tuple[int, int]:
    """Number of this process among those that train together, and their number."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
