"""Names of the configuration in the words of the field."""

KNOWN = {
    "lenet": "LeNet",
    "lenet5": "LeNet-5",
    "alexnet": "AlexNet",
    "resnet20": "ResNet-20",
    "resnet34": "ResNet-34",
    "resnet56": "ResNet-56",
    "squeezenet1_1": "SqueezeNet 1.1",
    "mc_dropout": "MC dropout",
    "ensemble": "deep ensemble",
    "softmax_scaled": "softmax, temperature-scaled",
    "mc_dropout_logits": "MC dropout, mean of logits",
    "dropout_ensemble": "ensemble of MC dropout",
    "bayes_by_backprop": "Bayes by backprop",
    "evidential_log": "evidential, log loss",
    "evidential_digamma": "evidential, digamma loss",
    "mlp": "MLP",
    "deepfool": "DeepFool",
    "carlini_wagner": "Carlini-Wagner",
    "hop_skip_jump": "HopSkipJump",
    "pgd_adaptive_label_change": "PGD against label change",
    "pgd_adaptive_max_probability": "PGD against maximum probability",
    "gaussian_fuzzing": "Gaussian fuzzing",
    "inversion_after_normalisation": "inversion after batch norm.",
    "gradient_x_input": "gradient × input",
    "simple_taylor": "simple Taylor",
    "smoothgrad": "SmoothGrad",
    "smoothgrad_guided": "SmoothGrad, guided",
    "deconvnet": "DeConvNet",
    "deconvnet_partial": "DeConvNet, partial",
    "deep_taylor": "deep Taylor",
    "lrp_0": "LRP-0",
    "lrp_epsilon": "LRP-ε",
    "lrp_gamma": "LRP-γ",
    "lrp_alpha1_beta0": "LRP-α1β0",
    "lrp_alpha2_beta1": "LRP-α2β1",
    "lrp_alpha_beta": "LRP-αβ",
    "lrp_composite": "LRP composite",
    "lrp_composite_box": "LRP composite, zᴮ",
    "lrp_transposed": "LRP, transposed layers",
    "deeplift": "DeepLIFT",
    "deeplift_rescale": "DeepLIFT rescale",
    "deeplift_linear": "DeepLIFT linear",
    "deeplift_reveal_cancel": "DeepLIFT reveal-cancel",
    "grad_cam": "Grad-CAM",
    "kernel_shap": "KernelSHAP",
    "random": "random (control)",
    "intensity": "intensity (control)",
    "edges": "edges (control)",
    "log_odds": "log-odds",
    "gan": "GAN",
    "dcgan": "DCGAN",
    "am_noise": "AM, noise",
    "am_noise_mean": "AM, noise to class mean",
    "am_natural": "AM, natural",
    "am_mean": "AM, class mean",
    "am_image": "AM, training image",
    "class_visualization_kernel": "class visualization, kernel",
    "deep_dream": "DeepDream",
    "code_gan": "AM, GAN codes",
    "code_dcgan": "AM, DCGAN codes",
    "max_probability": "maximum probability",
    "mahalanobis": "Mahalanobis distance",
    "nearest_neighbours": "distance to nearest neighbours",
    "latent_density": "latent density of the VAE",
    "reconstruction_error": "reconstruction error of the VAE",
    "explanation_disagreement": "disagreement of explanations",
    "logistic": "logistic regression",
    "lcr": "label change rate",
    "both": "conductance and label change rate",
    "all": "these and softmax",
    "extension": "training on holes",
    "ood": "out of distribution",
    "brier": "Brier score",
    "brier_difference": "Brier score difference",
    "risk_coverage": "risk and coverage",
}
LEFT_OUT = "not in this configuration"
ACRONYMS = {each.lower(): each for each in ("FGSM", "PGD", "LRP", "LIME", "NLL", "ECE", "CAM")}


def words(name: str) -> str:
    """A name of the configuration as a reader would write it."""
    if name in KNOWN:
        return KNOWN[name]
    first, _, letter = name.rpartition("_")
    if first in KNOWN and len(letter) == 1:  # a replicate
        return f"{KNOWN[first]} {letter}"
    return " ".join(ACRONYMS.get(part, part) for part in name.split("_"))


def phrase(name: str) -> str:
    """Several names joined by underscores: ``lenet5_modified_backward`` is LeNet-5, modified
    backward.  Known names stand apart, what lies between them stays together."""
    parts, found, rest = name.split("_"), [], []
    while parts:
        ends = range(len(parts), 0, -1)
        end = next((n for n in ends if "_".join(parts[:n]) in KNOWN), 0)
        if end:
            found += ["_".join(rest)] if rest else []
            found.append("_".join(parts[:end]))
            rest, parts = [], parts[end:]
        else:
            rest.append(parts.pop(0))
    found += ["_".join(rest)] if rest else []
    return ", ".join(words(each) for each in found)


def describe(name: str) -> str:
    """The name of an image set as a reader would write it: ``pgd_eps0.3`` is PGD, ε = 0.3."""
    base, _, epsilon = name.removeprefix("ood_").rpartition("_eps")
    if not base:
        return words(epsilon)
    return f"{words(base)}, ε = {epsilon}"
