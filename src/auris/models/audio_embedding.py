"""What a network makes of a whole clip, as one vector: to compare generated sounds with real ones.

:class:`ListenerEmbedder` takes any of our frame listeners; :class:`ClapEmbedder` a CLAP model of Hugging Face
(arXiv:2211.06687) on this disk, which
embeds prompts as well. Anything with the methods of :class:`AudioEmbedder` will do.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from auris.audio import Audio
from auris.dsp.resampling import resample
from auris.errors import CheckpointError, LayoutError, MissingDependency
from auris.models.seld_crnn import SeldCrnn

Float32 = NDArray[np.float32]


class AudioEmbedder(Protocol):
    """Turns clips into vectors.

    Attributes:
        name: for reports; numbers of different embedders are not comparable.
    """

    name: str

    def embedded(self, clip: Audio) -> Float32:
        """Return the vector of a clip, ``(width,)``."""
        ...

    def probabilities(self, clip: Audio) -> Float32 | None:
        """Return how likely each class is heard in a clip, ``(classes,)``; None for an embedder without classes."""
        ...

    def embedded_text(self, text: str) -> Float32 | None:
        """Return the vector of a text, in the same space; None for an embedder that knows no words."""
        ...


class ListenerEmbedder:
    """The mean and the spread over time of what one of our listeners encodes, before it decides on classes and places.

    Args:
        listener: a network of frames.
    """

    def __init__(self, listener: SeldCrnn) -> None:
        self.listener, self.name = listener, listener.name

    @torch.inference_mode()
    def embedded(self, clip: Audio) -> Float32:
        """Return the vector of a clip, ``(2 * width of the encoder,)``.

        Raises:
            LayoutError: the clip has another layout than the listener hears.
        """
        hidden = self.listener.encoder(self.listener.features(self._waveform(clip)))[0]
        return torch.cat([hidden.mean(dim=0), hidden.std(dim=0)]).numpy()

    @torch.inference_mode()
    def probabilities(self, clip: Audio) -> Float32:
        """Return the largest activity of each class, ``(classes,)``; raises as :meth:`embedded`."""
        outputs = self.listener(self._waveform(clip))[0]  # (frames, tracks, classes, 4)
        heard: Float32 = outputs[..., :3].norm(dim=-1).amax(dim=(0, 1)).numpy()
        return heard

    def embedded_text(self, text: str) -> None:
        """Return None: a listener knows no words."""

    def _waveform(self, clip: Audio) -> torch.Tensor:
        if clip.layout != self.listener.layout:
            raise LayoutError(f"{self.name} listens to {self.listener.layout.name} audio, this is {clip.layout.name}")
        samples = resample(clip.samples, clip.sample_rate, self.listener.sample_rate)
        return torch.tensor(samples, dtype=torch.float32)[None]


class ClapEmbedder:
    """A CLAP model of Hugging Face: audio and words in one space.

    Args:
        model: its network, as of ``transformers.ClapModel``.
        processor: its processor, as of ``transformers.ClapProcessor``.
        name: for reports.
    """

    sample_rate = 48_000  # that all published CLAP models of transformers hear

    def __init__(self, model: Any, processor: Any, *, name: str = "clap") -> None:
        self._model, self._processor, self.name = model.eval(), processor, name

    @classmethod
    def loaded(cls, name: str) -> ClapEmbedder:
        """Load a model: a folder, or a name in the local cache of Hugging Face; nothing is fetched.

        Raises:
            MissingDependency: transformers is not installed.
            CheckpointError: it is not on this disk, or no CLAP model.
        """
        try:
            from transformers import ClapModel, ClapProcessor
        except ImportError:
            raise MissingDependency("transformers", "generation") from None
        try:
            model = ClapModel.from_pretrained(name, local_files_only=True)
            processor = ClapProcessor.from_pretrained(name, local_files_only=True)
        except (OSError, ValueError) as error:
            reason = str(error).strip().split("\n")[0]
            raise CheckpointError(
                f"the CLAP model {name!r} is not on this disk ({reason}); fetch it once with: hf download {name}"
            ) from None
        return cls(model, processor, name=name.rstrip("/").rpartition("/")[2])

    @torch.inference_mode()
    def embedded(self, clip: Audio) -> Float32:
        """Return the vector of a clip's mean over channels, ``(width,)``."""
        heard = resample(clip.samples.mean(axis=0, keepdims=True), clip.sample_rate, self.sample_rate)[0]
        inputs = self._processor(audio=heard, sampling_rate=self.sample_rate, return_tensors="pt")
        return _vector(self._model.get_audio_features(**inputs))

    def probabilities(self, clip: Audio) -> None:
        """Return None: it knows no closed set of classes."""

    @torch.inference_mode()
    def embedded_text(self, text: str) -> Float32:
        """Return the vector of a text, ``(width,)``."""
        return _vector(self._model.get_text_features(**self._processor(text=[text], return_tensors="pt", padding=True)))


def _vector(output: Any) -> Float32:
    vector: Float32 = getattr(output, "pooler_output", output)[0].float().numpy()
    return vector
