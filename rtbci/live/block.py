"""A wearer's calibration block: what a stream says while it is known what the wearer does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rtbci.model.file import Model
from rtbci.model.person import Person
from rtbci.model.prototypes import class_means
from rtbci.model.recogniser import Recogniser, calibration_of
from rtbci.signal.path import Maps, SignalPath
from rtbci.signal.raw import cut_windows, window_points
from rtbci.stream.gaps import GapMeter
from rtbci.stream.markers import Timeline

_ROUNDING_S = 1e-6


@dataclass
class _Run:
    """Samples without a gap, and their LSL times."""

    samples: list[NDArray[np.floating]] = field(default_factory=list)
    stamps: list[NDArray[np.float64]] = field(default_factory=list)


@dataclass(frozen=True)
class _Chosen:
    """Windows of one run that belong to the block, in order of time."""

    samples: NDArray[np.floating]
    maps: Maps
    rows: NDArray[np.intp]
    labels: NDArray[np.int64]


class Block:
    """Keeps what a stream says and finds the block in it.

    A window counts where all its samples lie in one stretch of a class, the filters have settled
    since the last gap, and no channel is bad. What is found is what offline would find in a
    recording of the same samples.

    Parameters
    ----------
    model : Model
        One with a calibration: its recipe says which classes, and how long.
    path : SignalPath
        Fitted to the stream.
    timeline : Timeline
        Tells what is done when.
    fit : callable
        ``fit(model, person)`` makes a recogniser for the stream.

    Raises
    ------
    PersonFileError
        If the model has no calibration.
    """

    def __init__(
        self,
        model: Model,
        path: SignalPath,
        timeline: Timeline,
        fit: Callable[[Model, Person], Recogniser],
    ) -> None:
        self._calibration = calibration_of(model)
        self._model = model
        self._path = path
        self._timeline = timeline
        self._fit = fit
        self._gaps = GapMeter(path.sfreq)
        self._runs = [_Run()]

    def push(self, samples: NDArray[np.floating], stamps: NDArray[np.float64]) -> None:
        """Take the next samples (samples, channels) and their LSL times."""
        start = 0
        for index, _ in self._gaps.find(stamps):
            self._append(samples[start:index], stamps[start:index])
            self._runs.append(_Run())
            start = index
        self._append(samples[start:], stamps[start:])

    def taken_s(self) -> dict[str, float]:
        """Return how many seconds of each class there are, at most as many as are wanted.

        All samples go through the signal path again: ask no more often than there is need to.
        """
        return self._seconds(self._chosen())

    def _seconds(self, found: list[_Chosen]) -> dict[str, float]:
        hop, window = self._path.hop / self._path.sfreq, self._path.window / self._path.sfreq
        taken = dict.fromkeys(self._calibration.classes, 0.0)
        for chosen in found:
            for k, name in enumerate(self._model.recipe.classes):
                rows = chosen.rows[chosen.labels == k]
                if len(rows):
                    stretches = 1 + int(np.sum(np.diff(rows) > 1))
                    taken[name] += stretches * window + (len(rows) - stretches) * hop
        return taken

    @property
    def wanted_s(self) -> float:
        """Seconds of each class that are enough."""
        return self._calibration.class_s

    def missing(self, taken_s: Mapping[str, float]) -> tuple[str, ...]:
        """Return the classes of which there is not enough yet: one window more would fit.

        Parameters
        ----------
        taken_s : mapping of str to float
            What there is, from :meth:`taken_s`.
        """
        least = self.wanted_s - self._path.hop / self._path.sfreq + _ROUNDING_S
        return tuple(name for name, taken in taken_s.items() if taken <= least)

    def person(self) -> Person:
        """Learn the wearer from what there is."""
        recipe, found = self._model.recipe, self._chosen()
        maps = np.concatenate([each.maps.values[each.rows] for each in found])
        signal = [
            cut_windows(points, firsts[each.rows], window_points(recipe))
            for each in found
            if (points := each.maps.points) is not None
            and (firsts := each.maps.first_point) is not None
        ]
        matrices = [c[each.rows] for each in found if (c := each.maps.covariances) is not None]
        person = Person.of(
            recipe,
            maps,
            np.concatenate(signal) if signal else None,
            np.concatenate(matrices) if matrices else None,
        )
        person = replace(person, seconds=sum(self._seconds(found).values()))
        if not self._calibration.prototypes:
            return person
        said = np.concatenate([self._said(each, person) for each in found])
        outputs = class_means(said, np.concatenate([each.labels for each in found]))
        return replace(person, outputs=outputs, network=self._model.digest)

    def _append(self, samples: NDArray[np.floating], stamps: NDArray[np.float64]) -> None:
        # The inlet writes its next samples into the same memory.
        self._runs[-1].samples.append(samples.copy())
        self._runs[-1].stamps.append(stamps.copy())

    def _chosen(self) -> list[_Chosen]:
        """Find the block's windows, as many of each class as are wanted."""
        path, recipe = self._path, self._model.recipe
        step, hop = 1 / path.sfreq, path.hop / path.sfreq
        left = dict.fromkeys(self._calibration.classes, self.wanted_s + _ROUNDING_S)
        found = []
        for run in self._runs:
            if not run.samples:
                continue
            samples, stamps = np.concatenate(run.samples), np.concatenate(run.stamps)
            path.reset()
            maps = path.push(samples)
            rows, labels, before = [], [], -2
            for k, last in enumerate(maps.last.tolist()):
                first = last + 1 - path.window
                if first < path.settling or maps.bad[k].any():
                    continue
                # Half a sample of grace: the markers' stamps and the samples' are rounded apart.
                grace = (stamps[last] - stamps[first]) / (2 * path.window - 2)
                state = self._timeline.during(stamps[first] + grace, stamps[last] + grace)
                new = hop if k == before + 1 else path.window * step
                if state in left and left[state] >= new:
                    left[state] -= new
                    rows.append(k)
                    labels.append(recipe.classes.index(state))
                    before = k
            found.append(_Chosen(samples, maps, np.array(rows, int), np.array(labels, int)))
        return found

    def _said(self, chosen: _Chosen, person: Person) -> NDArray[np.float64]:
        """Return what the model says of the block's windows, before prototypes and smoothing."""
        plain = {"calibration": self._calibration.model_copy(update={"prototypes": False})}
        recipe = self._model.recipe.model_copy(update=plain | {"smoothing": None})
        recogniser = self._fit(replace(self._model, recipe=recipe), person)
        said = recogniser.push(chosen.samples).probabilities[chosen.rows]
        logarithms: NDArray[np.float64] = np.log(said)
        return logarithms
