"""Real-time EEG emotion recognition: LSL in, one causal signal path, TorchScript, ZeroMQ out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtbci.model.file import load_model
    from rtbci.model.recogniser import Recogniser
    from rtbci.publish.client import subscribe
    from rtbci.publish.wire import Prediction, Status
    from rtbci.recipe import Recipe
    from rtbci.signal.path import SignalPath

__version__ = "0.1.0"

__all__ = [
    "Prediction",
    "Recipe",
    "Recogniser",
    "SignalPath",
    "Status",
    "__version__",
    "load_model",
    "subscribe",
]

# Loaded when they are asked for: a subscriber need not wait for PyTorch.
_HOMES = {
    "Prediction": "rtbci.publish.wire",
    "Recipe": "rtbci.recipe",
    "Recogniser": "rtbci.model.recogniser",
    "SignalPath": "rtbci.signal.path",
    "Status": "rtbci.publish.wire",
    "load_model": "rtbci.model.file",
    "subscribe": "rtbci.publish.client",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'rtbci' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
