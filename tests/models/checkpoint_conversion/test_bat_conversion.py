"""The published file of BAT to a model folder: its names and shapes, and small ones of the same names."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import binaural_files
import fill
import pytest
import torch
from safetensors.torch import load_file, save_file

sys.path.append(str(Path(__file__).resolve().parents[1]))

import small_bats as bats

from auris.cli import main
from auris.errors import CheckpointError, FormatError, ParameterError
from auris.models import describe, from_pretrained, save_pretrained
from auris.models.bat import Bat
from auris.models.bat_config import BatConfig, LoraSettings, WritingSettings
from auris.models.bat_sequences import question_batch
from auris.models.checkpoint_conversion import bat as bat_files
from auris.models.checkpoint_conversion import convert
from auris.models.checkpoint_conversion.families import family_of
from auris.models.language_models import load_language_model, load_tokenizer
from auris.models.projectors import ProjectorConfig
from auris.models.published import published_model

ATTENTION = "llm.base_model.model.model.layers.{}.self_attn.{}_proj.lora_{}.default.weight"


def published_shapes():
    """The 303 names and shapes, as the data sheet of the published file has them."""
    projector = {f"encoder_projector.{name}": t["shape"] for name, t in fill.manifest("bat_qformer")["tensors"].items()}
    sides = {"A": (8, 4096), "B": (4096, 8)}
    return projector | {ATTENTION.format(n, q, side): sides[side] for n in range(32) for q in "qv" for side in "AB"}


def test_the_published_names_and_shapes_are_all_there_is(monkeypatch):
    tensors = {name: torch.empty(shape, device="meta") for name, shape in published_shapes().items()}
    assert len(tensors) == 303
    assert family_of(tensors, file="x") == "bat"
    monkeypatch.setattr(bat_files, "refuse_bad_numbers", lambda *_args, **_options: None)  # these have no numbers
    found = bat_files.recognise(tensors, file="x")
    known = published_model("BAT")
    assert found.parameters == known.parameters == 73_561_600
    assert found.projector == ProjectorConfig()
    assert found.lora == LoraSettings()
    assert (found.encoder_width, found.language_width, found.layers) == (768, 4096, 32)
    assert str(found) == ("the projector of BAT (64 queries, 8 layers) and LoRA of rank 8 on q_proj and v_proj of 32 layers")
    names = set(found.adapter_weights)
    assert len(names) == 128
    assert "base_model.model.model.layers.31.self_attn.v_proj.lora_B.weight" in names
    for name in list(tensors)[::100]:
        less = {other: value for other, value in tensors.items() if other != name}
        with pytest.raises(CheckpointError, match=name.replace(".", r"\.") if name != "encoder_projector.query" else "query"):
            bat_files.recognise(less, file="x")


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    return bats.saved_language_model(tmp_path_factory.mktemp("writer") / "llm")


@pytest.fixture(scope="module")
def ears(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ears") / "spatial-ast"
    save_pretrained(bats.ears(), folder, card="")
    return folder


@pytest.fixture(scope="module")
def parts(writer, ears):
    """What a converted file is put together with."""
    return {"encoder": ears, "language_model": writer}


@pytest.fixture(scope="module")
def direct(writer):
    """A model of other sizes than the published one."""
    return bats.adapted(
        writer, projector=ProjectorConfig(queries=5, layers=3, width=128, heads=2, inner=40), lora=LoraSettings(rank=3)
    )


def tensors_of(model):
    """A model's weights as the published training saves them."""
    found = {f"encoder_projector.{name}": value.clone() for name, value in model.projector.state_dict().items()}
    adapters = {name: value for name, value in model.language_model.named_parameters() if "lora_" in name}
    return found | {f"llm.{name}": value.detach().clone() for name, value in adapters.items()}


@pytest.fixture
def file(direct, tmp_path):
    (tmp_path / "files").mkdir()
    torch.save(tensors_of(direct), tmp_path / "files" / "model.pt")
    return tmp_path / "files" / "model.pt"


def answers(model):
    with torch.inference_mode():
        return model.generate(model.tokens(bats.waves()), bats.QUESTIONS, writing=WritingSettings(beams=2, longest=10))


