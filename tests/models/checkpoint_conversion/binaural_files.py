"""Files like those that the trainings of Spatial-AST and DSpAST save, in published or small sizes."""

import functools
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import torch

from auris.models.dspast import Dspast, DspastConfig
from auris.models.spatial_ast import SpatialAst, SpatialAstConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reference"))

import fill

KINDS = ("spatial_ast", "dspast")
NETWORKS = {"spatial_ast": (SpatialAst, SpatialAstConfig), "dspast": (Dspast, DspastConfig)}
TITLES = {"spatial_ast": "Spatial-AST", "dspast": "DSpAST"}
FRONT_END = ("spectrogram_extractor.conv_real.weight", "spectrogram_extractor.conv_imag.weight", "logmel_extractor.melW")


@functools.cache
def front_end():
    """The Fourier kernels by their description in the manifests, and the mel matrix that the published code computes."""
    n = np.arange(1024)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 1024)
    angle = 2 * np.pi * np.outer(np.arange(513), n) / 1024
    kernels = (window * np.cos(angle), -window * np.sin(angle))
    tables = (*(k.astype(np.float32)[:, None] for k in kernels), fill.expected("bat_frontend")["melW"])
    return {name: torch.from_numpy(table) for name, table in zip(FRONT_END, tables, strict=True)}


def network(kind, seed=0, labels=("dog", "speech", "rain"), **config):
    """A small network of ours, untrained."""
    torch.manual_seed(seed)
    build, settings = NETWORKS[kind]
    narrow = {"branch_width": 8} if kind == "dspast" else {}
    return build(settings(labels=labels, **({"width": 64, "heads": 1, "depth": 2} | narrow | config)))


def published(model):
    """A network's weights as the training scripts save them: with the front end, and with what nobody uses."""
    tensors = {name: value.clone() for name, value in model.state_dict().items()} | front_end()
    if model.architecture == "dspast":
        for branch in (1, 2, 3):
            unused = {"running_mean": torch.zeros(6), "running_var": torch.ones(6), "num_batches_tracked": torch.tensor(0)}
            tensors |= {f"conv_downsample{branch}.0.bn2.{name}": value for name, value in unused.items()}
        tensors |= {f"{head}_head.pi": torch.tensor([np.pi]) for head in ("distance", "azimuth", "elevation")}
    return tensors


def audiomae(model, *, patch=(1, 16, 16), rows=513):
    """A file of AudioMAE as wide and deep as a model."""
    torch.manual_seed(7)
    width = model.config.width
    tensors = {name: torch.randn(value.shape) for name, value in model.state_dict().items() if name.startswith("blocks.")}
    tensors |= {"patch_embed.proj.weight": torch.randn(width, *patch), "patch_embed.proj.bias": torch.randn(width)}
    tensors |= {"pos_embed": torch.randn(1, rows, width), "cls_token": torch.randn(1, 1, width)}
    tensors |= {"norm.weight": torch.ones(width), "norm.bias": torch.zeros(width), "mask_token": torch.zeros(1, 1, 8)}
    return tensors | {"decoder_embed.weight": torch.zeros(8, width), "decoder_blocks.0.norm1.weight": torch.ones(8)}


def saved(path, tensors, **more):
    """Write what the training scripts write: weights, and beside them optimizer, scaler and an argparse namespace."""
    path.parent.mkdir(exist_ok=True)
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([{"params": [weight], "lr_scale": 0.75}], lr=1e-3)
    weight.sum().backward()
    optimizer.step()
    scaler = {"scale": 65536.0, "growth_factor": 2.0, "_growth_tracker": 17}
    args = Namespace(
        batch_size=64, blr=1e-3, device="cuda", output_dir=Path("out"), nb_classes=355, lr=np.float64(5e-4), clip_grad=None
    )
    document = {"model": tensors, "optimizer": optimizer.state_dict(), "epoch": 49, "scaler": scaler, "args": args}
    torch.save(document | more, path)
    return path
