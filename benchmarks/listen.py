"""Listening with PSELDNets: our front end and transformer blocks beside the same written plainly, and whole networks.

    python -m benchmarks.listen            # about four minutes on a quiet machine; writes results/listen.{md,json}
    python -m benchmarks.listen --quick    # about one minute, prints only

Both sides run in this one process, in alternating order, on the same ten seconds with the same weights; the largest
difference of their outputs stands beside the times. With one thread the clock is processor time, with two it is wall time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from auris.dsp.features import LogMelIntensity
from auris.models.backbones.htsat import DEPTHS, HEADS, SIDE, WIDTH
from auris.models.backbones.htsat import PATCH as HTSAT_PATCH
from auris.models.backbones.passt import TransformerBlock
from auris.models.backbones.swin import SwinBlock
from auris.models.pseldnet.config import PseldNetConfig
from auris.models.pseldnet.network import PseldNet
from benchmarks.command import run
from benchmarks.machine import machine
from benchmarks.plain_listening import ConvolutionFrontEnd, PlainSwinBlock, PlainTransformerBlock

RATE, SECONDS = 24_000, 10
PASST_TOKENS, PASST_WIDTH, PASST_DEPTH, PASST_HEADS = 602, 768, 7, 12
NETWORKS = {
    "HTSAT, multi-ACCDOA": {},
    "HTSAT, EINV2": {"output": "einv2"},
    "PaSST, multi-ACCDOA": {"backbone": "passt"},
    "CNN14-Conformer, multi-ACCDOA": {"backbone": "cnn14", "decoder": "conformer"},
    "CNN8-GRU, ACCDOA": {"backbone": "cnn8", "decoder": "gru", "decoder_layers": 2, "output": "accdoa"},
}


@dataclass(frozen=True)
class Case:
    """The same numbers computed in two ways."""

    what: str
    ours: Callable[[], Tensor]
    plain: Callable[[], Tensor]


@dataclass(frozen=True)
class Row:
    """Milliseconds of both, and how far their outputs are apart."""

    what: str
    threads: int
    ours_ms: float
    ours_min_ms: float
    plain_ms: float
    plain_min_ms: float
    difference: float

    @property
    def ratio(self) -> float:
        """How often ours runs while the plain one runs once, by medians."""
        return self.plain_ms / self.ours_ms

    @property
    def ratio_of_minima(self) -> float:
        """The same by the fastest runs, which other work on the machine disturbs least."""
        return self.plain_min_ms / self.ours_min_ms


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def front_end_case(batch: int) -> Case:
    ours = LogMelIntensity(sample_rate=RATE)
    plain, waveform = ConvolutionFrontEnd(ours), 0.1 * noise(batch, 4, SECONDS * RATE)
    return Case(f"front end, batch of {batch}", lambda: ours(waveform), lambda: plain(waveform))


def swin_cases() -> Iterator[Case]:
    """The blocks of each stage of HTSAT, every second one shifted."""
    for index, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
        width, side = WIDTH * 2**index, SIDE // HTSAT_PATCH // 2**index
        shifts = [4 if block % 2 and side > 8 else 0 for block in range(depth)]
        blocks = [SwinBlock(width, side=side, heads=heads, shift=shift).eval() for shift in shifts]
        for block in blocks:
            nn.init.normal_(block.attn.relative_position_bias_table)
        ours, plain = nn.Sequential(*blocks), nn.Sequential(*map(PlainSwinBlock, blocks))
        yield block_case(
            f"HTSAT stage {index + 1}: {depth} blocks, {side}x{side} tokens of {width}", ours, plain, (side, side, width)
        )


def passt_case() -> Case:
    blocks = [TransformerBlock(PASST_WIDTH, PASST_HEADS).eval() for _ in range(PASST_DEPTH)]
    ours, plain = nn.Sequential(*blocks), nn.Sequential(*map(PlainTransformerBlock, blocks))
    what = f"PaSST: {PASST_DEPTH} blocks, {PASST_TOKENS} tokens of {PASST_WIDTH}"
    return block_case(what, ours, plain, (PASST_TOKENS, PASST_WIDTH))


def block_case(what: str, ours: nn.Module, plain: nn.Module, shape: tuple[int, ...]) -> Case:
    tokens = noise(1, *shape)
    return Case(what, lambda: ours(tokens), lambda: plain(tokens))


def seconds_of(work: Callable[[], object], threads: int) -> float:
    clock = time.process_time if threads == 1 else time.perf_counter
    start = clock()
    work()
    return clock() - start


def compared(case: Case, threads: int, repeats: int) -> Row:
    """Run both once to warm up and compare, then in turn, the other one first every second time."""
    torch.set_num_threads(threads)
    difference = float((case.ours() - case.plain()).abs().max())
    times: dict[Callable[[], Tensor], list[float]] = {case.ours: [], case.plain: []}
    for repeat in range(repeats):
        for work in list(times)[:: 1 if repeat % 2 == 0 else -1]:
            times[work].append(1e3 * seconds_of(work, threads))
    ours, plain = times.values()
    return Row(case.what, threads, float(np.median(ours)), min(ours), float(np.median(plain)), min(plain), difference)


def network_times(threads: int, repeats: int) -> list[dict[str, object]]:
    """Milliseconds of whole networks of 13 classes for ten seconds, from features on."""
    torch.set_num_threads(threads)
    rows: list[dict[str, object]] = []
    for what, options in NETWORKS.items():
        torch.manual_seed(0)
        model = PseldNet(PseldNetConfig(labels=tuple(f"class {i}" for i in range(13)), **options)).eval()
        features = model.features(0.1 * noise(1, 4, SECONDS * RATE))
        model.from_features(features)
        times = [1e3 * seconds_of(lambda m=model, f=features: m.from_features(f), threads) for _ in range(repeats)]
        parameters = sum(parameter.numel() for parameter in model.parameters())
        rows.append(
            {"what": what, "threads": threads, "parameters": parameters, "ms": float(np.median(times)), "min_ms": min(times)}
        )
    return rows


@torch.inference_mode()
def measure(*, quick: bool) -> dict[str, object]:
    facts, repeats = machine(torch), 5 if quick else 31
    torch.manual_seed(0)
    cases = [front_end_case(1), front_end_case(4), *swin_cases(), passt_case()]
    rows = [compared(case, threads, repeats) for threads in (1, 2) for case in cases]
    kept = [asdict(row) | {"ratio": row.ratio, "ratio of minima": row.ratio_of_minima} for row in rows]
    networks = [row for threads in (1, 2) for row in network_times(threads, 2 if quick else 9)]
    return {"machine": facts, "repeats": repeats, "parts": kept, "networks": networks}


def as_markdown(results: dict[str, object]) -> str:
    facts: dict[str, object] = results["machine"]
    lines = ["# Listening with PSELDNets: auris and the same written plainly", ""]
    lines += [", ".join(f"{key} {value}" for key, value in facts.items()) + ".", ""]
    lines += [
        f"Ten seconds at {RATE / 1000:g} kHz, one process, {results['repeats']} runs of each in alternating order; median "
        "(minimum) in milliseconds; one thread: processor time, two: wall time. Plain: spectra by convolution, attention "
        "without a fused kernel (`benchmarks/plain_listening.py`).",
        "",
        "| what | threads | auris | plain | ratio of medians | of minima | largest difference |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['what']} | {row['threads']} | {row['ours_ms']:.3g} ({row['ours_min_ms']:.3g}) "
        f"| {row['plain_ms']:.3g} ({row['plain_min_ms']:.3g}) | **{row['ratio']:.2f}** | {row['ratio of minima']:.2f} "
        f"| {row['difference']:.1e} |"
        for row in results["parts"]
    ]
    lines += [
        "",
        "| whole network, 13 classes, from features on | threads | parameters | ms | least |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['what']} | {row['threads']} | {row['parameters']:,} | {row['ms']:.0f} | {row['min_ms']:.0f} |"
        for row in results["networks"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run("listen", about=__doc__, quick="fewer repeats", measure=measure, as_markdown=as_markdown)