def test_a_converted_file_answers_as_its_weights_do(file, parts, direct, tmp_path):
    made = convert(file, tmp_path / "bat", **parts, precision="float32")
    model = from_pretrained(tmp_path / "bat")
    assert model.config.projector == direct.config.projector
    assert model.config.lora == direct.config.lora
    batch = question_batch(model.tokenizer, bats.QUESTIONS, audio_tokens=5)
    with torch.inference_mode():
        tokens = model.tokens(bats.waves())
        assert torch.equal(tokens, direct.tokens(bats.waves()))
        assert torch.equal(model(batch, tokens), direct(batch, tokens))
    assert answers(model) == answers(direct)
    assert (made["encoder"], made["language_model"], made["precision"]) == (*map(str, parts.values()), "float32")
    assert made["parameters"] == sum(value.numel() for value in tensors_of(direct).values())
    assert made["published"] is None
    assert json.dumps(made)
    assert len(made["notes"]) == 1
    assert "10.6667 times" in made["notes"][0]


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_the_adapters_are_a_folder_of_peft(file, parts, direct, writer, tmp_path):
    import peft
    import transformers

    convert(file, tmp_path / "bat", **parts)
    plain = transformers.AutoModelForCausalLM.from_pretrained(writer, dtype=torch.float32)
    adapted = peft.PeftModel.from_pretrained(plain, tmp_path / "bat" / "adapter").eval()
    ids = torch.tensor([[3, 4, 5, 6]])
    with torch.inference_mode():
        assert torch.equal(adapted(ids).logits, direct.language_model(ids).logits)
    weights = load_file(tmp_path / "bat" / "adapter" / "adapter_model.safetensors")
    assert {f"llm.{name.replace('.weight', '.default.weight')}" for name in weights} == {
        name for name in tensors_of(direct) if name.startswith("llm.")
    }
    config = json.loads((tmp_path / "bat" / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["target_modules"]) == (3, 32, ["q_proj", "v_proj"])
    assert config["base_model_name_or_path"] == str(writer)


def test_the_encoder_may_be_put_into_the_folder_later(file, writer, direct, tmp_path):
    made = convert(file, tmp_path / "bat", language_model=writer)
    assert made["encoder"] == "encoder"
    assert any(f"--to {tmp_path / 'bat' / 'encoder'}" in note and "Spatial-AST" in note for note in made["notes"])
    with pytest.raises(CheckpointError, match="its encoder is missing"):
        from_pretrained(tmp_path / "bat")
    save_pretrained(bats.ears(), tmp_path / "bat" / "encoder", card="")
    model = Bat.from_pretrained(tmp_path / "bat", precision="float32")
    assert model.config.writing == BatConfig().writing
    assert answers(model) == answers(direct)


def test_a_published_spatial_ast_is_converted_to_where_the_encoder_is_looked_for(writer, tmp_path):
    """Both published files, in small: the projector reads the tokens of the one, which are 64 wide here."""
    listener = binaural_files.network("spatial_ast")
    config = BatConfig(language_model=str(writer), lora=None, projector=bats.PROJECTORS["qformer"])
    model = Bat(
        config, encoder=listener, language_model=load_language_model(str(writer)), tokenizer=load_tokenizer(str(writer))
    ).eval()
    torch.save(tensors_of(model), tmp_path / "model.pt")
    made = convert(tmp_path / "model.pt", tmp_path / "bat", language_model=writer)
    assert "The file has no adapters" in " ".join(made["notes"])
    convert(
        binaural_files.saved(tmp_path / "files" / "finetuned.pth", binaural_files.published(listener)),
        tmp_path / "bat" / "encoder",
    )
    again = from_pretrained(tmp_path / "bat")
    assert again.tower(torch.randn(1, 2, 1000)).shape == (1, 515, 64)


def test_another_encoder_must_fit_and_is_warned_of(file, writer, tmp_path):
    narrow = bats.ears(width=32)
    save_pretrained(narrow, tmp_path / "narrow", card="")
    with pytest.raises(
        CheckpointError, match=r"reads tokens of 48 numbers, those of .*narrow have 32; the published one reads"
    ):
        convert(file, tmp_path / "bat", encoder=tmp_path / "narrow", language_model=writer)
    other = binaural_files.network("dspast", branch_width=16)
    save_pretrained(other, tmp_path / "dspast", card="")
    made = convert(file, tmp_path / "bat", encoder=tmp_path / "dspast", language_model=writer)
    assert any("only if it was trained with that" in note for note in made["notes"])
    with pytest.raises(CheckpointError, match="no model called"):
        convert(file, tmp_path / "other", encoder="nobody", language_model=writer)
    with pytest.raises(CheckpointError, match="not an auris model"):
        convert(file, tmp_path / "other", encoder=writer, language_model=writer)


def test_another_language_model_must_fit_and_need_not_be_here(file, ears, tmp_path):
    wide = bats.saved_language_model(tmp_path / "wide", bats.language_model(width=48))
    with pytest.raises(CheckpointError, match=r"makes vectors of 32 numbers, .*wide reads 48; it was trained with another"):
        convert(file, tmp_path / "bat", encoder=ears, language_model=wide)
    made = convert(file, tmp_path / "bat", encoder=ears)
    assert made["language_model"] == "meta-llama/Llama-2-7b-hf"
    assert made["precision"] == "float16"
    assert any("hf download meta-llama/Llama-2-7b-hf" in note for note in made["notes"])
    with pytest.raises(CheckpointError, match="'meta-llama/Llama-2-7b-hf' is not on this disk"):
        from_pretrained(tmp_path / "bat")
    deep = bats.saved_language_model(tmp_path / "deep", bats.language_model(layers=3))
    with pytest.raises(CheckpointError, match=r"not adapters for this language model: missing .*layers\.2\."):
        Bat.from_pretrained(tmp_path / "bat", language_model=deep)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="not a language model of Hugging Face"):
        convert(file, tmp_path / "other", encoder=ears, language_model=tmp_path / "empty")


