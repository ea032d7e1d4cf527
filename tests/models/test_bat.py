"""The language model that hears, with small random weights, from clip and question to answer."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_bats as bats
import torch

from auris.audio import Audio
from auris.channels import binaural, mono
from auris.errors import CheckpointError, LayoutError, MissingDependency, ParameterError
from auris.models import describe, from_pretrained, save_pretrained
from auris.models.answering import Answerer
from auris.models.bat import Bat, answer_loss
from auris.models.bat_config import ADAPTER, BatConfig, LoraSettings, WritingSettings
from auris.models.bat_sequences import AUDIO, IGNORED, TokenBatch, answer_batch, question_batch
from auris.models.clip_listening import in_windows
from auris.models.language_models import load_language_model, with_adapters
from auris.models.pretrained import WEIGHTS

BOTH = pytest.mark.parametrize("kind", list(bats.PROJECTORS))


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """The folder of a language model."""
    return bats.saved_language_model(tmp_path_factory.mktemp("writer") / "llm")


@pytest.fixture(scope="module", params=["qformer", "mlp", "qformer and lora", "mlp and lora"])
def bat(request, writer):
    kind = request.param.split()[0]
    return bats.adapted(writer, kind) if "lora" in request.param else bats.whole(kind)


def heard(bat, count=3):
    with torch.inference_mode():
        return bat.tokens(bats.waves(count))


def asked(bat, questions=bats.QUESTIONS):
    count = bat.audio_tokens(heard(bat, 1))
    return question_batch(bat.tokenizer, questions, audio_tokens=count)


def test_answers_of_a_batch_are_those_of_each_question_alone(bat):
    tokens = heard(bat)
    together = bat.generate(tokens, bats.QUESTIONS)
    assert len(set(together)) == 3  # so that the comparison says something
    assert together == [bat.generate(tokens[n : n + 1], [question])[0] for n, question in enumerate(bats.QUESTIONS)]
    beams = WritingSettings(beams=3, longest=8)
    together = bat.generate(tokens, bats.QUESTIONS, writing=beams)
    alone = [bat.generate(tokens[n : n + 1], [question], writing=beams)[0] for n, question in enumerate(bats.QUESTIONS)]
    assert together == alone


def written_without_cache(bat, tokens, questions, longest):
    """The likeliest tokens, each from a reading of everything before it."""
    batch, end = asked(bat, questions), bat.tokenizer.eos_token_id
    ids, mask = batch.input_ids, batch.attention_mask
    for place in range(longest):
        with torch.inference_mode():
            scores = bat(TokenBatch(ids, mask), tokens)[:, -1]
        scores = scores.clone()
        if place == 0:
            scores[:, end] = -torch.inf
        ids = torch.cat([ids, scores.argmax(dim=-1, keepdim=True)], dim=1)
        mask = torch.cat([mask, torch.ones_like(ids[:, :1])], dim=1)
    rows = [row[: row.index(end)] if end in row else row for row in ids[:, batch.input_ids.shape[1] :].tolist()]
    return [text.strip() for text in bat.tokenizer.batch_decode(rows, skip_special_tokens=True)]


def test_remembering_what_was_read_changes_no_answer(bat):
    tokens = heard(bat)
    assert bat.generate(tokens, bats.QUESTIONS) == written_without_cache(bat, tokens, bats.QUESTIONS, 12)


@pytest.mark.parametrize("family", ["gpt2", "qwen2", "mistral", "bloom"])
def test_any_causal_language_model_can_write(family, tmp_path):
    torch.manual_seed(3)
    model = bats.spread(bats.other_families()[family]()).eval()
    bat = bats.whole(model=model)
    tokens = heard(bat)
    together = bat.generate(tokens, bats.QUESTIONS)
    assert together == [bat.generate(tokens[n : n + 1], [question])[0] for n, question in enumerate(bats.QUESTIONS)]
    assert together == written_without_cache(bat, tokens, bats.QUESTIONS, 12)
    save_pretrained(bat, tmp_path / family, card="A test.")
    assert from_pretrained(tmp_path / family).generate(tokens, bats.QUESTIONS) == together


def test_pieces_of_an_answer_join_to_it(bat):
    counts = []
    for clip, question in zip(heard(bat).split(1), bats.QUESTIONS, strict=True):
        pieces = []
        answers = bat.generate(clip, [question], on_text=pieces.append, writing=WritingSettings(beams=1, longest=40))
        assert ["".join(pieces)] == answers == [answers[0].strip()]
        counts.append(len(pieces))
    assert max(counts) > 1
    beams = []
    answers = bat.generate(clip, [question], on_text=beams.append, writing=WritingSettings(beams=2, longest=5))
    assert beams == answers


def test_what_is_saved_answers_the_same(bat, tmp_path):
    save_pretrained(bat, tmp_path / "bat", card="# A test\n")
    again = from_pretrained(tmp_path / "bat")
    assert isinstance(again, Answerer)
    assert (again.name, again.config) == ("bat", bat.config)
    assert describe(tmp_path / "bat")["task"] == "ask"
    assert not again.training
    batch, tokens = asked(bat), heard(bat)
    with torch.inference_mode():
        assert torch.equal(again.tokens(bats.waves()), tokens)
        assert torch.equal(again(batch, tokens), bat(batch, tokens))
    assert again.generate(tokens, bats.QUESTIONS) == bat.generate(tokens, bats.QUESTIONS)
    found = {path.name for path in (tmp_path / "bat").iterdir()}
    expected = {"README.md", "config.json", "model.safetensors", "encoder"}
    assert found == expected | {"language_model" if bat.config.lora is None else "adapter"}


def test_sounds_stand_first_and_change_what_is_written(bat):
    batch, tokens = asked(bat), heard(bat)
    count = bat.audio_tokens(tokens)
    for ids, mask in zip(batch.input_ids.tolist(), batch.attention_mask.tolist(), strict=True):
        pads = mask.count(0)
        assert mask == [0] * pads + [1] * (len(mask) - pads)
        assert ids[pads : pads + count] == [AUDIO] * count
        assert ids[pads + count] == bat.tokenizer.bos_token_id
        assert AUDIO not in ids[pads + count :]
    with torch.inference_mode():
        scores, others = bat(batch, tokens), bat(batch, tokens.roll(1, dims=0))
    assert (scores[:, -1] - others[:, -1]).abs().amax(dim=-1).min() > 1e-3


def test_what_stands_in_the_place_of_nothing_does_not_matter(bat):
    batch, tokens = asked(bat), heard(bat)
    there = batch.attention_mask.bool()
    assert not there.all()
    other = replace(batch, input_ids=batch.input_ids.masked_fill(~there, 17))
    with torch.inference_mode():
        assert torch.equal(bat(batch, tokens)[there], bat(other, tokens)[there])


def test_scores_do_not_depend_on_the_batch(bat):
    tokens = heard(bat)
    batch = asked(bat)
    with torch.inference_mode():
        together = bat(batch, tokens)[:, -1]
        alone = [bat(asked(bat, [question]), tokens[n : n + 1])[0, -1] for n, question in enumerate(bats.QUESTIONS)]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-4)


def test_what_is_learnt_is_the_answer_and_what_ends_it(bat):
    batch = answer_batch(bat.tokenizer, ["Where?", "Is the rain far away?"], ["left", "yes, 2.5m"], audio_tokens=4)
    for ids, labels, mask in zip(batch.input_ids, batch.labels, batch.attention_mask, strict=True):
        learnt = labels[labels != IGNORED]
        assert torch.equal(learnt, ids[labels != IGNORED])
        assert learnt[-1] == bat.tokenizer.eos_token_id
        assert mask[labels != IGNORED].all()
    said = [bat.tokenizer.decode(labels[labels != IGNORED], skip_special_tokens=True) for labels in batch.labels]
    assert said == ["left", "yes, 2.5m"]


class Words:
    """A tokenizer of whole words, in which a word alone is another token than a word behind a colon (as of Llama)."""

    eos_token_id = 2

    def __init__(self, *, ends=False):
        self.ends = ends

    def __call__(self, text, add_special_tokens=True):
        ids = [ord(letter) for letter in (text if "Response:" in text else "_" + text)]
        return type("Encoding", (), {"input_ids": [1] * add_special_tokens + ids + [2] * (self.ends and add_special_tokens)})


@pytest.mark.parametrize("ends", [False, True])
def test_an_answer_has_the_tokens_that_it_has_behind_the_colon(ends):
    batch = answer_batch(Words(ends=ends), ["Where?"], ["left"], audio_tokens=2)
    ids = batch.input_ids[0].tolist()
    assert "".join(map(chr, ids[3:-1])).endswith("Response:left")
    assert (ids[:3], ids[-1], ids.count(2)) == ([AUDIO, AUDIO, 1], 2, 1)
    assert "".join(map(chr, batch.labels[0, -5:-1])) == "left"
    assert question_batch(Words(ends=ends), ["Where?"], audio_tokens=2).input_ids[0].tolist() == ids[:-5]


def gradients(bat):
    tokens = bat.tokens(bats.waves(2))
    batch = answer_batch(bat.tokenizer, bats.QUESTIONS[:2], ["left", "yes"], audio_tokens=bat.audio_tokens(tokens))
    answer_loss(bat(batch, tokens), batch.labels).backward()
    reached = {name for name, parameter in bat.named_parameters() if parameter.grad is not None and parameter.grad.any()}
    bat.zero_grad(set_to_none=True)
    return reached


@BOTH
def test_what_is_frozen_learns_nothing_and_the_rest_does(kind, writer):
    bat = bats.adapted(writer, kind)
    bat.tower.requires_grad_(False)
    reached = gradients(bat)
    wanted = {name for name, _ in bat.named_parameters() if name.startswith("projector.") or "lora_" in name}
    silent = {name for name in wanted if name.endswith("key.bias")}  # attention does not change with it
    assert wanted - silent <= reached <= wanted
    bat.tower.requires_grad_(True)
    assert any(name.startswith("tower.listener.blocks") for name in gradients(bat))
    whole = bats.whole(kind)
    whole.projector.requires_grad_(False)
    assert {name.split(".")[0] for name in gradients(whole)} == {"tower", "language_model"}


def audio(seconds=1.0, rate=8000, layout=None):
    layout = layout or binaural()
    noise = np.random.default_rng(4).standard_normal((layout.channels, round(seconds * rate)))
    return Audio(noise.astype(np.float32), rate, layout)


def test_clips_of_any_rate_and_length_are_answered(bat):
    silent = Audio(np.zeros((2, 100), np.float32), 8000, binaural())
    clips = [audio(), audio(0.5, 44_100), silent]
    answers = bat.answer(clips, bats.QUESTIONS)
    assert len(answers) == 3
    assert answers[0] == bat.answer(clips[:1], bats.QUESTIONS[:1])[0]
    pieces = []
    assert bat.answer(clips[:1], bats.QUESTIONS[:1], on_text=pieces.append) == ["".join(pieces)]


@pytest.mark.parametrize(
    ("clips", "questions", "error", "sentence"),
    [
        ([audio()], [""], ParameterError, "the question is empty; ask something"),
        ([audio()], [" \n"], ParameterError, "the question is empty"),
        ([audio()], [], ParameterError, "got 0 and 1"),
        ([], [], ParameterError, "every question is about one clip"),
        ([audio(), audio()], ["Where?"], ParameterError, "got 1 and 2"),
        ([audio(layout=mono())], ["Where?"], LayoutError, "listens to binaural audio, this is mono"),
        ([audio(1.01)], ["Where?"], ParameterError, r"hears 1 s at a time, this clip lasts 1.01 s; auris.ask answers"),
        ([audio()], ["dog " * 300], ParameterError, "the question is too long: .*reads fewer than 200; ask shorter"),
    ],
)
def test_what_cannot_be_answered_is_refused(clips, questions, error, sentence):
    with pytest.raises(error, match=sentence):
        bats.whole().answer(clips, questions)


def test_a_model_that_answers_is_no_listener():
    with pytest.raises(ParameterError, match=r"bat answers questions .* lists no events; ask it with auris ask"):
        in_windows(bats.whole())


def test_an_answer_may_be_longer_than_is_usual():
    """Of a language model that says nothing of how far it reads."""
    torch.manual_seed(3)
    bat = bats.whole(model=bats.spread(bats.other_families()["bloom"]()))
    longer = bat.generate(heard(bat, 1), bats.QUESTIONS[:1], writing=WritingSettings(beams=1, longest=24))[0]
    assert longer.startswith(bat.generate(heard(bat, 1), bats.QUESTIONS[:1])[0].rstrip("\N{REPLACEMENT CHARACTER}"))
    assert len(longer) > len(bat.generate(heard(bat, 1), bats.QUESTIONS[:1])[0])


def test_an_answer_ends_where_the_language_model_reads_no_further():
    torch.manual_seed(3)
    bat = bats.whole(model=bats.spread(bats.other_families()["gpt2"]()))
    length = asked(bat, bats.QUESTIONS[:1]).input_ids.shape[1]
    written, generate = [], bat.language_model.generate
    bat.language_model.generate = lambda **options: written.append(generate(**options)) or written[0]
    bat.generate(heard(bat, 1), bats.QUESTIONS[:1], writing=WritingSettings(beams=1, longest=10_000))
    assert 0 < written[0].shape[1] <= 128 - length
    with pytest.raises(ParameterError, match="too long"):
        bat.generate(heard(bat, 1), ["dog " * 200])


def test_settings_of_the_language_model_change_no_answer():
    """Some come with sampling and penalties."""
    bat = bats.whole()
    expected = bat.generate(heard(bat), bats.QUESTIONS)
    settings = {"do_sample": True, "temperature": 5.0, "top_p": 0.3, "top_k": 3, "repetition_penalty": 1.5, "use_cache": False}
    for name, value in settings.items():
        setattr(bat.language_model.generation_config, name, value)
    assert bat.generate(heard(bat), bats.QUESTIONS) == expected


def test_a_tokenizer_without_pads_writes_and_one_without_an_end_is_refused(tmp_path):
    bat = bats.whole()
    assert bat.tokenizer.pad_token_id is None
    assert len(bat.generate(heard(bat), bats.QUESTIONS)) == 3
    endless = bats.new_tokenizer(bats.TEXTS, words=320)
    endless.eos_token = None
    with pytest.raises(ParameterError, match=r"no token that ends a text \(eos_token\); set one"):
        bats.whole(words=endless)
    save_pretrained(bat, tmp_path / "bat", card="")
    endless.save_pretrained(tmp_path / "bat" / "language_model")
    with pytest.raises(CheckpointError, match="no token that ends a text"):
        from_pretrained(tmp_path / "bat")


def test_a_model_and_its_configuration_agree_about_adapters(writer):
    with pytest.raises(ParameterError, match="has adapters, the configuration none"):
        bats.whole(model=with_adapters(load_language_model(str(writer)), LoraSettings()))
    with pytest.raises(ParameterError, match="has no adapters, the configuration has"):
        bats.whole(language_model="elsewhere", lora=LoraSettings())
    with pytest.raises(ParameterError, match=r"put on query of this.*its layers are called .*q_proj"):
        with_adapters(load_language_model(str(writer)), LoraSettings(targets=("query",)))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"prompt": "Well?"}, "holds {question} once"),
        ({"prompt": "{question} {question}"}, "holds {question} once"),
        ({"precision": "2bit"}, "unknown precision '2bit', did you mean"),
        ({"language_model": "language_model"}, "lora is null"),
        ({"names": (("dog",),)}, "needs the projector mlp"),
    ],
)
def test_configurations_that_make_no_model_are_refused(settings, sentence):
    with pytest.raises(ParameterError, match=sentence):
        BatConfig(**settings)


def test_a_prompt_may_hold_braces():
    bat = bats.whole(prompt='{"question": "{question}", "answer": ')
    assert len(bat.generate(heard(bat, 1), ["{Where}?"])) == 1


def changed(folder, name, change):
    file = folder / name
    file.write_bytes(change(file.read_bytes()))


def _lose(file, tensor):
    from safetensors.torch import load_file, save_file

    save_file({name: value for name, value in load_file(file).items() if name != tensor}, file, metadata={"format": "pt"})


def _rename(file, tensor, other):
    from safetensors.torch import load_file, save_file

    save_file({name.replace(tensor, other): value for name, value in load_file(file).items()}, file, metadata={"format": "pt"})


LAYER = "model.layers.1.mlp.up_proj.weight"


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "model.safetensors").unlink(), "not a language model of Hugging Face"),
        (lambda f: (f / "config.json").write_text("{"), "not a language model of Hugging Face"),
        (lambda f: (f / "tokenizer.json").unlink(), "not a language model of Hugging Face"),
        (lambda f: changed(f, "model.safetensors", lambda b: b[: len(b) // 2]), "not a language model of Hugging Face"),
        (lambda f: _lose(f / "model.safetensors", LAYER), f"weights are missing or of another shape: {LAYER}; fetch it again"),
        (
            lambda f: changed(f, "config.json", lambda b: b.replace(b'"intermediate_size": 64', b'"intermediate_size": 65')),
            "not a language model of Hugging Face|of another shape",
        ),
        (
            lambda f: bats.saved_language_model(f, bats.language_model(width=48)),
            "projector makes vectors of 32 numbers, .* reads 48; it was trained with another language model",
        ),
    ],
    ids=["no weights", "no configuration", "no tokenizer", "truncated", "a weight missing", "another shape", "another width"],
)
def test_a_damaged_language_model_is_refused(tmp_path, damage, sentence):
    save_pretrained(bats.whole(), tmp_path / "bat", card="")
    damage(tmp_path / "bat" / "language_model")
    with pytest.raises(CheckpointError, match=sentence):
        from_pretrained(tmp_path / "bat")


def test_a_language_model_that_is_not_here_says_how_to_fetch_it(writer, tmp_path):
    save_pretrained(bats.adapted(writer), tmp_path / "bat", card="")
    with pytest.raises(CheckpointError, match=r"'nobody/nothing' is not on this disk.*hf download nobody/nothing"):
        Bat.from_pretrained(tmp_path / "bat", language_model="nobody/nothing")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "adapter_config.json").unlink(), "adapter_config.json missing"),
        (lambda f: (f / "adapter_model.safetensors").unlink(), "adapter_model.safetensors missing"),
        (lambda f: changed(f, "adapter_model.safetensors", lambda b: b[:-100]), "not adapters for this language model"),
        (lambda f: changed(f, "adapter_config.json", lambda b: b.replace(b'"r": 4', b'"r": 5')), "not adapters for this"),
        (lambda f: changed(f, "adapter_config.json", lambda b: b"[]"), "not adapters for this"),
        (
            lambda f: _lose(f / "adapter_model.safetensors", "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"),
            "missing base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight$",
        ),
        (lambda f: _rename(f / "adapter_model.safetensors", "layers.1", "layers.7"), "missing .*; missing .* and 5 more$"),
    ],
    ids=["no configuration", "no weights", "truncated", "another rank", "a list", "a weight missing", "another layer"],
)
def test_damaged_adapters_are_refused(writer, tmp_path, damage, sentence):
    save_pretrained(bats.adapted(writer), tmp_path / "bat", card="")
    damage(tmp_path / "bat" / ADAPTER)
    with pytest.raises(CheckpointError, match=sentence):
        from_pretrained(tmp_path / "bat")


def test_a_damaged_projector_and_a_missing_encoder_are_named(tmp_path):
    save_pretrained(bats.whole(), tmp_path / "bat", card="")
    whole = (tmp_path / "bat" / WEIGHTS).read_bytes()
    _lose(tmp_path / "bat" / WEIGHTS, "linear.bias")
    with pytest.raises(CheckpointError, match=r"missing linear.bias$"):
        from_pretrained(tmp_path / "bat")
    (tmp_path / "bat" / WEIGHTS).write_bytes(whole)
    (tmp_path / "bat" / "encoder").rename(tmp_path / "ears")
    with pytest.raises(CheckpointError, match=r"its encoder is missing.*Spatial-AST"):
        from_pretrained(tmp_path / "bat")
    bat = Bat.from_pretrained(tmp_path / "bat", encoder=tmp_path / "ears")
    assert bat.generate(heard(bat), bats.QUESTIONS) == bats.whole().generate(heard(bat), bats.QUESTIONS)
    with pytest.raises(CheckpointError, match="a spatial_ast, which answers no questions"):
        Bat.from_pretrained(tmp_path / "ears")


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_other_precisions_are_those_of_the_language_model_alone(writer, tmp_path, precision):
    save_pretrained(bats.adapted(writer), tmp_path / "bat", card="")
    bat = Bat.from_pretrained(tmp_path / "bat", precision=precision)
    kinds = {name: parameter.dtype for name, parameter in bat.named_parameters()}
    half = getattr(torch, precision)
    assert all((kind == half) == (name.startswith("language_model.") and "lora_" not in name) for name, kind in kinds.items())
    assert len(bat.generate(heard(bat), bats.QUESTIONS)) == 3
    assert bat.config.precision == precision
    changed(tmp_path / "bat", "config.json", lambda b: b.replace(b'"float32"', f'"{precision}"'.encode()))
    assert from_pretrained(tmp_path / "bat").language_model.dtype == half


@pytest.mark.parametrize("precision", ["8bit", "4bit"])
def test_few_bits_need_a_package(writer, precision, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"needs the package 'bitsandbytes'.*pip install bitsandbytes$"):
        load_language_model(str(writer), precision=precision)


def test_the_packages_of_the_extra_are_named(monkeypatch, writer):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingDependency, match=r"'peft'.*auris\[llm\]"):
        with_adapters(load_language_model(str(writer)), LoraSettings())


def test_a_full_memory_is_not_taken_for_a_missing_model(writer, monkeypatch):
    import transformers

    def full(*_args, **_options):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 13.00 GiB")

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", full)
    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate"):
        load_language_model(str(writer))


def test_a_configuration_of_before_is_read(tmp_path):
    save_pretrained(bats.whole(), tmp_path / "bat", card="")
    file = tmp_path / "bat" / "config.json"
    plain = json.loads(file.read_text())
    del plain["config"]["precision"]
    file.write_text(json.dumps(plain))
    assert from_pretrained(Path(tmp_path / "bat")).config.precision == "float32"


def test_a_clip_that_several_questions_are_about_is_heard_once(monkeypatch, bat):
    heard_clips = []
    tokens = bat.tokens
    monkeypatch.setattr(bat, "tokens", lambda waves: heard_clips.append(len(waves)) or tokens(waves))
    first, second = audio(1.0), audio(0.5)
    together = bat.answer([first, second, first], bats.QUESTIONS)
    assert heard_clips == [2]
    alone = [bat.answer([clip], [question])[0] for clip, question in zip([first, second, first], bats.QUESTIONS, strict=True)]
    assert together == alone
