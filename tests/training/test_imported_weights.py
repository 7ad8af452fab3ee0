"""Given weights: read safely from every usual form, fitted exactly, refused in a line."""

import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support import ROOT, SCRIPTS, Malicious

from plumbline.errors import InputError
from plumbline.models.classifier import Architecture, Classifier, logits
from plumbline.training.imported_weights import classifier_with, read_weights

ARCHITECTURE = Architecture("resnet20", {"channels": 1, "size": 28, "classes": 10, "width": 4})
CLASSES = tuple("0123456789")
MIRROR = os.environ.get("PLUMBLINE_MIRROR")


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(0)
    return ARCHITECTURE.build().state_dict()


def take(weights, mean=None, std=None):
    return classifier_with(weights, ARCHITECTURE, CLASSES, mean, std)


def test_every_usual_form_gives_the_same_net(weights, digits, tmp_path):
    prefixed = {f"module.{name}": tensor for name, tensor in weights.items()}
    plain = {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")}
    save_file(plain, tmp_path / "a.safetensors")
    torch.save(weights, tmp_path / "b.pth")
    torch.save({"state_dict": prefixed, "best_prec1": 91.7}, tmp_path / "c.th")
    torch.save(prefixed, tmp_path / "d.pt", _use_new_zipfile_serialization=False)
    reference = ARCHITECTURE.build().eval()
    reference.load_state_dict(weights)
    pixels = digits["test"].select(slice(8)).pixels
    expected = reference((torch.from_numpy(pixels) - 0.3) / 0.4)
    for path in sorted(tmp_path.iterdir()):
        net = take(read_weights(path), (0.3,), (0.4,))
        torch.testing.assert_close(logits(net, pixels), expected, rtol=1e-5, atol=1e-5)
        assert not net.training
        assert not any(p.requires_grad for p in net.parameters())


def test_without_mean_and_std_pixels_go_in_as_they_are(weights):
    net = take(weights)
    pixels = torch.rand(2, 1, 28, 28)
    assert torch.equal(net.normalise(pixels), pixels)


def less(weights, name):
    return {key: tensor for key, tensor in weights.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: less(w, "linear.bias"), r"linear\.bias is missing \(1 such\)"),
        (lambda w: w | {"fc.bias": torch.zeros(3)}, r"fc\.bias is unexpected \(1 such\)"),
        (
            lambda w: w | {"linear.weight": torch.zeros(100, 16)},
            r"linear\.weight is 100 x 16, the net's 10 x 16",
        ),
        (lambda w: w | {"bn1.weight": w["bn1.weight"] * torch.nan}, r"bn1\.weight is not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(weights, change, message):
    with pytest.raises(InputError, match=f"weights do not fit resnet20: {message}") as caught:
        take(change(dict(weights)))
    assert "\n" not in str(caught.value)


def test_mean_and_std_need_a_number_for_each_channel(weights):
    with pytest.raises(InputError, match="mean has 3 numbers for images of 1 channels"):
        take(weights, (0.1, 0.2, 0.3), (1.0, 1.0, 1.0))


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path):
    torch.save({"state_dict": Malicious(tmp_path / "harm")}, tmp_path / "evil.pth")
    (tmp_path / "old.pth").write_bytes(pickle.dumps(Malicious(tmp_path / "harm"), 2))
    for name in ("evil.pth", "old.pth"):
        with pytest.raises(InputError, match=rf"{name}: not a state dict of plain tensors"):
            read_weights(tmp_path / name)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("name", ["x.safetensors", "x.pth"])
def test_a_file_that_holds_no_weights_is_named(tmp_path, name):
    for content in (b"junk that is long enough to be read", b""):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: not ") as caught:
            read_weights(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="absent"):
        read_weights(tmp_path / "absent.pth")
    torch.save({"epoch": 3}, tmp_path / "y.pth")
    with pytest.raises(InputError, match="does not contain a state dict"):
        read_weights(tmp_path / "y.pth")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(weights, tmp_path, monkeypatch):
    """A server with a file of weights: its address and the file's SHA-256."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    torch.save({"state_dict": weights}, folder / "net-1.th")
    digest = hashlib.sha256((folder / "net-1.th").read_bytes()).hexdigest()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/net-1.th", digest
        server.shutdown()


@pytest.fixture
def script(digits, tmp_path):
    digits["test"].select(slice(3)).save(tmp_path / "test")

    def run(*more, mirror=None):
        environment = {k: v for k, v in os.environ.items() if k != "PLUMBLINE_MIRROR"}
        if mirror:
            environment["PLUMBLINE_MIRROR"] = str(mirror)
        words = ["--model", "resnet20", "--network", '{"width": 4}', "--images", tmp_path / "test"]
        words += ["--downloads", tmp_path / "downloads", "--out", tmp_path / "net", *more]
        return subprocess.run(
            [sys.executable, str(SCRIPTS / "import_weights.py"), *map(str, words)],
            capture_output=True,
            text=True,
            env=environment,
        )

    return run


def test_the_script_takes_the_mirror_before_the_network(script, served, weights, tmp_path):
    (tmp_path / "mirror").mkdir()
    plain = {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")}
    save_file(plain, tmp_path / "mirror" / "w.safetensors")
    url, digest = served
    words = ("--path", "w.safetensors", "--url", url, "--sha256", digest[:8])
    for mirror, origin, name in (
        (tmp_path / "mirror", "mirror", "w.safetensors"),
        (None, url, "weights/net-1.th"),
        (None, "downloads", "weights/net-1.th"),
    ):
        done = script(*words, mirror=mirror)
        assert done.returncode == 0, done.stderr
        net = Classifier.load(tmp_path / "net")
        assert (net.record["origin"], net.record["weights"]) == (origin, name)
        assert net.classes == CLASSES
        for key, tensor in plain.items():
            assert torch.equal(net.network.state_dict()[key], tensor)


def test_bad_input_to_the_script_is_one_line(script, served, weights, tmp_path):
    url, _ = served
    torch.save({"conv1.weight": weights["conv1.weight"]}, tmp_path / "part.pth")
    for words, message in (
        (("--path", tmp_path / "none.pth"), "no file"),
        (("--url", url), "url and sha256 must be given together"),
        (("--path", tmp_path / "part.pth"), "part.pth: the weights do not fit resnet20: bn1"),
    ):
        done = script(*words)
        assert done.returncode == 1
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "net").exists()


def jobs(folder, config):
    """Rule and net of the jobs that a dry run names."""
    (folder / "given.yaml").write_text(json.dumps(config))
    nets = [f"{folder}/models/digits/{model}/evaluation.csv" for model in ("lenet5", "resnet20")]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "-n", "-p", "--cores", "1", "--nolock"),
            *("--workflow-profile", "none", "--directory", str(folder), "-s", ROOT / "Snakefile"),
            *("--configfile", ROOT / "config/config.yaml", folder / "given.yaml", "--", *nets),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    output = done.stdout + done.stderr
    found = re.findall(r"^(?:local)?rule (\w+):\n(?:    .*\n)*?    wildcards: (.*)$", output, re.M)
    return {each for each in found if each[0] in ("train", "import_weights")}


def test_a_given_net_is_one_and_is_not_trained(weights, tmp_path):
    torch.save(weights, tmp_path / "w.pth")
    given = {"path": str(tmp_path / "w.pth"), "network": {"width": 4}}
    config = {"results": str(tmp_path), "models": ["lenet5", "resnet20"]}
    found = jobs(tmp_path, config | {"training": {"weights": {"digits": {"resnet20": given}}}})
    assert found == {("import_weights", "dataset=digits, model=resnet20")} | {
        ("train", f"dataset=digits, model=lenet5, objective=cross_entropy, seed={seed}")
        for seed in range(3)
    }


@pytest.mark.skipif(MIRROR is None, reason="PLUMBLINE_MIRROR is unset: no real weights")
def test_published_weights_classify_real_images():
    """ResNet-20 for CIFAR-10: .9173 of all test images, as published, here of the first 1,000."""
    with np.load(Path(MIRROR) / "cifar10_subset.npz") as arrays:
        images, labels = arrays["x_test"][:1000].transpose(0, 3, 1, 2), arrays["y_test"][:1000]
    net = classifier_with(
        read_weights(Path(MIRROR) / "weights/resnet20_cifar10.safetensors"),
        Architecture("resnet20", {"channels": 3, "size": 32, "classes": 10}),
        CLASSES,
        (0.485, 0.456, 0.406),
        (0.229, 0.224, 0.225),
    )
    right = logits(net, np.ascontiguousarray(images)).argmax(1).numpy() == labels
    assert right.mean() == pytest.approx(0.9173, abs=0.025)
