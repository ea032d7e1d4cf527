"""Class lists, and what a class of one list is called in another.

A vocabulary is an ordered list of class names; the index of a name is the number that files and networks use. Lists that
are only distributed with their data (AudioSet's 355 classes of Spatial-AST, the 170 of PSELDNets) are read from the
user's copy by :func:`read_vocabulary`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from auris.errors import FormatError, ParameterError, unknown_name


@dataclass(frozen=True)
class Vocabulary:
    """An ordered list of classes.

    Attributes:
        name: of the list.
        labels: class names in the order of their numbers.
        display_names: how to write each class for people, in the same order; the labels themselves by default.
        codes: AudioSet machine identifiers (``/m/...``) in the same order, where the list has them.
    """

    name: str
    labels: tuple[str, ...]
    display_names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    _index: dict[str, int] = field(init=False, repr=False, compare=False, hash=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        if not self.labels or not all(isinstance(label, str) and label.strip() for label in self.labels):
            raise ParameterError(f"vocabulary {self.name!r} needs at least one class and no empty names, got {self.labels!r}")
        repeated = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if repeated:
            raise ParameterError(f"vocabulary {self.name!r} names {', '.join(map(repr, repeated))} more than once")
        if not self.display_names:
            object.__setattr__(self, "display_names", tuple(label.replace("_", " ") for label in self.labels))
        for attribute in ("display_names", "codes"):
            values = getattr(self, attribute)
            if values and len(values) != len(self.labels):
                raise ParameterError(f"vocabulary {self.name!r}: {len(self.labels)} labels but {len(values)} {attribute}")
        self._index.update({label: number for number, label in enumerate(self.labels)})

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __contains__(self, label: object) -> bool:
        return label in self._index

    def index(self, label: str) -> int:
        """Return the number of a class.

        Raises:
            ParameterError: the class is not in the list; the text names the closest one.

        >>> DCASE2022.index("Music")
        8
        """
        if label not in self._index:
            raise ParameterError(unknown_name(f"class of {self.name}", label, self.labels))
        return self._index[label]

    def label(self, index: int) -> str:
        """Return the class of a number.

        Raises:
            ParameterError: the list has no such number.
        """
        if isinstance(index, bool) or not 0 <= index < len(self.labels):
            raise ParameterError(f"{self.name} has the classes 0 to {len(self.labels) - 1}, got {index!r}")
        return self.labels[index]

    def mapping_to(self, other: Vocabulary) -> dict[str, str]:
        """Return this list's classes that have a counterpart in ``other``, with its name there.

        Names match when they are equal, equal but for case and punctuation, share a machine identifier, or are listed as
        the same (or a kind of the same) sound in this module. What has no counterpart is left out.

        >>> SOUNDS.mapping_to(ESC50)["speech"]
        Traceback (most recent call last):
        KeyError: 'speech'
        >>> SOUNDS.mapping_to(DCASE2022)["music"]
        'Music'
        """
        by_code = dict(zip(other.codes, other.labels, strict=True)) if other.codes else {}
        by_sound = {_sound(label): label for label in reversed(other.labels)}
        mapping = {}
        for number, label in enumerate(self.labels):
            target = label if label in other else by_code.get(self.codes[number]) if self.codes else None
            target = target or next((by_sound[s] for s in _meanings(label) if s in by_sound), None)
            if target is not None:
                mapping[label] = target
        return mapping


def _plain(label: str) -> str:
    """Lower case, words joined by one underscore."""
    return "_".join("".join(c if c.isalnum() else " " for c in label.lower().replace("'", "")).split())


# One line per sound: the name auris uses, then what other lists call it.
_SAME: tuple[tuple[str, ...], ...] = (
    ("female_speech", "female_speech_and_woman_speaking", "female_speech_woman_speaking"),
    ("male_speech", "male_speech_and_man_speaking", "male_speech_man_speaking"),
    ("dog", "barking_dog", "dog_bark", "bark"),
    ("crying_baby", "baby_cry_infant_cry"),
    ("footsteps", "walk_footsteps"),
    ("knock", "knocking_on_door", "door_wood_knock", "door_knock"),
    ("telephone", "ringing_phone", "telephone_bell_ringing"),
    ("door", "door_open_or_close"),
    ("laughter", "laughing"),
    ("rooster", "chicken_rooster", "crowing_cock_a_doodle_doo"),
    ("sea_waves", "waves_surf", "ocean"),
    ("sneezing", "sneeze"),
    ("water_tap", "water_tap_faucet"),
    ("crackling_fire", "fire", "crackle"),
    ("clock_tick", "tick_tock", "tick"),
    ("bell", "church_bells"),
    ("computer_keyboard", "keyboard_typing"),
    ("glass", "glass_breaking"),
    ("chink_and_clink", "chink_clink"),
)
_CANONICAL = {name: group[0] for group in _SAME for name in group}
# A kind of: the general class takes the special one when the list has no closer.
_KIND_OF = {
    "female_speech": "speech",
    "male_speech": "speech",
    "piano": "musical_instrument",
    "female_scream": "scream",
    "male_scream": "scream",
    "cutlery": "domestic_sounds",
    "vacuum_cleaner": "domestic_sounds",
    "washing_machine": "domestic_sounds",
    "door_wood_creaks": "door",
    "cupboard_open_or_close": "door",
    "clock_alarm": "alarm",
    "siren": "alarm",
}


def _sound(label: str) -> str:
    plain = _plain(label)
    return _CANONICAL.get(plain, plain)


def _meanings(label: str) -> Iterable[str]:
    """The sound a label names, then more general ones."""
    sound: str | None = _sound(label)
    while sound is not None:
        yield sound
        sound = _KIND_OF.get(sound)


SOUNDS = Vocabulary(
    "sounds",
    (
        "chainsaw",
        "clock_tick",
        "crackling_fire",
        "crying_baby",
        "dog",
        "helicopter",
        "music",
        "rain",
        "rooster",
        "sea_waves",
        "sneezing",
        "speech",
    ),
)
"""The twelve classes of the recordings that the nano models are trained on."""

DCASE2021 = Vocabulary(
    "DCASE 2021",
    (
        "alarm",
        "crying baby",
        "crash",
        "barking dog",
        "female scream",
        "female speech",
        "footsteps",
        "knocking on door",
        "male scream",
        "male speech",
        "ringing phone",
        "piano",
    ),
)
"""TAU-NIGENS Spatial Sound Events 2021, in the order of its class numbers."""

DCASE2022 = Vocabulary(
    "DCASE 2022-2025",
    (
        "Female speech",
        "Male speech",
        "Clapping",
        "Telephone",
        "Laughter",
        "Domestic sounds",
        "Walk, footsteps",
        "Door, open or close",
        "Music",
        "Musical instrument",
        "Water tap, faucet",
        "Bell",
        "Knock",
    ),
)
"""STARSS22, STARSS23, the synthetic set of 2022 and the stereo set of 2025, in the order of their class numbers."""

L3DAS22 = Vocabulary(
    "L3DAS22",
    (
        "Chink_and_clink",
        "Computer_keyboard",
        "Cupboard_open_or_close",
        "Drawer_open_or_close",
        "Female_speech_and_woman_speaking",
        "Finger_snapping",
        "Keys_jangling",
        "Knock",
        "Laughter",
        "Male_speech_and_man_speaking",
        "Printer",
        "Scissors",
        "Telephone",
        "Writing",
    ),
)
"""Task 2 of L3DAS21 and L3DAS22, alphabetical."""

ESC50 = Vocabulary(
    "ESC-50",
    tuple(  # five groups of ten: animals, nature, people, indoors, outdoors
        """
        dog rooster pig cow frog cat hen insects sheep crow
        rain sea_waves crackling_fire crickets chirping_birds water_drops wind pouring_water toilet_flush thunderstorm
        crying_baby sneezing clapping breathing coughing footsteps laughing brushing_teeth snoring drinking_sipping
        door_wood_knock mouse_click keyboard_typing door_wood_creaks can_opening washing_machine vacuum_cleaner clock_alarm
        clock_tick glass_breaking
        helicopter chainsaw siren car_horn engine train church_bells airplane fireworks hand_saw
        """.split()  # noqa: SIM905 - fifty quoted words are harder to check
    ),
)
"""Environmental Sound Classification (Piczak 2015), in the order of its targets."""

PSELDNETS_CLASSES = 170  # their names come with the data, see read_pseldnets_vocabulary()

VOCABULARIES: dict[str, Vocabulary] = {
    "sounds": SOUNDS,
    "dcase2021": DCASE2021,
    "dcase2022": DCASE2022,
    "starss23": DCASE2022,
    "l3das22": L3DAS22,
    "esc50": ESC50,
}


def vocabulary(name: str) -> Vocabulary:
    """Return the list called ``name``: one of :data:`VOCABULARIES`.

    Raises:
        ParameterError: the name is unknown.
    """
    if name.lower() not in VOCABULARIES:
        hint = "; AudioSet and PSELDNets lists come with their data, see read_vocabulary()"
        raise ParameterError(unknown_name("vocabulary", name, VOCABULARIES) + hint)
    return VOCABULARIES[name.lower()]


def read_vocabulary(path: str | Path, *, name: str | None = None) -> Vocabulary:
    """Read a class list from a table.

    The published tables are understood as they are: ``class_labels_indices_subset.csv`` of Spatial-AST (index, mid,
    display_name) and ``cls_indices_train.tsv`` of PSELDNets (index, mid, label, clips, seconds), with or without a header.
    A plain text file with one class per line, and no header, is one too. The number of a class is its row, as in both
    originals, whatever an index column says.

    Args:
        path: .csv, .tsv or .txt.
        name: of the list; the file's stem by default.

    Raises:
        FormatError: the file is missing, empty, not text, or its rows are not alike; the text gives the line.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FormatError(f"{file}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file}: cannot be read as text ({error})") from None
    lines = text.splitlines()
    delimiter = "\t" if any("\t" in line for line in lines) else ","
    plain = file.suffix.lower() == ".txt" and delimiter == ","
    rows = [[line] for line in lines] if plain else list(csv.reader(lines, delimiter=delimiter))
    numbered = [(number, [cell.strip() for cell in row]) for number, row in enumerate(rows, start=1)]
    numbered = [(number, row) for number, row in numbered if any(row)]
    label_column, code_column, body = (0, None, numbered) if plain else _columns(numbered)
    labels, codes = [], []
    width = len(numbered[0][1]) if numbered else 0
    for number, row in body:
        if len(row) > width:
            raise FormatError(
                f"{file}, line {number}: {len(row)} columns, the first line has {width}; "
                f"a class name with a {'tab' if delimiter != ',' else 'comma'} stands in double quotes"
            )
        if len(row) <= label_column or not row[label_column]:
            raise FormatError(f"{file}, line {number}: no class name in column {label_column + 1}: {row}")
        labels.append(row[label_column])
        codes.append(row[code_column] if code_column is not None and code_column < len(row) else "")
    if not labels:
        raise FormatError(f"{file}: holds no classes")
    try:
        return Vocabulary(name or file.stem, tuple(labels), codes=tuple(codes) if any(codes) else ())
    except ParameterError as error:
        raise FormatError(f"{file}: {error}") from None


