from __future__ import annotations

import dataclasses
import math
from functools import partial

import numpy as np
import pytest

from offline.datasets.recording import Trial, recording_of
from offline.evaluation.fitting import Bench
from offline.evaluation.material import Material
from offline.evaluation.protocols import Trials
from offline.generators.autoregressive import Autoregressive, AutoregressiveSettings
from offline.proof.parts import parts_of
from offline.proof.signal_fidelity import compare_signals, headsets
from offline.proof.signal_parts import signal_parts_of
from offline.proof.streamed import maps_of, recorded, scripts_of
from offline.recognisers import RecogniserSettings
from replay.simulator.simulator import Simulator
from rtbci.errors import ConfigError, GeneratorError
from rtbci.recipe import Calibration, Normalisation, Recipe
from rtbci.signal.normalisation import Normaliser
from rtbci.signal.path import SignalPath
from tests.offline.proof.examples import SFREQ, drawn

_CHANNELS = ("FP1", "FZ", "F8", "T7", "C3", "C4", "PZ", "O2")
_ADAPTIVE = Recipe(
    channels=_CHANNELS,
    hop_s=0.5,
    normalisation=Normalisation(kind="adaptive", time_constant_s=20),
)
_TRIAL, _REST = round(8 * SFREQ), round(2 * SFREQ)
_PEOPLE = 3


def simulated(subject: int, population: int = 1):
    simulator = Simulator(SFREQ, _CHANNELS, seed=population, subject=subject)
    labels = [0, 1, 2] * 4
    samples = np.concatenate([simulator.next(_REST + _TRIAL, label) for label in labels]).T
    starts = [_REST + k * (_REST + _TRIAL) for k in range(len(labels))]
    trials = [
        Trial(start, start + _TRIAL, label) for start, label in zip(starts, labels, strict=True)
    ]
    return recording_of(samples, SFREQ, _CHANNELS, subject=str(subject), trials=trials)


@pytest.fixture(scope="module")
def recordings():
    return tuple(simulated(subject) for subject in range(_PEOPLE))


def bench_with(recordings, recipe: Recipe = _ADAPTIVE) -> Bench:
    material = Material(recordings, (), recipe, "people", True, True, ())
    protocol = Trials(train=6, validation=3, test=3, pooled=True)
    return Bench(material, protocol, RecogniserSettings(), stride=1)


@pytest.fixture(scope="module")
def bench(recordings) -> Bench:
    return bench_with(recordings)


@pytest.fixture(scope="module")
def fold(bench):
    return bench.folds(0)[0]


@pytest.fixture(scope="module")
def parts(bench, fold):
    return parts_of(bench, fold, 1000)


@pytest.fixture(scope="module")
def windows(bench, fold):
    return signal_parts_of(bench, fold, 2.0, 1000)


@pytest.fixture(scope="module")
def generator(windows) -> Autoregressive:
    return Autoregressive(_ADAPTIVE, AutoregressiveSettings(), SFREQ).fit(windows.train)


def test_streams_play_the_trials_that_are_held_out(bench, fold, parts, generator):
    recordings = bench.material.recordings
    scripts = scripts_of(parts, recordings, _ADAPTIVE)
    assert [[each.label for each in script] for script in scripts] == [
        [recordings[r].trials[k].label for r, k in fold.test if r == person]
        for person in range(_PEOPLE)
    ]
    played = recorded(generator, scripts, 0)
    made = maps_of(played, scripts, _ADAPTIVE, parts.measures, 10_000)
    for of in ("labels", "groups"):
        real = np.unique(getattr(parts.test, of), return_counts=True)[1]
        np.testing.assert_array_equal(np.unique(getattr(made, of), return_counts=True)[1], real)
    assert made.groups.min() == 10_000
    # Neither a trial's first hop nor what passes between two trials is worth more than seconds.
    assert all(each.duration_s < 3 * (8 + 4) + 10 for each in played)


