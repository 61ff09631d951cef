"""Models side by side on one stream: which can be, and how they are fitted to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from rtbci.errors import ConfigError, PersonFileError, RecipeError, RtbciError
from rtbci.live.settings import LiveSettings
from rtbci.model.file import Model, load_model
from rtbci.model.person import Person, load_person
from rtbci.model.recogniser import Recogniser, refuse_mismatch
from rtbci.stream.description import StreamDescription

log = logging.getLogger(__name__)

_WHOLE = 1e-6  # how far from a whole number of hops a difference of seconds may be rounded


def load_models(paths: Sequence[Path]) -> tuple[Model, ...]:
    """Read the models that are to predict side by side.

    Each may have a recipe of its own, but they have to predict the same classes at the same
    samples, so that their probabilities can be averaged.

    Raises
    ------
    ModelFileError
        If a file cannot be used.
    ConfigError
        If two models have the same name, other classes, another hop, or windows whose difference is
        no whole number of hops; one line that names both files.
    """
    models = tuple(load_model(path) for path in paths)
    for (one, a), (other, b) in combinations(zip(paths, models, strict=True), 2):
        if (differing := _difference(a, b)) is not None:
            raise ConfigError(f"{one} and {other} cannot predict side by side: {differing}")
    return models


def _difference(a: Model, b: Model) -> str | None:
    """Say what keeps two models apart, if anything does."""
    one, other = a.recipe, b.recipe
    if a.name == b.name:
        return f"both are called {a.name!r}, the name to publish under; rename one of the files"
    if one.classes != other.classes:
        return (
            f"the classes of one are {', '.join(one.classes)}, of the other "
            f"{', '.join(other.classes)}"
        )
    if one.hop_s != other.hop_s:
        return f"one predicts each {one.hop_s:g} s, the other each {other.hop_s:g} s"
    hops = (one.window_s - other.window_s) / one.hop_s
    if abs(hops - round(hops)) > _WHOLE:
        return (
            f"their windows of {one.window_s:g} s and {other.window_s:g} s differ by no whole "
            f"number of hops of {one.hop_s:g} s"
        )
    return None


def joint_name(models: Sequence[Model]) -> str:
    """Return what the average of the models' predictions is called."""
    return "+".join(model.name for model in models)


def fit_models(
    models: Sequence[Model],
    persons: Sequence[Person | None],
    stream: StreamDescription,
    settings: LiveSettings,
) -> tuple[Recogniser, ...]:
    """Fit each model to the stream and get everything compiled before the first sample.

    Raises
    ------
    ChannelError, UnitError, RecipeError
        If the stream does not fit a model, or has a rate at which the models would not predict at
        the same samples.
    """
    recognisers = tuple(
        _fit(model, person, stream, settings, len(models) > 1)
        for model, person in zip(models, persons, strict=True)
    )
    _check_instants(recognisers, stream)
    for recogniser in recognisers:
        recogniser.warm_up()
    if filled_in := dict.fromkeys(name for each in recognisers for name in each.path.interpolated):
        log.warning("interpolating %s", ", ".join(filled_in))
    return recognisers


def _fit(
    model: Model,
    person: Person | None,
    stream: StreamDescription,
    settings: LiveSettings,
    several: bool,
) -> Recogniser:
    try:
        return Recogniser(
            model,
            stream.sfreq,
            stream.channels,
            settings.unit or stream.units,
            settings.bad_channels,
            person=person,
        )
    except RtbciError as error:
        whose = f", model {model.name!r}" if several else ""
        raise type(error)(f"stream {stream.name!r}{whose}: {error}") from None


def person_for(model: Model, files: Sequence[Path]) -> Person | None:
    """Return the wearer's calibration that was made for a model; None where it needs none.

    Raises
    ------
    PersonFileError
        If it needs one, and none of the files was made for it.
    """
    if model.recipe.calibration is None:
        return None
    if not files:
        refuse_mismatch(model, None)
    refusals = []
    for file in files:
        try:
            return _person_in(file, model)
        except PersonFileError as error:
            refusals.append(error)
    raise refusals[0]


def _person_in(file: Path, model: Model) -> Person:
    person = load_person(file, model.recipe)
    try:
        refuse_mismatch(model, person)
    except PersonFileError as error:
        raise PersonFileError(f"{file}: {error}") from None
    return person


def _check_instants(recognisers: Sequence[Recogniser], stream: StreamDescription) -> None:
    """Refuse windows that are whole hops apart in seconds, but not in this stream's samples."""
    first, *others = recognisers
    for other in others:
        one, two = first.path, other.path
        if (one.window - two.window) % one.hop:
            raise RecipeError(
                f"stream {stream.name!r}: the windows of {first.model.name!r} and "
                f"{other.model.name!r} are {one.window} and {two.window} samples long at "
                f"{stream.sfreq:g} Hz, which differ by no whole number of hops of {one.hop}"
            )
