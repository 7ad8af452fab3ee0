"""Families of attribution methods: how figures and tables group them.

The family follows from the name of a method in the configuration.
"""

import re

FAMILIES = {
    "gradient": "Gradients",
    "modified_backward": "Modified backward passes",
    "lrp": "Relevance propagation",
    "deeplift": "DeepLIFT",
    "activation_maps": "Activation maps",
    "perturbation": "Perturbation",
    "others": "Others",
    "controls": "Controls",
}
"""Heading of each family by its name, in the order in which they are shown."""

MEMBERS = {
    "gradient": r"saliency|gradient|gradient_x_input|simple_taylor|integrated_gradients|smoothgrad",
    "modified_backward": r"guided_backpropagation|deconvnet",
    "lrp": r"lrp|deep_taylor",
    "deeplift": r"deeplift",
    "activation_maps": r"cam|grad_cam",
    "perturbation": r"occlusion|lime|kernel_shap",
    "controls": r"random|intensity|edges",
}


def family(method: str) -> str:
    """The family of an entry of the configuration: a key of :data:`FAMILIES`.

    An entry belongs to the family that its name begins with, up to an underscore:
    ``smoothgrad_guided`` to the gradients; any other name to ``others``.
    """
    for name, members in MEMBERS.items():
        if re.fullmatch(rf"(?:{members})(?:_.*)?", method):
            return name
    return "others"


def by_family(methods: list[str]) -> dict[str, list[str]]:
    """The methods of each family that has any, families and methods in order."""
    found = {name: [each for each in methods if family(each) == name] for name in FAMILIES}
    return {name: members for name, members in found.items() if members}
