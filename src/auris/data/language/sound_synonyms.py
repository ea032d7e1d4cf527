"""What people call sounds, besides the phrases of captions: synonyms of the classes of :mod:`.sound_phrases`.

A line of the table is a class, then the things that make its sound, then, after ``|``, what is heard of them. ``~bark`` stands
for bark, barks, barking and barked. A name may stand in several lines: the first class that can be meant is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

_TABLE = """
dog: puppy, pup, hound, doggy, doggie, doggo, canine, mutt, pooch | ~bark, ~woof, ~yap, ~growl, barker
speech: speaker, talker, person, human, man, woman, guy, voice, human voice, narrator, lady, male, female, boy, girl, kid, \
child, people talking, people speaking, conversation, person speaking, talking person, speaking person | ~talk, speak, \
speaks, speaking, spoken, spoke, ~chat, chatting, chatter, ~whisper, someone talking, someone speaking, somebody talking, \
somebody speaking, person talking
music: song, tune, melody, band, orchestra, radio, piece of music, stereo, musician | musical
rain: rainfall, raindrop, drizzle, downpour, rain shower, rainstorm, shower, storm | raining, rained, rains, drizzling, \
~patter
rooster: cock, cockerel, chicken, chanticleer, bird | crowing, crows, crowed, cock a doodle doo
sea_waves: sea, ocean, wave, surf, beach, shore, seaside, seashore, ocean wave, breaker, tide, water | breaking waves, \
waves breaking
sneezing: sneezer, person, human, man, woman, someone sneezing | sneeze, sneezes, sneezed, achoo
helicopter: chopper, copter, heli, whirlybird, rotor, aircraft, engine, motor | ~whir
crying_baby: baby, infant, newborn, toddler, child, kid, babe | cry, cries, cried, crying, ~wail, ~sob, ~weep, weeping
crackling_fire: fire, flame, fireplace, campfire, bonfire, hearth | ~crackle, crackling, burning
clock_tick: clock, watch, pocket watch, clock ticking, timepiece, metronome | ~tick, ticking, tick tock
chainsaw: chain saw, saw, power saw, motor saw, engine, motor | ~saw, sawing, ~buzz, buzzing
pig: hog, swine, piglet | ~oink, ~grunt
cow: cattle, calf, ox, bull | ~moo
frog: toad | ~croak
cat: kitten, kitty, pussycat, tomcat, feline | ~meow, ~miaow, ~purr, ~mew
hen: chicken | ~cluck
insects: insect, bug, fly, flies, bee, mosquito, wasp | ~buzz
sheep: lamb, goat, ewe | ~bleat, ~baa
crow: raven, bird | ~caw
crickets: cricket, cicada, grasshopper | ~chirp
chirping_birds: bird, birds, songbird, sparrow, birdsong, blackbird, finch | ~chirp, ~tweet, ~twitter, birds singing
water_drops: drop, water drop, dripping tap, leak, water | ~drip, dripping
wind: breeze, gust, gale, storm | windy
pouring_water: water | ~pour
toilet_flush: toilet, lavatory, loo | ~flush
thunderstorm: thunder, lightning, storm, thunderclap | ~thunder
clapping: applause, audience | ~clap, clapping, ~applaud
breathing: person, breath, human | breathe, breathes, breathing, breathed
coughing: person, human, man, woman | ~cough
footsteps: step, steps, footstep, footfall, person, walker, someone walking | ~walk
laughter: person, people laughing, human | ~laugh, ~giggle, ~chuckle
snoring: snorer, sleeper, person | snore, snores, snored
knock: door | ~knock, knocking on a door, knock on the door, knocking at the door
mouse_click: mouse | ~click
computer_keyboard: keyboard, typist, typewriter | ~type, typing
door_wood_creaks: door, hinge | ~creak, ~squeak
washing_machine: washer, laundry machine, machine
vacuum_cleaner: vacuum, hoover, machine | vacuuming
clock_alarm: alarm clock, alarm, clock, beeper | ~ring, ringing, rang, ~beep
cutlery: fork, knife, spoon, dishes, silverware
glass: window, bottle | glass breaking, breaking glass, ~shatter
siren: police car, police, ambulance, fire engine, fire truck, police siren, alarm | sirens
car_horn: car, horn, vehicle, automobile | ~honk, ~hoot, honking
engine: motor, vehicle, car, truck, lorry, machine
train: locomotive, railway, tram
bell: church bell, chime, gong | ~ring, ringing, ~toll, ~chime
airplane: plane, aeroplane, jet, aircraft
fireworks: firework, rocket, firecracker
hand_saw: handsaw, saw | ~saw, sawing
female_speech: woman, female, lady, girl, female voice, voice, speaker, person, speech, talker, human | woman talking, \
woman speaking, ~talk, speak, speaks, speaking, female talking
male_speech: man, male, guy, boy, male voice, voice, speaker, person, speech, talker, human | man talking, man speaking, \
~talk, speak, speaks, speaking, male talking
female_scream: woman, scream | ~scream, ~shout, ~yell
male_scream: man, scream | ~scream, ~shout, ~yell
telephone: phone, mobile, cell phone, cellphone, smartphone, mobile phone, ringtone, telephone bell | ~ring, ringing, rang
domestic_sounds: housework, household
door: gate | door slam, door slamming, ~slam
musical_instrument: instrument, music
water_tap: tap, faucet, water | running water
alarm: alarm bell, smoke alarm, fire alarm, siren, beeper | ~beep
crash: collision, smash
piano: pianist, grand piano
keys_jangling: key, keys | ~jingle, ~jangle
scissors: shears
writing: writer, pen, pencil | ~scribble
gun_shot: gun, gunshot, pistol, rifle, gunfire, shot | shooting
children_playing: child, children, kid, kids, boy, girl
drilling: drill, power drill, machine | ~drill
jackhammer: pneumatic drill, machine
street_music: busker, street musician, music
air_conditioner: aircon, conditioner, ventilation, machine
guitar: guitarist
drum: drummer, drums | ~drum
singing: singer, choir, vocalist, voice, song | ~sing, singing, sang
horse: pony, stallion, mare | ~neigh, ~whinny
duck: duckling, bird | ~quack
owl: bird | ~hoot
"""


@cache
def synonyms() -> Mapping[str, tuple[tuple[str, bool], ...]]:
    """Return the names of each class, each with whether it names what is heard (``barking``) and not who is (``puppy``)."""
    table = {}
    for line in _TABLE.replace("\\\n", "").strip().splitlines():
        label, _, rest = line.partition(":")
        things, _, heard = rest.partition("|")
        names = [(name, False) for name in _split(things)]
        names += [(form, True) for name in _split(heard) for form in (verb_forms(name[1:]) if name[0] == "~" else (name,))]
        table[label] = tuple(dict.fromkeys(names))
    return table


def _split(text: str) -> Iterator[str]:
    return (name.strip() for name in text.split(",") if name.strip())


def verb_forms(verb: str) -> tuple[str, ...]:
    """Return bark, barks, barking and barked for ``bark``.

    >>> verb_forms("chat"), verb_forms("cry")[1:3]
    (('chat', 'chats', 'chatting', 'chatted'), ('cries', 'crying'))
    """
    if verb.endswith("e"):
        return (verb, f"{verb}s", f"{verb[:-1]}ing", f"{verb}d")
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return (verb, f"{verb[:-1]}ies", f"{verb}ing", f"{verb[:-1]}ied")
    doubled = verb[-1] in "bdgmnprt" and verb[-2] in "aeiou" and verb[-3] not in "aeiou" and len(verb) <= 4
    stem = verb + verb[-1] if doubled else verb
    return (verb, plural_of(verb), f"{stem}ing", f"{stem}ed")


def plural_of(noun: str) -> str:
    """Return a noun in the plural.

    >>> plural_of("puppy"), plural_of("fox"), plural_of("dog")
    ('puppies', 'foxes', 'dogs')
    """
    irregular = {"man": "men", "woman": "women", "child": "children", "person": "people", "sheep": "sheep", "calf": "calves"}
    if noun in irregular:
        return irregular[noun]
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh", "z")) else f"{noun}s"
