"""Protocols: what an evaluation holds out, and so what its figures are about.

All but one keep whole trials together. Sessions, subjects and data sets answer harder questions
than trials do. In data such as SEED's every session shows the same clips in the same order, so
only the trial protocols test on clips that were not trained on; the others test on persons or days.
"""

from offline.evaluation.protocols.dealing import make_folds
from offline.evaluation.protocols.folds import Fold, Share, fold_windows
from offline.evaluation.protocols.settings import (
    DatasetsProtocol,
    LeaveOneSubjectOut,
    Protocol,
    RandomWindows,
    Sessions,
    Subjects,
    TrialKfold,
    Trials,
)

__all__ = [
    "DatasetsProtocol",
    "Fold",
    "LeaveOneSubjectOut",
    "Protocol",
    "RandomWindows",
    "Sessions",
    "Share",
    "Subjects",
    "TrialKfold",
    "Trials",
    "fold_windows",
    "make_folds",
]