def read_pseldnets_vocabulary(path: str | Path) -> Vocabulary:
    """Read the 170 classes of the PSELDNets synthetic sets from their ``cls_indices_train.tsv``.

    Raises:
        FormatError: the file cannot be read, or does not have 170 classes.
    """
    classes = read_vocabulary(path, name="PSELDNets")
    if len(classes) != PSELDNETS_CLASSES:
        raise FormatError(
            f"{path}: {len(classes)} classes, but PSELDNets has {PSELDNETS_CLASSES}; give the cls_indices_train.tsv of its data"
        )
    return classes


_CODES = ("/m/", "/t/", "/g/")  # beginnings of AudioSet's machine identifiers


def _columns(rows: list[tuple[int, list[str]]]) -> tuple[int, int | None, list[tuple[int, list[str]]]]:
    """Return the column of the names, the column of the machine identifiers (or None), and the rows without a header."""
    if not rows:
        return 0, None, []
    header = [cell.lower() for cell in rows[0][1]]
    codes = [i for _, row in rows for i, cell in enumerate(row) if cell.startswith(_CODES)]
    code_column = min(codes) if codes else None
    for column in ("display_name", "label", "name", "class"):
        if column in header:
            return header.index(column), code_column, rows[1:]
    if code_column is not None:
        has_header = header[code_column] != "" and not header[code_column].startswith(_CODES)
        return code_column + 1, code_column, rows[1:] if has_header else rows
    wide = len(rows[0][1]) > 1 and rows[-1][1][0].isdigit()
    if wide and len(rows[0][1]) > 2 and not any(row[1] for _, row in rows if len(row) > 1):
        return 2, None, rows  # a column of identifiers that are not known
    return (1 if wide else 0), None, rows
