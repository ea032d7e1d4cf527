"""What trains Spatial-AST and DSpAST against the published code: the scale of AdaCos and the masking of patches."""

from __future__ import annotations

import fill
import numpy as np
import torch
from torch.nn import functional

from auris.models.adacos import AdaCosHead
from auris.models.backbones.vision_transformer import kept_patches


def test_bat_metrics_adacos_scale_and_loss_of_three_steps():
    facts, arrays = fill.manifest("bat_metrics")["expected"]["adacos"], fill.expected("bat_metrics")
    head, labels = AdaCosHead(256, 21), torch.from_numpy(arrays["adacos.labels"]).long()
    torch.testing.assert_close(head.s, torch.tensor([facts["s0"]]), rtol=0, atol=1e-6)
    head.W.data = torch.from_numpy(fill.fill("distance_head.W", [21, 256], "fan_in"))
    embeddings = torch.from_numpy(fill.fill("adacos.emb", [16, 256], "embed"))
    nearer = embeddings + 5.6 * head.W[labels]
    np.testing.assert_allclose(head(nearer).detach(), arrays["adacos.cos"], rtol=0, atol=1e-6)
    for (scale, loss), x in zip(
        facts["steps [s after update, loss with the new s]"], (embeddings, nearer, nearer), strict=True
    ):
        cosines = head(x)
        head.update(cosines, labels)
        assert abs(head.s.item() - scale) < 1e-5
        assert abs(functional.cross_entropy(head.logits(cosines), labels).item() - loss) < 1e-5


def test_bat_metrics_mask2d_leaves_the_same_patches():
    torch.manual_seed(123)
    kept = kept_patches(2, times=64, bands=8, drop_times=0.25, drop_bands=0.25)
    np.testing.assert_array_equal(kept, fill.expected("bat_metrics")["mask2d.kept"])
