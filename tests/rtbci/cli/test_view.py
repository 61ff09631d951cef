"""What a prediction looks like as text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from rtbci.cli.view import prediction_view, waiting_view
from rtbci.publish.wire import Prediction, Quality, Status


def as_text(renderable, width: int = 80, encoding: str = "utf-8") -> str:
    """Render as on a terminal without colours."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=width, color_system=None, legacy_windows=False).print(renderable)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def make_prediction(**changes) -> Prediction:
    values = {
        "stream": "lab[1]",
        "seq": 1042,
        "label": "positive",
        "probabilities": {"negative": 0.05, "neutral": 0.25, "positive": 0.7},
        "lsl_time": 1.0,
        "unix_time": 2.0,
        "latency_ms": 12.34,
        "model": "cnn-seed",
    }
    return Prediction(**values | changes)


def make_status(**changes) -> Status:
    values = {"stream": "eeg", "state": "stale", "unix_time": 1.0, "model": "m", "classes": ("a",)}
    return Status(**values | changes)


def bars(text: str) -> dict[str, int]:
    """Return the length of each class's bar."""
    return {line.split()[1]: line.count("█") for line in text.splitlines() if "░" in line}


def test_view_says_all_that_a_user_needs():
    text = as_text(prediction_view(make_prediction(), "neutral", lost=3))
    for part in (
        "lab[1]",
        "cnn-seed",
        "negative",
        "5.0 %",
        "25.0 %",
        "70.0 %",
        "true label: neutral",
        "wrong",
        "12.3 ms",
        "1042",
        "3 lost",
        "good",
    ):
        assert part in text
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_bars_are_as_long_as_the_probabilities():
    lengths = bars(as_text(prediction_view(make_prediction())))
    assert list(lengths) == ["negative", "neutral", "positive"]
    whole = lengths["positive"] / 0.7
    assert lengths["neutral"] == pytest.approx(0.25 * whole, abs=1)
    assert lengths["negative"] == pytest.approx(0.05 * whole, abs=1)


def test_right_prediction_is_called_right():
    text = as_text(prediction_view(make_prediction(), "positive"))
    assert "right" in text
    assert "wrong" not in text
    assert "true label" not in as_text(prediction_view(make_prediction()))


def test_a_prediction_not_to_act_on_is_called_uncertain():
    text = as_text(prediction_view(make_prediction(abstained=True), "neutral"))
    assert "positive  uncertain" in text
    assert "true label: neutral" in text
    assert "uncertain" not in as_text(prediction_view(make_prediction()))


def test_trouble_is_named():
    quality = Quality(
        bad_channels=("FP1", "T7"), interpolated=tuple(f"C{n}" for n in range(10)), gap_ms=12.0
    )
    prediction = make_prediction(state="degraded", quality=quality)
    text = " ".join(as_text(prediction_view(prediction), width=200).split())
    assert "degraded" in text
    assert "bad channels (2): FP1, T7" in text
    assert "interpolated (10): C0, C1, C2, C3, C4, C5 and 4 more" in text
    assert "12 ms of samples lost" in text
    assert "good" not in text


def test_silence_and_the_status_are_shown():
    status = make_status(message="no samples for 7 s")
    text = as_text(prediction_view(make_prediction(), status=status, silent_s=7.2))
    assert "no prediction for 7 s" in text
    assert "stale: no samples for 7 s" in text
    assert "no prediction" not in as_text(prediction_view(make_prediction(), silent_s=0.5))


def test_any_number_of_classes_with_any_names():
    probabilities = {"joy": 0.5, "[bold]fear": 0.25, "anger": 0.125, "x" * 60: 0.125}
    text = as_text(prediction_view(make_prediction(label="joy", probabilities=probabilities)))
    assert "[bold]fear" in text
    assert text.count(" %") == 4
    assert max(len(line) for line in text.splitlines()) <= 80


def test_terminal_without_unicode_gets_plain_characters():
    text = as_text(prediction_view(make_prediction(), "neutral"), encoding="ascii")
    assert "####" in text
    assert "70.0 %" in text


def test_waiting_says_for_what_and_what_to_do():
    text = as_text(waiting_view("tcp://127.0.0.1:5556", "eeg", None, 5.0))
    assert "waiting for predictions of eeg from tcp://127.0.0.1:5556" in text
    assert "rtbci live" in text
    status = make_status(message="no EEG", model="cnn+graph")
    told = as_text(waiting_view("tcp://127.0.0.1:5556", None, status, 5.0))
    assert "stale: no EEG" in told
    assert "rtbci live" not in told
    assert "cnn" not in told
    missed = as_text(waiting_view("tcp://127.0.0.1:5556", "eeg", status, 5.0, "mlp"), width=100)
    assert "predictions of eeg by the model mlp from" in missed
    assert "the live system runs cnn+graph" in missed
