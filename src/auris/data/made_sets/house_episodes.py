"""What happens in a made house: where sounds stand, episodes for a listener that moves, records for one that does not.

Everything is a pure function of the graph and a generator; sounds come in as names with classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auris.errors import SceneError
from auris.geometry.navigation import HEADINGS
from auris.io.separation_episodes import EpisodeSource, PassiveRecord, Point, SeparationEpisode
from auris.io.soundspaces import SceneGraph

Whole = NDArray[np.int64]
WholeRange = tuple[int, int]


@dataclass(frozen=True)
class NamedClip:
    """A long clip that episodes can play.

    Attributes:
        name: of its file, without ``.wav``.
        label: number of its class.
        seconds: how long it lasts.
        target: whether it may be the sound that is to be heard.
    """

    name: str
    label: int
    seconds: int
    target: bool = True


@dataclass(frozen=True)
class EpisodeRules:
    """How episodes are drawn.

    Attributes:
        sources: sounds at once, the target among them.
        source_hops: fewest steps between any two of them.
        start_hops: steps from the listener's start to the target, fewest and most.
    """

    sources: int
    source_hops: int
    start_hops: WholeRange

    def pairs_apart(self, hops: Whole) -> Whole:
        """Return the pairs of places ``(K, 2)`` that are far enough apart for two sounds, and can be walked between."""
        return np.argwhere(np.triu(hops >= self.source_hops, k=1))


def source_places(graph_hops: Whole, count: int, rules: EpisodeRules, generator: np.random.Generator) -> Whole:
    """Return ``count`` places for sounds, sorted; at least ``rules.sources`` of them are far enough from each other.

    Args:
        graph_hops: steps between all places.
        count: 0 takes every place.
        rules: how far apart.
        generator: source of randomness.

    Raises:
        SceneError: the house is too small for places so far apart.
    """
    everywhere = np.arange(len(graph_hops))
    for _ in range(200):
        chosen = _far_apart(graph_hops, everywhere, rules, generator)
        if chosen:
            break
    else:
        raise SceneError(
            f"a house of {len(graph_hops)} places has no {rules.sources} that are {rules.source_hops} steps from each other; "
            "lower source_hops or sources, or raise plan.length"
        )
    if not 0 < count < len(everywhere):
        return everywhere
    others = generator.permutation(np.setdiff1d(everywhere, chosen))[: max(count - len(chosen), 0)]
    return np.sort(np.concatenate([np.array(chosen, dtype=np.int64), others]))


def _far_apart(hops: Whole, places: Whole, rules: EpisodeRules, generator: np.random.Generator) -> list[int]:
    """As many places as there are sources, far enough from each other; empty where the draw leads nowhere."""
    chosen: list[int] = []
    left = places
    while len(chosen) < rules.sources:
        if not len(left):
            return []
        chosen.append(int(left[generator.integers(len(left))]))
        left = left[hops[chosen[-1], left] >= max(rules.source_hops, 1)]
    return chosen


def draw_episodes(
    scene: SceneGraph,
    places: Whole,
    clips: Sequence[NamedClip],
    rules: EpisodeRules,
    *,
    count: int,
    generator: np.random.Generator,
) -> list[SeparationEpisode]:
    """Return ``count`` episodes of a house.

    The target's class is drawn from those that may be targets, the other sounds' from the others, each sound of another
    class; then a clip of the class and the second at which it begins.

    Args:
        scene: the house.
        places: where sounds may stand.
        clips: what may be played, of at least as many classes as there are sources.
        rules: how far apart everything is.
        count: how many.
        generator: source of randomness.

    Raises:
        SceneError: no place is far enough from a sound to start from.
    """
    by_label: dict[int, list[NamedClip]] = {}
    for clip in clips:
        by_label.setdefault(clip.label, []).append(clip)
    return [
        _episode(scene, places, by_label, rules, name=f"{scene.name}_{number}", generator=generator) for number in range(count)
    ]


def _episode(
    scene: SceneGraph,
    places: Whole,
    by_label: dict[int, list[NamedClip]],
    rules: EpisodeRules,
    *,
    name: str,
    generator: np.random.Generator,
) -> SeparationEpisode:
    hops, (nearest, farthest) = scene.graph.hops, rules.start_hops
    for _ in range(200):
        nodes = _far_apart(hops, places, rules, generator)
        starts = np.flatnonzero((hops[nodes[0]] >= nearest) & (hops[nodes[0]] <= farthest)) if nodes else places[:0]
        if len(starts):
            break
    else:
        raise SceneError(
            f"{scene.name}: no start is {nearest} to {farthest} steps from a sound; widen start_hops or enlarge the house"
        )
    start = int(starts[generator.integers(len(starts))])
    targets = sorted(label for label, found in by_label.items() if any(clip.target for clip in found))
    labels = [targets[int(generator.integers(len(targets)))]]
    others = np.array(sorted(label for label in by_label if label != labels[0]))
    labels += generator.permutation(others)[: len(nodes) - 1].tolist()
    sources = []
    for node, label in zip(nodes, labels, strict=True):
        clip = by_label[label][int(generator.integers(len(by_label[label])))]
        second = int(generator.integers(clip.seconds))
        sources.append(EpisodeSource(_floor(scene, node), clip.name, second, label, float(hops[start, node])))
    return SeparationEpisode(name, scene.name, _floor(scene, start), int(generator.integers(HEADINGS)), tuple(sources))


def draw_passive(
    graph_hops: Whole, places: Whole, rules: EpisodeRules, *, count: int, generator: np.random.Generator
) -> list[PassiveRecord]:
    """Return ``count`` places and headings of a listener, with places of as many sounds as an episode has."""
    records: list[PassiveRecord] = []
    while len(records) < count:
        sources = _far_apart(graph_hops, places, rules, generator)
        if sources:
            receiver = int(generator.integers(len(graph_hops)))
            records.append(PassiveRecord(receiver, int(generator.integers(HEADINGS)), tuple(sources)))
    return records


def _floor(scene: SceneGraph, node: int) -> Point:
    x, y, z = (round(value, 4) + 0.0 for value in scene.floor[node].tolist())
    return x, y, z
