"""A complete tree of made-up results, its tables, and the report built from it."""

import json
import subprocess
import sys

import fake_latent
import pytest
import yaml
from fake_results import CORPORA, DATASET, METHODS, MODELS, make
from support import ROOT, SCRIPTS

from plumbline.config.schema import load
from plumbline.report.families import by_family
from plumbline.report.spec import Drawing


@pytest.fixture(scope="session")
def run():
    """Run a script as the rules do; returns what it printed on standard error."""

    def call(script, *arguments, expect=0):
        command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == expect, done.stderr
        return done.stderr

    return call


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser without a window."""
    from chromium import browser

    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="session")
def fake(tmp_path_factory):
    """The tree of results."""
    return make(tmp_path_factory.mktemp("fake"))


@pytest.fixture(scope="session")
def latent(tmp_path_factory):
    """The tree that the explorer is made from."""
    return fake_latent.make(tmp_path_factory.mktemp("latent"))


@pytest.fixture(scope="session")
def build_explorer(run, latent):
    """Build the explorer as its rule does; returns what the script printed on standard error."""

    def build(out, train=latent / "train.safetensors", expect=0):
        folders = [latent / corpus for corpus in fake_latent.CORPORA]
        nets = [folder / model for folder in folders for model in fake_latent.MODELS]
        return run(
            "build_page.py",
            "explorer",
            *("--dataset", DATASET, "--train", train),
            *("--vaes", *(folder / "vae.safetensors" for folder in folders)),
            *("--codes", *(folder / "codes.safetensors" for folder in folders)),
            *("--maps", *(f"{net}.safetensors" for net in nets)),
            *("--holes", *(f"{net}.holes.safetensors" for net in nets)),
            *("--estimators", *fake_latent.ESTIMATORS["lenet5"]),
            *("--measures", *fake_latent.MEASURES),
            *("--back", f"index.html#latent-{DATASET}", "--out", out),
            expect=expect,
        )

    return build


@pytest.fixture(scope="session")
def explorer(build_explorer, latent):
    """The page to point at the latent maps."""
    build_explorer(latent / f"report/latent_{DATASET}.html")
    return latent / f"report/latent_{DATASET}.html"


@pytest.fixture(scope="session")
def tables(run, fake):
    """Path of the joined table of every stage, by name."""
    from plumbline.storage.tables import read_rows, write_csv

    parts = {
        "training": "models/*/*/[et]*.csv",
        "attacks": "attacks/*/*/*.csv",
        "uncertainty": "uncertainty/*/*/measures.csv",
        "refusal": "uncertainty/*/*/refusal.csv",
        "latent": "latent/*/*/*[!sn].csv",
        "holes": "latent/*/*/*.holes.csv",
        "extension": "latent/*/*/extension.csv",
        "interpolation": f"latent/*/{CORPORA[0]}/*.interpolation.csv",
        "attribution": "attribution/*/*/degradation.csv",
        "log_odds": "attribution/*/*/log_odds.csv",
        "randomization": "attribution/*/*/randomization.csv",
        "visualization": "visualization/*/*/*.csv",
        "cost": "attribution/*/*/*.cost.csv",
        "stability": "stability/*/*/*.csv",
        "detection": "detection/*/*.csv",
        "detectors": "detection/*/*/detectors.csv",
    }
    found = {}
    for name, pattern in parts.items():
        found[name] = fake / f"tables/{name}.csv"
        rows = [row for path in sorted(fake.glob(pattern)) for row in read_rows(path)]
        write_csv(found[name], rows)
    found["leaderboard"] = fake / "tables/leaderboard.csv"
    parts = sorted(fake.glob("detection/*/*.csv"))
    run("compare_scores.py", "ranks", "--tables", *parts, "--out", found["leaderboard"])
    return found


@pytest.fixture(scope="session")
def leaderboard(run, tables):
    """The page of all scores."""
    out = tables["leaderboard"].parent / "report/leaderboard.html"
    how = ("--leaderboard", tables["leaderboard"], "--back", "index.html#detection")
    run("build_page.py", "leaderboard", *how, "--out", out)
    return out


@pytest.fixture(scope="session")
def drawings():
    """Every figure of the page, of nets, corpora and methods in the results."""
    alone = ["accuracy", "reliability", "training_curves", "attacks", "stability"]
    alone += ["risk_coverage", "refusal", "interpolation", "ranks", "detectors"]
    found = [Drawing(kind, DATASET, {}) for kind in alone]
    found += [Drawing("sweep", DATASET, {"vary": vary}) for vary in ("samples", "members")]
    entropy = {"measure": "entropy", "grid": ""}
    found += [Drawing("latent", DATASET, {"corpus": corpus} | entropy) for corpus in CORPORA]
    for kind in ("latent_points", "latent_distance", "holes"):
        found += [Drawing(kind, DATASET, {"corpus": corpus}) for corpus in CORPORA]
    for model in MODELS:
        for measure in ("entropy", "mutual_information"):
            found.append(Drawing("uncertainty", DATASET, {"measure": measure, "model": model}))
        for family in by_family(list(METHODS)):
            found.append(Drawing("gallery", DATASET, {"model": model, "family": family}))
        found.append(Drawing("degradation", DATASET, {"part": "gain", "model": model}))
        kinds = ["calibration", "shifts", "rotation", "extension", "log_odds", "cost", "detection"]
        found += [Drawing(kind, DATASET, {"model": model}) for kind in kinds]
    return found


@pytest.fixture(scope="session")
def figures(fake, drawings):
    """A small picture for each of them."""
    from PIL import Image

    found = [fake / drawing.file for drawing in drawings]
    found[0].parent.mkdir(parents=True)
    for number, (drawing, path) in enumerate(zip(drawings, found, strict=True)):
        height = 3000 if drawing.kind == "gallery" else 300
        Image.new("RGB", (1650, height), (220, 230, number)).save(path)
    return found


@pytest.fixture(scope="session")
def config():
    return load(yaml.safe_load((ROOT / "config/config.yaml").read_text())).model_dump(mode="json")


@pytest.fixture(scope="session")
def coverage():
    """Why a method of a net has no job, of nets and methods in the results and others."""
    left_out = "not in this configuration"
    nets = {model: dict.fromkeys(METHODS, "") | {"saliency": left_out} for model in MODELS}
    nets["lenet5"]["cam"] = "no head of global average pooling and one dense layer"
    nets["alexnet"]["cam"] = ""
    return nets | {"resnet20": dict.fromkeys([*METHODS, "cam", "saliency"], left_out)}


@pytest.fixture(scope="session")
def report(run, fake, tables, drawings, figures, config, coverage, explorer, leaderboard):
    """The page, built by its script from tables, figures and the judged claims."""
    claims, ledger, out = ROOT / "config/claims.yaml", fake / "claims.csv", fake / "index.html"
    run("judge_claims.py", "--claims", claims, "--tables", *tables.values(), "--out", ledger)
    (fake / "benchmarks").mkdir()
    (fake / "benchmarks/train.tsv").write_text("s\th:m:s\n61.5\t0:01:01\n")
    content = {
        "configuration": config,
        "coverage": {DATASET: coverage},
        "left_out": [],
        "figures": [vars(drawing) for drawing in drawings],
        "hashes": {"train.py": "0123456789abcdef"},
        "pins": {},
    }
    (fake / "config.json").write_text(json.dumps(content))
    run(
        "build_page.py",
        "report",
        *("--configuration", fake / "config.json"),
        *("--claims", claims, "--ledger", ledger, "--tables", *tables.values()),
        *("--published", ROOT / "config/published.yaml"),
        *("--manifests", *sorted(fake.glob("data/*/manifest.json"))),
        *("--results", fake, "--out", out),
        *("--explorers", explorer, leaderboard),
    )
    return out
