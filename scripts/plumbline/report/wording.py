"""Names of the configuration in the words of the field."""

KNOWN = {
    "lenet5": "LeNet-5",
    "alexnet": "AlexNet",
    "resnet34": "ResNet-34",
    "mc_dropout": "MC dropout",
    "ensemble": "deep ensemble",
    "gaussian_fuzzing": "Gaussian fuzzing",
    "kernel_shap": "KernelSHAP",
    "lrp_epsilon": "LRP-ε",
    "gradient_x_input": "gradient × input",
    "smoothgrad": "SmoothGrad",
    "random": "random (control)",
    "intensity": "intensity (control)",
    "max_probability": "maximum probability",
    "ood": "out of distribution",
    "brier": "Brier score",
}
ACRONYMS = {each.lower(): each for each in ("FGSM", "PGD", "LRP", "LIME", "NLL", "ECE", "CAM")}


def words(name: str) -> str:
    """A name of the configuration as a reader would write it."""
    return KNOWN.get(name) or " ".join(ACRONYMS.get(part, part) for part in name.split("_"))


def describe(name: str) -> str:
    """The name of an image set as a reader would write it: ``pgd_eps0.3`` is PGD, ε = 0.3."""
    base, _, epsilon = name.removeprefix("ood_").rpartition("_eps")
    if not base:
        return words(epsilon)
    return f"{words(base)}, ε = {epsilon}"
