"""Recordings that have trials and no samples: enough for whoever deals trials."""

from __future__ import annotations

from collections.abc import Sequence

from offline.datasets.recording import Recording, Trial

CLASSES = ("negative", "neutral", "positive")
SEED_LABELS = (2, 1, 0, 0, 1, 2, 0, 1, 2, 2, 1, 0, 1, 2, 0)


def recording(subject: str, session: str, labels: Sequence[int]) -> Recording:
    trials = tuple(Trial(100 * k, 100 * k + 90, label) for k, label in enumerate(labels))
    return Recording(
        subject=subject,
        session=session,
        name=f"{subject}/{session}",
        sfreq=200.0,
        channels=("CZ",),
        trials=trials,
        blocks=lambda: iter(()),
        n_samples=100 * len(trials),
    )


def cohort(subjects: int, sessions: int, labels: Sequence[int] = SEED_LABELS) -> list[Recording]:
    return [
        recording(f"s{subject}", str(session + 1), labels)
        for subject in range(subjects)
        for session in range(sessions)
    ]
