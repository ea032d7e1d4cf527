"""Spatial sound from words: plans, the engines that write them, and listening to what they wrote (arXiv:2410.10676).

Words become a plan (:mod:`auris.generation.induction`, or a file), an engine writes it (a diffusion model end to end, or
``place``: mono sounds put where they belong by the simulator), and what was written is listened to
(:mod:`auris.generation.verification`). :func:`generate` does all of it.
"""

from auris.generation.generating import generate
from auris.generation.induction import induce
from auris.generation.plan import Plan, plan_with, read_plan, write_plan
from auris.generation.results import Generated
from auris.generation.verdicts import Verification
from auris.generation.verification import verify

__all__ = ["Generated", "Plan", "Verification", "generate", "induce", "plan_with", "read_plan", "verify", "write_plan"]
