"""Questions as people ask them, not in the words of the grammar, about scenes with known answers."""

import pytest
from yard import TWO_DOGS, YARD

from auris.data.language.symbolic import answer_from
from auris.errors import ParameterError

IN_THE_YARD = """
Where's the dog? | left, front, above; 2m
where is teh dgo | left, front, above; 2m
WHERE IS THE RAIN COMING FROM | right, behind, below; 3.5m
Could you please tell me where the puppy is? | left, front, above; 2m
I'd like to know the position of the dog. | left, front, above; 2m
locate the speaker | left, behind, above; 1.5m
find the dog, please | left, front, above; 2m
What's the dog's position? | left, front, above; 2m
from where do you hear someone talking | left, behind, above; 1.5m
And whereabouts is the person who is talking? | left, behind, above; 1.5m
the dog? | left, front, above; 2m
Where does the second bark come from? | left, front, above; 2m
In which direction is the rain? | right, behind, below
what direction does the voice come from? | left, behind, above
Which side is the dog on? | left
On which side do you hear the rain? | right
Which ear is the dog closer to? | left
Is the dog on the left or on the right? | left
Is the rain in front of me or behind me? | behind
does the talking come from the front or from the back | behind
Is the rain above or below? | below
Tell me whether the dog is to my left or to my right. | left
where is the dog, left or right? | left
At what angle do you hear the dog? | 34° left, 16° up
how high is the dog | 34° left, 16° up
How many degrees to the left is the puppy? | 34° left, 16° up
How far away is the dog? | 2m
how far is the barking dog from me | 2m
How close is the person talking? | 1.5m
What is the distance to the rain? | 3.5m
how many metres away is the rain | 3.5m
how many meters is the dog from here? | 2m
At what distance is the puppy? | 2m
distance of the rain please | 3.5m
In which direction and how far away is the dog? | left, front, above; 2m
How far and in what direction is the rain? | right, behind, below; 3.5m
where exactly is the music and how far away | right, front, above; 3m
Is the dog on my left? | Yes
is the dog to your right? | No
Is the puppy on the left-hand side? | Yes
Isn't the dog on my left? | Yes
The dog is on my left, isn't it? | Yes
the dog is behind me, right? | No
Does the rain come from behind? | Yes
is the rain at my back | Yes
Is the dog in front? | Yes
is the dog right in front of me | Yes
Is the rain falling behind me and to my right? | Yes
Is the rain behind me and on my left? | No
is the dog at 11 o'clock | Yes
Is the rain at three o'clock? | Yes
is the dog above my head | Yes
Does the barking come from below? | No
Do you hear the dog on your left side? | Yes
Is there a dog on my left? | Yes
Is there a dog behind me? | No
Can you hear a puppy on the right? | No
Is anyone talking behind me? | Yes
is someone speaking in front of me? | No
Is there anything behind me? | Yes
Is something below me? | Yes
Is there a dog? | Yes
Can you hear a baby? | No
do you hear any music? | Yes
Is it raining? | Yes
Is anybody talking? | Yes
Is the dog barking? | Yes
is there a cat in the room | No
Are there any dogs? | Yes
Can you hear both a dog and a baby? | No
Do you hear a dog or a baby? | Yes
Is it silent? | No
What do you hear? | dog; rain; music; speech
what's going on here, what sounds are there? | dog; rain; music; speech
List all the sounds. | dog; rain; music; speech
name every sound you hear in the recording | dog; rain; music; speech
What can be heard in this file? | dog; rain; music; speech
What is behind me? | rain; speech
Which sounds are on my left? | dog; speech
what can you hear below you | rain
Who is talking behind me? | speech
What's in front of me and above me? | dog; music
what do you hear from the left and from behind | speech
What do you hear 2 metres away? | dog
Which sounds are within 2 m? | dog; speech
what sounds are more than three metres away | rain; music
Is the dog closer than the rain? | Yes
is the rain nearer to me than the dog | No
Which is closer, the dog or the rain? | dog
who's further away: the dog or the speaker | dog
Is the dog or the rain nearer? | dog
Compared with the rain, is the dog farther away? | No
than the dog, is the voice nearer? | Yes
Between the dog and the rain, which one is more distant? | rain
is the dog nearer or farther than the rain | nearer
What is the nearest sound? | speech
which sound is the furthest away | rain
closest sound? | speech
Is the dog the nearest sound? | No
Is the speech the closest? | Yes
what is closer to me than the dog? | speech
is the dog within 2 metres? | Yes
Is the rain more than 3 metres away? | Yes
is the rain less than 10 feet away | No
Is the dog about 2 m away? | Yes
Is the dog less than a metre away? | No
How far apart are the dog and the rain? | 5.5m
what's the distance between the puppy and the person talking? | 2.5m
how far is the dog from the rain | 5.5m
How many metres are between rain and dog? | 5.5m
Are the dog and the rain within 2 m of each other? | No
are the dog and the speech about equally far away | No
Is the music as far away as the rain? | No
Is the dog to the left of the rain? | Yes
is the rain left of the dog | No
Is the dog further right than the rain? | No
is the puppy more to the left than the speaker? | Yes
Is the dog higher than the rain? | Yes
is the rain higher or lower than the dog | below
Is the dog to the left or to the right of the rain? | left
Does the dog lie further to the front or to the back, compared to the rain? | front
Which is further to the left, the dog or the rain? | dog
which sound is leftmost | dog
What is the rightmost sound? | rain
which sound is the highest | music
Which of the sounds is most to the front? | music
what is to the left of the rain | dog; music; speech
Is the dog the leftmost sound? | Yes
Do the dog and the rain come from the same side? | No
Are the dog and the voice on the same side of me? | Yes
are dog and rain on opposite sides | Yes
are the dog and the music both in front of me | Yes
are the dog and the rain both on my left | No
are the dog and the speech on the same side, front or back? | No
Do the dog and the rain come from the same direction? | No
Are the dog and the rain in different places? | Yes
what is the angle between the dog and the rain | 174°
When does the dog bark? | from 0.8 to 2.1 s and from 3.2 to 4 s
when does the second bark come, and from where? | at 3.2 s, from the left, in front, above; 2m
When does the rain start? | at 1.5 s
at what time does it start raining | at 1.5 s
when does the rain stop | at 9 s
When does the last bark end? | at 4 s
When do you hear the voice? | from 9.2 to 9.9 s
when and from where does the first bark come | at 0.8 s, from the left, in front, above; 2m
how long until the dog barks | at 0.8 s
How long does the rain last? | 7.5 s
For how long does the dog bark? | 2.1 s
how long is the second bark | 0.8 s
How many times does the dog bark? | 2
how often does the dog bark | 2
number of barks | 2
How many dogs are there? | 1
how many people are talking | 1
how many sounds do you hear | 4
How many different sounds are there? | 4
How many sounds are behind me? | 2
count the sounds on my left | 2
how many cats do you hear? | 0
What comes first? | dog
what's the first thing you hear? | dog
which sound is the last one | speech
What is the second sound? | rain
What comes after the music? | speech
what do you hear before the music | dog
Which comes first, the dog or the rain? | dog
Does the dog bark before the rain starts? | Yes
does the rain begin earlier than the dog | No
Did the speech come after the music? | Yes
Is the dog the first sound? | Yes
which sound stops last | speech
In which order do the sounds come? | dog; rain; music; speech
how long after the dog does the rain start | 0.7 s
what comes first and where is it? | dog, from the left, in front, above; 2m
What do you hear at 2 seconds? | dog; rain
what's audible at 0:05 | rain; music
What do you hear between 4.2 and 4.4 seconds? | rain
what is heard in the last second | speech
what sounds after 9.5 s | speech
Is the dog barking at 5 s? | No
Is it raining at second 5? | Yes
how many barks are there in the first 3 seconds? | 1
Where is the music at 5 seconds? | left, front, above; 3m
What sounds at the same time as the dog? | rain
what else can you hear while the music is playing | rain
Do the dog and the rain overlap? | Yes
Can you hear the dog and the music at the same time? | No
is the dog barking while it is raining? | Yes
When do the dog and the rain sound together? | from 1.5 to 2.1 s and from 3.2 to 4 s
Does the dog move? | No
is the music moving | Yes
Is the rain standing still? | Yes
does the music move from left to right | Yes
Is the music moving to the left? | No
which way does the music go | from the front left to the right
How does the music move? | from the front left to the right
which sound moves | music
Does the music come closer? | No
is the dog approaching me | No
Does the rain stay where it is? | Yes
which sound lasts longest | rain
Is the dog shorter than the rain? | Yes
Where is the nearest sound? | speech, from the left, behind, above; 1.5m
which sound is nearest and how far away is it? | speech, 1.5m
Is the dog on my left, and how far is it? | Yes, 2m
Where is the dog and where is the rain? | left, front, above; 2m, right, behind, below; 3.5m
"""
WITH_TWO_DOGS = """
How many dogs are there? | 2
how many dogs can you hear on my left? | 1
Where are the dogs? | dog: left, front, above; 3m | dog: right, behind, below; 3m
where are all the sounds? | dog: left, front, above; 3m | dog: right, behind, below; 3m | clock tick: right, front, above; 1m
where is the second bark | right, behind, below; 3m
Where is the dog? | left, front, above; 3m
is there a dog behind me? | Yes
are all dogs on my left? | No
Which dog is behind me? | dog
How many sounds are there? | 3
How many kinds of sounds are there? | 2
what is between 0.4 and 2.2 s | dog
where does the ticking come from? | right, front, above; 1m
is the clock ticking on my left? | No
is the clock nearer than the dog | Yes
what's the watch's distance | 1m
"""


def rows(table):
    return [tuple(part.strip() for part in line.split(" | ", 1)) for line in table.strip().splitlines()]


@pytest.mark.parametrize(("question", "answer"), rows(IN_THE_YARD))
def test_asked_freely_in_the_yard(question, answer):
    assert answer_from(YARD, question).text == answer


@pytest.mark.parametrize(("question", "answer"), rows(WITH_TWO_DOGS))
def test_asked_freely_about_two_dogs(question, answer):
    assert answer_from(TWO_DOGS, question).text == answer


def test_the_tables_are_large_and_not_in_the_words_of_the_grammar():
    from auris.data.language.question_grammar import read

    asked = [question for question, _ in rows(IN_THE_YARD) + rows(WITH_TWO_DOGS)]
    assert len(set(asked)) >= 180
    foreign = 0
    for question in asked:
        try:
            read(question)
        except ParameterError:
            foreign += 1
    assert foreign >= 150
