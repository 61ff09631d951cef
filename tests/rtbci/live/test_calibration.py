"""A wearer's calibration block, as samples and markers come."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from offline.calibrating import block_windows, persons_of
from offline.datasets.recording import Trial, recording_of
from offline.features.extract import extract
from rtbci.errors import PersonFileError
from rtbci.live.block import Block
from rtbci.model.file import Model, Output, PrototypeValues
from rtbci.model.person import Person, load_person
from rtbci.model.prototypes import Prototypes
from rtbci.model.recogniser import Recogniser
from rtbci.montage.names import SEED_CHANNELS
from rtbci.signal.path import SignalPath
from rtbci.stream.markers import Timeline
from tests.system import Listener, assert_same, make_model, offline, rtbci, started, unique

OUTLET = Path(__file__).with_name("outlet.py")
SFREQ, CHANNELS = 200.0, ("FP1", "FP2", "CZ", "O1")
BOTH = {"classes": ["negative", "positive"], "seconds": 6, "prototypes": False}
# Rest of the three classes; what the wearer does from which second to which.
DONE = (("negative", 4.0, 10.0), ("neutral", 11.0, 13.0), ("positive", 14.0, 22.0))


def eeg(seconds: float, seed: int = 0) -> np.ndarray:
    """Samples (samples, channels) whose strength drifts, so that it matters when they were."""
    rng = np.random.default_rng(seed)
    n = round(seconds * SFREQ)
    noise = 10 * rng.normal(size=(n, len(CHANNELS))) * np.linspace(1, 3, n)[:, None]
    return noise.astype(np.float32)


def the_model(folder: Path, **calibration: object) -> Model:
    changes = {"calibration": BOTH | calibration, "covariance": True, "signal": {}}
    prototypes = Prototypes(np.eye(3), np.eye(3))
    output = Output(prototypes=PrototypeValues.of(prototypes))
    return make_model(folder / "m.pt", output=output, channels=CHANNELS, **changes)


def block_of(model: Model, timeline: Timeline) -> Block:
    def fit(each: Model, person: Person) -> Recogniser:
        return Recogniser(each, SFREQ, CHANNELS, person=person)

    return Block(model, SignalPath(model.recipe, SFREQ, CHANNELS), timeline, fit)


def told(done: tuple[tuple[str, float, float], ...] = DONE, start: float = 500.0) -> Timeline:
    timeline = Timeline(states=("negative", "neutral", "positive"))
    for name, begin, end in done:
        timeline.hear(name, start + begin)
        timeline.hear("end", start + end)
    return timeline


def feed(block: Block, samples: np.ndarray, start: float = 500.0, size: int = 33) -> None:
    stamps = start + np.arange(len(samples)) / SFREQ
    for first in range(0, len(samples), size):
        block.push(samples[first : first + size], stamps[first : first + size])


def test_live_learns_the_person_that_offline_learns(tmp_path):
    model, samples = the_model(tmp_path), eeg(24)
    block = block_of(model, told())
    feed(block, samples)
    assert block.missing(block.taken_s()) == ()
    live = block.person()
    names = model.recipe.classes
    trials = tuple(
        Trial(round(begin * SFREQ), round(end * SFREQ), names.index(name))
        for name, begin, end in DONE
    )
    recording = recording_of(
        samples.T, SFREQ, CHANNELS, name="r", subject="1", session="1", trials=trials
    )
    recipe, features = model.recipe, [extract(recording, model.recipe)]
    blocks = block_windows([recording], features, recipe, recipe.calibration)
    expected = persons_of([recording], features, recipe, blocks)[0]
    for key in ("mean", "std", "power", "reference"):
        np.testing.assert_allclose(getattr(live, key), getattr(expected, key), rtol=1e-12)
    assert live.seconds == pytest.approx(6, abs=0.11)


def test_says_what_is_missing_until_there_is_enough_of_each_class(tmp_path):
    model, samples = the_model(tmp_path), eeg(24)
    timeline = told()
    block = block_of(model, timeline)
    feed(block, samples[: round(6 * SFREQ)])
    assert block.missing(block.taken_s()) == ("negative", "positive")
    assert block.taken_s() == {"negative": pytest.approx(2, abs=0.11), "positive": 0}
    feed(block, samples[round(6 * SFREQ) : round(9 * SFREQ)], start=506.0)
    assert block.missing(block.taken_s()) == ("positive",)


def test_windows_across_a_gap_or_before_the_filters_have_settled_do_not_count(tmp_path):
    model, samples = the_model(tmp_path), eeg(30)
    settling = SignalPath(model.recipe, SFREQ, CHANNELS).settling / SFREQ
    timeline = told((("negative", 0.0, 30.0),))
    block = block_of(model, timeline)
    feed(block, samples[: round(4 * SFREQ)])
    before = block.taken_s()["negative"]
    assert before == pytest.approx(4 - settling, abs=0.11)
    feed(block, samples[round(6 * SFREQ) : round(8.5 * SFREQ)], start=506.0)  # two seconds lost
    after = block.taken_s()["negative"]
    assert before <= after < before + 2.5 - settling + 0.11


def test_a_bad_channel_keeps_a_window_out(tmp_path):
    model, samples = the_model(tmp_path), eeg(24)
    samples[round(5 * SFREQ) : round(6 * SFREQ), 2] = np.nan
    block = block_of(model, told())
    feed(block, samples)
    assert np.isfinite(block.person().mean).all()
    clean = block_of(model, told())
    feed(clean, eeg(24))
    assert not np.allclose(block.person().mean, clean.person().mean, rtol=1e-12)


def test_prototypes_are_the_models_mean_output_over_each_class(tmp_path):
    everything = {"classes": ["negative", "neutral", "positive"], "seconds": 6, "prototypes": True}
    model, samples = the_model(tmp_path, **everything), eeg(24)
    block = block_of(model, told())
    feed(block, samples)
    person = block.person()
    assert person.network == model.digest
    assert person.outputs.shape == (3, 3)
    # A model without prototypes, relative to the same person, asked by hand.
    recogniser = Recogniser(model, SFREQ, CHANNELS, person=person)
    recogniser._prototypes = None
    found = recogniser.push(samples)
    seconds = (found.last + 1) / SFREQ
    rows = (seconds >= 5 - 1e-9) & (seconds <= 6 + 1e-9)  # negative: from 4 s on, 2 s
    expected = np.log(found.probabilities[rows]).mean(axis=0)
    np.testing.assert_allclose(person.outputs[0], expected, atol=1e-5)


def test_a_model_without_a_calibration_has_no_use_for_one(tmp_path):
    model = make_model(tmp_path / "plain.pt", channels=CHANNELS)
    with pytest.raises(PersonFileError, match="plain has no use for a person"):
        block_of(model, Timeline())


def test_a_model_that_cannot_be_calibrated_is_refused_without_a_stream(tmp_path):
    make_model(tmp_path / "plain.pt", channels=CHANNELS)
    words = ("calibrate", tmp_path / "anna.json", "--model", tmp_path / "plain.pt")
    done = rtbci(*words, "--stream", "nobody")
    assert done.returncode == 1
    assert done.stderr == "rtbci: the model plain has no use for a person's calibration\n"
    assert not (tmp_path / "anna.json").exists()


def test_calibrate_and_live_over_lsl(tmp_path):
    block = {"classes": ["neutral"], "seconds": 3}
    model = make_model(tmp_path / "m.pt", calibration=block)
    noise = np.random.default_rng(3).normal(size=(62, round(40 * SFREQ)))
    data = (20 * noise).astype(np.float32)  # as the wire carries it
    np.save(tmp_path / "data.npy", data)
    name, wearer = unique("amp"), tmp_path / "anna.json"
    headset = [sys.executable, str(OUTLET), str(tmp_path / "data.npy"), name, "--speed", "4"]
    with subprocess.Popen(headset) as playing:
        done = rtbci("calibrate", wearer, "--model", tmp_path / "m.pt", "--stream", name)
        playing.terminate()
    assert done.returncode == 0, done.stderr
    assert "now: neutral, for 3 s" in done.stderr
    assert f"use it with: rtbci live --person {wearer}" in " ".join(done.stderr.split())
    person = load_person(wearer, model.recipe)
    assert person.seconds == pytest.approx(3, abs=0.11)
    assert person.mean == pytest.approx(extract_mean(data, model), abs=0.7)

    expected = offline(model, data[:, : round(12 * SFREQ)], SFREQ, SEED_CHANNELS, person=person)
    with (
        Listener() as listener,
        started(
            *("live", "-m", tmp_path / "m.pt", "-s", name, "--address", listener.address),
            *("--person", wearer),
        ),
        subprocess.Popen(headset) as playing,
    ):
        predictions = listener.predictions(len(expected))
        playing.terminate()
    assert_same(predictions, expected, model.recipe.classes)


def extract_mean(data: np.ndarray, model: Model) -> np.ndarray:
    maps = SignalPath(model.recipe, SFREQ, SEED_CHANNELS).push(data.T).values
    mean: np.ndarray = maps[40:].mean(axis=0)
    return mean


def test_live_without_the_wearers_file_says_how_to_make_it(tmp_path):
    make_model(tmp_path / "m.pt", channels=CHANNELS, calibration=BOTH)
    done = rtbci("live", "--model", tmp_path / "m.pt", "--stream", "nobody")
    assert done.returncode == 1
    assert (
        "rtbci: the model m is relative to 6 s of its wearer's negative and positive" in done.stderr
    )
    assert "'rtbci calibrate'" in done.stderr
    (tmp_path / "bob.json").write_text(json.dumps({"format": 1}))
    done = rtbci(
        *("live", "--model", tmp_path / "m.pt", "--stream", "nobody"),
        *("--person", tmp_path / "bob.json"),
    )
    assert done.returncode == 1
    assert "bob.json: no person's file, or damaged" in done.stderr
