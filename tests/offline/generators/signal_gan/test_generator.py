from __future__ import annotations

import numpy as np
import pytest

from offline.generators.generator import Generator, Real
from offline.generators.signal_gan import adversaries
from offline.generators.signal_gan.generator import SignalGAN
from offline.generators.signal_gan.settings import SignalGANSettings
from rtbci.errors import GeneratorError
from tests.offline.generators.signal_gan.rhythms import RECIPE, SFREQ, band_power, rhythmic, tiny

ALPHA = (8.0, 12.0)


@pytest.fixture(scope="module")
def generator() -> SignalGAN:
    return tiny(rhythmic(160, seed=5), epochs=3, batch_size=16, width=8)


def coherence(x: np.ndarray) -> np.ndarray:
    inside = x[..., 20:-20] - x[..., 20:-20].mean(axis=-1, keepdims=True)
    return np.corrcoef(inside.transpose(1, 0, 2).reshape(x.shape[1], -1))


@pytest.fixture(scope="module")
def held_out() -> Real:
    return rhythmic(200, seed=1)


@pytest.mark.parametrize("label", [0, 1])
def test_channels_go_together_as_those_of_windows_it_never_saw(generator, held_out, label):
    made, real = generator.sample(150, label), held_out.x[held_out.labels == label]
    assert np.abs(coherence(made) - coherence(real)).max() < 0.15
    assert coherence(real).max(initial=0, where=~np.eye(4, dtype=bool)) > 0.5


def test_a_class_with_twice_the_alpha_has_it_in_what_is_made(generator, held_out):
    ratios = []
    for x in ([generator.sample(150, k) for k in (0, 1)],
              [held_out.x[held_out.labels == k] for k in (0, 1)]):  # fmt: skip
        powers = [np.log(band_power(part, *ALPHA)).mean() for part in x]
        ratios.append(powers[1] - powers[0])
    made, real = ratios
    assert real > 0.4
    assert made == pytest.approx(real, abs=0.3)


@pytest.mark.parametrize(("low", "high"), [(2, 4), (4, 8), ALPHA, (12, 20), (20, 45)])
def test_every_band_is_as_strong_as_in_windows_it_never_saw(generator, held_out, low, high):
    for label in (0, 1):
        made, real = generator.sample(150, label), held_out.x[held_out.labels == label]
        made, real = (np.log(band_power(x, low, high)).mean(axis=0) for x in (made, real))
        assert np.abs(made - real).mean() < 0.3
        assert np.abs(made - real).max() < 0.5


def test_trials_differ_as_they_did_and_without_styles_less():
    real = rhythmic(48)
    gains = np.exp(np.random.default_rng(2).normal(0, 1, 12))[real.trials]  # loud and quiet people
    loud = Real(real.x * gains[:, None, None].astype(np.float32), real.labels, real.trials)
    spread = [
        np.log(tiny(loud, epochs=0, styles=styles).sample(100, 0).std(axis=(1, 2))).std()
        for styles in (4, 0)
    ]
    assert spread[0] > 0.6
    assert spread[1] < 0.4


def test_neither_offsets_nor_artefacts_are_learned():
    real = rhythmic()
    x = real.x.copy()
    x[::6, 1, 50:53] += 30_000.0
    made = tiny(Real(x, real.labels, real.trials), epochs=0).sample(60, 0)
    clean = tiny(real, epochs=0).sample(60, 0)
    assert np.median(made[:, 1].std(axis=1)) < 2 * np.median(clean[:, 1].std(axis=1))
    assert np.abs(made.mean(axis=-1)).mean() < 0.3 * made.std()
    assert np.abs(made).max() < 1000


def test_what_was_learned_is_kept_and_found_again(generator):
    again = SignalGAN(RECIPE, generator.settings, SFREQ)
    again.restore(generator.state())
    assert np.array_equal(again.sample(70, 1, seed=3), generator.sample(70, 1, seed=3))
    ours, theirs = generator.stream(2), again.stream(2)
    assert np.array_equal(ours.next(500, 0), theirs.next(500, 0))


def test_samples_are_windows_and_the_same_seed_gives_the_same(generator):
    made = generator.sample(70, 1, seed=3)
    assert made.shape == (70, 4, 200)
    assert made.dtype == np.float32
    assert np.array_equal(made, generator.sample(70, 1, seed=3))
    assert not np.array_equal(made, generator.sample(70, 1, seed=4))
    assert generator.sample(0, 1).shape == (0, 4, 200)


class _InterruptedError(Exception):
    pass


def test_an_interrupted_training_goes_on_to_the_same_generator(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint"
    whole = tiny(epochs=3)
    epoch, done = adversaries.Adversaries.epoch, []

    def stopping(self):
        if len(done) == 2:
            raise _InterruptedError
        done.append(1)
        return epoch(self)

    settings = whole.settings
    monkeypatch.setattr(adversaries.Adversaries, "epoch", stopping)
    with pytest.raises(_InterruptedError):
        SignalGAN(RECIPE, settings, SFREQ).fit(rhythmic(), checkpoint=path)
    assert path.exists()
    monkeypatch.setattr(adversaries.Adversaries, "epoch", epoch)
    resumed = SignalGAN(RECIPE, settings, SFREQ).fit(rhythmic(), checkpoint=path)
    assert resumed.course == whole.course
    for name, value in whole.state().items():
        assert value.equal(resumed.state()[name]), name


def test_training_tells_its_losses_and_changes_the_generator(generator):
    assert set(generator.course.losses) == {"critics", "time", "spectrum", "power"}
    assert {len(values) for values in generator.course.losses.values()} == {3}
    untrained = tiny(epochs=0)
    assert untrained.course.losses == {}
    assert not np.allclose(untrained.sample(3, 0), tiny(epochs=1).sample(3, 0))


def test_numbers_that_are_none_stop_the_training_with_one_line():
    with pytest.raises(GeneratorError, match=r"the loss '\w+' is nan in epoch \d") as caught:
        tiny(epochs=20, learning_rate=1e30)
    assert "\n" not in str(caught.value)


def test_each_part_of_the_loss_can_be_left_out():
    whole = tiny(epochs=1).sample(3, 0)
    for part in ("time", "spectrum", "power"):
        assert not np.array_equal(tiny(epochs=1, **{part: 0.0}).sample(3, 0), whole), part


def test_it_is_a_generator_of_the_signal_by_its_kind():
    made: Generator[SignalGANSettings] = SignalGAN(RECIPE, SignalGANSettings(), SFREQ)
    assert (made.kind, made.makes, made.edits) == ("signal-gan", "signal", False)


def test_windows_of_another_montage_are_refused():
    real = rhythmic()
    with pytest.raises(GeneratorError, match="windows of 4 channels, and was given 3 x 200"):
        tiny(Real(real.x[:, :3], real.labels, real.trials))
