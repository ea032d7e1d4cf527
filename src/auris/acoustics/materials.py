"""Sound absorption of common surfaces, octave bands from 125 to 8000 Hz.

Random-incidence energy absorption coefficients as printed in room acoustics textbooks (Vorländer, *Auralization*, 2008,
appendix; Kuttruff, *Room Acoustics*; Harris, *Handbook of Acoustical Measurements*). Where a table ends at 4 kHz its last
value is held. Real samples of one name differ by some hundredths.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auris.acoustics.bands import per_band
from auris.errors import SceneError, unknown_name

#: Absorption at 125, 250, 500, 1000, 2000, 4000, 8000 Hz.
MATERIALS: dict[str, tuple[float, ...]] = {
    # masonry, plaster, stone
    "brick": (0.03, 0.03, 0.03, 0.04, 0.05, 0.07, 0.07),
    "painted_brick": (0.01, 0.01, 0.02, 0.02, 0.02, 0.02, 0.02),
    "concrete": (0.01, 0.01, 0.02, 0.02, 0.02, 0.05, 0.05),
    "rough_concrete": (0.02, 0.03, 0.03, 0.03, 0.04, 0.07, 0.07),
    "concrete_block": (0.36, 0.44, 0.31, 0.29, 0.39, 0.25, 0.25),
    "painted_concrete_block": (0.10, 0.05, 0.06, 0.07, 0.09, 0.08, 0.08),
    "limestone": (0.02, 0.02, 0.03, 0.04, 0.05, 0.05, 0.05),
    "marble": (0.01, 0.01, 0.01, 0.01, 0.02, 0.02, 0.02),
    "ceramic_tiles": (0.01, 0.01, 0.01, 0.02, 0.02, 0.02, 0.02),
    "plaster": (0.01, 0.02, 0.02, 0.03, 0.04, 0.05, 0.05),
    "plaster_on_lath": (0.14, 0.10, 0.06, 0.05, 0.04, 0.03, 0.03),
    "plasterboard": (0.29, 0.10, 0.05, 0.04, 0.07, 0.09, 0.09),
    # glass, wood
    "window": (0.35, 0.25, 0.18, 0.12, 0.07, 0.04, 0.04),
    "plate_glass": (0.18, 0.06, 0.04, 0.03, 0.02, 0.02, 0.02),
    "double_glazing": (0.10, 0.07, 0.05, 0.03, 0.02, 0.02, 0.02),
    "wood": (0.18, 0.12, 0.10, 0.09, 0.08, 0.07, 0.07),
    "plywood": (0.42, 0.21, 0.10, 0.08, 0.06, 0.06, 0.06),
    "wooden_door": (0.14, 0.10, 0.06, 0.08, 0.10, 0.10, 0.10),
    "bookshelf": (0.30, 0.40, 0.40, 0.30, 0.30, 0.20, 0.20),
    # floors
    "parquet": (0.04, 0.04, 0.07, 0.06, 0.06, 0.07, 0.07),
    "wooden_stage": (0.40, 0.30, 0.20, 0.17, 0.15, 0.10, 0.10),
    "linoleum": (0.02, 0.02, 0.03, 0.04, 0.04, 0.05, 0.05),
    "thin_carpet": (0.02, 0.04, 0.08, 0.20, 0.35, 0.40, 0.40),
    "carpet": (0.02, 0.06, 0.14, 0.37, 0.60, 0.65, 0.65),
    "carpet_on_foam": (0.08, 0.24, 0.57, 0.69, 0.71, 0.73, 0.73),
    # absorbers
    "light_curtain": (0.03, 0.04, 0.11, 0.17, 0.24, 0.35, 0.35),
    "curtain": (0.07, 0.31, 0.49, 0.75, 0.70, 0.60, 0.60),
    "heavy_curtain": (0.14, 0.35, 0.55, 0.72, 0.70, 0.65, 0.65),
    "mineral_wool": (0.22, 0.60, 0.92, 0.90, 0.88, 0.88, 0.88),
    "acoustic_ceiling": (0.70, 0.66, 0.72, 0.92, 0.88, 0.75, 0.75),
    # people, seats
    "audience": (0.60, 0.74, 0.88, 0.96, 0.93, 0.85, 0.85),
    "upholstered_seats": (0.49, 0.66, 0.80, 0.88, 0.82, 0.70, 0.70),
    # outside
    "grass": (0.11, 0.26, 0.60, 0.69, 0.92, 0.99, 0.99),
    "gravel": (0.25, 0.60, 0.65, 0.70, 0.75, 0.80, 0.80),
    "snow": (0.45, 0.75, 0.90, 0.95, 0.95, 0.95, 0.95),
    "water": (0.01, 0.01, 0.01, 0.02, 0.02, 0.03, 0.03),
    "opening": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
}


def absorption_of(material: str, bands: int) -> NDArray[np.float64]:
    """Return the energy absorption of a named material in ``bands`` octaves from 125 Hz up.

    Raises:
        SceneError: the material is unknown; the message names the nearest one.

    >>> absorption_of("carpet", 3).tolist()
    [0.02, 0.06, 0.14]
    """
    if material not in MATERIALS:
        raise SceneError(unknown_name("material", material, MATERIALS))
    return per_band(MATERIALS[material], bands)
