import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auris.errors import ParameterError
from auris.seeding import derive, generator

seeds = st.integers(0, 2**63)
parts = st.lists(st.one_of(st.integers(0, 10**6), st.text(max_size=6)), max_size=4)


@given(seed=seeds, path=parts)
def test_a_stream_is_a_function_of_seed_and_path(seed, path):
    assert derive(seed, *path) == derive(seed, *path) < 2**64
    np.testing.assert_array_equal(generator(seed, *path).random(4), generator(seed, *path).random(4))


@given(seed=seeds, path=parts, other=parts)
def test_other_paths_are_other_streams(seed, path, other):
    # A part that holds the separator may spell another path; names in auris do not.
    plain = all("/" not in str(part) for part in path + other)
    if plain and [(type(p), p) for p in path] != [(type(p), p) for p in other]:
        assert derive(seed, *path) != derive(seed, *other)


def test_a_number_is_not_its_digits():
    assert derive(1, 7) != derive(1, "7")
    assert derive(1, "scene", 1) != derive(1, "scene1")
    assert derive(12) != derive(1, 2)


def test_streams_do_not_depend_on_the_process():
    code = "from auris.seeding import generator; print(generator(3, 'a', 5).integers(2**60))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(found) == generator(3, "a", 5).integers(2**60)


def test_neighbouring_streams_are_uncorrelated():
    draws = np.stack([generator(0, "scene", i).standard_normal(4000) for i in range(20)])
    off = np.corrcoef(draws)[~np.eye(20, dtype=bool)]
    assert np.abs(off).max() < 0.08


def test_numpy_integers_are_seeds_too():
    assert derive(np.int64(5), np.int64(2)) == derive(5, 2)


@pytest.mark.parametrize("seed", [-1, 1.0, "1", None, True])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ParameterError, match="a seed is an integer of at least 0"):
        generator(seed)
