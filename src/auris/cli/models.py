"""``auris models``: which models there are, what is known of one, published checkpoints to model folders, ONNX."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auris.cli.console import message, print_json, print_table

if TYPE_CHECKING:
    from auris.models.published import PublishedModel

HELP = "List the models, show one, convert a published checkpoint, export to ONNX."

_TABLES = (
    ("Published listeners that auris converts", "convert", "listen"),
    ("Published models that answer, which auris converts", "convert", "ask"),
    ("Published models that generate, which auris converts", "convert", "generate"),
    ("Published models that measure, which auris converts", "convert", "measure"),
    ("Published weights that trainings start from", "initial", None),
    ("Published models that auris cannot convert yet", "not yet", None),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add(actions, "list", "Models that ship, and published ones: where they are and what auris does with them.")
    show = _add(actions, "show", "Print the card of a model, or what is known of a published one.")
    show.add_argument("name", help="shipped or published model, or a model folder")
    convert = _add(actions, "convert", "Turn a published checkpoint into a model folder. Nothing in the file is executed.")
    convert.add_argument("file", help="checkpoint as published (.ckpt, .pth, .safetensors, or without a suffix)")
    convert.add_argument("--to", required=True, metavar="DIR", help="model folder to write")
    convert.add_argument(
        "--labels",
        metavar="NAME|FILE",
        help="classes in order: dcase2021, dcase2022, l3das22 or a table that came with the data, "
        "e.g. cls_indices_train.tsv, class_labels_indices_subset.csv",
    )
    convert.add_argument(
        "--sample-rate", type=int, metavar="HZ", help="of its training; needed only where the file does not say"
    )
    bat = convert.add_argument_group("BAT, whose file holds neither ears nor language model")
    bat.add_argument("--encoder", metavar="NAME|DIR", help="its listener (default: folder 'encoder' in the new one)")
    bat.add_argument("--language-model", metavar="NAME|DIR", help="of Hugging Face (default: meta-llama/Llama-2-7b-hf)")
    bat.add_argument(
        "--precision",
        choices=["float32", "float16", "bfloat16", "8bit", "4bit"],
        help="of the language model when it is loaded; 8bit and 4bit need bitsandbytes (default: float16)",
    )
    sonic = convert.add_argument_group("SpatialSonic, whose file holds no encoder of prompts")
    sonic.add_argument("--prompt-encoder", metavar="NAME|DIR", help="a T5 of Hugging Face (default: t5-base)")
    export = _add(actions, "export", "Write a model to ONNX, front end included.")
    export.add_argument("name", help="shipped model or model folder")
    export.add_argument("--onnx", required=True, metavar="FILE", help="file to write")


def _add(actions: Any, name: str, text: str) -> ArgumentParser:
    parser: ArgumentParser = actions.add_parser(name, description=text, help=text)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def run(arguments: Namespace) -> int:
    """Run the command."""
    {"list": _list, "show": _show, "convert": _convert, "export": _export}[arguments.action](arguments)
    return 0


def _list(arguments: Namespace) -> None:
    from auris.models.pretrained import SHIPPED, describe
    from auris.models.published import PUBLISHED, models_folder

    shipped = [describe(name) for name in SHIPPED]
    if arguments.json:
        print_json({"models": shipped, "published": [model.to_dict() for model in PUBLISHED]})
        return
    rows = [
        (m["name"], m["task"], m["layout"], len(m["config"].get("labels", ())) or None, f"{m['bytes'] / 1e6:.1f}")
        for m in shipped
    ]
    print_table("Models that ship", ["name", "task", "layout", "classes", "MB"], rows)
    for title, use, task in _TABLES:
        _print_catalogue(title, [model for model in PUBLISHED if model.use == use and task in (None, model.task)])
    message(
        "licence none: its authors state none. hosted: owner/name is at huggingface.co.\n"
        f"here: in {models_folder()} or the cache of the Hugging Face Hub.\n"
        "auris models show NAME tells more, and how to get and use it."
    )


def _print_catalogue(title: str, models: Sequence[PublishedModel]) -> None:
    """Print published models; what they do has a column only where they do different things."""
    columns = ["name", "task", "layout", "classes", "MB", "licence", "hosted", "here"]
    rows = [_row(model) for model in models]
    if len({model.task for model in models}) == 1:
        columns, rows = [columns[0], *columns[2:]], [(row[0], *row[2:]) for row in rows]
    print_table(title, columns, rows)


def _row(model: PublishedModel) -> tuple[object, ...]:
    classes, size = (f"{number:,.0f}" if number else "–" for number in (model.classes, (model.bytes or 0) / 1e6))
    licence, here = (model.licence or "not known").removesuffix(" stated"), "yes" if model.on_disk() else "no"
    hosted = model.host.repository or model.host.name
    return (model.name, model.task, model.layout, f"{classes:>7}", f"{size:>3}", licence, hosted, here)


def _show(arguments: Namespace) -> None:
    from difflib import get_close_matches

    from auris.errors import CheckpointError, ParameterError
    from auris.models.pretrained import SHIPPED, describe
    from auris.models.published import PUBLISHED, published_model

    name = arguments.name
    if name in SHIPPED or Path(name).exists():
        model = describe(name)
        if arguments.json:
            print_json(model)
        else:
            print(model["card"])
        return
    try:
        found = published_model(name)
    except ParameterError:
        names = {known.lower(): known for known in (*SHIPPED, *(model.name for model in PUBLISHED))}
        close = get_close_matches(name.lower(), names, n=1)
        hint = f", did you mean {names[close[0]]!r}?" if close else "."
        raise CheckpointError(f"no model called {name!r}{hint} auris models list prints them; or give a model folder") from None
    if arguments.json:
        print_json(found.to_dict())
    else:
        _print_published(found)


def _print_published(model: PublishedModel) -> None:
    """Print what is known of a published model, and how to get and use it."""
    size = None
    if model.bytes is not None:
        size = f"{model.bytes:,} bytes" if model.exact_bytes else f"about {model.bytes / 1e6:.0f} MB"
    here = model.on_disk()
    facts = {
        "system": model.system,
        "task": model.task,
        "layout": model.layout,
        "classes": model.classes,
        "parameters": None if model.parameters is None else f"{model.parameters / 1e6:.1f} million",
        "result": model.result,
        "licence": model.licence or "not known",
        "hosted": str(model.host),
        "file": model.file,
        "size": size,
        "sha256": None if model.sha256 is None else f"{model.sha256}…",
        "hears with": model.encoder,
        "writes with": model.language_model and f"{model.language_model.name} ({model.language_model.licence})",
        "reads prompts with": model.prompt_encoder and f"{model.prompt_encoder.name} ({model.prompt_encoder.licence})",
        "memory": ", ".join(f"{size / 1e9:.1f} GB in {name}" for name, size in model.memory().items()) or None,
        "on this disk": here or "no",
    }
    print_table(model.name, ["what", "value"], [(key, value) for key, value in facts.items() if value is not None])
    if model.remark:
        print(model.remark)
    print("\n".join(_steps(model, here)))


def _steps(model: PublishedModel, here: Path | None) -> list[str]:
    """Return how to get a model and what to do with it, as lines of text."""
    from auris.models.published import models_folder

    file = str(here) if here else str(models_folder() / Path(model.file or model.name).name)
    lines = []
    if here is None and model.host.repository and model.file:
        kind = " --repo-type dataset" if model.host.kind == "dataset" else ""
        file = str(models_folder() / model.file)
        lines += ["", "Get it:", f"  hf download {model.host.repository} {model.file}{kind} --local-dir {models_folder()}"]
    elif here is None:
        where = model.host.address or f"it from {model.host} (the link is in the repository of its authors)"
        lines += ["", "Get it:", f"  download {where} to {models_folder()}"]
    if model.task == "ask" and model.use == "convert":
        lines += _steps_to_ask(model, file)
    elif model.task == "generate" and model.use == "convert":
        lines += _steps_to_generate(model, file)
    elif model.task == "measure" and model.use == "convert":
        lines += ["", "Use it:", f"  auris models convert {file} --to {model.name}"]
        lines += [f"  auris score itd --reference DIR --prediction DIR --estimator upstream --model {model.name}"]
    elif model.use == "convert":
        labels = f" --labels {model.labels_file}" if model.labels_file else ""
        lines += ["", "Use it:", f"  auris models convert {file} --to {model.name}{labels}"]
        lines += [f"  auris listen recording.wav --model {model.name}"]
        if model.recipe_key:
            lines += ["or go on training from it:", f"  auris train RECIPE.yaml {model.recipe_key}={file}"]
    elif model.use == "initial":
        lines += ["", "Use it:", f"  auris train RECIPE.yaml {model.recipe_key}={file}"]
    else:
        lines += ["", "auris cannot convert it yet."]
    return lines


def _steps_to_ask(model: PublishedModel, file: str) -> list[str]:
    """Return how a model that answers is put together of the files it needs."""
    lines = []
    if model.language_model is not None:
        lines += [f"  hf auth login && hf download {model.language_model.name}  # after accepting its licence there"]
    lines += ["", "Use it:"]
    ears = f" --encoder {model.encoder}" if model.encoder else ""
    if model.encoder:
        lines += [f"  auris models show {model.encoder}  # tells how to get {model.encoder} and convert it"]
    return [
        *lines,
        f"  auris models convert {file} --to {model.name}{ears}",
        f'  auris ask recording.wav "Is the dog on the left?" --model {model.name}',
    ]


def _steps_to_generate(model: PublishedModel, file: str) -> list[str]:
    """Return how a model that generates is put together of the files it needs."""
    words = [f"  hf download {model.prompt_encoder.name}  # reads the prompts"] if model.prompt_encoder else []
    return [
        *words,
        "",
        "Use it:",
        f"  auris models convert {file} --to {model.name}",
        f'  auris generate "a dog barks on the left" --model {model.name} --out dog.wav',
    ]


def _convert(arguments: Namespace) -> None:
    from auris.models.checkpoint_conversion import convert

    made = convert(
        arguments.file,
        arguments.to,
        labels=arguments.labels,
        sample_rate=arguments.sample_rate,
        encoder=arguments.encoder,
        language_model=arguments.language_model,
        precision=arguments.precision,
        prompt_encoder=arguments.prompt_encoder,
    )
    if arguments.json:
        print_json(made)
        return
    origins = {"given": "as given", "list": "of a known list", "numbered": "numbered"}
    if "labels" in made:
        parts = {"class names": origins[made["labels"]], "sample rate": f"{made['sample_rate']} Hz"}
    elif "prompt_encoder" in made:
        parts = {
            "layout": made["layout"],
            "sample rate": f"{made['sample_rate']} Hz",
            "told directions": "yes" if made["positions"] else "only in the prompt",
            "prompt encoder": made["prompt_encoder"],
        }
    elif "layout" in made:
        parts = {"layout": made["layout"], "sample rate": f"{made['sample_rate']} Hz"}
    else:
        parts = {"encoder": made["encoder"], "language model": f"{made['language_model']} in {made['precision']}"}
    facts = {
        "folder": made["folder"],
        "model": made["model"],
        "published": made["published"] or "not a file of the catalogue",
        **parts,
        "parameters": f"{made['parameters'] / 1e6:.1f} million",
        "size": f"{made['bytes'] / 1e6:.1f} MB",
    }
    print_table("Converted", ["what", "value"], list(facts.items()))
    for note in made["notes"]:
        message(note)


def _export(arguments: Namespace) -> None:
    from auris.models.export import export_onnx
    from auris.models.pretrained import from_pretrained

    file = Path(arguments.onnx)
    export_onnx(from_pretrained(arguments.name), file)
    size = file.stat().st_size
    if arguments.json:
        print_json({"file": str(file), "bytes": size})
    else:
        print_table("Exported", ["what", "value"], [("file", file), ("size", f"{size / 1e6:.1f} MB")])
