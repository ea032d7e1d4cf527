"""Side-by-side measurements, each one command; results are committed as tables in ``results/``."""
