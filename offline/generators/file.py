"""A generator as one file, with its recipe and where it comes from."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from offline.generators.generator import Course, Generator
from offline.generators.registry import GeneratorSettings, build_generator
from rtbci.atomic import complete_or_absent
from rtbci.errors import GeneratorError
from rtbci.recipe import Recipe

FORMAT = 3
"""Raised when an older program could no longer read what is written."""

SUFFIX = ".pt"
"""Of a generator's file; by it ``rtbci replay`` knows one."""

_MAGIC = b"rtbci generator\n"
_DIGEST = 32


def save_generator(path: Path, generator: Generator[Any], provenance: Mapping[str, Any]) -> None:
    """Write a trained generator.

    Parameters
    ----------
    path : Path
        Where; complete or absent.
    generator : Generator
        What.
    provenance : mapping
        Plain data that tell where it comes from.

    Raises
    ------
    GeneratorError
        If it cannot be written there; one line.
    """
    told = {
        "format": FORMAT,
        "settings": generator.settings.model_dump(mode="json"),
        "recipe": generator.recipe.model_dump(mode="json"),
        "sfreq": generator.sfreq,
        "losses": dict(generator.course.losses),
        "provenance": dict(provenance),
    }
    buffer = io.BytesIO()
    torch.save({"told": json.dumps(told), "state": generator.state()}, buffer)
    try:
        with complete_or_absent(path) as file:
            content = buffer.getvalue()
            file.write(_MAGIC + hashlib.sha256(content).digest() + content)
    except OSError as error:
        raise GeneratorError(f"{path}: cannot be written: {error.strerror or error}") from None


def load_generator(path: Path) -> tuple[Generator[Any], dict[str, Any]]:
    """Read a generator; nothing in the file is executed.

    Returns
    -------
    generator : Generator
        Ready to be asked.
    provenance : dict
        Where it comes from.

    Raises
    ------
    GeneratorError
        If there is no such file, it is none of a generator's, is damaged, or comes from a newer
        program; one line.
    """
    told, state = _read(path)
    try:
        if told["format"] != FORMAT:
            raise GeneratorError(
                f"{path}: a generator file of format {told['format']}; this program reads format "
                f"{FORMAT}: train it again, or take the program that wrote it"
            )
        settings = TypeAdapter(GeneratorSettings).validate_python(told["settings"])
        generator = build_generator(Recipe.model_validate(told["recipe"]), settings, told["sfreq"])
        generator.restore(state)
        generator.course = Course({name: tuple(each) for name, each in told["losses"].items()})
        return generator, told["provenance"]
    except (ValidationError, LookupError, RuntimeError, AttributeError, TypeError, ValueError):
        raise GeneratorError(f"{path}: a generator file that this program did not write") from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        whole = path.read_bytes()
    except OSError as error:
        raise GeneratorError(f"{path}: {error.strerror or error}") from None
    if not whole.startswith(_MAGIC):
        raise GeneratorError(f"{path}: no generator's file")
    start = len(_MAGIC) + _DIGEST
    digest, content = whole[len(_MAGIC) : start], whole[start:]
    if digest != hashlib.sha256(content).digest():
        raise GeneratorError(f"{path}: a damaged generator file, or cut off")
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return json.loads(found["told"]), found["state"]
    except (RuntimeError, EOFError, ValueError, LookupError, TypeError, pickle.UnpicklingError):
        raise GeneratorError(f"{path}: a generator file that this program did not write") from None
