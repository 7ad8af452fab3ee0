"""Images of one's own: what they lack is told before anything runs, or leaves a part out."""

import numpy as np
import pytest
import yaml
from PIL import Image
from support import ROOT

from plumbline.config.schema import load
from plumbline.errors import InputError


@pytest.fixture
def own(tmp_path):
    """The default configuration on images of one's own, which are in a folder per class."""
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / "pets" / name / "1.png")
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    pets = {"kind": "image_folder", "path": str(tmp_path / "pets"), "size": 8, "channels": 1}
    config["data"]["sources"] = {"pets": pets}
    return config | {"datasets": ["pets"], "models": ["lenet5"]}


def test_without_foreign_images_the_default_configuration_is_valid(own):
    config = load(own)
    assert "out_of_distribution" in config.latent.corpora
    assert config.also_encoded("pets") == []


@pytest.mark.parametrize("kind", ["npz", "image_folder"])
def test_images_to_learn_from_need_classes_and_foreign_ones_do_not(own, tmp_path, kind):
    source = own["data"]["sources"]
    if kind == "npz":
        np.savez(tmp_path / "flat.npz", x=np.zeros((3, 8, 8), np.uint8))
        flat = {"kind": "npz", "path": str(tmp_path / "flat.npz")}
    else:
        flat = source["pets"] | {"path": str(tmp_path / "pets/cats")}
    source["flat"] = flat
    source["pets"]["ood"] = ["flat"]
    load(own)
    own["datasets"] = ["flat"]
    with pytest.raises(InputError, match=r"^datasets: the images of flat have no classes; add"):
        load(own)


def test_what_needs_training_images_is_rejected_without_any(own):
    source = own["data"]["sources"]["pets"]
    source["splits"] = {"val": 0.1, "calibration": 0.4, "test": 0.5}
    with pytest.raises(InputError, match=r"^data\.sources\.pets\.splits: no image is left"):
        load(own)
    own["training"]["weights"] = {"pets": {"lenet5": {"path": __file__}}}
    own["uncertainty"]["models"] = []
    own["latent"]["corpora"] = []
    own["visualization"]["methods"] = {"am_noise": {"method": "activation_maximization"}}
    own["detection"]["scores"] = {"energy": {}}
    own["attribution"]["degradation"]["fills"] = ["0"]
    load(own)
    own["detection"]["scores"]["mahalanobis"] = {}
    with pytest.raises(InputError, match=r"detection\.scores\.mahalanobis needs"):
        load(own)
