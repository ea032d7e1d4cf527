"""Scores: how far a prediction is from the truth, by the definitions of the field."""
