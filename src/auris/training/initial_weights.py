"""The file that a training's weights begin with: a path, a model that ships, or a published one on this disk."""

from __future__ import annotations

from pathlib import Path

from auris.errors import CheckpointError
from auris.models.pretrained import SHIPPED, model_folder
from auris.models.published import PUBLISHED, models_folder, published_model


def found_weights(name: str, *, keys: str) -> Path:
    """Return the file of initial weights: a path, or the shipped or published model of that name.

    Args:
        name: what the recipe says.
        keys: where the recipe says it, for messages.

    Raises:
        CheckpointError: it is not there; the text says where it is hosted.
    """
    if name in SHIPPED:
        return model_folder(name)
    if name not in (model.name for model in PUBLISHED):
        if not Path(name).exists():
            raise CheckpointError(f"{name}: no such file; set {keys} to where the weights are")
        return Path(name)
    model = published_model(name)
    file = model.on_disk()
    if file is None:
        raise CheckpointError(
            f"the weights of {name} are not on this disk: fetch {model.file} from {model.host} into {models_folder()}, "
            f"or set {keys} to where it is (null begins at random)"
        )
    return file
