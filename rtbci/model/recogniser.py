"""The recogniser: samples in, probabilities out. The one road for live and offline."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtbci.errors import PersonFileError
from rtbci.model.file import Model
from rtbci.model.person import Person, personal
from rtbci.model.prototypes import Prototypes
from rtbci.model.smoothing import Smoother
from rtbci.model.views import view_of
from rtbci.recipe import Calibration
from rtbci.signal.path import SignalPath


@dataclass(frozen=True)
class Recognised:
    """Predictions of the windows that one chunk completed.

    Attributes
    ----------
    probabilities : array, shape (hops, classes)
        In the order of the recipe's classes.
    last : array of int, shape (hops,)
        Index, since the start, of the last sample that each prediction used.
    bad : array of bool, shape (hops, channels)
        Channels that are not to be believed, see :class:`~rtbci.signal.path.Maps`.
    settled : array of bool, shape (hops,)
        Whether the filters had forgotten how they were started when the oldest window that the
        network saw began.
    """

    probabilities: NDArray[np.float64]
    last: NDArray[np.int64]
    bad: NDArray[np.bool_]
    settled: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.last)


def calibration_of(model: Model) -> Calibration:
    """Return the block that a model's wearer begins with.

    Raises
    ------
    PersonFileError
        If the model has none.
    """
    if model.recipe.calibration is None:
        raise PersonFileError(f"the model {model.name} has no use for a person's calibration")
    return model.recipe.calibration


def refuse_mismatch(model: Model, person: Person | None) -> None:
    """Raise PersonFileError where a model needs a person and there is none, or another one."""
    block = model.recipe.calibration
    if block is not None and person is None:
        raise PersonFileError(
            f"the model {model.name} is relative to {block.seconds:g} s of its wearer's "
            f"{' and '.join(block.classes)}: make the wearer's file with 'rtbci calibrate' and "
            "name it with --person"
        )
    if person is not None:
        calibration_of(model)
    if block is None or person is None or not block.prototypes:
        return
    if model.output.prototypes is None or person.outputs is None:
        raise PersonFileError(f"the model {model.name} needs a calibration with prototypes")
    if person.network and person.network != model.digest:
        raise PersonFileError(
            f"the person's prototypes were made for another file than the model {model.name}; "
            "calibrate again with this model"
        )


def _prototypes(model: Model, person: Person | None) -> Prototypes | None:
    block = model.recipe.calibration
    if block is None or not block.prototypes:
        return None
    # They are there: the person fits the model.
    assert model.output.prototypes is not None
    assert person is not None
    assert person.outputs is not None
    return model.output.prototypes.prototypes.adapted(person.outputs, block.class_s)


class Recogniser:
    """A model on a stream.

    Parameters
    ----------
    model : Model
        Network and recipe.
    sfreq : float
        The stream's sampling rate, hertz.
    channel_names : sequence of str
        The stream's channels.
    unit : str or sequence of str
        The stream's unit, or one for each channel.
    bad : sequence of str
        Channels not to be used.
    person : Person, optional
        Whose calibration the model is relative to; for models with a calibration, and only those.

    Raises
    ------
    PersonFileError
        If the model needs a person and there is none, or the other way round.
    RtbciError
        If the stream does not fit the model's recipe; see :class:`~rtbci.signal.path.SignalPath`.
    """

    def __init__(
        self,
        model: Model,
        sfreq: float,
        channel_names: Sequence[str],
        unit: str | Sequence[str] = "uV",
        bad: Sequence[str] = (),
        person: Person | None = None,
    ) -> None:
        refuse_mismatch(model, person)
        self.model = model
        self._statistics = personal(model.statistics, person)
        self._prototypes = _prototypes(model, person)
        self.path = SignalPath(model.recipe, sfreq, channel_names, unit, bad)
        self._begin()

    def _begin(self) -> None:
        model = self.model
        self._view = view_of(model.sees, model.recipe, self._statistics)
        self._smoother = Smoother(model.recipe)

    def reset(self) -> None:
        """Start anew: filters, normalisation, history and smoothing forget the stream."""
        self.path.reset()
        self._begin()

    def warm_up(self) -> None:
        """Compile and run everything, without a trace, so that no prediction has to wait for it."""
        self.path.warm_up()
        twin = copy.copy(self)
        twin.path = copy.copy(self.path)
        twin.reset()
        for _ in range(3):  # TorchScript optimises in its first runs
            missing = twin.path.until_next_map
            twin.push(np.zeros((missing, len(twin.path.channel_names)), np.float32))

    def push(self, chunk: NDArray[np.floating]) -> Recognised:
        """Take the stream's next samples (samples, channels) and predict each hop that they end."""
        maps = self.path.push(chunk)
        seen = self._view.apply(maps)
        said = self.model.log_probabilities(seen)
        if self._prototypes is not None:
            said = self._prototypes.apply(said)
        probabilities = self._smoother.apply(said)
        recipe, path = self.model.recipe, self.path
        first = maps.last + 1 - path.window - recipe.history_hops * path.hop
        return Recognised(probabilities, maps.last, maps.bad, first >= path.settling)
