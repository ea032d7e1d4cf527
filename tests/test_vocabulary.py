from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auris.errors import FormatError, ParameterError
from auris.vocabulary import (
    DCASE2021,
    DCASE2022,
    ESC50,
    L3DAS22,
    SOUNDS,
    VOCABULARIES,
    Vocabulary,
    read_pseldnets_vocabulary,
    read_vocabulary,
    vocabulary,
)


@pytest.mark.parametrize(("classes", "size"), [(SOUNDS, 12), (DCASE2021, 12), (DCASE2022, 13), (L3DAS22, 14), (ESC50, 50)])
def test_lists_have_their_published_sizes(classes: Vocabulary, size: int) -> None:
    assert len(classes) == size == len(set(classes))
    assert [classes.index(label) for label in classes] == list(range(size))
    assert all(classes.label(classes.index(label)) == label for label in classes)


def test_numbers_that_files_use() -> None:
    # ESC-50: the target in the file name 1-100032-A-0.wav (dog) and 1-116765-A-41.wav (chainsaw).
    assert [ESC50.index(x) for x in ("dog", "rain", "crying_baby", "door_wood_knock", "helicopter", "hand_saw")] == [
        0,
        10,
        20,
        30,
        40,
        49,
    ]
    assert ESC50.index("chainsaw") == 41
    assert DCASE2022.index("Music") == 8
    assert DCASE2021.label(11) == "piano"
    assert list(L3DAS22) == sorted(L3DAS22)


def test_a_misspelt_class_names_the_closest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'helicopter'"):
        SOUNDS.index("helicoptre")
    with pytest.raises(ParameterError, match="0 to 11, got 12"):
        SOUNDS.label(12)
    with pytest.raises(ParameterError, match=r"did you mean 'esc50'.*read_vocabulary"):
        vocabulary("esc5")


def test_mappings_meet_in_meaning() -> None:
    to_dcase = DCASE2021.mapping_to(DCASE2022)
    assert to_dcase["knocking on door"] == "Knock"
    assert to_dcase["piano"] == "Musical instrument"
    assert "crash" not in to_dcase
    assert L3DAS22.mapping_to(DCASE2022)["Female_speech_and_woman_speaking"] == "Female speech"
    # A special class is a general one, never the other way round.
    assert DCASE2022.mapping_to(SOUNDS)["Male speech"] == "speech"
    assert "speech" not in SOUNDS.mapping_to(DCASE2022)
    assert ESC50.mapping_to(DCASE2021)["siren"] == "alarm"
    assert "alarm" not in DCASE2021.mapping_to(ESC50)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_list_maps_onto_itself(name: str) -> None:
    classes = vocabulary(name)
    assert classes.mapping_to(classes) == {label: label for label in classes}


@pytest.mark.parametrize("first", VOCABULARIES.values(), ids=list(VOCABULARIES))
@pytest.mark.parametrize("second", VOCABULARIES.values(), ids=list(VOCABULARIES))
def test_mappings_name_classes_of_both_lists(first: Vocabulary, second: Vocabulary) -> None:
    mapping = first.mapping_to(second)
    assert set(mapping) <= set(first)
    assert set(mapping.values()) <= set(second)


def test_machine_identifiers_join_lists_with_other_names() -> None:
    first = Vocabulary("a", ("Printing", "Bark"), codes=("/m/01m4t", "/m/05tny_"))
    second = Vocabulary("b", ("Printer", "Woof"), codes=("/m/01m4t", "/m/05tny_"))
    assert first.mapping_to(second) == {"Printing": "Printer", "Bark": "Woof"}


@pytest.mark.parametrize("labels", [(), ("a", "a"), ("a", " ")])
def test_impossible_lists_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(ParameterError):
        Vocabulary("x", labels)


def test_reads_the_published_tables(tmp_path: Path) -> None:
    pseld = tmp_path / "cls_indices_train.tsv"
    pseld.write_text("0\t/m/01m4t\tPrinter\t194\t1259.5\n1\t/m/0dv5r\tCamera\t80\t99.5\n")
    table = read_vocabulary(pseld)
    assert table.labels == ("Printer", "Camera")
    assert table.codes == ("/m/01m4t", "/m/0dv5r")
    assert table.name == "cls_indices_train"
    bat = tmp_path / "class_labels_indices_subset.csv"
    # The number is the row; the index column of the subset has gaps, and one name holds a comma.
    bat.write_text('index,mid,display_name\n0,/m/09x0r,Speech\n5,/m/05tny_,"Bark, woof"\n')
    assert read_vocabulary(bat, name="AudioSet").index("Bark, woof") == 1
    plain = tmp_path / "classes.txt"
    plain.write_text("dog\nWalk, footsteps\n\n")
    assert read_vocabulary(plain).labels == ("dog", "Walk, footsteps")
    two = tmp_path / "ids.csv"
    two.write_text("0,dog\n1,cat\n")
    assert read_vocabulary(two).labels == ("dog", "cat")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no classes"),
        (b"\xff\xfe\x00", "text"),
        (b"0\t/m/1\tA\n1\t/m/2\n", "line 2"),
        (b"a\na\n", "more than once"),
        (b"index\tmid\tlabel\n0\t/m/1\tA\tB\n", "line 2: 4 columns.*double quotes"),
    ],
)
def test_damaged_tables_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "classes.tsv"
    file.write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        read_vocabulary(file)
    assert "classes.tsv" in str(caught.value)


def test_the_classes_of_pseldnets_come_from_its_table(tmp_path: Path) -> None:
    table = tmp_path / "cls_indices_train.tsv"
    rows = [f"{n}\t/m/{n:05d}\tClass {n}\t194\t1259.5\n" for n in range(170)]
    table.write_text("".join(rows))
    assert read_pseldnets_vocabulary(table).label(24) == "Class 24"
    table.write_text("".join(rows[:-1]))
    with pytest.raises(FormatError, match=r"169 classes, but PSELDNets has 170; give the cls_indices_train\.tsv"):
        read_pseldnets_vocabulary(table)


def test_starss_has_the_classes_of_2022() -> None:
    words = ["Female", "Male", "Clapping", "Telephone", "Laughter", "Domestic", "Walk", "Door", "Music", "Musical", "Water"]
    words += ["Bell", "Knock"]
    assert [label.replace(",", "").split()[0] for label in vocabulary("starss23")] == words


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read_vocabulary(tmp_path / "none.csv")


@example(["name", "label"])
@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), min_size=1, max_size=20, unique=True))
def test_any_list_survives_a_file(labels: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "list.txt"
        file.write_text("\n".join(labels), encoding="utf-8")
        assert read_vocabulary(file).labels == tuple(labels)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("0\t\tDog\t3\t1.5\n1\t\tCat\t0\t0.0\n", ()),
        ("0\t\tDog\t3\t1.5\n1\t/m/01\tCat\t0\t0.0\n", ("", "/m/01")),
        ("0\t/m/01\tDog\t3\t1.5\n1\t\tCat\t0\t0.0\n", ("/m/01", "")),
    ],
)
def test_identifiers_that_are_not_known_may_be_empty(tmp_path, text, codes):
    (tmp_path / "list.tsv").write_text(text)
    read = read_vocabulary(tmp_path / "list.tsv")
    assert (read.labels, read.codes) == (("Dog", "Cat"), codes)
