"""A generator's file played as a headset to the live system: does what it says follow the script?

The commands run as processes over real LSL and ZeroMQ. All brains in this are simulated.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from offline.generators import Real, build_generator, save_generator
from offline.generators.escgan.settings import EscGanSettings
from replay.script import parse_script
from replay.simulator.simulator import Simulator
from rtbci.model.file import save_model
from rtbci.recipe import Recipe
from rtbci.signal.normalisation import Statistics
from rtbci.signal.path import SignalPath
from tests.system import Listener, started, unique

SFREQ = 200.0
CHANNELS = ("F7", "F3", "FZ", "F4", "F8", "T7", "C3", "C4", "T8", "PZ")
CLASSES = ("negative", "neutral", "positive")
RECIPE = Recipe(
    channels=CHANNELS,
    classes=CLASSES,
    normalisation={"kind": "adaptive", "time_constant_s": 30},
)
TRIAL_S = 10.0
SCRIPT = "neutral 20, positive 20, negative 20, neutral 20, positive 20, negative 20"


def simulated(people: Iterable[int]) -> list[Real]:
    """Return the maps of some simulated people, in each emotion twice."""
    everybody = []
    for person in people:
        simulator = Simulator(SFREQ, CHANNELS, 0, subject=person)
        path = SignalPath(RECIPE, SFREQ, CHANNELS)
        maps, labels, trials = [], [], []
        for trial, label in enumerate((1, 2, 0, 1, 2, 0)):
            found = path.push(simulator.next(round(TRIAL_S * SFREQ), label)).values[40::5]
            maps.append(found)
            labels += [label] * len(found)
            trials += [person * 10 + trial] * len(found)
        x = np.concatenate(maps).astype(np.float32)
        everybody.append(Real(x, np.array(labels), np.array(trials)))
    return everybody


def together(people: list[Real]) -> Real:
    return Real(
        np.concatenate([each.x for each in people]),
        np.concatenate([each.labels for each in people]),
        np.concatenate([each.trials for each in people]),
    )


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> Path:
    """An ESC-GAN's file, learned from eight people."""
    path = tmp_path_factory.mktemp("generator") / "esc.pt"
    settings = EscGanSettings(least_steps=1, batch_size=64, width=8, learning_rate=5e-4)
    save_generator(
        path, build_generator(RECIPE, settings).fit(together(simulated(range(1, 9)))), {}
    )
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A recogniser's file, learned from eight others; nothing generated was shown to it."""
    path = tmp_path_factory.mktemp("model") / "model.pt"
    people = simulated(range(20, 28))
    everybody = together(people)
    relative = np.concatenate([each.x - each.x.mean(axis=0) for each in people])
    statistics = Statistics(everybody.x.mean(axis=0), relative.std(axis=0))
    seen = (relative / statistics.std).reshape(len(relative), -1)
    fitted = LogisticRegression(C=0.01, max_iter=2000).fit(seen, everybody.labels)
    linear = torch.nn.Linear(seen.shape[1], len(CLASSES))
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(fitted.coef_))
        linear.bias.copy_(torch.from_numpy(fitted.intercept_))
    network = torch.nn.Sequential(torch.nn.Flatten(), linear)
    save_model(path, network, RECIPE, statistics, {"purpose": "test"})
    return path


def scripted(hops: int) -> NDArray[np.int64]:
    """Return the emotion that each hop's window lies in, -1 where it reaches over a change."""
    ends = np.arange(1, hops + 1) * RECIPE.hop_s + RECIPE.window_s - RECIPE.hop_s
    truth, begin = np.full(hops, -1), 0.0
    for step in parse_script(SCRIPT, CLASSES):
        inside = (ends - RECIPE.window_s >= begin) & (ends <= begin + step.seconds)
        truth[inside] = step.label
        begin += step.seconds
    return truth


@pytest.mark.slow
def test_live_follows_the_script_of_an_edited_headset(generator, model):
    name = unique("headset")
    with (
        Listener() as listener,
        started("live", "-m", model, "-s", name, "--address", listener.address),
        started(
            *("replay", generator, "--reference", "simulator", "--script", SCRIPT),
            *("--seed", 3, "--speed", 8, "--name", name),
        ),
    ):
        predictions = listener.predictions(1191, timeout=200)
    assert [each.seq for each in predictions] == list(range(1191))
    said = np.array([CLASSES.index(each.label) for each in predictions])
    truth = scripted(len(said))
    # From the second round on, once the normalisation knows this person.
    told = (np.arange(len(said)) >= 600) & (truth >= 0)
    shares = np.array(
        [[(said[told & (truth == k)] == c).mean() for c in range(3)] for k in range(3)]
    )
    assert (shares.argmax(axis=0) == np.arange(3)).all()  # each is said most when it is played
    assert np.diag(shares).mean() > 0.55  # chance is 0.33
