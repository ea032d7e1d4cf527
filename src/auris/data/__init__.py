"""Sounds and scenes to learn from: sound banks, procedural sounds, the scene sampler, datasets."""
