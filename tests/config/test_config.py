"""The configuration: in step with its models and its schema, and clear about every fault."""

import copy
import json

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from support import ROOT

from plumbline.config.schema import load, schema
from plumbline.config.whole import Config
from plumbline.errors import InputError

CONFIGS = sorted((ROOT / "config").glob("*.yaml"))
OTHERS = ("config", "claims", "published", "tolerances")
OVERLAYS = [path for path in CONFIGS if path.stem not in OTHERS]


def read(name="config"):
    return yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())


def merge(base, over):
    """What Snakemake's --configfile does."""
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value
    return base


def test_the_schema_for_editors_is_in_step():
    kept = json.loads((ROOT / "config/schema.json").read_text())
    assert kept == schema(), (
        "run: PYTHONPATH=scripts python -m plumbline.config.schema > config/schema.json"
    )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_editors_find_no_fault_with_what_is_here(path):
    """Only what fits into the schema has no faults; claims and the like have another."""
    given = yaml.safe_load(path.read_text())
    faults = [each.message for each in Draft202012Validator(schema()).iter_errors(given)]
    assert bool(faults) == (path.stem in OTHERS[1:]), faults


def test_every_default_is_the_one_in_the_default_configuration():
    """config.yaml shows every key; where the model has a scalar default, it is the same."""

    def compare(section: BaseModel, given: dict, place: str):
        for name, field in type(section).model_fields.items():
            assert name in given, f"{place}{name} is not in config.yaml"
            value = getattr(section, name)
            if isinstance(value, BaseModel):
                compare(value, given[name], f"{place}{name}.")
            elif field.default is not None and isinstance(field.default, int | float | str):
                assert given[name] == field.default, f"{place}{name}"

    given = read()
    compare(load(given), given, "")


def test_every_field_is_described():
    def walk(model):
        for name, field in model.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                walk(inner)
            else:
                assert name in ("datasets", "models") or field.description, f"{model}.{name}"

    walk(Config)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror with every file that an overlay names, all empty."""
    for path in OVERLAYS:
        sources = yaml.safe_load(path.read_text()).get("data", {}).get("sources", {})
        for source in sources.values():
            for key in ("path", "labels", "classes"):
                if isinstance(name := source.get(key), str):
                    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                    (tmp_path / name).touch()
    monkeypatch.setenv("PLUMBLINE_MIRROR", str(tmp_path))


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: path.stem)
def test_every_overlay_is_valid(path, mirror):
    load(merge(read(), yaml.safe_load(path.read_text())))


SIZES = ("images", "samples", "epochs", "seeds", "members", "mutants", "pairs", "points", "steps")


def sizes(settings, *place):
    """All numbers in a configuration that say how large a run is, by place."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from sizes(value, *place, key)
        elif key in SIZES and isinstance(value, int):
            yield (*place, key), value


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_full_reproduction_is_nowhere_smaller(name):
    whole = merge(read(), read("full"))
    merge(whole["training"]["models"], whole["training"]["datasets"].get(name, {}))
    full = dict(sizes(whole))
    here = [(place, size) for place, size in sizes(read(name)) if place in full]
    assert len(here) > 5
    assert {place: full[place] for place, size in here if full[place] < size} == {}


def test_the_subset_of_cifar10_lies_over_cifar10(mirror):
    config = merge(merge(read(), read("cifar10")), read("cifar10_subset"))
    source = load(config).data.sources["cifar10"]
    assert (source.kind, source.splits_of, len(source.classes)) == ("npz", "test", 10)


def test_photographs_that_are_nowhere_are_named(monkeypatch):
    monkeypatch.delenv("PLUMBLINE_MIRROR", raising=False)
    with pytest.raises(
        InputError, match=r"sources\.imagenet\.path: nothing at 'imagenet95/images'"
    ):
        load(merge(read(), read("imagenet")))


def test_a_given_net_has_one_seed_and_what_fits_one(tmp_path):
    (tmp_path / "w.pth").touch()
    config = read()
    given = {"digits": {"resnet34": {"path": str(tmp_path / "w.pth")}}}
    config["training"]["weights"] = given
    made = load(copy.deepcopy(config))
    assert (made.seeds_of("digits", "resnet34"), made.seeds_of("digits", "lenet5")) == (1, 3)
    assert made.estimators("digits", "lenet5") == list(config["uncertainty"]["estimators"])
    assert {"softmax", "mc_dropout"} <= set(made.estimators("digits", "resnet34"))
    assert "ensemble" not in made.estimators("digits", "resnet34")
    assert made.missing("ensemble", "digits", "resnet34") == "only 1 net with given weights"
    assert made.missing("mc_dropout", "digits", "resnet20") == "no dropout layer"
    for change, message in (
        ({"path": "nowhere.pth"}, r"resnet34\.path: no file 'nowhere\.pth', nor in the mirror"),
        ({"path": None}, "weights need a path or a url"),
        ({"url": "http://localhost/w"}, "url and sha256 must be given together"),
        ({"network": {"widht": 3}}, "resnet34 has no option 'widht'"),
        ({"mean": [0.5]}, "mean and std need one number per channel"),
    ):
        broken = copy.deepcopy(config)
        broken["training"]["weights"]["digits"]["resnet34"] |= change
        with pytest.raises(InputError, match=message):
            load(broken)


