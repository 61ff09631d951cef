from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from offline.generators.dcgan import Dcgan, DcganSettings, discriminator_loss, generator_loss
from tests.offline.generators.learning import check_learned
from tests.offline.generators.material import RECIPE, maps

logits = st.lists(st.floats(-60, 60, width=32), min_size=1, max_size=9).map(torch.tensor)


@given(real=logits, made=logits)
@settings(max_examples=25, deadline=None)
def test_the_losses_are_binary_cross_entropy_and_the_one_that_does_not_saturate(real, made):
    def entropy(values, wanted):
        return functional.binary_cross_entropy_with_logits(values, torch.full_like(values, wanted))

    expected = entropy(real, 1.0) + entropy(made, 0.0)
    assert torch.allclose(discriminator_loss(real, made), expected, atol=1e-5)
    assert torch.allclose(generator_loss(made), entropy(made, 1.0), atol=1e-5)


def test_a_generator_that_is_found_out_still_has_a_gradient():
    made = torch.tensor([-30.0], requires_grad=True)
    generator_loss(made).backward()
    assert made.grad.item() == -1


def test_the_discriminator_has_batch_normalisation_behind_all_but_its_first_layer():
    state = Dcgan(RECIPE, DcganSettings(epochs=1, least_steps=1, width=3)).fit(maps()).state()
    found = sorted(len(v) for k, v in state.items() if "discriminator" in k and "running_m" in k)
    assert found == [6, 6, 12]


def test_it_learns_where_each_class_lies_and_how_much_it_varies():
    check_learned(Dcgan, DcganSettings(epochs=40, least_steps=1, width=4, learning_rate=1e-3))
