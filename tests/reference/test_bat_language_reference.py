"""The language half of BAT against the published code: its Q-Former, and how prompts and answers become batches."""

from __future__ import annotations

import fill
import numpy as np
import pytest
import torch

from auris.models.bat_sequences import PROMPT, answer_batch, question_batch
from auris.models.pretrained import assign_weights
from auris.models.projectors import ProjectorConfig, QFormerProjector

QFORMER = fill.expected("bat_qformer")
TOLD = fill.manifest("bat_metrics")["expected"]


@pytest.fixture(scope="module")
def projector():
    network = QFormerProjector(ProjectorConfig(), encoder_width=768, language_width=4096)
    weights = {name: torch.from_numpy(array) for name, array in fill.weights("bat_qformer").items()}
    assign_weights(network, weights, where="bat_qformer")  # refuses names that are missing or too many
    return network.eval()


def tokens(facts):
    generator = np.random.Generator(np.random.PCG64(facts["seed"]))
    own = generator.standard_normal((facts["tokens"], 768))
    return torch.from_numpy((own + generator.standard_normal((1, 768))).astype(np.float32))


def off(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize("fixture", ["bat_qformer"])
@pytest.mark.parametrize("facts", fill.manifest("bat_qformer")["inputs"], ids=lambda facts: facts["name"])
def test_the_published_q_former_reads_the_same(projector, fixture, facts):
    with torch.inference_mode():
        hidden = projector.hidden(tokens(facts)[None])
        out = projector.norm(projector.linear(hidden))[0].numpy()
    name = facts["name"]
    assert off(hidden[0, ::4].numpy(), QFORMER[f"{name}.hidden"]) < 5e-5
    assert off(out[:, ::8], QFORMER[f"{name}.out"]) < 5e-5
    assert off(out[[0, 21, 63]], QFORMER[f"{name}.out_rows"]) < 5e-5


@pytest.mark.parametrize("fixture", ["bat_qformer"])
def test_the_published_q_former_has_so_many_numbers(projector, fixture):
    assert sum(p.numel() for p in projector.parameters()) == fill.manifest(fixture)["parameters"]


class Letters:
    """The fixture's tokenizer: BOS 1, one number for each character, EOS 2."""

    bos_token_id, eos_token_id = 1, 2

    def __call__(self, text, add_special_tokens=True):
        return type("Encoding", (), {"input_ids": [1] * add_special_tokens + [ord(letter) for letter in text]})()


@pytest.mark.parametrize("fixture", ["bat_metrics"])
def test_the_prompt_has_the_published_bytes(fixture):
    assert PROMPT.format(question="Where is the dog?") == TOLD["prompt"]


@pytest.mark.parametrize("fixture", ["bat_metrics"])
def test_a_batch_to_train_with_is_as_published(fixture):
    batch = answer_batch(Letters(), ["Q?", "Longer?"], ["Yes", "left; 2m"], audio_tokens=4)
    for name in ("input_ids", "labels", "attention_mask"):
        assert getattr(batch, name).tolist() == [[int(x) for x in row] for row in TOLD["collate_train"][name]], name
    if "modality_mask" in TOLD["collate_train"]:
        assert batch.is_audio.int().tolist() == [[int(x) for x in row] for row in TOLD["collate_train"]["modality_mask"]]


@pytest.mark.parametrize("fixture", ["bat_metrics"])
def test_a_batch_to_answer_is_as_published(fixture):
    batch = question_batch(Letters(), ["Q?", "Longer?"], audio_tokens=4)
    for name in ("input_ids", "attention_mask"):
        assert getattr(batch, name).tolist() == [[int(x) for x in row] for row in TOLD["collate_infer"][name]], name
    assert batch.is_audio.int().tolist() == TOLD["collate_infer"]["modality_mask"]
