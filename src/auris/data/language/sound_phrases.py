"""How to say what sounds: phrases for class labels, and back from phrases to labels.

Each class of the table has clauses (a subject, its verb, its participle) and nouns; a label that is not in it is "the sound of"
its name; a description that already is a phrase ("a red car honking") is taken as it is. The words avoid everything that
captions say about space, so that a phrase never reads as a direction or a motion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_TABLE = """
chainsaw: a chainsaw, buzzes, buzzing | a chainsaw, whirs, whirring | =the buzzing of a chainsaw
clock_tick: a clock, ticks, ticking | =the ticking of a clock
crackling_fire: a fire, crackles, crackling | =the crackling of a fire | =+flames crackling
crying_baby: a baby, cries, crying | an infant, wails, wailing | =the crying of a baby
dog: a dog, barks, barking | =the barking of a dog | =a dog's barking
helicopter: a helicopter, whirs, whirring | a helicopter, clatters, clattering | =the whirring of a helicopter
music: music, plays, playing | some music, plays, playing | =the sound of music
rain: rain, falls, falling | rain, patters, pattering | =the patter of rain
rooster: a rooster, crows, crowing | a cockerel, crows, crowing | =the crowing of a rooster
sea_waves: waves, break, breaking | sea waves, roll, rolling | =the sound of sea waves
sneezing: someone, sneezes, sneezing | a person, sneezes, sneezing | =the sneezing of a person
speech: someone, speaks, speaking | a person, talks, talking | someone, talks, talking | =the voice of a person
pig: a pig, grunts, grunting | =the oinking of a pig
cow: a cow, moos, mooing | =the mooing of a cow
frog: a frog, croaks, croaking | =the croaking of a frog
cat: a cat, meows, meowing | =the meowing of a cat
hen: a hen, clucks, clucking | =the clucking of a hen
insects: insects, buzz, buzzing | =the buzzing of insects
sheep: a sheep, bleats, bleating | =the bleating of a sheep
crow: a crow, caws, cawing | =the cawing of a crow
crickets: crickets, chirp, chirping | =the chirping of crickets
chirping_birds: birds, chirp, chirping | birds, sing, singing | a bird, sings, singing | =the singing of birds
water_drops: water, drips, dripping | =the dripping of water
wind: wind, blows, blowing | the wind, howls, howling | =the howling of the wind
pouring_water: water, pours, pouring | =the pouring of water
toilet_flush: a toilet, flushes, flushing | =the flushing of a toilet
thunderstorm: thunder, rumbles, rumbling | =the rumble of thunder
clapping: people, clap, clapping | an audience, applauds, applauding | =the applause of an audience
breathing: someone, breathes, breathing | =the breathing of a person
coughing: someone, coughs, coughing | =the coughing of a person
footsteps: footsteps, echo, echoing | =+the footsteps of a person | =the sound of footsteps
laughter: someone, laughs, laughing | people, laugh, laughing | =the laughter of a person
brushing_teeth: someone, brushes their teeth, brushing their teeth | =the brushing of teeth
snoring: someone, snores, snoring | =the snoring of a person
drinking_sipping: someone, sips a drink, sipping a drink | =the sipping of a drink
knock: someone, knocks on a door, knocking on a door | =a knocking on a door
mouse_click: a mouse, clicks, clicking | =the clicking of a mouse
computer_keyboard: someone, types on a keyboard, typing on a keyboard | =the clatter of a keyboard
door_wood_creaks: a wooden door, creaks, creaking | =the creaking of a door
can_opening: someone, opens a can, opening a can | =the opening of a can
washing_machine: a washing machine, hums, humming | =the hum of a washing machine
vacuum_cleaner: a vacuum cleaner, drones, droning | =the drone of a vacuum cleaner
clock_alarm: an alarm clock, rings, ringing | =the ringing of an alarm clock
cutlery: cutlery, clinks, clinking | =the clink of cutlery
glass: glass, shatters, shattering | =the shattering of glass
siren: a siren, wails, wailing | =the wailing of a siren
car_horn: a car, honks, honking | =the honking of a car
engine: an engine, rumbles, rumbling | an engine, revs, revving | =the rumble of an engine
train: a train, rattles, rattling | =the rattling of a train
bell: a bell, rings, ringing | a bell, tolls, tolling | =the tolling of a bell
airplane: an airplane, drones, droning | =the drone of an airplane
fireworks: fireworks, explode, exploding | =the crackle of fireworks
hand_saw: a hand saw, rasps, rasping | =the rasping of a hand saw
female_speech: a woman, speaks, speaking | a woman, talks, talking | =the voice of a woman
male_speech: a man, speaks, speaking | a man, talks, talking | =the voice of a man
female_scream: a woman, screams, screaming | =the scream of a woman
male_scream: a man, screams, screaming | =the scream of a man
telephone: a telephone, rings, ringing | a phone, rings, ringing | =the ringing of a telephone
domestic_sounds: household noise, sounds, sounding | =the sound of housework
door: a door, opens and closes, opening and closing | =the slam of a door
musical_instrument: an instrument, plays, playing | =the sound of an instrument
water_tap: a tap, gushes, gushing | =the gush of a tap
alarm: an alarm, blares, blaring | =the blaring of an alarm
crash: something, crashes, crashing | =the sound of a crash
piano: a piano, plays, playing | =the sound of a piano
chink_and_clink: glasses, clink, clinking | =the clink of glasses
cupboard_open_or_close: a cupboard, bangs, banging | =the bang of a cupboard
drawer_open_or_close: a drawer, slides open, sliding open | =the rattle of a drawer
finger_snapping: someone, snaps their fingers, snapping their fingers | =the snap of fingers
keys_jangling: keys, jingle, jingling | =the jingle of keys
printer: a printer, whirs, whirring | =the whirring of a printer
scissors: scissors, snip, snipping | =the snip of scissors
writing: someone, writes on paper, writing on paper | =the scratching of a pen
gun_shot: a gun, fires, firing | =the crack of a gun
children_playing: children, play, playing | =+the voices of children
drilling: a drill, whines, whining | =the whine of a drill
jackhammer: a jackhammer, pounds, pounding | =the pounding of a jackhammer
street_music: street musicians, play, playing | =the sound of street music
air_conditioner: an air conditioner, hums, humming | =the hum of an air conditioner
guitar: a guitar, plays, playing | =the strumming of a guitar
drum: a drum, beats, beating | =the beat of a drum
singing: someone, sings, singing | =the singing of a person
horse: a horse, neighs, neighing | =the neighing of a horse
duck: a duck, quacks, quacking | =the quacking of a duck
owl: an owl, hoots, hooting | =the hooting of an owl
"""

# Other lists' names for the same sound.
_ALIASES: Mapping[str, str] = {
    "barking_dog": "dog",
    "dog_bark": "dog",
    "bark": "dog",
    "baby_cry_infant_cry": "crying_baby",
    "crying_cock_a_doodle_doo": "rooster",
    "chicken_rooster": "rooster",
    "waves_surf": "sea_waves",
    "sneeze": "sneezing",
    "cough": "coughing",
    "laughing": "laughter",
    "walk_footsteps": "footsteps",
    "door_wood_knock": "knock",
    "door_knock": "knock",
    "knocking_on_door": "knock",
    "keyboard_typing": "computer_keyboard",
    "glass_breaking": "glass",
    "church_bells": "bell",
    "ringing_phone": "telephone",
    "telephone_bell_ringing": "telephone",
    "door_open_or_close": "door",
    "water_tap_faucet": "water_tap",
    "engine_idling": "engine",
    "female_speech_woman_speaking": "female_speech",
    "female_speech_and_woman_speaking": "female_speech",
    "male_speech_man_speaking": "male_speech",
    "male_speech_and_man_speaking": "male_speech",
    "applause": "clapping",
    "finger_snap": "finger_snapping",
    "thunder": "thunderstorm",
    "bird": "chirping_birds",
    "fire": "crackling_fire",
}
_PHRASE_START = re.compile(r"(?i)(a|an|the|some|someone|something|people|two|three|several|many|children|his|her)\s")
_ARTICLE = re.compile(r"^(?:a|an|the|some) ")
_STOP = frozenset(
    (
        *("a", "an", "the", "of", "on", "in", "to", "with", "and", "or", "is", "are", "its", "their", "some", "someone"),
        *("something", "person", "people", "sound", "sounds", "open", "opens"),
    )
)


@dataclass(frozen=True)
class Clause:
    """Who sounds and how: ``a dog``, ``barks``, ``barking``."""

    subject: str
    verb: str
    participle: str

    @property
    def plural(self) -> bool:
        """Whether there are several."""
        return not self.verb.split()[0].endswith("s")


@dataclass(frozen=True)
class Noun:
    """A sound by name: ``the barking of a dog``."""

    phrase: str
    plural: bool = False


@dataclass(frozen=True)
class SoundPhrases:
    """All ways to say what sounds; there is at least one noun."""

    clauses: tuple[Clause, ...]
    nouns: tuple[Noun, ...]

    def spoken(self) -> tuple[str, ...]:
        """Return every phrase that a caption may use."""
        phrases = [noun.phrase for noun in self.nouns]
        for clause in self.clauses:
            be = "are" if clause.plural else "is"
            phrases += [f"{clause.subject} {form}" for form in (clause.verb, clause.participle, f"{be} {clause.participle}")]
        return tuple(phrases)


def plain_label(label: str) -> str:
    """Return a label in lower case with its words joined by underscores.

    >>> plain_label("Walk, footsteps")
    'walk_footsteps'
    """
    return "_".join(re.findall(r"[^\W_]+", label.lower().replace("'", "")))


def phrases_of(description: str) -> SoundPhrases:
    """Return how to say a class label, or a phrase that already is one.

    >>> phrases_of("dog").clauses[0].verb, phrases_of("Theremin").nouns[0].phrase, phrases_of("a red car").nouns[0].phrase
    ('barks', 'the sound of theremin', 'a red car')
    """
    known = _class_of(description)
    if known is not None:
        return _phrases()[known]
    if _PHRASE_START.match(description):
        return SoundPhrases((), (Noun(" ".join(description.split())),))
    name = " ".join(description.replace("_", " ").split())
    return SoundPhrases((), (Noun(f"the sound of {name if _is_acronym(name) else name.lower()}"),))


def label_of(phrase: str, labels: Iterable[str] = ()) -> str | None:
    """Return what a phrase describes: one of ``labels`` where it is a phrase for it, else a class of the table, else None.

    >>> label_of("the dog barks"), label_of("a dog barks", ("barking dog",)), label_of("a hound barks")
    (None, 'barking dog', None)
    """
    words = phrase.lower()
    for label in labels:
        if _class_of(label) is None and words in _ways(label):
            return label
    known = _table_index().get(words)
    return next((label for label in labels if known is not None and _class_of(label) == known), known)


def phrase_patterns(labels: tuple[str, ...] = ()) -> tuple[re.Pattern[str], ...]:
    """Return patterns that find, in lower case, the phrases that :func:`label_of` knows, of two words or more."""
    own = [_ways(label) for label in dict.fromkeys(labels) if _class_of(label) is None]
    longest_first = sorted(own, key=lambda ways: -max(map(len, ways), default=0))
    return (*map(_pattern, longest_first), _pattern(tuple(_table_index())))


def described(words: str, labels: Iterable[str] = ()) -> str:
    """Return the description of a phrase: a label where one fits, else the words themselves.

    With ``labels``, a phrase that shares more words with one of them than with the others is taken for it.

    >>> described("the sound of a dog barking"), described("a big hound barks", ("dog", "cat")), described("a big hound")
    ('dog', 'dog', 'a big hound')
    """
    phrase = " ".join(words.split()).strip(" ,")
    known = tuple(labels)
    inner = re.sub(r"^(?:the )?(?:sounds?|noises?) of ", "", phrase)
    for candidate in (phrase, inner):
        if label := label_of(candidate, known):
            return label
    bare = plain_label(_ARTICLE.sub("", inner))
    for label in (*known, *_phrases()):
        if bare in (plain_label(label), _class_of(label)):
            return label
    scores = {label: len(_keywords(label) & _stems(phrase)) for label in known}
    best = max(scores.values(), default=0)
    fitting = [label for label, score in scores.items() if score == best]
    return fitting[0] if best and len(fitting) == 1 else inner


def says_no_more(words: str, description: str) -> bool:
    """Tell whether words name nothing but what a description says: the barking, of a dog.

    >>> says_no_more("the barking", "dog"), says_no_more("the woman talking", "male_speech")
    (True, False)
    """
    named = _stems(words)
    return bool(named) and named <= _keywords(description)


@lru_cache(maxsize=4096)
def _class_of(label: str) -> str | None:
    """The class of the table that a label means; None where there is none."""
    plain = plain_label(label)
    plain = _ALIASES.get(plain, plain)
    return plain if plain in _phrases() else None


@lru_cache(maxsize=1024)
def _ways(label: str) -> tuple[str, ...]:
    """Every phrase for a label, in lower case, with and without its article."""
    spoken = [phrase.lower() for phrase in phrases_of(label).spoken()]
    return tuple(way for phrase in spoken for way in dict.fromkeys((phrase, _ARTICLE.sub("", phrase))) if " " in way)


@lru_cache(maxsize=1)
def _table_index() -> Mapping[str, str]:
    return {way: label for label in reversed(tuple(_phrases())) for way in _ways(label)}


@lru_cache(maxsize=1024)
def _pattern(ways: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(ways, key=len, reverse=True)
    return re.compile(rf"(?<![\w'])(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?![\w'])")


@lru_cache(maxsize=1)
def _phrases() -> Mapping[str, SoundPhrases]:
    table = {}
    for line in _TABLE.strip().splitlines():
        label, _, ways = line.partition(": ")
        clauses, nouns = [], []
        for way in ways.split(" | "):
            if way.startswith("="):
                nouns.append(Noun(way.lstrip("=+"), way.startswith("=+")))
            else:
                subject, verb, participle = way.split(", ")
                clauses.append(Clause(subject, verb, participle))
        table[label] = SoundPhrases(tuple(clauses), tuple(nouns))
    return table


def _is_acronym(name: str) -> bool:
    return name.isupper() and len(name) <= 4


@lru_cache(maxsize=1024)
def _keywords(label: str) -> frozenset[str]:
    """The words that a label is recognised by, without their endings."""
    return frozenset().union(*(_stems(phrase) for phrase in (label.replace("_", " "), *phrases_of(label).spoken())))


def _stems(text: str) -> frozenset[str]:
    words = [word for word in re.findall(r"[a-z]+", text.lower().replace("'s", "")) if word not in _STOP]
    return frozenset(_stem(word) for word in words)


def _stem(word: str) -> str:
    """A word without its ending, roughly: barks, barking and barked are ``bark``."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word[: -len(ending)]
            return stem[:-1] if ending in ("ing", "ed") and stem[-1] == stem[-2] and stem[-1] not in "ls" else stem
    return word
