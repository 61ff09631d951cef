"""YAML into validated settings; errors name the key, the value and what is allowed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo

from rtbci.errors import ConfigError


class Settings(BaseModel):
    """Base of every settings value: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _beside(path: Path, info: ValidationInfo) -> Path:
    return Path(os.path.normpath((info.context or {}).get("folder", Path()) / path))


PathBeside = Annotated[Path, AfterValidator(_beside)]
"""A path that is relative to the folder of the YAML file in which it stands."""

S = TypeVar("S", bound=BaseModel)


def load_yaml(path: Path, kind: type[S]) -> S:
    """Read a YAML file as settings of one kind.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not YAML, or holds a wrong key or value; one line.
    """
    return validate(kind, read_yaml(path), source=str(path), folder=path.parent)


class _OnceLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML's loaders take the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = [key for place, key in enumerate(keys) if key in keys[:place] and key != "<<"]
        if twice:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"the key {twice[0]!r} stands twice in the mapping at line {line}")
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not YAML, or holds something other than a mapping.
    """
    try:
        content = yaml.load(path.read_text("utf-8"), _OnceLoader)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: no UTF-8, or no such date
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: holds no keys; a mapping of settings is expected")
    return content


def validate(kind: type[S], content: Any, source: str, folder: Path = Path()) -> S:
    """Turn plain data into settings.

    Parameters
    ----------
    kind : type
        The settings.
    content : mapping
        Plain data.
    source : str
        Named in the error.
    folder : Path
        What a :data:`PathBeside` is relative to.

    Raises
    ------
    ConfigError
        If a key is unknown or missing, or a value is out of range.
    """
    try:
        return kind.model_validate(content, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(f"{source}: {describe(error, kind)}") from None


def describe(error: ValidationError, kind: type[BaseModel]) -> str:
    """Put a validation error into one line: each key, its value and what is allowed."""
    items = error.errors()
    # A list whose parts are wrong is also said to be too short: the parts' own errors are enough.
    causes = [
        item
        for item in items
        if item["type"] != "too_short"
        or not any(_lies_below(other["loc"], item["loc"]) for other in items)
    ]
    return "; ".join(_describe_one(dict(item), kind) for item in causes)


def _lies_below(location: tuple[int | str, ...], above: tuple[int | str, ...]) -> bool:
    return len(location) > len(above) and location[: len(above)] == above


def _describe_one(item: dict[str, Any], kind: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"unknown key {key!r}; allowed are {', '.join(_siblings(item['loc'], kind))}"
    if item["type"] == "missing":
        return f"key {key!r} is missing"
    if item["type"] == "union_tag_not_found":
        return f"key {f'{key}.kind'.lstrip('.')!r} is missing"
    if item["type"] == "union_tag_invalid":
        allowed = item["ctx"]["expected_tags"].replace("'", "")
        return f"{f'{key}.kind'.lstrip('.')} = {item['ctx']['tag']!r}: there are {allowed}"
    said: str = item["msg"].removeprefix("Value error, ")
    said = said[:1].lower() + said[1:]
    if not key:  # of several keys together: the message names them
        return said
    value = repr(item["input"])
    value = value if len(value) <= 60 else value[:57] + "..."
    return f"{key} = {value}: {said}"


def _siblings(location: tuple[int | str, ...], kind: type[BaseModel]) -> list[str]:
    """Return the keys that are allowed where an unknown one was found."""
    options: list[Any] = [kind]
    for part in location[:-1]:
        fields = [each.model_fields[part] for each in options if part in each.model_fields]
        if fields:
            options = [model for field in fields for model in _models_in(field.annotation)]
        else:  # which of several kinds, or which of several items
            tagged = [each for each in options if part in _tags(each)]
            options = tagged or options
    return list(options[0].model_fields) if options else []


def _models_in(annotation: Any) -> list[Any]:
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _tags(model: Any) -> tuple[Any, ...]:
    """Return what the field ``kind`` may say."""
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


def packaged_config(name: str) -> Path:
    """Return the path of a file below ``configs/`` as it came with the program.

    Raises
    ------
    ConfigError
        If there is no such file.
    """
    package = Path(__file__).parent
    # Installed, the folder lies in the offline package; in a checkout, beside the packages.
    for folder in (package.parent / "offline" / "configs", package.parent / "configs"):
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"the program came without configs/{name}; install it again")
