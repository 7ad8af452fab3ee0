"""The comparisons of our methods with those of other libraries, and their goals."""

from dataclasses import dataclass, field
from typing import Any

from plumbline.benchmarks import rivals
from plumbline.benchmarks.rivals import CELLS, Rival


@dataclass(frozen=True)
class Sizes:
    """Numbers of images for each kind of method, and duration of the measurement."""

    images: int = 128
    many_passes: int = 32
    perturbed: int = 4
    steps: int = 50
    samples: int = 500
    permutations: int = 400
    rounds: int = 5
    seconds: float = 2.0  # further rounds until this time is over


@dataclass(frozen=True)
class Contest:
    """A method of ours, its counterparts in other libraries, and the goals for ratios of times.

    The goal is 1 where ``goals`` has none; relative to the limit it is 1.3 if the method only
    evaluates the net and its gradient (``plain``).  ``images`` is the number of images explained.
    """

    method: str
    images: int
    rivals: dict[str, Rival]
    goals: dict[str, float] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    plain: bool = True


def gradient_contests(sizes: Sizes) -> list[Contest]:
    """Methods based on gradients."""
    captum, zennit, steps, n = rivals.captum, rivals.zennit, sizes.steps, sizes.images
    return [
        Contest(
            "gradient",
            n,
            {"captum": captum("Saliency", abs=False), "zennit": zennit("Gradient")},
        ),
        Contest("saliency", n, {"captum": captum("Saliency")}),
        Contest("gradient_x_input", n, {"captum": captum("InputXGradient")}),
        Contest(
            "integrated_gradients",
            sizes.many_passes,
            {
                "captum": captum("IntegratedGradients", n_steps=steps),
                "zennit": zennit("IntegratedGradients", n_iter=steps),
            },
            options={"steps": steps},
        ),
        Contest(
            "smoothgrad",
            sizes.many_passes,
            {
                "captum": rivals.captum_smoothgrad(steps),
                "zennit": zennit("SmoothGrad", noise_level=0.15, n_iter=steps),
            },
            options={"samples": steps},
        ),
        Contest(
            "guided_backpropagation",
            n,
            {"captum": captum("GuidedBackprop"), "zennit": zennit("Gradient", "GuidedBackprop")},
        ),
        Contest(
            "deconvnet",
            n,
            {"captum": captum("Deconvolution"), "zennit": zennit("Gradient", "DeconvNet")},
        ),
        Contest("grad_cam", n, {"captum": rivals.captum_grad_cam}, plain=False),
        Contest("deeplift", n, {"captum": captum("DeepLift")}, plain=False),
        *_lrp_contests(n),
    ]


def _lrp_contests(images: int) -> list[Contest]:
    captum, zennit, goals = rivals.captum_lrp, rivals.zennit_lrp, {"zennit": 0.7}
    ones = {"alpha": 1.0, "beta": 0.0}
    names = {
        "lrp_epsilon": (captum("EpsilonRule"), zennit("Epsilon"), {}),
        "lrp_gamma": (captum("GammaRule"), zennit("Gamma"), {}),
        "lrp_alpha_beta": (captum("Alpha1_Beta0_Rule"), zennit("AlphaBeta", **ones), ones),
    }
    return [
        Contest(name, images, {"captum": one, "zennit": other}, goals, options, plain=False)
        for name, (one, other, options) in names.items()
    ]


def perturbation_contests(sizes: Sizes, side: int) -> list[Contest]:
    """Methods that occlude parts of images with sides of ``side`` pixels."""
    samples, block = {"samples": sizes.samples}, side // CELLS
    return [
        Contest(
            "occlusion",
            sizes.perturbed,
            {"captum": rivals.captum_occlusion, "zennit": rivals.zennit_occlusion},
            {"captum": 0.1},
            {"block": block, "stride": block},
        ),
        Contest(
            "lime",
            sizes.perturbed,
            {
                "captum": rivals.captum_superpixels("Lime", **samples),
                "lime": rivals.lime(**samples),
            },
            options=samples,
        ),
        Contest(
            "kernel_shap",
            sizes.perturbed,
            {
                "captum": rivals.captum_superpixels("KernelShap", **samples),
                "shap": rivals.shap(**samples),
            },
            {"captum": 0.1, "shap": 0.5},
            samples,
        ),
    ]
