"""Interaural time differences of stereo clips: estimated, compared, and compared as published (arXiv:2410.10676)."""

from auris.metrics.itd.directions import direction_class, direction_of_itd, itd_of_direction
from auris.metrics.itd.gcc_phat import gcc_phat_delays, gcc_phat_itd
from auris.metrics.itd.scores import ClipItd, ItdEvaluation, compare_tracks, evaluate_itd
from auris.metrics.itd.tracks import PAPER_GATE, EnergyGate, ItdTrack, framed_track
from auris.metrics.itd.truth import record_itd
from auris.metrics.itd.upstream import upstream_fsad, upstream_itd_ms, upstream_mse

__all__ = [
    "PAPER_GATE",
    "ClipItd",
    "EnergyGate",
    "ItdEvaluation",
    "ItdTrack",
    "compare_tracks",
    "direction_class",
    "direction_of_itd",
    "evaluate_itd",
    "framed_track",
    "gcc_phat_delays",
    "gcc_phat_itd",
    "itd_of_direction",
    "record_itd",
    "upstream_fsad",
    "upstream_itd_ms",
    "upstream_mse",
]
