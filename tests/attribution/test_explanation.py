"""One method's explanation with its cost."""

from functools import partial

import numpy as np
import torch

from plumbline.attribution.explanation import explain
from plumbline.attribution.methods import gradient, integrated_gradients, intensity

MEMORY = 1 << 28


def explanation(method, net, images, memory=MEMORY, **options):
    index = np.arange(len(images)) + 100
    attribute = partial(method.attribute, **options)
    return explain(attribute, net, images.float(), index, name="mine", seed=0, memory=memory)


def cost(rows):
    return {each["metric"]: each["value"] for each in rows}


def test_the_predicted_class_is_explained(lenet, images):
    found, _ = explanation(gradient, lenet, images)
    logits = lenet(images.float())
    expected, _ = gradient.attribute(lenet, images.float(), logits.argmax(1), seed=0)
    np.testing.assert_array_equal(found.target, logits.argmax(1))
    np.testing.assert_allclose(found.probability, logits.softmax(1).amax(1), rtol=1e-6)
    np.testing.assert_allclose(found.relevance, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.index, np.arange(6) + 100)
    assert found.method == "mine"


def test_evaluations_are_counted_exactly(lenet, images):
    for method, options, evaluations in (
        (intensity, {}, 0),
        (gradient, {}, 1),
        # the steps, the baseline once for all, and the images once more for the gap
        (integrated_gradients, {"steps": 5}, 5 + 1 + 1 / 6),
    ):
        _, rows = explanation(method, lenet, images, **options)
        assert cost(rows)["evaluations_per_image"] == evaluations
        assert cost(rows)["seconds_per_image"] >= 0


def test_little_memory_means_small_batches_and_the_same_map(lenet, images):
    seen = []
    handle = lenet.network.conv1.register_forward_pre_hook(
        lambda layer, inputs: seen.append(len(inputs[0]))
    )
    small, _ = explanation(integrated_gradients, lenet, images, memory=1, steps=3)
    handle.remove()
    assert max(seen) == 1
    large, _ = explanation(integrated_gradients, lenet, images, steps=3)
    np.testing.assert_allclose(small.relevance, large.relevance, rtol=0, atol=1e-5)
    assert torch.is_grad_enabled()
