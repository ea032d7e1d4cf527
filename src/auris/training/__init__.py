"""Recipes and training loops; needs the extra ``train``."""
