"""What a user is told before a set is made: its fields, and what it would cost."""

from dataclasses import dataclass, field

import pytest
from tiny_sets import TinySettings, tiny_maker

from auris.data.production.fields import SettingsField, attribute_texts, settings_fields
from auris.data.production.plan import plan_set
from auris.data.production.presets import PRESETS
from auris.errors import SceneError


@dataclass(frozen=True)
class Nested:
    """A group, and a field that must be given.

    Attributes:
        sounds: see :class:`auris.data.stems.BankSettings`, or ``None``.
        tiny: what is small.

    More text: that is no field.
    """

    sounds: str
    tiny: TinySettings = field(default_factory=TinySettings)


def test_fields_with_defaults_and_meaning():
    assert list(settings_fields(Nested)) == [
        SettingsField("sounds", None, "see auris.data.stems.BankSettings, or None."),
        SettingsField("tiny.seconds", 2.0, "of audio in each item, as far as there is any."),
        SettingsField("tiny.loudness", [0.5, 1.0], "range from which the level is drawn."),
        SettingsField("tiny.name", "clip", "beginning of the items' names."),
    ]


def test_a_class_without_documentation_has_no_texts():
    assert attribute_texts(object) == {}


@pytest.mark.parametrize("name", PRESETS)
def test_every_field_of_every_preset_is_documented(name):
    fields = list(settings_fields(PRESETS[name].settings_class))
    assert fields
    assert [entry.name for entry in fields if not entry.text] == []


def test_a_plan_says_what_a_set_would_hold_and_writes_nothing():
    plan = plan_set(tiny_maker(100), workers=4)
    assert (plan.items, plan.tried) == (100, 8)
    assert plan.hours == pytest.approx(200 / 3600)
    assert plan.bytes == pytest.approx(100 * 3070, rel=0.02)
    assert plan.wall_seconds == pytest.approx(plan.start_seconds + 25 * plan.seconds_per_item)
    assert plan.balance == {"a": 0.5, "b": 0.5}


def test_a_plan_of_what_cannot_be_made_says_so(tmp_path):
    (tmp_path / "fail-0").touch()
    with pytest.raises(SceneError, match="item 0 has no room"):
        plan_set(tiny_maker(trouble=tmp_path))
