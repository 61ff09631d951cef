"""What a protocol is told in YAML, each kind by its name."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from rtbci.configuration import Settings

ProperShare: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
Folds: TypeAlias = Annotated[int, Field(ge=3)]  # test, validation and one to train on


class _Amounts(Settings):
    """Three counts, or three shares that add up to 1."""

    train: Annotated[float, Field(gt=0)]
    validation: Annotated[float, Field(ge=0)]
    test: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _counts_or_shares(self) -> Self:
        amounts = (self.train, self.validation, self.test)
        if not (all(amount == int(amount) for amount in amounts) or abs(sum(amounts) - 1) < 1e-6):
            raise ValueError("train, validation and test are whole numbers or shares that sum to 1")
        return self

    def counts(self, n: int) -> tuple[int, int, int]:
        """Return how many of ``n`` are trained on, chosen on and tested on."""
        if self.train >= 1:
            return int(self.train), int(self.validation), int(self.test)
        validation = max(round(self.validation * n), 1) if self.validation else 0
        test = max(round(self.test * n), 1)
        return max(n - validation - test, 1), validation, test

    @property
    def written(self) -> str:
        """The three amounts as in papers: 9/0/6."""
        return f"{self.train:g}/{self.validation:g}/{self.test:g}"


class Trials(_Amounts):
    """Within each session, the first trials for training and the last for the test.

    Attributes
    ----------
    train, validation, test : float
        In order of time, of each session's labelled trials: counts, such as 9/0/6 or 9/3/3, or
        shares that sum to 1. Trials beyond the counts are in no part.
    validation_share : float
        Where ``validation`` is 0, the share of each class's training trials, its last ones, that
        are chosen on instead of trained on.
    pooled : bool
        Whether one recogniser is trained for all sessions, or one for each.
    """

    kind: Literal["trials"] = "trials"
    train: Annotated[float, Field(gt=0)] = 9
    validation: Annotated[float, Field(ge=0)] = 0
    test: Annotated[float, Field(gt=0)] = 6
    validation_share: ProperShare = 0.2
    pooled: bool = False
    leaky: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """What to call it in a report."""
        return f"trials in order of time, {self.written} in each session{_pooled(self.pooled)}"


class TrialKfold(Settings):
    """Within each session, each trial tested once; the next fold's trials are chosen on.

    What is trained on also lies after what is tested on. Where normalisation adapts through a
    recording, it carries a trace of the test trials' level, though not of their labels, into later
    training windows: ``trials`` and ``sessions`` are free of that.

    Attributes
    ----------
    folds : int
        Into how many parts each session's trials are dealt, each class evenly. Sessions with the
        same classes in the same order are dealt alike.
    pooled : bool
        Whether one recogniser is trained for all sessions, or one for each.
    """

    kind: Literal["trial-kfold"] = "trial-kfold"
    folds: Folds = 5
    pooled: bool = False
    leaky: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """What to call it in a report."""
        return f"{self.folds} folds of each session's trials{_pooled(self.pooled)}"


class Sessions(Settings):
    """Each session tested once, by a recogniser trained on its subject's other sessions.

    Attributes
    ----------
    validation_share : float
        Share of each other session's trials that are chosen on, drawn even between the classes.
    """

    kind: Literal["sessions"] = "sessions"
    validation_share: ProperShare = 0.2
    leaky: ClassVar[bool] = False
    title: ClassVar[str] = "leave one session out, within each subject"


class LeaveOneSubjectOut(Settings):
    """Each subject tested once, by a recogniser trained on the others.

    Attributes
    ----------
    validation_share : float
        Share of the other subjects that are chosen on: other ones from fold to fold.
    """

    kind: Literal["leave-one-subject-out"] = "leave-one-subject-out"
    validation_share: ProperShare = 0.2
    leaky: ClassVar[bool] = False
    title: ClassVar[str] = "leave one subject out"


class Subjects(_Amounts):
    """Subjects drawn once a seed for training, validation and test.

    Attributes
    ----------
    train, validation, test : float
        Counts, such as 9/3/3, or shares that sum to 1. Subjects beyond the counts are in no part.
    """

    kind: Literal["subjects"] = "subjects"
    train: Annotated[float, Field(gt=0)] = 0.6
    validation: Annotated[float, Field(gt=0)] = 0.2
    test: Annotated[float, Field(gt=0)] = 0.2
    leaky: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """What to call it in a report."""
        return f"subjects, {self.written} drawn with each seed"


class DatasetsProtocol(Settings):
    """Trained on some data sets, tested on others.

    Attributes
    ----------
    validation_share : float
        Share of the training data sets' subjects that are chosen on.
    """

    kind: Literal["datasets"] = "datasets"
    validation_share: ProperShare = 0.2
    leaky: ClassVar[bool] = False
    title: ClassVar[str] = "other data sets"


class RandomWindows(Settings):
    """Windows dealt at random, whatever their trial: LEAKY.

    Only to show what it does to the figures; nearly the same window is on both sides.

    Attributes
    ----------
    folds : int
        Into how many parts each recording's windows are dealt.
    pooled : bool
        Whether one recogniser is trained for all sessions, or one for each.
    """

    kind: Literal["random-windows"] = "random-windows"
    folds: Folds = 5
    pooled: bool = True
    leaky: ClassVar[bool] = True

    @property
    def title(self) -> str:
        """What to call it in a report."""
        return f"random windows{'' if self.pooled else ', each session by itself'} (LEAKY)"


Protocol: TypeAlias = (
    Trials
    | TrialKfold
    | Sessions
    | LeaveOneSubjectOut
    | Subjects
    | DatasetsProtocol
    | RandomWindows
)
"""Any of them; ``kind`` tells which (give it to pydantic as the discriminator)."""


def _pooled(pooled: bool) -> str:
    return ", sessions pooled" if pooled else ""
