"""Pictures of scenes and audio: plan from above, directions over time, what surrounds the listener, spectrogram.

Needs the extra ``plot``.
"""

from auris.plots.figures import check_picture_name, class_colours, save_figure
from auris.plots.generated import generated
from auris.plots.itd_tracks import itd_tracks
from auris.plots.levels import Spectrogram, audio_spectrogram, file_spectrogram, spectrogram
from auris.plots.rooms import plan
from auris.plots.timelines import Row, directions
from auris.plots.top_views import listening, surroundings

__all__ = [
    "Row",
    "Spectrogram",
    "audio_spectrogram",
    "check_picture_name",
    "class_colours",
    "directions",
    "file_spectrogram",
    "generated",
    "itd_tracks",
    "listening",
    "plan",
    "save_figure",
    "spectrogram",
    "surroundings",
]
