"""Directions, orientations, paths through time, and every named frame of the field (see :mod:`auris.geometry.frames`)."""

from auris.geometry.directions import (
    Direction,
    Pose,
    angle_between,
    angles,
    great_circle,
    rotation_from_yaw_pitch_roll,
    unit_vector,
    wrap_angle,
    yaw_pitch_roll,
)
from auris.geometry.trajectories import Orbit, Static, Trajectory, Turning, Waypoints, trajectory_from_dict

__all__ = [
    "Direction",
    "Orbit",
    "Pose",
    "Static",
    "Trajectory",
    "Turning",
    "Waypoints",
    "angle_between",
    "angles",
    "great_circle",
    "rotation_from_yaw_pitch_roll",
    "trajectory_from_dict",
    "unit_vector",
    "wrap_angle",
    "yaw_pitch_roll",
]
