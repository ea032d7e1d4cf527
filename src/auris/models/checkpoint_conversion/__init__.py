"""Published checkpoints: read safely, turned into model folders, or taken as the start of a training."""

from auris.models.checkpoint_conversion.conversion import convert
from auris.models.checkpoint_conversion.initialisation import InitialisationReport, initialise

__all__ = ["InitialisationReport", "convert", "initialise"]