def test_of_many_maps_few_are_played_for_no_longer_than_they_fill(bench, fold):
    few = parts_of(bench, fold, 45)
    scripts = scripts_of(few, bench.material.recordings, _ADAPTIVE)
    stretches = [each for script in scripts for each in script]
    assert sum(each.maps for each in stretches) == 45
    for each in stretches:  # a map fills a second, a trial lasts eight
        assert each.seconds == pytest.approx(min(each.maps + 1, 8) + 0.5)


def test_maps_are_those_that_live_would_measure_in_the_stream(bench, parts, generator):
    scripts = scripts_of(parts, bench.material.recordings, _ADAPTIVE)
    (first, *_) = played = recorded(generator, scripts, 0)
    made = maps_of(played, scripts, _ADAPTIVE, parts.measures, 0)
    path = SignalPath(_ADAPTIVE, SFREQ, _CHANNELS, unit="uV")
    normaliser = Normaliser(_ADAPTIVE, parts.measures.training)
    samples, seen = first.read().T, {}
    for start in range(0, len(samples), 333):
        maps = path.push(samples[start : start + 333])
        for last, values in zip(maps.last, normaliser.apply(maps.values, maps.bad), strict=True):
            seen[values.astype(np.float32).tobytes()] = int(last)
    own = made.groups < len(scripts[0])
    for map_, label in zip(made.x[own], made.labels[own], strict=True):
        last = seen[np.ascontiguousarray(map_).tobytes()]
        (inside,) = [t for t in first.trials if t.start <= last + 1 - path.window and last < t.stop]
        assert inside.label == label


class Telling(Autoregressive):
    """Says which class it was asked for."""

    def stream(self, seed: int = 0):
        class Stream:
            def next(self, n_samples: int, label: int):
                return np.full((n_samples, len(_CHANNELS)), label, np.float32)

        return Stream()


def test_a_class_is_asked_for_some_time_before_its_maps_are_taken(bench, parts):
    telling = Telling(_ADAPTIVE, AutoregressiveSettings(), SFREQ)
    for each in recorded(telling, scripts_of(parts, bench.material.recordings, _ADAPTIVE), 0):
        samples, second = each.read(), round(SFREQ)
        for trial in each.trials:
            assert (samples[:, trial.start - second : trial.stop] == trial.label).all()


class Louder(Autoregressive):
    """The same, three times as strong."""

    def stream(self, seed: int = 0):
        quiet = super().stream(seed)

        class Stream:
            def next(self, n_samples: int, label: int):
                return 3 * quiet.next(n_samples, label)

        return Stream()


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_stream_begins_with_a_calibration_where_wearers_do(
    bench, fold, parts, generator, calibrated
):
    block = Calibration(classes=("negative", "positive"), seconds=8) if calibrated else None
    recipe = Recipe(channels=_CHANNELS, hop_s=0.5, calibration=block)
    scripts = scripts_of(parts, bench.material.recordings, recipe)
    louder = Louder(recipe, generator.settings, SFREQ)
    louder.restore(generator.state())
    same, loud = (
        maps_of(recorded(each, scripts, 0), scripts, recipe, parts.measures, 0)
        for each in (generator, louder)
    )
    assert len(same) == len(loud) == len(parts.test)
    # Relative to the wearer's own block it makes no difference how strong a signal is.
    assert np.allclose(same.x, loud.x, atol=0.01) == calibrated


class Strung(Autoregressive):
    """What a headset must not be: windows put in a row."""

    def stream(self, seed: int = 0):
        rng, made = np.random.default_rng(seed), self._sample

        class Stream:
            left = np.zeros((0, len(_CHANNELS)), np.float32)

            def next(self, n_samples: int, label: int):
                while len(self.left) < n_samples:
                    self.left = np.concatenate([self.left, made(1, label, rng)[0].T])
                given, self.left = np.split(self.left, [n_samples])
                return given

        return Stream()


