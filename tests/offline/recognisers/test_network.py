from __future__ import annotations

import numpy as np

from offline.recognisers.network import NetworkClassifier


def test_stops_on_the_validation_part(recipe, settings, part):
    (train, labels), (held_out, checked) = part(200, 1), part(60, 2)
    classifier = NetworkClassifier(recipe, settings.cnn, settings.training, seed=0)
    contrary = (held_out.segments, (checked + 1) % 3)
    classifier.fit(train.segments, labels, validation=contrary)
    (course,) = classifier.fitted_.courses
    validation = [loss for _, loss in course.losses]
    assert course.best_epoch == 1 + int(np.argmin(validation))
    assert len(validation) == course.best_epoch + settings.training.patience
    assert classifier.chosen_ == {"best_epoch": course.best_epoch, "epochs": len(validation)}