def at(config, *place):
    for part in place:
        config = config[part]
    return config


FAULTS = {
    "unknown key": ((), {"sed": 1}, "sed: unknown key; did you mean 'seed'?"),
    "unknown key inside": (
        ("training", "default"),
        {"epocs": 1},
        "training.default.epocs: unknown key; did you mean 'epochs'?",
    ),
    "wrong type": (
        ("training", "default"),
        {"epochs": "many"},
        "training.default.epochs: .*'many'",
    ),
    "truth for a number": (
        ("training", "default"),
        {"epochs": True},
        "training.default: epochs must be a number",
    ),
    "section that is none": ((), {"training": 3}, "training: .*dictionary"),
    "missing": ((), {"data": None}, "data: "),
    "epsilon in levels": (
        ("attacks",),
        {"epsilons": [8]},
        "attacks.epsilons.0: 8 is above 1; .*8/255",
    ),
    "no epsilon": (("attacks",), {"epsilons": []}, "attacks.epsilons: is empty"),
    "no dataset": ((), {"datasets": []}, "datasets: is empty"),
    "unknown dataset": ((), {"datasets": ["digit"]}, "datasets: .*digit; did you mean 'digits'"),
    "unknown model": ((), {"models": ["lenet_5"]}, "models: no 'lenet_5'; did you mean 'lenet5'"),
    "unknown training key": (
        ("training", "models", "lenet5"),
        {"epochz": 3},
        "training .lenet5 on digits.: epochz: unknown key; did you mean 'epochs'",
    ),
    "unknown network option": (
        ("training", "models", "lenet5"),
        {"network": {"widht": 3}},
        "lenet5 has no option 'widht'; did you mean 'width'",
    ),
    "unknown source": (
        ("data", "sources", "digits"),
        {"kind": "digit"},
        "data.sources.digits.kind: .*'image_folder'",
    ),
    "unknown ood set": (
        ("data", "sources", "digits"),
        {"ood": ["patch"]},
        "data.sources.digits.ood: .*did you mean 'patches'",
    ),
    "ood set of another size": (
        ("data", "sources", "patches"),
        {"size": 16},
        "data.sources.patches.size: differs from digits's",
    ),
    "mirror that is not there": (
        ("data",),
        {"mirror": "/nowhere"},
        "data.mirror .*no folder /nowhere",
    ),
    "unknown option of a score": (
        ("detection", "scores", "nearest_neighbours"),
        {"neighbors": 3},
        "detection.scores.nearest_neighbours: .*no option 'neighbors'; did you mean 'neighbours'",
    ),
    "near but not out of distribution": (
        ("data", "sources", "digits"),
        {"near": ["letters"]},
        "data.sources.digits: near: 'letters' is not in ood",
    ),
    "unknown attack option": (
        ("attacks", "methods", "pgd"),
        {"step": 3},
        "attacks.methods.pgd: pgd has no option 'step'; did you mean 'steps'",
    ),
    "too many members": (
        ("uncertainty", "estimators", "ensemble"),
        {"members": 9},
        "members: 9, but training.seeds trains only 3",
    ),
    "unknown estimator": (
        ("uncertainty", "estimators", "ensemble"),
        {"method": "ensembel"},
        "uncertainty.estimators.ensemble: no 'ensembel'; did you mean 'ensemble'",
    ),
    "unknown objective": (
        ("uncertainty", "estimators", "evidential_log"),
        {"objective": "evidence"},
        "evidential_log.objective: no 'evidence'; did you mean 'evidential'",
    ),
    "temperature of another objective": (
        ("uncertainty", "estimators", "ensemble"),
        {"objective": "evidential", "temperature": True},
        "temperature is fitted for cross-entropy only",
    ),
    "temperature that is a number": (
        ("uncertainty", "estimators", "ensemble"),
        {"temperature": 2.0},
        "ensemble.temperature: wrong kind of value 2.0",
    ),
    "unknown net of an estimator": (
        ("uncertainty", "estimators", "ensemble"),
        {"models": ["lenet_5"]},
        "ensemble.models: no 'lenet_5'; did you mean 'lenet5'",
    ),
    "unknown shift": (
        ("uncertainty",),
        {"shifts": {"rotate": {"levels": [3]}}},
        "uncertainty.shifts: no 'rotate'",
    ),
    "no control": (
        ("uncertainty",),
        {"estimators": {"mc_dropout": {}, "ensemble": {}, "dropout_ensemble": {}}},
        "softmax, the control of all others, is missing",
    ),
    "unknown attribution option": (
        ("attribution", "methods", "lime"),
        {"sampels": 3},
        "attribution.methods.lime: lime has no option 'sampels'; did you mean 'samples'",
    ),
    "unknown module of an entry": (
        ("attribution", "methods", "lime"),
        {"method": "lrp_epsilom"},
        "attribution.methods.lime: no 'lrp_epsilom'; did you mean 'lrp_epsilon'",
    ),
    "unknown entry": (
        ("attribution",),
        {"randomization": {"methods": ["gradiant"]}},
        "attribution: randomization.methods: no entry 'gradiant'; did you mean 'gradient'",
    ),
    "unknown fill": (
        ("attribution", "degradation"),
        {"fills": ["blurred"]},
        "attribution.degradation.fills.0: a fill must be .*'blurred'",
    ),
    "noise of no size": (
        ("data", "sources", "uniform_noise"),
        {"size": None},
        "data.sources.uniform_noise: kind uniform_noise needs a size",
    ),
    "sweep over passes of a single answer": (
        ("uncertainty", "sweep"),
        {"estimators": ["mc_dropout_logits"]},
        "uncertainty.sweep.estimators: mc_dropout_logits returns the mean of its passes",
    ),
    "sweep over passes of several nets": (
        ("uncertainty", "sweep"),
        {"estimators": ["dropout_ensemble"]},
        "uncertainty.sweep.estimators: dropout_ensemble does not make several passes",
    ),
    "sweep over an unknown estimator": (
        ("uncertainty", "sweep"),
        {"estimators": ["mc_dropot"]},
        "uncertainty.sweep.estimators: .*did you mean 'mc_dropout'",
    ),
    "unknown latent attack": (("latent",), {"attack": "cw"}, "latent.attack: no 'cw'"),
    "a map of nets that are trained for something else": (
        ("uncertainty", "estimators", "ensemble"),
        {"objective": "evidential"},
        "latent.estimators: ensemble does not use the nets trained by cross-entropy",
    ),
    "unknown net to train anew": (
        ("latent", "extension"),
        {"models": ["lenet_5"]},
        "latent.extension.models: no 'lenet_5'; did you mean 'lenet5'",
    ),
    "more nets to compare than are trained": (
        ("latent", "extension"),
        {"seeds": 4},
        "latent.extension.seeds: 4, but training.seeds trains only 3 nets",
    ),
    "holes of a map that is not made": (
        ("latent", "extension"),
        {"estimator": "softmax"},
        "latent: extension.estimator: softmax is not in latent.estimators",
    ),
    "a name that no file can have": (
        ("training", "models"),
        {"My-Net": {"epochs": 1}},
        "training.models.My-Net: a name has small letters, digits and underscores",
    ),
    "a fraction of nothing": (
        ("attacks",),
        {"epsilons": ["8/0"]},
        r"attacks\.epsilons.*8/0 divides by 0",
    ),
    "holes of a corpus that is not mapped": (
        ("latent",),
        {"corpora": ["adversarial"]},
        "latent: extension needs in_distribution among the corpora",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_in_few_lines_that_name_the_key(fault):
    place, change, message = FAULTS[fault]
    config = read()
    at(config, *place).update(change)
    with pytest.raises(InputError, match=message) as caught:
        load(config)
    assert str(caught.value).count("\n") <= 2


def test_null_takes_an_entry_away():
    config = read()
    assert {"lime", "occlusion"} <= set(load(config).attribution.methods)
    config["attribution"]["methods"] |= {"lime": None, "mine": {"method": "gradient"}}
    found = load(config).attribution
    assert "lime" not in found.methods
    assert found.module_of("mine") == "gradient"
    assert found.options_of("mine") == {}


def test_fractions_of_255_levels_are_read():
    config = read()
    config["attacks"]["epsilons"] = ["8/255", 0.1]
    assert load(config).attacks.epsilons == pytest.approx((8 / 255, 0.1))


def test_the_mirror_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PLUMBLINE_MIRROR", "/nowhere")
    with pytest.raises(InputError, match="no folder /nowhere"):
        load(read())


def test_a_net_s_options_are_merged_from_general_to_particular():
    config = read()
    config["training"]["default"] |= {"epochs": 1, "batch": 2}
    config["training"]["models"] = {"alexnet": {"epochs": 3, "network": {"width": 4, "dense": 5}}}
    config["training"]["datasets"] = {"digits": {"alexnet": {"network": {"dense": 6}}}}
    options = load(copy.deepcopy(config)).training_options("digits", "alexnet")
    assert (options.epochs, options.batch) == (3, 2)
    assert options.network == {"width": 4, "dense": 6}
    assert load(config).training_options("digits", "lenet5").epochs == 1
