"""Every visualization climbs, stays in bounds and repeats; each has its form and its optimum."""

import copy

import pytest
import torch
from torch.nn import functional as F

from plumbline.errors import InputError
from plumbline.models.classifier import logits
from plumbline.registry import VISUALIZATIONS
from plumbline.visualization import ascent
from plumbline.visualization.ascent import probability
from plumbline.visualization.material import Material, noise
from plumbline.visualization.methods import activation_maximization, class_visualization

SHORT = {
    "activation_maximization": {"steps": 60},
    "class_visualization": {"steps": 30},
    "deep_dream": {"steps": 8},
    "code_space": {"steps": 60, "rate": 0.5},
}
TARGETS = torch.tensor([3, 3, 0, 6])


def make(name, net, material, targets=TARGETS, seed=1, **more):
    method = VISUALIZATIONS.load(name)
    return method(net, targets, material, seed=seed, **SHORT.get(name, {"steps": 60}) | more)


@pytest.mark.parametrize("name", VISUALIZATIONS.names())
def test_bounds_shape_and_type(name, lenet, exact, material):
    for net in (lenet, exact):
        images = make(name, net, material)
        assert images.shape == (4, 1, 28, 28)
        assert images.dtype == net.mean.dtype
        assert not images.requires_grad
        assert images.min() >= 0
        assert images.max() <= 1
        assert len(images.unique()) > 300  # no rounding to 8 bits


