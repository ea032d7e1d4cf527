"""What the channels of a recording mean: mono, stereo pair, binaural, ambisonics or a microphone array.

Ambisonics are ACN/SN3D (AmbiX) inside auris; files in FuMa or N3D are converted when they are read
(:mod:`auris.dsp.ambisonics`). A layout never follows from a channel count alone: four channels may be first-order
ambisonics or a tetrahedral array.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auris.errors import LayoutError, unknown_name
from auris.geometry.directions import unit_vector

Kind = Literal["mono", "stereo", "binaural", "ambisonics", "array"]
Positions = tuple[tuple[float, float, float], ...]

MAX_ORDER = 7
STEREO_SPACING = 0.17  # metres; the pair of BEWO-1M (arXiv:2410.10676)
TETRA_RADIUS = 0.042  # metres; the DCASE "MIC" format, four capsules of an em32
_AMBISONIC_LETTERS = "WYZXVTRSUQOMKLNP"  # ACN 0 to 15, as the B-format channels of these components are called
TETRA_DIRECTIONS_DEG = ((45.0, 35.0), (-45.0, -35.0), (135.0, -35.0), (-135.0, 35.0))


@dataclass(frozen=True)
class ChannelLayout:
    """The meaning of each channel.

    Use the constructors :func:`mono`, :func:`stereo`, :func:`binaural`, :func:`ambisonics`, :func:`array`,
    :func:`tetrahedral`, or :meth:`parse` for a name.

    Attributes:
        kind: family of the layout.
        order: ambisonic order (1 to 7), otherwise None.
        positions: capsule positions relative to the listener's centre in metres (stereo and arrays), otherwise None.
        sphere_radius: radius in metres of the rigid sphere that carries an array's capsules; None in free air.
    """

    kind: Kind
    order: int | None = None
    positions: Positions | None = None
    sphere_radius: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("mono", "stereo", "binaural", "ambisonics", "array"):
            raise LayoutError(unknown_name("layout kind", self.kind, ["mono", "stereo", "binaural", "ambisonics", "array"]))
        if (self.kind == "ambisonics") != (self.order is not None):
            raise LayoutError(f"an order belongs to ambisonics and only there; got kind={self.kind!r}, order={self.order!r}")
        if self.order is not None and not (isinstance(self.order, int) and 1 <= self.order <= MAX_ORDER):
            raise LayoutError(f"ambisonic order must be a whole number from 1 to {MAX_ORDER}, got {self.order!r}")
        if (self.kind in ("stereo", "array")) != (self.positions is not None):
            raise LayoutError(f"capsule positions belong to 'stereo' and 'array' only, got kind={self.kind!r}")
        if self.positions is not None:
            self._check_positions(self.positions)

    def _check_positions(self, positions: Positions) -> None:
        try:
            points = np.asarray(positions, dtype=float)
        except (TypeError, ValueError):
            points = np.zeros(0)
        if points.ndim != 2 or points.shape[1] != 3 or not len(points) or not np.all(np.isfinite(points)):
            raise LayoutError(f"capsule positions must be a list of finite [x, y, z] in metres, got {positions!r}")
        if self.kind == "stereo" and len(points) != 2:
            raise LayoutError(f"a stereo pair has two capsules, got {len(points)}; use array() for more")
        if self.sphere_radius is not None:
            if not isinstance(self.sphere_radius, int | float):
                raise LayoutError(f"sphere_radius must be metres, got {self.sphere_radius!r}")
            off = np.abs(np.linalg.norm(points, axis=1) - self.sphere_radius)
            if self.kind != "array" or not self.sphere_radius > 0 or off.max() > 1e-6:
                raise LayoutError("capsules on a rigid sphere must all lie at sphere_radius from the centre")
        object.__setattr__(self, "positions", tuple((float(p[0]), float(p[1]), float(p[2])) for p in points))

    @property
    def channels(self) -> int:
        """Number of channels."""
        if self.order is not None:
            return (self.order + 1) ** 2
        return len(self.positions) if self.positions is not None else {"mono": 1, "binaural": 2}[self.kind]

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What each channel is called: left and right, W Y Z X … (acn16 and so on from fourth order), capsule1 and so on."""
        if self.kind in ("stereo", "binaural"):
            return ("left", "right")
        if self.kind == "mono":
            return ("mono",)
        letters = _AMBISONIC_LETTERS if self.kind == "ambisonics" else ""
        rest = (f"acn{i}" if letters else f"capsule{i + 1}" for i in range(len(letters), self.channels))
        return (*letters, *rest)[: self.channels]

    @property
    def name(self) -> str:
        """Short name; :meth:`parse` reads every name but that of a general array."""
        if self.kind == "ambisonics":
            return "foa" if self.order == 1 else f"hoa{self.order}"
        if self == tetrahedral():
            return "tetra"
        return self.kind if self.kind != "array" else f"array{self.channels}"

    @classmethod
    def parse(cls, name: str | ChannelLayout) -> ChannelLayout:
        """Return the layout called ``name``: mono, stereo, binaural, foa, hoa2 … hoa7, tetra.

        Raises:
            LayoutError: the name is unknown.

        >>> ChannelLayout.parse("hoa3").channels
        16
        """
        if isinstance(name, ChannelLayout):
            return name
        named = {"mono": mono, "stereo": stereo, "binaural": binaural, "foa": ambisonics, "tetra": tetrahedral}
        key = str(name).lower()
        if key in named:
            return named[key]()
        if match := re.fullmatch(r"hoa([1-7])", key):
            return ambisonics(int(match[1]))
        raise LayoutError(unknown_name("layout", name, [*named, *(f"hoa{n}" for n in range(2, MAX_ORDER + 1))]))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dictionary with the fields that are set."""
        plain: dict[str, Any] = {"kind": self.kind, "order": self.order, "sphere_radius": self.sphere_radius}
        plain["positions"] = None if self.positions is None else [list(p) for p in self.positions]
        return {key: value for key, value in plain.items() if value is not None}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> ChannelLayout:
        """Inverse of :meth:`to_dict`."""
        unknown = set(plain) - {"kind", "order", "positions", "sphere_radius"}
        if unknown or "kind" not in plain:
            raise LayoutError(f"a layout has the keys kind, order, positions, sphere_radius; got {sorted(plain)}")
        return cls(**plain)


def mono() -> ChannelLayout:
    """One omnidirectional microphone at the listener's centre."""
    return ChannelLayout("mono")