class Simulation(Autoregressive):
    """The simulator that made the real ones, with other people."""

    def _sample(self, n: int, label: int, rng: np.random.Generator):
        people = [self.stream(int(rng.integers(2**31))) for _ in range(4)]
        made = np.concatenate([each.next(-(-n // 4) * 400, label) for each in people])
        return made[: n * 400].reshape(n, 400, -1).swapaxes(1, 2)

    def stream(self, seed: int = 0):
        return Simulator(SFREQ, _CHANNELS, seed=1, subject=100 + seed % 1000)


@pytest.fixture(scope="module")
def found(bench, fold, parts, windows):
    build = {
        kind.__name__: partial(kind, _ADAPTIVE, AutoregressiveSettings(), SFREQ)
        for kind in (Autoregressive, Simulation, Strung)
    }
    played = headsets(parts, windows, bench.material.recordings, _ADAPTIVE, build, 0)
    return played, compare_signals(fold.name, windows, played, _ADAPTIVE, 0)


def test_signals_are_compared_with_windows_that_were_held_out(found, windows):
    played, compared = found
    assert [row.name for row in compared.rows] == ["real", *played] == list(compared.made)
    assert compared.sfreq == SFREQ
    for each in compared.made.values():
        assert each.x.shape == windows.test.x.shape
        np.testing.assert_array_equal(np.sort(each.labels), np.sort(compared.test.labels))
    real, floor, simulation, strung = compared.rows
    assert math.isnan(real.seam)
    assert real.fit_s == 0 < floor.fit_s
    # An autoregression has the spectra, and no blinks.
    assert real.differences.kurtosis < floor.differences.kurtosis
    assert max(floor.differences.spectrum.values()) < 0.6
    assert max(simulation.differences.spectrum.values()) < 0.8
    for row in (floor, simulation):
        assert row.seam == pytest.approx(1, abs=0.12)
    assert strung.seam > 1.2


def test_each_part_of_the_signal_is_of_its_own_trials(bench, fold, windows):
    recordings = bench.material.recordings

    def mean_squares(x):
        return {round(float(v), 3) for v in np.square(x.astype(np.float64)).mean(axis=(1, 2))}

    for keys, part in ((fold.train, windows.train), (fold.test, windows.test)):
        cut = [
            recordings[r].read()[:, t.start + k : t.start + k + 400]
            for r, t in ((r, recordings[r].trials[k]) for r, k in keys)
            for k in range(0, _TRIAL, 400)
        ]
        assert mean_squares(part.x) == mean_squares(np.stack(cut))
    assert not set(fold.train) & set(fold.test)


def test_the_same_seed_plays_the_same_and_another_another_wearer(bench, parts, generator):
    scripts = scripts_of(parts, bench.material.recordings, _ADAPTIVE)[:2]
    one, again, other = (recorded(generator, scripts, seed) for seed in (0, 0, 1))
    assert np.array_equal(one[1].read(), again[1].read())
    assert not np.array_equal(one[1].read(), other[1].read())
    assert not np.array_equal(one[0].read()[:, :500], one[1].read()[:, :500])


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"sfreq": 250.0}, "recordings at 200, 250 Hz: a generator's signal has one rate"),
        ({"channels": ("X1", *_CHANNELS[1:])}, "array: another montage .*: FP1 missing"),
        ({"shipped": lambda: drawn(3, (5, 8), 0).x}, "array: holds feature maps and no signal"),
    ],
)
def test_recordings_without_such_a_signal_are_told_in_one_line(recordings, fold, changes, match):
    odd = (dataclasses.replace(recordings[0], **changes), *recordings[1:])
    with pytest.raises(GeneratorError, match=match) as told:
        signal_parts_of(bench_with(odd), fold, 2.0, 1000)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_part_without_a_window_is_told_in_one_line(bench, fold, part):
    empty = dataclasses.replace(fold, **{part: ()})
    with pytest.raises(ConfigError, match=f"no {part} window: trials too short"):
        parts_of(bench, empty, 100)
