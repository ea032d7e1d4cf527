"""Distances, by the rules of :mod:`auris.metrics.question_answering.answer_reading`."""

from __future__ import annotations

import math
import re

# Unit, metres in it, and whether it is metric.
_UNITS = (
    (r"centi-?met(?:re|er)s?|cms?", 0.01, True),
    (r"milli-?met(?:re|er)s?|mms?", 0.001, True),
    (r"met(?:re|er)s?|mtrs?|m", 1.0, True),
    (r"feet|foot|ft", 0.3048, False),
    (r"inch(?:es)?", 0.0254, False),
    (r"yards?|yds?", 0.9144, False),
)
_UNIT = "|".join(f"(?:{pattern})" for pattern, _, _ in _UNITS)
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {word: value for value, word in enumerate(_ONES)} | {word: 10 * value for value, word in enumerate(_TENS, start=2)}
_ONE, _TEN = "|".join(_ONES), "|".join(_TENS)
_WORDS = re.compile(rf"\b(?:(?P<ten>{_TEN})(?:[ -](?P<digit>{'|'.join(_ONES[1:10])}))?|(?P<one>{_ONE}))\b")
_POINT = re.compile(r"\b(\d+) point ((?:\d )*\d)\b")
_FRACTIONS = {"half": 0.5, "quarter": 0.25, "quarters": 0.75}
_FRACTION = r"(?P<fraction>half|quarter|(?<=3 )quarters)"

_NUMBER = r"\d+(?:[.,]\d{1,3})?"
_START = r"(?<![\w.,])(?<![-−])"
_AMOUNT = re.compile(
    rf"{_START}(?P<low>{_NUMBER})(?: ?(?:-|–|to|or|and) ?(?P<high>{_NUMBER}))?[ -]?(?P<unit>{_UNIT})(?![a-z0-9])"
)
_BARE = re.compile(rf"{_START}{_NUMBER}(?![\w%°]| ?(?:degrees|deg)\b)")
_JOINED = re.compile(r"\s*(?:and\s*)?")
_TO = re.compile(r"\s*(?:-|–|to|and)\s*")


def distance_said(plain: str) -> float | None:
    """Return the distance that a plain answer (:func:`~auris.metrics.question_answering.answer_reading.plain_answer`) says.

    Returns:
        Metres; None where it says none, or several.

    >>> [distance_said(text) for text in ("left, behind; 2.5m", "two and a half meters", "250 cm", "1 m or maybe 4 m", "far")]
    [2.5, 2.5, 2.5, None, None]
    """
    text = _with_digits(plain)
    amounts = _amounts(text)
    if not amounts:
        numbers = [_value(found[0]) for found in _BARE.finditer(text)]
        return numbers[0] if len(numbers) == 1 else None
    metric = [metres for metres, is_metric in amounts if is_metric] or [metres for metres, _ in amounts]
    return metric[0] if all(math.isclose(each, metric[0]) for each in metric) else None


def _with_digits(text: str) -> str:
    """Write numbers in digits: ``two and a half``, ``a metre and a half``, ``half a metre``, ``two point five``."""
    text = re.sub(r"\ba couple of\b", "2", text)
    text = _WORDS.sub(lambda found: str(sum(_VALUES[word] for word in found.groups() if word)), text)
    text = _POINT.sub(lambda found: f"{found[1]}.{found[2].replace(' ', '')}", text)
    text = re.sub(r"(\d+)' ?(\d+)\"", r"\1 feet \2 inches", text)
    text = re.sub(r"½|\b1/2\b", "0.5", re.sub(r"(\d)(?: ?½| 1/2\b)", r"\1.5", text))
    text = re.sub(rf"\ban? (?=(?:{_UNIT})\b)", "1 ", text)
    text = re.sub(rf"\b1 ({_UNIT}) and (?:an? )?half\b", r"1.5 \1", text)
    text = re.sub(rf"\b(\d+)[ -]and[ -](?:(?:an?|1)[ -])?{_FRACTION}\b", lambda found: str(
        int(found[1]) + _FRACTIONS[found["fraction"]]), text)  # fmt: skip
    text = re.sub(r"\b3 quarters(?: of)?(?: an?| 1)?\b", "0.75", text)
    return re.sub(r"\b(?:an? )?(half|quarter)(?: of)?(?: an?| 1)?(?= |-)", lambda found: str(_FRACTIONS[found[1]]), text)


def _amounts(text: str) -> list[tuple[float, bool]]:
    """Metres of each number with a unit, and whether the unit is metric; ranges and feet with inches are one."""
    amounts: list[tuple[float, bool]] = []
    before: tuple[float, bool, int] | None = None  # factor and kind of the unit before, and where it ended
    for found in _AMOUNT.finditer(text):
        factor, is_metric = next((f, m) for pattern, f, m in _UNITS if re.fullmatch(pattern, found["unit"]))
        low = _value(found["low"])
        metres = factor * (low if found["high"] is None else (low + _value(found["high"])) / 2)
        between = text[before[2] : found.start()] if before else ""
        if before and before[1] == is_metric and factor < before[0] and _JOINED.fullmatch(between):
            amounts[-1] = (amounts[-1][0] + metres, is_metric)  # 5 feet 3 inches, 1 m 50 cm
        elif before and before[0] == factor and _TO.fullmatch(between):
            amounts[-1] = ((amounts[-1][0] + metres) / 2, is_metric)  # 2 m to 3 m
        else:
            amounts.append((metres, is_metric))
        before = (factor, is_metric, found.end())
    return amounts


def _value(number: str) -> float:
    return float(number.replace(",", "."))
