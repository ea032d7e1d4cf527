"""Words of a question that name a class: found wherever they stand, and only there."""

import small_bats as bats
import torch

from auris.models.bat_sequences import answer_batch, question_batch
from auris.models.named_tokens import NamedTokens

NAMES = (("dog", "dogs"), ("rain",), ("alarm clock", "clock"))


def named(question, answer=None):
    """The texts of the tokens that name each class."""
    words = bats.tokenizer()
    batch = (
        question_batch(words, [question], audio_tokens=3)
        if answer is None
        else answer_batch(words, [question], [answer], audio_tokens=3)
    )
    (places,) = NamedTokens(words, NAMES).places(batch).tolist()
    (ids,) = batch.input_ids.tolist()
    return {
        number: words.decode([token for token, place in zip(ids, places, strict=True) if place == number]).strip()
        for number in sorted({*places} - {-1})
    }


def test_names_are_found_in_any_place_and_the_longest_counts():
    assert named("Is the dog to the left of the alarm clock?") == {0: "dog", 2: "alarm clock"}
    assert named("rain? Where is the clock") == {1: "rain", 2: "clock"}
    assert named("How far away is it?") == {}


def test_answers_name_nothing():
    assert named("Where is the dog?", "rain") == {0: "dog"}


def test_padding_on_the_left_names_nothing():
    words = bats.tokenizer()
    names = NamedTokens(words, (*NAMES, (words.decode([words.eos_token_id]),)))  # what pads would be a name
    batch = question_batch(words, ["dog", "Is the dog to the left of the rain?"], audio_tokens=2)
    padded = batch.attention_mask[0] == 0
    assert padded.any()
    assert (names.places(batch)[0, padded] == -1).all()


def test_a_name_carries_the_vector_of_its_class_and_other_words_none():
    words, sounds = bats.tokenizer(), torch.randn(1, 3, 8)
    batch = question_batch(words, ["Where is the rain?"], audio_tokens=3)
    names = NamedTokens(words, NAMES)
    heard, places = names.heard_of(batch, sounds)[0], names.places(batch)[0]
    assert torch.equal(heard[places == 1], sounds[0, 1].expand(int((places == 1).sum()), -1))
    assert not heard[places < 0].any()


def test_a_model_with_names_answers_a_batch_as_it_answers_each_alone():
    bat = bats.whole("mlp", names=(("dog",), ("rain",)))
    tokens = bat.tokens(bats.waves())
    together = bat.generate(tokens, bats.QUESTIONS)
    alone = [bat.generate(tokens[n : n + 1], [question])[0] for n, question in enumerate(bats.QUESTIONS)]
    assert together == alone
    plain = bats.whole("mlp")
    batch = question_batch(bat.tokenizer, bats.QUESTIONS[:1], audio_tokens=bat.audio_tokens(tokens), prompt=bat.config.prompt)
    assert not torch.allclose(bat(batch, tokens[:1]), plain(batch, tokens[:1]))
