"""Language models of Hugging Face: made, saved, and read into memory once."""

import weakref

import pytest
import small_bats as bats
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from auris.errors import CheckpointError, ParameterError
from auris.models.bat_config import LoraSettings, SmallLanguageModel
from auris.models.language_models import (
    language_width,
    load_language_model,
    load_tokenizer,
    new_language_model,
    new_tokenizer,
    parameter_count,
    save_adapters,
    with_adapters,
)
from auris.models.weight_memory import weight_bytes


class LiveBytes(TorchDispatchMode):
    """Counts the memory of all tensors that exist at the same time."""

    def __init__(self):
        super().__init__()
        self.storages, self.most = {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for leaf in tree_leaves((args, out)):
            if isinstance(leaf, torch.Tensor) and leaf.device.type == "cpu":
                storage = leaf.untyped_storage()
                self.storages[storage.data_ptr()] = weakref.ref(storage)
        alive = [reference() for reference in self.storages.values()]
        self.most = max(self.most, sum(storage.nbytes() for storage in alive if storage is not None))
        return out


@pytest.mark.parametrize("stored", ["float32", "float16"])
def test_weights_are_in_memory_once_in_the_precision_wanted(tmp_path, monkeypatch, stored):
    monkeypatch.setenv("HF_DEACTIVATE_ASYNC_LOAD", "1")  # what is counted is counted in this thread
    folder = str(bats.saved_language_model(tmp_path / "llm", bats.language_model(layers=8).to(getattr(torch, stored))))
    for precision, size in (("float32", 4), ("float16", 2)):
        with LiveBytes() as counted:
            model = load_language_model(folder, precision=precision)
        whole = size * sum(p.numel() for p in model.parameters())
        assert {p.dtype for p in model.parameters()} == {getattr(torch, precision)}
        assert whole <= counted.most <= 1.1 * whole
    with LiveBytes() as counted:  # what is not to happen would be seen
        load_language_model(folder).half()
    assert counted.most >= 2 * whole


def test_numbers_are_counted_without_weights(tmp_path):
    model = bats.language_model()
    folder = bats.saved_language_model(tmp_path / "llm", model)
    (folder / "model.safetensors").unlink()
    assert parameter_count(str(folder)) == sum(p.numel() for p in model.parameters())
    assert language_width(str(folder)) == 32


def test_llama_2_of_seven_billion_takes_as_much_as_is_said(tmp_path):
    import transformers

    llama = transformers.LlamaConfig(  # as its configuration on the hub has it
        vocab_size=32_000, hidden_size=4096, intermediate_size=11_008, num_hidden_layers=32, num_attention_heads=32
    )
    llama.architectures = ["LlamaForCausalLM"]
    llama.save_pretrained(tmp_path)
    parameters = parameter_count(str(tmp_path))
    assert parameters == 6_738_415_616
    kept = 2 * 32_000 * 4096 + 65 * 4096
    sizes = {name: weight_bytes(parameters, name, kept=kept) / 1e9 for name in ("float32", "float16", "8bit", "4bit")}
    assert {name: round(size, 1) for name, size in sizes.items()} == {
        "float32": 27.0,
        "float16": 13.5,
        "8bit": 7.0,
        "4bit": 3.9,
    }


def test_a_new_tokenizer_writes_every_text_and_reads_it_again(tmp_path):
    tokenizer = new_tokenizer(bats.TEXTS, words=320)
    for text in ("where is the dog?", "2.5m; 0.5 m", "ça coûte 3 €, 東京", "a\n\n### b:"):
        ids = tokenizer(text).input_ids
        assert ids[0] == tokenizer.bos_token_id
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokenizer("Where IS").input_ids == tokenizer("where is").input_ids
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(str(tmp_path))("Where is 2.5m?").input_ids == tokenizer("Where is 2.5m?").input_ids
    assert len(tokenizer) <= 320


def test_sizes_that_make_no_language_model_are_refused():
    with pytest.raises(ParameterError, match="a width that is a multiple of heads"):
        SmallLanguageModel(width=30, heads=4)
    with pytest.raises(ParameterError, match="rank and alpha of at least 1"):
        LoraSettings(rank=0)
    with pytest.raises(ParameterError, match="unknown precision 'half'"):
        load_language_model("x", precision="half")
    with pytest.raises(CheckpointError, match="'nobody/x' is not on this disk"):
        parameter_count("nobody/x")
    sizes = SmallLanguageModel(words=320, width=16, layers=1, heads=2, inner=16, context=32)
    assert new_language_model(sizes, bats.tokenizer()).config.max_position_embeddings == 32


def test_new_adapters_change_nothing_and_saved_ones_do(tmp_path):
    folder = str(bats.saved_language_model(tmp_path / "llm"))
    ids = torch.tensor([[3, 4, 5]])
    plain = load_language_model(folder)
    adapted = with_adapters(load_language_model(folder), LoraSettings(rank=2))
    assert not adapted.training
    with torch.inference_mode():
        expected = plain(ids).logits
        assert torch.equal(adapted(ids).logits, expected)
    trained = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert len(trained) == 2 * 2 * 2
    assert all("lora_" in name for name in trained)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.1)
    save_adapters(adapted, tmp_path / "adapter")
    for trainable in (False, True):
        again = with_adapters(load_language_model(folder), LoraSettings(), folder=tmp_path / "adapter", trainable=trainable)
        with torch.inference_mode():
            assert torch.equal(again(ids).logits, adapted(ids).logits)
            assert not torch.equal(again(ids).logits, expected)
        assert any(p.requires_grad for p in again.parameters()) == trainable
