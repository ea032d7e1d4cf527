import numpy as np
import pytest

from auris.metrics.spatial_ast import evaluate_clips
from auris.plots.clip_scores import class_precisions, errors_against, heard_azimuths


def evaluation(classes=5, clips=80, seed=0, t60=True):
    random = np.random.default_rng(seed)
    true = [random.integers(n, size=clips) for n in (21, 360, 180)]
    heard = [true[0], (true[1] + random.integers(-30, 30, clips)) % 360, true[2]]
    events = np.eye(classes, dtype=bool)[random.integers(classes, size=clips)]
    times = random.uniform(0.2, 1.2, clips) if t60 else None
    scores = random.standard_normal((clips, classes)) + events
    labels = [f"class_{index}" for index in range(classes)]
    return evaluate_clips(scores, events, heard=heard, true=true, labels=labels, t60=times, resamplings=50)


@pytest.mark.parametrize("quantity", ["distance", "t60"])
def test_errors_of_every_model_in_every_bin(quantity):
    models = {"first": evaluation(), "second": evaluation(seed=1)}
    figure = errors_against(models, quantity)
    assert len(figure.axes) == 3
    bins = models["first"].by_distance() if quantity == "distance" else models["first"].by_t60()
    for axis in figure.axes:
        assert len(axis.containers) == 2
    line = figure.axes[0].containers[0].lines[0]
    assert line.get_ydata() == pytest.approx([each.mae.value for each in bins])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["first", "second"]


def test_without_reverberation_times_the_picture_is_empty():
    figure = errors_against({"model": evaluation(t60=False)}, "t60")
    assert all(len(line.get_xdata()) == 0 for axis in figure.axes for line in axis.get_lines())


def test_a_panel_of_azimuths_for_each_model():
    models = {str(number): evaluation(seed=number) for number in range(4)}
    figure = heard_azimuths(models)
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert len(shown) == 4
    points = sum(len(part.get_offsets()) for part in shown[0].collections)
    assert points == 80
    offsets = np.concatenate([part.get_offsets() for part in shown[0].collections])
    assert np.abs(offsets).max() <= 180


def test_of_many_classes_the_highest_and_the_lowest_are_shown():
    figure = class_precisions({"model": evaluation(classes=60, clips=600)})
    (axis,) = figure.axes
    assert len(axis.get_yticks()) == 40
    assert "20 classes between" in axis.texts[0].get_text()
    few = class_precisions({"first": evaluation(), "second": evaluation(seed=1)})
    assert len(few.axes[0].patches) == 10
    assert few.axes[0].get_yticklabels()[0].get_text().startswith("class ")
