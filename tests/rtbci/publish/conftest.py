"""Messages to publish."""

from __future__ import annotations

from typing import Any

import pytest

from rtbci.publish.wire import Prediction, Status


class Messages:
    """Makes valid messages; a test names only what it is about."""

    @staticmethod
    def prediction(seq: int = 0, **changes: Any) -> Prediction:
        values: dict[str, Any] = {
            "stream": "eeg",
            "seq": seq,
            "label": "positive",
            "probabilities": {"negative": 0.125, "neutral": 0.25, "positive": 0.625},
            "lsl_time": 1000.0 + seq,
            "unix_time": 1.7e9 + seq,
            "latency_ms": 12.5,
            "model": "cnn",
        }
        return Prediction(**values | changes)

    @staticmethod
    def status(**changes: Any) -> Status:
        values: dict[str, Any] = {
            "stream": "eeg",
            "state": "ok",
            "unix_time": 1.7e9,
            "model": "cnn",
            "classes": ("negative", "neutral", "positive"),
        }
        return Status(**values | changes)


@pytest.fixture
def messages() -> type[Messages]:
    return Messages
