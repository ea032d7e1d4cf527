"""Makers of the sets of the field: one module for each."""
