"""Sets made in large numbers: what can be made, how a run goes through it, how it is checked and read back."""