@pytest.mark.parametrize("name", VISUALIZATIONS.names())
def test_more_steps_raise_what_is_climbed(name, lenet, material):
    """Of activation maximization the probability, of the others the logit."""

    def logit(images):
        return lenet(images).gather(1, TARGETS[:, None])

    def answer(images):
        return probability(lenet, images, TARGETS)

    climbed = logit if name in ("class_visualization", "deep_dream") else answer
    steps = [SHORT.get(name, {"steps": 60})["steps"] * part // 4 for part in range(5)]
    found = [make(name, lenet, material, steps=each) for each in steps]
    means = [climbed(images).mean().item() for images in found]
    assert means == sorted(means)
    assert means[-1] > means[0]
    assert answer(found[-1]).mean() > 0.5  # the generator here is untrained


def test_the_start_is_noise_the_class_mean_a_training_image_or_a_sample(
    lenet, material, digits, generator
):
    train = digits["train"]
    start = {
        how: make("activation_maximization", lenet, material, start=how, steps=0)
        for how in ("noise", "mean", "image")
    }
    assert 0.45 < start["noise"].mean() < 0.55
    for image, target in zip(start["mean"], TARGETS.tolist(), strict=True):
        mean = train.pixels[train.labels == target].mean(0)
        torch.testing.assert_close(image, torch.from_numpy(mean), rtol=0, atol=1e-6)
    pool = torch.from_numpy(train.pixels)
    for image, target in zip(start["image"], TARGETS.tolist(), strict=True):
        same = (pool == image).flatten(1).all(1)
        assert (train.labels[same.numpy()] == target).all()
        assert same.any()
    assert not torch.equal(start["image"][0], start["image"][1])  # two starts of class 3
    dream = make("deep_dream", lenet, material, steps=0)
    assert (pool[:, None] == dream).flatten(2).all(2).any(0).all()
    codes = make("code_space", lenet, material, steps=0)
    assert codes.shape == start["noise"].shape
    assert torch.equal(codes, make("code_space", lenet, material, steps=0, l2=5.0))


@pytest.mark.parametrize("name", VISUALIZATIONS.names())
def test_the_seed_decides_and_nets_and_global_randomness_are_left_alone(name, lenet, material):
    before = copy.deepcopy(lenet.state_dict())
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again = (make(name, lenet, material) for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first, again)
    assert not torch.equal(first, make(name, lenet, material, seed=2))
    assert all(torch.equal(before[key], value) for key, value in lenet.state_dict().items())
    assert not any(module._forward_hooks for module in lenet.modules())


# A plain step is in proportion to the weight, so that small weights want long ones.
OPTIMUM = {
    "activation_maximization": {"steps": 300, "rate": 0.05, "threshold": 1.1},
    "class_visualization": {"steps": 5, "rate": 1e5},
}


@pytest.mark.parametrize("name", OPTIMUM)
def test_the_optimum_on_a_linear_net_is_the_sign_of_its_weights(name, linear, material):
    """w x is largest in the box where x is 1 for positive and 0 for negative weights; the
    cross-entropy that activation maximization lowers instead has another optimum, so there the
    net is given one class's weights and their negatives."""
    net = copy.deepcopy(linear)
    weights = net.network.output.weight
    weights[1] = -weights[0]
    weights[2:] = 0
    images = make(name, net, material, torch.tensor([0, 1]), **OPTIMUM[name])
    for image, sign in zip(images.flatten(1), (1, -1), strict=True):
        assert torch.equal(image, (sign * weights[0] > 0).double())


def test_l2_moves_the_optimum_on_a_linear_net_to_its_closed_form(linear, material):
    """w x - l2 |x - m|^2 is largest at m + w / (2 l2), cut to the box."""
    net = copy.deepcopy(linear)
    net.mean.fill_(0.3)
    weight, l2 = net.network.output.weight[0], 0.05
    net.network.output.weight.copy_(weight.expand(10, -1))
    images = make("class_visualization", net, material, TARGETS[:1], steps=400, rate=0.002, l2=l2)
    expected = (net.mean.flatten() + weight / (2 * l2)).clamp(0, 1)
    found = (images.flatten(1)[0] - expected).abs()
    assert found.max() < 0.01


def test_distance_and_total_variation_are_their_closed_forms():
    images = torch.zeros(2, 1, 4, 4, dtype=torch.float64)
    images[0, 0, 1:3, 1:3] = 0.5  # a square: its outline has 8 edges of 0.5
    images[1] = torch.linspace(0, 1, 4)  # four ramps from 0 to 1
    assert ascent.total_variation(images).tolist() == pytest.approx([4.0, 4.0])
    assert ascent.distance(images, images[:1]).tolist() == pytest.approx(
        [0.0, (images[1] - images[0]).square().sum().sqrt().item()]
    )
    at_anchor = images[:1].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(ascent.distance(at_anchor, images[:1]).sum(), at_anchor)
    assert (gradient == 0).all()


def test_terms_of_activation_maximization_do_what_they_say(lenet, material):
    plain = make("activation_maximization", lenet, material, threshold=1.1)
    smooth = make("activation_maximization", lenet, material, threshold=1.1, variation=0.01)
    near = make("activation_maximization", lenet, material, threshold=1.1, anchor="mean", l2=0.3)
    variation = ascent.total_variation
    assert (variation(smooth) < 0.7 * variation(plain)).all()
    mean = material.mean(lenet, TARGETS)
    assert (ascent.distance(near, mean) < 0.7 * ascent.distance(plain, mean)).all()
    jittered = make("activation_maximization", lenet, material, jitter=2, steps=150)
    assert not torch.equal(jittered, plain)
    assert (probability(lenet, jittered, TARGETS) > 0.9).all()


def test_each_image_stops_when_the_net_is_sure_and_goes_its_own_way(lenet, material):
    options = {"steps": 400, "threshold": 0.99, "start": "mean"}
    together = make("activation_maximization", lenet, material, **options)
    found = probability(lenet, together, TARGETS)
    assert (found >= 0.99).all()
    start = material.mean(lenet, TARGETS)
    sure = probability(lenet, start, TARGETS) >= 0.99
    assert torch.equal(together[sure], start[sure])
    easy = F.softmax(logits(lenet, together), 1).max()
    assert easy < 1  # not driven on to the end
    alone = make("activation_maximization", lenet, material, TARGETS[2:3], **options)
    torch.testing.assert_close(alone[0], together[2], rtol=0, atol=1e-5)


def test_the_kernel_blurs_before_every_kth_step(lenet, material):
    start = noise(lenet, 2, 0)
    images = class_visualization.blurred(start, 1.0)
    assert ascent.total_variation(images).max() < 0.5 * ascent.total_variation(start).min()
    unit = torch.zeros(1, 1, 15, 15)
    unit[..., 7, 7] = 1
    kernel = class_visualization.blurred(unit, 1.5)[0, 0, 7]
    assert (kernel[8] / kernel[7]).item() == pytest.approx(torch.tensor(-1 / 4.5).exp().item())
    runs = {
        (steps, every): make("class_visualization", lenet, material, steps=steps, blur_every=every)
        for steps in (5, 6)
        for every in (0, 5)
    }
    assert torch.equal(runs[5, 0], runs[5, 5])
    assert not torch.equal(runs[6, 0], runs[6, 5])


def test_deep_dream_makes_a_layer_stronger(lenet, material):
    place = list(lenet.network._modules).index("relu2") + 1

    def strength(images):
        return lenet.network.part(lenet.normalise(images), stop=place).square().mean()

    start = make("deep_dream", lenet, material, steps=0)
    for layer in ("relu2", "dense1"):
        dreamt = make("deep_dream", lenet, material, layer=layer)
        assert not torch.equal(dreamt, start)
    assert strength(make("deep_dream", lenet, material, layer="relu2")) > 1.5 * strength(start)


def test_resizing_equals_that_of_torch(exact):
    images = noise(exact, 2, 0)
    for size, antialias in ((14, True), (20, True), (45, False)):
        expected = F.interpolate(images, (size, size), mode="bilinear", antialias=antialias)
        torch.testing.assert_close(ascent.resized(images, size), expected, rtol=0, atol=1e-12)
    assert ascent.resized(images, 28) is images


def test_code_space_keeps_codes_near_the_prior(lenet, material, generator, monkeypatch):
    norms = {}
    real = type(generator).forward

    def watched(self, codes):
        norms["last"] = codes.norm(dim=1).mean().item()
        return real(self, codes)

    monkeypatch.setattr(type(generator), "forward", watched)
    found = []
    for l2 in (0.0, 1.0):
        make("code_space", lenet, material, l2=l2, threshold=1.1)
        found.append(norms["last"])
    assert found[1] < 0.8 * found[0]


def test_missing_inputs_are_reported(lenet, material, digits, generator):
    bare = Material()
    for options in ({"start": "mean"}, {"start": "image"}, {"anchor": "mean"}):
        with pytest.raises(InputError, match=r"no training images of class '3'.*start: noise"):
            make("activation_maximization", lenet, bare, **options)
    without = digits["train"].select(digits["train"].labels != 6)
    with pytest.raises(InputError, match="no training images of class '6'"):
        make("deep_dream", lenet, Material(without))
    with pytest.raises(InputError, match="generator 'dcgan' is not given"):
        make("code_space", lenet, material, generator="dcgan")
    with pytest.raises(InputError, match="is 10 pixels wide, below 12; set fewer"):
        make("deep_dream", lenet, material, octaves=4)
    with pytest.raises(InputError, match="no 'relu4'; did you mean 'relu"):
        make("deep_dream", lenet, material, layer="relu4")
    with pytest.raises(InputError, match="start must be one of noise, mean, image, not 'zero'"):
        make("activation_maximization", lenet, material, start="zero")
    with pytest.raises(InputError, match="l2 must be at least 0"):
        make("class_visualization", lenet, material, l2=-1.0)
    assert make("activation_maximization", lenet, bare).shape == (4, 1, 28, 28)
    assert activation_maximization.ANCHORS == ("start", "mean", "black")
