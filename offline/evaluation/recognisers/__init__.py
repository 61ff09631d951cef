"""All recognisers behind one interface: scikit-learn estimators, chosen on the validation part.

One of your own is one more entry of ``RECOGNISERS`` in :mod:`.registry`, and no more::

    def _lda(recipe, seed, settings, *, shrinkage):
        return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)

    "lda": Kind("linear discriminant", "maps", _lda, ({"shrinkage": 0.9}, {"shrinkage": 0.1})),

It needs ``fit``, ``predict_proba`` and ``classes_``; where ``fit`` takes ``validation=(X, y)`` it
is given that part too, to stop early or to calibrate itself.
"""

from offline.evaluation.recognisers.choosing import (
    FittedRecogniser,
    fit_chosen,
    log_probabilities,
    most_windows,
)
from offline.evaluation.recognisers.inputs import Inputs, Needs, thinned
from offline.evaluation.recognisers.registry import RECOGNISERS, Kind, kind_named
from offline.evaluation.recognisers.settings import RecogniserSettings

__all__ = [
    "RECOGNISERS",
    "FittedRecogniser",
    "Inputs",
    "Kind",
    "Needs",
    "RecogniserSettings",
    "fit_chosen",
    "kind_named",
    "log_probabilities",
    "most_windows",
    "thinned",
]
