"""SpatialSonic: stereo sound from words and directions (Both Ears Wide Open, arXiv:2410.10676).

``SpatialSonic`` is in :mod:`auris.models.spatialsonic.network`, which needs the extra ``generation``; what is here does not.
"""

from auris.models.spatialsonic.azimuth_matrix import AzimuthTrack
from auris.models.spatialsonic.config import (
    DitConfig,
    PositionConfig,
    SamplingSettings,
    SpatialSonicConfig,
    VaeConfig,
)

__all__ = ["AzimuthTrack", "DitConfig", "PositionConfig", "SamplingSettings", "SpatialSonicConfig", "VaeConfig"]
