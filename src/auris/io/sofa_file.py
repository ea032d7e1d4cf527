"""Guarded access to the variables of a SOFA file: every access gives a value that makes sense, or an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from auris.audio import MAX_RATE, MIN_RATE
from auris.errors import FormatError
from auris.geometry.directions import Floats, unit_vector

HRTF_CONVENTIONS = ("SimpleFreeFieldHRIR",)
ROOM_CONVENTIONS = ("SingleRoomSRIR", "SingleRoomDRIR", "SingleRoomMIMOSRIR", "MultiSpeakerBRIR")
MAX_BYTES = 4 * 2**30  # of impulse responses in one file, as float64
_DAMAGE = (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError)  # what h5py raises on damaged files


class SofaFile:
    """An open SOFA file whose every access ends in a value that makes sense, or a FormatError that names the file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise self.error("no such file")
        try:
            self._file = h5py.File(self.path, "r")
        except OSError:
            raise self.error("not a SOFA file: it is not HDF5, or it is damaged or cut short") from None

    def __enter__(self) -> SofaFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def error(self, reason: str) -> FormatError:
        """Return an error that names the file."""
        return FormatError(f"{self.path}: {reason}")

    def text(self, attribute: str, variable: str | None = None) -> str:
        """Return a text attribute of the file or a variable; empty when it is missing."""
        holder = self._file if variable is None else self._variable(variable)
        try:
            value: Any = holder.attrs.get(attribute, "")
        except _DAMAGE:
            raise self.error(f"attribute {attribute} cannot be read; the file is damaged") from None
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.reshape(-1)[0]
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace").strip()
        return value.strip() if isinstance(value, str) else ""

    def require_convention(self, accepted: tuple[str, ...]) -> str:
        """Return the file's convention, or raise with the reader that takes it."""
        found = self.text("SOFAConventions")
        if found in accepted:
            return found
        other = "read_hrtf" if found in HRTF_CONVENTIONS else "read_room_responses" if found in ROOM_CONVENTIONS else ""
        advice = f"; read it with {other}()" if other else ""
        raise self.error(f"SOFA convention is {found or 'not given'!r}, accepted here: {', '.join(accepted)}{advice}")

    def responses(self, *, dimensions: int) -> NDArray[np.float32]:
        """Return the impulse responses (M, R, N) or (M, R, E, N) with their delays applied."""
        if not self.text("DataType").startswith("FIR"):
            raise self.error(f"data type is {self.text('DataType')!r}, only impulse responses (FIR) are read")
        variable = self._variable("Data.IR")
        if variable.ndim != dimensions or 0 in variable.shape or variable.dtype.kind not in "fiu":
            raise self.error(f"Data.IR must hold numbers in {dimensions} dimensions, got {variable.shape} of {variable.dtype}")
        if (size := 8 * int(np.prod([float(n) for n in variable.shape]))) > MAX_BYTES:
            raise self.error(
                f"Data.IR has shape {variable.shape}, {size / 2**30:.1f} GiB; at most {MAX_BYTES / 2**30:.0f} GiB is read"
            )
        data = self._values(variable, np.float32)
        # FIR-E of SOFA 2 keeps the emitters last, FIRE of SOFA 1 before the samples.
        data = np.moveaxis(data, -1, 2) if dimensions == 4 and self.text("DataType") == "FIR-E" else data
        delay = self.numbers("Data.Delay") if self._has("Data.Delay") else np.zeros((1, data.shape[1]))
        try:
            delay = np.broadcast_to(delay.reshape(delay.shape + (1,) * (data.ndim - 1 - delay.ndim)), data.shape[:-1])
        except ValueError:
            raise self.error(f"Data.Delay of shape {delay.shape} does not fit Data.IR of shape {data.shape}") from None
        return self._delayed(data, delay) if np.any(delay) else data

    def _delayed(self, data: NDArray[np.float32], delay: Floats) -> NDArray[np.float32]:
        if delay.min() < 0 or delay.max() > 10 * data.shape[-1] + 96_000:
            raise self.error(f"Data.Delay must be 0 samples to a few seconds, got {delay.min():g} to {delay.max():g}")
        whole = np.floor(delay).astype(int)
        out = np.zeros((*data.shape[:-1], data.shape[-1] + int(whole.max()) + 1), dtype=np.float32)
        if out.nbytes * 2 > MAX_BYTES:
            raise self.error("Data.IR with its delays would exceed 4 GiB")
        n_fft = fft.next_fast_len(data.shape[-1] + 64, real=True)
        ramp = -2j * np.pi * np.arange(n_fft // 2 + 1) / n_fft
        for index in np.ndindex(delay.shape):
            fraction = delay[index] - whole[index]
            response = data[index]
            if fraction:
                response = fft.irfft(fft.rfft(response, n_fft) * np.exp(ramp * fraction), n_fft)[: data.shape[-1] + 1]
            out[index][whole[index] : whole[index] + len(response)] = response
        return out

    def sample_rate(self) -> int:
        """Return the one sample rate of the file."""
        rates = np.unique(self.numbers("Data.SamplingRate"))
        if len(rates) != 1 or not MIN_RATE <= rates[0] <= MAX_RATE or rates[0] != np.round(rates[0]):
            raise self.error(f"sample rate must be one whole number of {MIN_RATE} to {MAX_RATE} Hz, got {rates.tolist()[:4]}")
        return int(rates[0])

    def positions(self, name: str, count: int, *, kind: str | None = None) -> Floats:
        """Return a position variable as Cartesian ``(count, 3)`` metres; one row stands for all."""
        values = self.numbers(name)
        values = values[..., 0] if values.ndim == 3 else values  # (R, C, I) and (E, C, M): the first measurement
        if values.ndim != 2 or values.shape[1] != 3 or values.shape[0] not in (1, count):
            raise self.error(f"{name} must have shape (1 or {count}, 3), got {values.shape}")
        frame = (kind or self.text("Type", name) or "cartesian").lower()
        units = self.text("Units", name).lower()
        if frame == "spherical":
            azimuth, elevation = (values[:, :2] if units.startswith("rad") else np.radians(values[:, :2])).T
            values = unit_vector(azimuth, elevation) * values[:, 2:]
        elif frame != "cartesian":
            raise self.error(f"{name} is in {frame!r} coordinates; cartesian and spherical are read")
        return np.broadcast_to(values, (count, 3)).astype(float)

    def pose(self, who: Literal["Listener", "Source"], count: int) -> tuple[Floats, Floats]:
        """Return positions ``(count, 3)`` and body-to-room matrices ``(count, 3, 3)`` of the listener or the source."""
        place, view, upward = self.positions(f"{who}Position", count), f"{who}View", f"{who}Up"
        if not self._has(view):
            return place, np.broadcast_to(np.eye(3), (count, 3, 3)).copy()
        kind = self.text("Type", view) or "cartesian"
        forward = self.positions(view, count, kind=kind)
        up = np.broadcast_to([0.0, 0.0, 1.0], (count, 3))
        if self._has(upward):
            up = self.positions(upward, count, kind=self.text("Type", upward) or kind)
        left = np.cross(up, forward)
        axes = np.stack([forward, left, np.cross(forward, left)], axis=-1)
        length = np.linalg.norm(axes, axis=1, keepdims=True)
        if np.any(length < 1e-9):
            raise self.error(f"{view} and {upward} must be two directions that differ")
        return place, axes / length

    def source_positions(self, count: int) -> Floats:
        """Return the sources ``(count, 3)`` in the listener's own frame."""
        place, rotations = self.pose("Listener", count)
        relative = self.positions("SourcePosition", count) - place
        return np.asarray(np.einsum("rji,rj->ri", rotations, relative))

    def numbers(self, name: str) -> Floats:
        """Return a small numeric variable as float64."""
        variable = self._variable(name)
        if variable.dtype.kind not in "fiu" or variable.ndim > 4 or variable.size > 50_000_000:
            raise self.error(f"{name} must hold numbers, got {variable.dtype} of shape {variable.shape}")
        return np.asarray(self._values(variable, np.float64))

    def _has(self, name: str) -> bool:
        try:
            return name in self._file
        except _DAMAGE:
            raise self.error(f"variable {name} cannot be read; the file is damaged") from None

    def _variable(self, name: str) -> Any:
        """Return a dataset stored in this very file: links to other files are not followed."""
        try:
            link = self._file.get(name, getlink=True)
            variable = self._file[name] if isinstance(link, h5py.HardLink) else None
        except _DAMAGE:
            raise self.error(f"variable {name} cannot be read; the file is damaged") from None
        if not isinstance(variable, h5py.Dataset):
            raise self.error(f"variable {name} is missing")
        if variable.is_virtual or variable.external:
            raise self.error(f"variable {name} lies in another file, which is not followed")
        return variable

    def _values(self, variable: Any, dtype: type[np.floating]) -> Any:
        try:
            values = np.asarray(variable.astype(dtype)[...])
        except _DAMAGE:
            raise self.error(f"variable {variable.name.lstrip('/')} cannot be read; the file is damaged or cut short") from None
        if not np.all(np.isfinite(values)):
            raise self.error(f"variable {variable.name.lstrip('/')} holds values that are NaN or infinite")
        return values
