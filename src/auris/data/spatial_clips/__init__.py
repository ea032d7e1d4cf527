"""Clips heard at a place: dry recordings, room responses, and the items that networks such as Spatial-AST learn from.

:mod:`~auris.data.spatial_clips.clip_banks` supplies dry clips, :mod:`auris.io.mp3d_reverb` the responses,
:mod:`~auris.data.spatial_clips.items` pairs them, :mod:`~auris.data.spatial_clips.sampling` says which clips an epoch has,
and :mod:`~auris.data.spatial_clips.rendering` convolves a batch on the model's device.
"""

from auris.data.spatial_clips.clip_banks import AudioSetBank, ClipBank, FolderBank
from auris.data.spatial_clips.evaluation import ClipPair, EvaluationClips, evaluation_pairs
from auris.data.spatial_clips.items import ClipSettings, SpatialBatch, SpatialClips, SpatialItem, collate
from auris.data.spatial_clips.rendering import render
from auris.data.spatial_clips.sampling import epoch_order

__all__ = [
    "AudioSetBank",
    "ClipBank",
    "ClipPair",
    "ClipSettings",
    "EvaluationClips",
    "FolderBank",
    "SpatialBatch",
    "SpatialClips",
    "SpatialItem",
    "collate",
    "epoch_order",
    "evaluation_pairs",
    "render",
]
