import numpy as np
import pytest

from auris.errors import FormatError, ParameterError
from auris.models.clip_outputs import SpatialClasses
from auris.training.clip_answers import (
    ClipAnswers,
    ClipTruth,
    evaluate,
    joined_answers,
    read_answers,
    read_truth,
    write_answers,
    write_truth,
)

LABELS = ("dog", "rain", "bell")
CLIPS = tuple(f"clip {number}" for number in range(12))


def places(random, clips=12):
    return SpatialClasses(*(random.integers(n, size=clips) for n in (21, 360, 180)))


@pytest.fixture
def truth():
    random = np.random.default_rng(0)
    return ClipTruth(random.random((12, 3)) < 0.5, places(random), LABELS, random.uniform(0.2, 1, 12), CLIPS)


@pytest.fixture
def answers():
    random = np.random.default_rng(1)
    return ClipAnswers(random.standard_normal((12, 3)).astype(np.float32), places(random), LABELS, CLIPS)


def stored(answers):
    return {"labels": np.array(LABELS), "scores": answers.scores, **answers.classes._asdict()}


def test_files_keep_everything(tmp_path, answers, truth):
    write_answers(tmp_path / "made" / "a.npz", answers)
    write_truth(tmp_path / "t.npz", truth)
    first, second = read_answers(tmp_path / "made" / "a.npz"), read_truth(tmp_path / "t.npz")
    assert (first.labels, first.clips, second.labels, second.clips) == (LABELS, CLIPS, LABELS, CLIPS)
    np.testing.assert_array_equal(first.scores, answers.scores)
    np.testing.assert_array_equal(second.events, truth.events)
    np.testing.assert_array_equal(second.t60, truth.t60)
    assert evaluate(first, second).values() == evaluate(answers, truth).values()


def test_plain_numpy_writes_them_too(tmp_path, answers, truth):
    np.savez(tmp_path / "a.npz", **stored(answers))
    found = read_answers(tmp_path / "a.npz")
    assert found.clips == ()
    assert evaluate(found, truth).values() == evaluate(answers, truth).values()


def test_clips_and_classes_are_matched_by_name(answers, truth):
    order = np.random.default_rng(2).permutation(12)
    scores = np.column_stack([answers.scores[:, [2, 0, 1]], np.full(12, 9.0)])[order]
    moved = ClipAnswers(
        scores.astype(np.float32),
        SpatialClasses(*(part[order] for part in answers.classes)),
        ("bell", "dog", "rain", "cat"),
        tuple(CLIPS[index] for index in order),
    )
    assert evaluate(moved, truth).values() == evaluate(answers, truth).values()


def test_parts_are_joined_in_their_order(answers):
    def part(rows):
        return ClipAnswers(answers.scores[rows], SpatialClasses(*(p[rows] for p in answers.classes)), LABELS, CLIPS[rows])

    joined = joined_answers([part(slice(0, 5)), part(slice(5, 12))])
    np.testing.assert_array_equal(joined.scores, answers.scores)
    np.testing.assert_array_equal(joined.classes.azimuth, answers.classes.azimuth)
    assert joined.clips == CLIPS
    with pytest.raises(ParameterError, match="no clips were heard"):
        joined_answers([])


def cut(answers, rows, clips):
    return ClipAnswers(answers.scores[rows], SpatialClasses(*(part[rows] for part in answers.classes)), LABELS, clips)


def test_answers_that_do_not_fit_are_named(answers, truth):
    with pytest.raises(ParameterError, match="11 answers for 12 clips"):
        evaluate(cut(answers, slice(11), ()), truth)
    with pytest.raises(ParameterError, match="1 clips have no answer: clip 11"):
        evaluate(cut(answers, slice(11), CLIPS[:11]), truth)
    with pytest.raises(ParameterError, match="1 answers are for clips that the truth does not know: another"):
        evaluate(cut(answers, [*range(12), 0], (*CLIPS, "another")), truth)
    with pytest.raises(ParameterError, match="no scores for 1 of 3 classes: bell; the answers know dog, rain"):
        evaluate(ClipAnswers(answers.scores[:, :2], answers.classes, LABELS[:2], CLIPS), truth)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distance": None}, "answers lack distance; the file holds azimuth, elevation, labels, scores"),
        ({"labels": np.array(LABELS[:2])}, "scores have 3 classes, but there are 2 labels"),
        ({"labels": np.array(["dog", "dog", "rain"])}, "labels must differ"),
        ({"labels": np.arange(3)}, "labels must be a list of texts"),
        ({"scores": np.zeros(12)}, r"scores must be numbers \(clips, classes\)"),
        ({"azimuth": np.zeros(11)}, "azimuth must hold one number for each of 12 clips"),
        ({"clips": np.arange(12)}, "clips must hold one text for each of 12 clips"),
        ({"clips": np.array(["a"] * 12)}, "names of clips must differ"),
        ({"scores": np.array([[None] * 3] * 12, dtype=object)}, "not an .npz archive of plain arrays"),
    ],
)
def test_files_that_are_no_answers_are_refused(tmp_path, answers, change, message):
    arrays = {name: value for name, value in (stored(answers) | change).items() if value is not None}
    np.savez(tmp_path / "a.npz", allow_pickle=True, **arrays)
    with pytest.raises(FormatError, match=message):
        read_answers(tmp_path / "a.npz")


def test_other_files_are_refused(tmp_path, answers, truth):
    (tmp_path / "a.npz").write_text("scores")
    with pytest.raises(FormatError, match=r"not an \.npz archive"):
        read_answers(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", answers.scores)
    with pytest.raises(FormatError, match="this is a single array"):
        read_answers(tmp_path / "a.npy")
    with pytest.raises(FormatError, match="no such file"):
        read_truth(tmp_path / "none.npz")
    with pytest.raises(FormatError, match=r"answers and truth are \.npz files"):
        write_answers(tmp_path / "a.csv", answers)
    write_answers(tmp_path / "a.npz", answers)
    with pytest.raises(FormatError, match="truth lack events"):
        read_truth(tmp_path / "a.npz")
    np.savez(tmp_path / "soft.npz", **{**stored(answers), "events": np.full((12, 3), 0.5)})
    with pytest.raises(FormatError, match="soft labels"):
        read_truth(tmp_path / "soft.npz")
