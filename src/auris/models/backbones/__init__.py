"""Trunks: what turns normalised spectral features into a sequence of vectors. Each file names its paper."""
