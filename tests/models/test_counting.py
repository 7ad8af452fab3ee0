"""Counting of evaluations: every net once, copies too, and nothing afterwards."""

import copy

import pytest
import torch

from plumbline.models.counting import count_evaluations


def test_copies_count_and_nothing_does_afterwards(lenet, digits):
    images = torch.from_numpy(digits["test"].pixels[:5])
    with count_evaluations(lenet.network) as evaluations:
        copy.deepcopy(lenet)(images)
        lenet(images[:2])
    lenet(images)
    assert evaluations.images == len(images) + 2
    with pytest.raises(ValueError, match="on purpose"), count_evaluations(lenet.network):
        raise ValueError("on purpose")
    assert not any(layer._forward_pre_hooks for layer in lenet.modules())


def test_several_nets_count_each_and_a_backward_pass_costs_two_forward_passes(nets, digits):
    first, second = nets["lenet5"], nets["alexnet"]
    images = torch.from_numpy(digits["test"].pixels[:3])
    with count_evaluations(first.network, second.network, first.network) as evaluations:
        first(images)
        second(images.clone().requires_grad_()).sum().backward()
        with torch.no_grad():
            second(images.clone().requires_grad_())
    assert (evaluations.images, evaluations.with_gradients) == (9, 3)
    assert evaluations.cost == 9 + 2 * 3