def stereo(spacing: float = STEREO_SPACING) -> ChannelLayout:
    """Two omnidirectional microphones, left then right, ``spacing`` metres apart."""
    return ChannelLayout("stereo", positions=((0.0, spacing / 2, 0.0), (0.0, -spacing / 2, 0.0)))


def binaural() -> ChannelLayout:
    """Two ears, left then right."""
    return ChannelLayout("binaural")


def ambisonics(order: int = 1) -> ChannelLayout:
    """Ambisonics in ACN order and SN3D normalisation (AmbiX)."""
    return ChannelLayout("ambisonics", order=order)


def array(positions: ArrayLike, *, sphere_radius: float | None = None) -> ChannelLayout:
    """Omnidirectional capsules at ``positions`` ``(M, 3)`` metres, in free air or flush on a rigid sphere."""
    try:
        points: NDArray[np.float64] = np.asarray(positions, dtype=float)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 3:
        raise LayoutError(f"capsule positions must be a list of [x, y, z] in metres, got {positions!r}")
    return ChannelLayout("array", positions=tuple((x, y, z) for x, y, z in points.tolist()), sphere_radius=sphere_radius)


def tetrahedral() -> ChannelLayout:
    """The DCASE microphone-array format: four capsules on a rigid sphere of 4.2 cm radius."""
    azimuth, elevation = np.radians(np.asarray(TETRA_DIRECTIONS_DEG)).T
    return array(np.round(TETRA_RADIUS * unit_vector(azimuth, elevation), 12), sphere_radius=TETRA_RADIUS)


def require_layout(actual: ChannelLayout, accepted: tuple[Kind, ...], *, what: str) -> None:
    """Raise :class:`LayoutError` unless ``actual`` is of one of the accepted kinds."""
    if actual.kind not in accepted:
        raise LayoutError(f"{what} needs {' or '.join(accepted)} audio, but this audio is {actual.name}")