Q0 = ATTENTION.format(0, "q", "A")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("encoder_projector.query"), "is not the Q-Former of BAT: missing encoder_projector.query$"),
        (lambda t: t.pop("encoder_projector.linear.bias"), "does not fit it: missing encoder_projector.linear.bias$"),
        (lambda t: t.pop("encoder_projector.norm.weight"), "missing encoder_projector.norm.weight$"),
        (lambda t: t.pop(Q0), f"missing {Q0}$"),
        (lambda t: t.pop(ATTENTION.format(1, "v", "B")), "missing .*1.self_attn.v_proj.lora_B.default.weight$"),
        (lambda t: t.update(extra=torch.zeros(2)), "unknown extra$"),
        (lambda t: t.update({"encoder.blocks.0.attn.qkv.bias": torch.zeros(2)}), "unknown encoder.blocks.0.attn.qkv.bias$"),
        (
            lambda t: t.update({"llm.base_model.model.lm_head.weight": torch.zeros(2, 2)}),
            "unknown llm.base_model.model.lm_head",
        ),
        (lambda t: t.update({"encoder_projector.norm.bias": torch.zeros(31)}), r"norm.bias is \(31,\), needed \(32,\)$"),
        (lambda t: t.update({Q0: torch.zeros(4, 32)}), r"lora_A.default.weight is \(4, 32\), needed \(3, 32\)$"),
        (lambda t: t.update({Q0: torch.zeros(3)}), r"lora_A.default.weight is \(3,\), needed \(3, 32\)$"),
        (lambda t: t.update({Q0: torch.zeros(3, 48)}), r"is \(3, 48\), needed \(3, 32\)$"),
        (lambda t: t.update({"encoder_projector.query": torch.zeros(5, 128)}), r"query is \(5, 128\), which is no weight of"),
        (lambda t: t.update({"encoder_projector.query": torch.zeros(1, 5, 100)}), "queries of 100 numbers"),
        (lambda t: t["encoder_projector.query"].fill_(torch.nan), "encoder_projector.query holds NaN"),
        (lambda t: t[Q0].fill_(torch.inf), "holds NaN or infinite"),
        (
            lambda t: t.update({ATTENTION.format(10**9, "q", "A"): torch.zeros(3, 32)}),
            "needed|missing",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named_and_leave_nothing(direct, parts, tmp_path, change, sentence):
    tensors = tensors_of(direct)
    change(tensors)
    (tmp_path / "files").mkdir()
    torch.save(tensors, tmp_path / "files" / "model.pt")
    with pytest.raises(CheckpointError, match=sentence):
        convert(tmp_path / "files" / "model.pt", tmp_path / "bat", **parts)
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


class Command:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch sprung",)


def test_a_file_with_code_is_refused(direct, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(tensors_of(direct) | {"settings": Command()}, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"holds code \((posix|nt)\.system\), refused"):
        convert(tmp_path / "model.pt", tmp_path / "bat")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize("container", ["safetensors", "legacy", "wrapped", "half"])
def test_every_container_is_read(direct, parts, tmp_path, container):
    tensors, file = tensors_of(direct), tmp_path / "model.pt"
    if container == "safetensors":
        save_file(tensors, file)
    elif container == "wrapped":
        torch.save({"model": {f"module.{name}": value for name, value in tensors.items()}, "step": 3}, file)
    elif container == "half":
        torch.save({name: value.half() for name, value in tensors.items()}, file)
    else:
        torch.save(tensors, file, _use_new_zipfile_serialization=False)
    convert(file, tmp_path / "bat", **parts, precision="float32")
    model = from_pretrained(tmp_path / "bat")
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    if container != "half":
        assert answers(model) == answers(direct)


def test_the_folder_appears_whole_or_not_at_all(file, parts, tmp_path, monkeypatch):
    (tmp_path / "bat").mkdir()
    (tmp_path / "bat" / "notes.txt").write_text("mine")
    with pytest.raises(FormatError, match="already and not empty"):
        convert(file, tmp_path / "bat", **parts)

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bat_files, "save_file", full)
    with pytest.raises(FormatError, match="No space left on device"):
        convert(file, tmp_path / "other", **parts)
    assert {path.name for path in tmp_path.iterdir()} == {"files", "bat"}


def test_what_belongs_to_listeners_is_refused_and_the_other_way_round(file, parts, ears, tmp_path):
    with pytest.raises(ParameterError, match=r"BAT has no classes .*leave out labels and sample rate"):
        convert(file, tmp_path / "bat", labels=["a"], sample_rate=32_000)
    listener = binaural_files.saved(
        tmp_path / "files" / "x.pth", binaural_files.published(binaural_files.network("spatial_ast"))
    )
    with pytest.raises(ParameterError, match="Spatial-AST listens and does not answer; leave out encoder and precision"):
        convert(listener, tmp_path / "ears", encoder=ears, precision="4bit")
    with pytest.raises(ParameterError, match="unknown precision '3bit'"):
        convert(file, tmp_path / "bat", **parts, precision="3bit")
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_a_file_of_the_published_size_and_numbers_is_the_published_one(file, parts, direct, tmp_path, monkeypatch):
    numbers = sum(value.numel() for value in tensors_of(direct).values())
    known = replace(published_model("BAT"), bytes=file.stat().st_size, parameters=numbers)
    monkeypatch.setattr(bat_files, "published_model", lambda _: known)
    made = convert(file, tmp_path / "bat", **parts)
    assert made["published"] == "BAT"
    card = describe(tmp_path / "bat")["card"]
    for sentence in (
        "published as `BAT/model.pt`",
        "CC BY-NC 4.0",
        "Llama 2 Community Licence",
        "arXiv:2402.01591",
        str(parts["encoder"]),
    ):
        assert sentence in card
    assert describe(tmp_path / "bat")["task"] == "ask"


def test_the_command_line_converts_and_says_what_is_missing(file, writer, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["models", "convert", str(file), "--to", "bat", "--language-model", str(writer), "--precision", "bfloat16"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "LoRA of rank 3 on q_proj and v_proj of 2 layers" in printed.out
    assert "in bfloat16" in printed.out
    assert "--to bat/encoder puts it where it is looked for" in printed.err
    assert main(["models", "show", "bat"]) == 0
    assert "Parts that lie elsewhere" in capsys.readouterr().out
    assert main([*arguments[:4], "other", "--labels", "dcase2021"]) == 1
    assert "leave out labels" in capsys.readouterr().err
    assert main([*arguments[:4], "other", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["encoder"], made["language_model"]) == ("encoder", "meta-llama/Llama-2-7b-hf")


def test_the_adapters_may_be_of_other_layers_too(parts, writer, tmp_path):
    """Not published, but trained by the same scripts with other settings."""
    lora = LoraSettings(rank=2, targets=("o_proj", "down_proj"))
    model = bats.adapted(writer, lora=lora)
    torch.save(tensors_of(model), tmp_path / "model.pt")
    convert(tmp_path / "model.pt", tmp_path / "bat", **parts, precision="float32")
    again = from_pretrained(tmp_path / "bat")
    assert set(again.config.lora.targets) == set(lora.targets)
    batch, tokens = question_batch(model.tokenizer, ["Where?"], audio_tokens=4), model.tokens(bats.waves(1))
    with torch.inference_mode():
        assert torch.equal(again(batch, tokens), model(batch, tokens))
