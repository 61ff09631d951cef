"""Generated EEG: what makes it, and what it is worth."""

from __future__ import annotations

from offline.generators.file import load_generator, save_generator
from offline.generators.generator import (
    Course,
    Generator,
    Makes,
    Real,
    SignalGenerator,
    SignalStream,
    class_index,
)
from offline.generators.registry import GENERATORS, GeneratorSettings, build_generator

__all__ = [
    "GENERATORS",
    "Course",
    "Generator",
    "GeneratorSettings",
    "Makes",
    "Real",
    "SignalGenerator",
    "SignalStream",
    "build_generator",
    "class_index",
    "load_generator",
    "save_generator",
]
