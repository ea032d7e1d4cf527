"""The published models of the systems that auris re-creates: what each is, where it is hosted, and whether it is here.

Nothing is downloaded and no weights are distributed: most authors state no licence. A file that you fetched yourself is
found in :func:`models_folder` (``$AURIS_MODELS``, or ``~/.cache/auris/models``), in a folder inside it, or in the cache of
the Hugging Face Hub. Facts that could not be established are None.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from auris.errors import ParameterError, unknown_name
from auris.models.published_facts import Host, LanguageModelFacts, PromptEncoderFacts, drive, hub

Use = Literal["convert", "initial", "not yet"]

_NONE_STATED = "none stated"


_PSELDNETS = hub("Jinbo-HU/PSELDNets", "dataset")
_SPATIAL_AUDIO = hub("zhisheng01/SpatialAudio", "dataset")
_AUDIOSET_CLASSES = "class_labels_indices_subset.csv"
_NAMES_OF_AUDIOSET = f"The class names are in {_AUDIOSET_CLASSES} of SpatialSoundQA: give that file with --labels."


@dataclass(frozen=True)
class PublishedModel:
    """What is known of one published checkpoint.

    Attributes:
        name: how auris calls it.
        system: the work it belongs to.
        task: ``listen``, ``ask``, ``generate``, ``separate``, ``measure`` or ``initial`` (weights to start a training from).
        layout: what it listens to or writes.
        classes: number of sound classes, None where it has none or it is not known.
        file: path at its host; None where it is inside an archive.
        host: where the file lies.
        licence: of the weights, or of the repository that publishes them; ``"none stated"`` where there is none.
        use: what auris does with the file today: ``convert`` it to a model folder, take it as the ``initial`` weights of a
            training, or ``not yet`` anything.
        bytes: size; exact only if ``exact_bytes``.
        exact_bytes: whether ``bytes`` is a byte count, not a rounded figure.
        sha256: how the checksum begins.
        parameters: numbers in the network.
        labels_file: of the data set, with the names of the classes: what ``--labels`` of ``auris models convert`` takes.
        recipe_key: where a recipe takes the file as initial weights.
        encoder: the published model that it hears with, if that is another file.
        language_model: that it writes with, if it does.
        prompt_encoder: that reads what it is asked for, if it is asked in words.
        result: a published measurement, as its authors quote it.
        remark: one sentence more.
    """

    name: str
    system: str
    task: Literal["listen", "ask", "generate", "separate", "measure", "initial"]
    layout: str
    classes: int | None
    file: str | None
    host: Host
    licence: str | None
    use: Use
    bytes: int | None = None
    exact_bytes: bool = True
    sha256: str | None = None
    parameters: int | None = None
    labels_file: str | None = None
    recipe_key: str | None = None
    encoder: str | None = None
    language_model: LanguageModelFacts | None = None
    prompt_encoder: PromptEncoderFacts | None = None
    result: str | None = None
    remark: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain values, and where the file is on this disk (None: nowhere that auris looks)."""
        here = self.on_disk()
        return {**asdict(self), "host": str(self.host), "on_disk": str(here) if here else None, "memory": self.memory()}

    def memory(self) -> dict[str, float]:
        """Return bytes of all weights by the precision of the language model; empty where there is none.

        >>> {name: round(size / 1e9, 1) for name, size in published_model("BAT").memory().items()}
        {'float32': 27.6, 'float16': 14.1, '8bit': 7.6, '4bit': 4.5}
        """
        from auris.models.weight_memory import weight_bytes

        if self.language_model is None:
            return {}
        others = (self.parameters or 0) + (published_model(self.encoder).parameters or 0 if self.encoder else 0)
        facts = self.language_model
        return {
            precision: 4.0 * others + weight_bytes(facts.parameters, precision, kept=facts.kept)
            for precision in ("float32", "float16", "8bit", "4bit")
        }

    def on_disk(self) -> Path | None:
        """Return the file if it is in a place where auris looks: right name, and right size where the size is known."""
        return next((path for path in self._candidates() if self._fits(path)), None)

    def _candidates(self) -> Iterator[Path]:
        if self.file is None:
            return
        name = Path(self.file).name
        folder = models_folder()
        yield folder / name
        yield from sorted(folder.glob(f"*/{name}"))
        if self.host.repository:
            repository = self.host.repository.replace("/", "--")
            snapshots = _hub_cache() / f"{self.host.kind}s--{repository}" / "snapshots"
            yield from sorted(snapshots.glob(f"*/{self.file}"))

    def _fits(self, path: Path) -> bool:
        if not path.is_file():
            return False
        size = path.stat().st_size
        if self.bytes is None:
            return size > 0
        return size == self.bytes if self.exact_bytes else abs(size - self.bytes) <= 0.02 * self.bytes


