"""All recognisers behind one interface: scikit-learn estimators, chosen on the validation part.

One of your own is one more entry of ``RECOGNISERS`` in :mod:`.registry`, and no more::

    def _lda(recipe, seed, settings, *, shrinkage):
        return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)

    "lda": Kind("linear discriminant", "maps", _lda, ({"shrinkage": 0.9}, {"shrinkage": 0.1})),

It needs ``fit``, ``predict_proba`` and ``classes_``; where ``fit`` takes ``validation=(X, y)`` it
is given that part too, to stop early or to calibrate itself.
"""

from offline.recognisers.choosing import (
    FittedRecogniser,
    fit_chosen,
    in_one_thread,
    log_probabilities,
    most_windows,
)
from offline.recognisers.inputs import Inputs, Needs, thinned
from offline.recognisers.registry import RECOGNISERS, Kind, kind_named
from offline.recognisers.seeing import (
    WindowsOf,
    completed,
    inputs_at,
    inputs_of,
    labels_at,
    stacked_at,
)
from offline.recognisers.settings import ModelSettings, RecogniserSettings, settings_with

__all__ = [
    "RECOGNISERS",
    "FittedRecogniser",
    "Inputs",
    "Kind",
    "ModelSettings",
    "Needs",
    "RecogniserSettings",
    "WindowsOf",
    "completed",
    "fit_chosen",
    "in_one_thread",
    "inputs_at",
    "inputs_of",
    "kind_named",
    "labels_at",
    "log_probabilities",
    "most_windows",
    "settings_with",
    "stacked_at",
    "thinned",
]
