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
            "build_explorer.py",
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
    run("rank.py", "--tables", *parts, "--out", found["leaderboard"])
    return found


@pytest.fixture(scope="session")
def leaderboard(run, tables):
    """The page of all scores."""
    out = tables["leaderboard"].parent / "report/leaderboard.html"
    how = ("--leaderboard", tables["leaderboard"], "--back", "index.html#detection")
    run("build_leaderboard.py", *how, "--out", out)
    return out


@pytest.fixture(scope="session")
def figures(fake):
    """A small picture for every figure of the page."""
    from PIL import Image

    names = ["accuracy", "reliability", "training_curves", "attacks", "stability"]
    names += ["risk_coverage", "refusal", "sweep_samples", "sweep_members"]
    for kind in ("latent_{}_entropy", "latent_points_{}", "latent_distance_{}", "holes_{}"):
        names += [kind.format(corpus) for corpus in CORPORA]
    names += ["interpolation", "ranks", "detectors"]
    families = by_family(list(METHODS))
    names += [f"gallery_{model}_{family}" for model in MODELS for family in families]
    kinds = ["uncertainty_entropy", "uncertainty_mutual_information", "calibration", "shifts"]
    kinds += ["rotation", "extension"]
    for kind in (*kinds, "degradation_gain", "log_odds", "cost", "detection"):
        names += [f"{kind}_{model}" for model in MODELS]
    found = [fake / f"figures/{DATASET}/{name}.png" for name in names]
    found[0].parent.mkdir(parents=True)
    for number, path in enumerate(found):
        height = 3000 if path.stem.startswith("gallery") else 300
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
def report(run, fake, tables, figures, config, coverage, explorer, leaderboard):
    """The page, built by its script from tables, figures and the judged claims."""
    claims, ledger, out = ROOT / "config/claims.yaml", fake / "claims.csv", fake / "index.html"
    run("judge_claims.py", "--claims", claims, "--tables", *tables.values(), "--out", ledger)
    (fake / "benchmarks").mkdir()
    (fake / "benchmarks/train.tsv").write_text("s\th:m:s\n61.5\t0:01:01\n")
    content = {
        "configuration": config,
        "coverage": {DATASET: coverage},
        "left_out": [],
        "hashes": {"train.py": "0123456789abcdef"},
        "pins": {},
    }
    (fake / "config.json").write_text(json.dumps(content))
    run(
        "build_report.py",
        *("--configuration", fake / "config.json"),
        *("--claims", claims, "--ledger", ledger, "--tables", *tables.values()),
        *("--published", ROOT / "config/published.yaml"),
        *("--figures", *figures),
        *("--manifests", *sorted(fake.glob("data/*/manifest.json"))),
        *("--benchmarks", fake / "benchmarks", "--out", out),
        *("--explorers", explorer, leaderboard),
    )
    return out