def models_folder() -> Path:
    """Return the folder where auris looks for checkpoints: ``$AURIS_MODELS``, or ``~/.cache/auris/models``."""
    return Path(os.environ.get("AURIS_MODELS") or Path.home() / ".cache" / "auris" / "models").expanduser()


def _hub_cache() -> Path:
    """The cache of the Hugging Face Hub, by its own rules, without importing its package."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    return Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface") / "hub"


def published_model(name: str) -> PublishedModel:
    """Return a published model by name or by file name, upper and lower case alike.

    Raises:
        ParameterError: nothing is called so; the text names the closest.

    >>> published_model("maccdoa-htsat-0.567.ckpt").parameters
    34596242
    """
    wanted = name.lower()
    for model in PUBLISHED:
        if wanted in (model.name.lower(), Path(model.file or "").name.lower()):
            return model
    raise ParameterError(unknown_name("published model", name, [model.name for model in PUBLISHED]))


def identify(file: str | Path) -> PublishedModel | None:
    """Return the published model whose bytes a file holds, told by size and checksum whatever the file is called."""
    path = Path(file)
    size = path.stat().st_size
    near = [m for m in PUBLISHED if m.sha256 and m.bytes and abs(size - m.bytes) <= (0 if m.exact_bytes else 0.02 * m.bytes)]
    if not near:
        return None
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return next((model for model in near if model.sha256 and digest.startswith(model.sha256)), None)


def _pseldnets(name: str, score: str, *, parameters: int, hub: bool = True, **facts: Any) -> PublishedModel:
    """One of the PSELDNets; the files carry the SELD score of the synthetic test set in their names."""
    return PublishedModel(
        name=name,
        system="PSELDNets (arXiv:2411.06399)",
        task="listen",
        layout="foa",
        classes=170,
        file=f"model/{name}-{score}.ckpt" if hub else f"{name}-{score}.ckpt",
        host=_PSELDNETS if hub else drive("drive/folders/1GHw-_NjW9UNyJ1rpxCpZ985SOb2RVyPA"),
        licence=_NONE_STATED,
        use="convert",
        parameters=parameters,
        result=f"SELD score {score} on the synthetic test set (macro, missed classes left out)",
        labels_file="cls_indices_train.tsv",
        recipe_key="initial.checkpoint",
        remark="The class names are in cls_indices_train.tsv of its data set: give that file with --labels.",
        **facts,
    )


def _audioset(name: str, file: str, remark: str, **facts: Any) -> PublishedModel:
    return PublishedModel(
        name=name,
        system="AudioSet",
        task="initial",
        layout="mono",
        classes=527,
        file=f"model/{file}",
        host=_PSELDNETS,
        licence=None,
        use="initial",
        recipe_key="initial.audioset",
        remark=remark,
        **facts,
    )


def _dspast(stage: int, result: str, remark: str) -> PublishedModel:
    return PublishedModel(
        name=f"DSpAST-{stage}",
        system="DSpAST (arXiv:2509.13927)",
        task="listen",
        layout="binaural",
        classes=355,
        file=f"DSpAST-stage{stage}",
        host=hub("kwilk90/DSpAST", "model"),
        licence="CC BY-NC 4.0",
        use="convert",
        parameters=87_595_405,
        labels_file=_AUDIOSET_CLASSES,
        recipe_key="initial.checkpoint",
        result=result,
        remark=f"{remark} {_NAMES_OF_AUDIOSET}",
    )


def _spatial_sonic(kind: str, remark: str, *, parameters: int) -> PublishedModel:
    return PublishedModel(
        name=f"BEWO-{kind}",
        system="Both Ears Wide Open / SpatialSonic",
        task="generate",
        layout="stereo",
        classes=None,
        file=f"BEWO_{kind}.ckpt",
        host=hub("spw2000/bewo-1m", "model"),
        licence=_NONE_STATED,
        use="convert",
        parameters=parameters,
        prompt_encoder=PromptEncoderFacts("t5-base", "Apache 2.0", parameters=109_628_544),
        remark=f"{remark} Derived from stable-audio-open-1.0 (Stability community licence).",
    )


def _active(name: str, parameters: int, remark: str) -> PublishedModel:
    return PublishedModel(
        name=name,
        system="Active audio-visual separation (arXiv:2202.00850)",
        task="separate",
        layout="binaural",
        classes=102,
        file=None,
        host=Host("box.com"),
        licence="MIT",
        use="not yet",
        parameters=parameters,
        remark=f"{remark} In a zip archive.",
    )


PUBLISHED: tuple[PublishedModel, ...] = (
    _pseldnets("ACCDOA-HTSAT", "0.566", parameters=29_895_062, bytes=121_711_961, sha256="c54509137cff9536"),
    _pseldnets("mACCDOA-HTSAT", "0.567", parameters=34_596_242, bytes=140_516_864, sha256="813083ac938c5974"),
    _pseldnets(
        "mACCDOA-PaSST", "0.562", parameters=52_257_146, bytes=209_000_000, exact_bytes=False, sha256="c3dcf9a2bc39fa05"
    ),
    _pseldnets(
        "mACCDOA-CNN14-Conformer",
        "0.582",
        parameters=179_406_906,
        bytes=800_000_000,
        exact_bytes=False,
        sha256="6c516aac7b88ad90",
    ),
    _pseldnets("EINV2-HTSAT", "0.597", parameters=57_481_271, bytes=234_040_898, sha256="c3a62db1d672c2c4"),
    _pseldnets("EINV2-HTSAT-AGG1", "0.514", parameters=57_481_271, hub=False),
    _pseldnets("SEDDOA-HTSAT-AGG1", "0.531", parameters=29_936_543, hub=False),
    _audioset(
        "HTSAT-AudioSet",
        "HTSAT-fullset-imagenet-768d-32000hz.ckpt",
        "Where the HTSAT models start.",
        bytes=127_072_759,
        sha256="6700e6480188ae00",
    ),
    _audioset(
        "CNN14-AudioSet",
        "Cnn14_mAP=0.431.pth",
        "PANNs; where the CNN14 models start.",
        bytes=327_428_481,
        sha256="0dc499e40e9761ef",
        result="mAP 0.431 on AudioSet",
    ),
    _audioset(
        "PaSST-AudioSet",
        "passt-l-kd-ap.47.ckpt",
        "Where the PaSST models start.",
        bytes=203_000_000,
        exact_bytes=False,
        sha256="14ae3e192bf8e2df",
        result="mAP 0.47 on AudioSet",
    ),
    PublishedModel(
        name="Spatial-AST",
        system="BAT (arXiv:2402.01591)",
        task="listen",
        layout="binaural",
        classes=355,
        file="SpatialAST/finetuned.pth",
        host=_SPATIAL_AUDIO,
        licence="CC BY-NC 4.0",
        use="convert",
        parameters=87_473_466,
        labels_file=_AUDIOSET_CLASSES,
        recipe_key="initial.checkpoint",
        result="mAP 49.74, ER20 24.21, angle error 18.00°, distance error 32.38",
        remark=f"Its README says CC BY 4.0, its LICENSE file CC BY-NC 4.0. {_NAMES_OF_AUDIOSET}",
    ),
    _dspast(
        1,
        "mAP 53.05; its places are not trained (ER20 98.56)",
        "Trained on classes alone; stage 2 begins with it.",
    ),
    _dspast(2, "mAP 52.64, ER20 20.31, angle error 14.44°, distance error 28.35", "Stage 3 begins with it."),
    _dspast(3, "mAP 54.53, ER20 20.28, angle error 14.44°, distance error 28.03", "Its last stage."),
    PublishedModel(
        name="AudioMAE",
        system="AudioMAE, trained on AudioSet",
        task="initial",
        layout="mono",
        classes=None,
        file="pretrained.pth",
        host=drive("file/d/1ni_DV4dRf7GxM8k-Eirx71WP9Gg89wwu"),
        licence="CC BY-NC 4.0",
        use="initial",
        recipe_key="initial.audiomae",
        remark="Where Spatial-AST and DSpAST start.",
    ),
    PublishedModel(
        name="BAT",
        system="BAT (arXiv:2402.01591)",
        task="ask",
        layout="binaural",
        classes=None,
        file="BAT/model.pt",
        host=_SPATIAL_AUDIO,
        licence="CC BY-NC 4.0",
        use="convert",
        bytes=294_336_257,
        parameters=73_561_600,
        encoder="Spatial-AST",
        language_model=LanguageModelFacts(
            "meta-llama/Llama-2-7b-hf", "Llama 2 Community Licence", parameters=6_738_415_616, kept=262_410_240
        ),
        result="direction 72.73, distance error 34.10, yes or no 75.10",
        remark="Projector and LoRA weights alone. Its language model is gated: an account at the hub must accept its licence.",
    ),
    _spatial_sonic("nl", "Captions with words of direction.", parameters=1_213_448_194),
    _spatial_sonic("attri", "Attributes of direction only.", parameters=1_242_980_866),
    _spatial_sonic("mix", "Captions and attributes; the one its authors recommend.", parameters=1_242_980_866),
    PublishedModel(
        name="StereoCRW",
        system="Both Ears Wide Open / SpatialSonic (its interaural time difference metric)",
        task="measure",
        layout="stereo",
        classes=None,
        file="FreeMusic-StereoCRW-1024.pth.tar",
        host=Host("Dropbox"),
        licence=None,
        use="convert",
        parameters=4_972_544,
        remark="Estimates delays between two channels (github.com/IFICL/stereocrw). Users report that the link is dead.",
    ),
    _active("AV-separator", 33_470_000, "The passive separator that the policy starts from."),
    _active("AV-policy", 51_860_000, "Policy, separator and acoustic memory."),
)
"""Every published model of the systems auris re-creates, one entry per file."""
