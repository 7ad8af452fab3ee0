"""The plan of a run, without Snakemake: what there is, what is left out, what a job is given."""

import copy
import inspect
import re
from pathlib import Path

import pytest
import yaml
from support import ROOT, SCRIPTS

from plumbline import registry
from plumbline.config.attribution import NOT_CHOSEN
from plumbline.config.schema import load
from plumbline.errors import InputError
from plumbline.runtime.seeding import derive
from plumbline.workflow.code_hash import text_hash
from plumbline.workflow.environments import loaded
from plumbline.workflow.plan import Plan
from plumbline.workflow.stages.part import Job
from plumbline.workflow.stages.shown import shown

DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text())
JOB = re.compile(r'job\(\s*"(\w+\.py)",\s*"(\w+)",\s*PLAN\.(\w+)\.(\w+)\s*\)')
NAMES = {  # a value of every wildcard
    "dataset": "digits",
    "model": "lenet5",
    "seed": "0",
    "objective": "cross_entropy",
    "corpus": "adversarial",
    "arm": "holes",
    "check": "log_odds",
    "shift": "rotation",
    "level": "30",
    "operator": "gaussian_fuzzing",
    "generator": "dcgan",
    "attack": "pgd_adaptive_label_change",
    "estimator": "mc_dropout",
    "method": "gradient",
    "visualization": "code_gan",
    "score": "energy",
}


def changed(**sections):
    """The default configuration with whole sections, or keys of sections, replaced."""
    config = copy.deepcopy(DEFAULT)
    for name, value in sections.items():
        config[name] = config[name] | value if isinstance(value, dict) else value
    return Plan(load(config))


@pytest.fixture(scope="module")
def plan():
    return changed()


@pytest.fixture
def given(tmp_path):
    """A plan in which the weights of one of three nets are given."""
    (tmp_path / "w.pth").touch()
    weights = {"digits": {"resnet34": {"path": str(tmp_path / "w.pth")}}}
    return changed(training={"weights": weights})


def wildcards(plan, method):
    """Arguments for a method of the plan: names that the default configuration has."""
    names = NAMES | {"spread": next(iter(plan.config.attribution.spread))}
    return {name: names[name] for name in inspect.signature(method).parameters}


def rules():
    """Script, stage, part and method of the parameter `job` of every rule."""
    texts = [path.read_text() for path in sorted((ROOT / "rules").glob("*.smk"))]
    return [found for text in texts for found in JOB.findall(text)]


@pytest.mark.parametrize(("script", "stage", "part", "name"), rules())
def test_a_job_names_the_methods_that_its_script_loads(plan, given, script, stage, part, name):
    """Modules that are imported by a computed name count as code only if the plan says so."""
    if name == "import_weights":
        job = given.training.import_weights("digits", "resnet34")
    else:
        method = getattr(getattr(plan, part), name)
        job = method(**wildcards(plan, method))
    packages = {f"plumbline/{package}" for package in loaded(SCRIPTS, script)}
    if "Classifier.load(" not in (SCRIPTS / script).read_text() and part != "training":
        packages.discard(f"plumbline/{registry.NETWORKS.package}")  # the module has more in it
    assert packages <= {Path(file).parent.as_posix() for file in job.modules}
    for file in job.modules:
        assert (SCRIPTS / file).is_file()


def test_a_path_is_relative_to_the_results(plan):
    assert plan.training.net("digits", "lenet5", 2) == (
        "models/digits/lenet5/cross_entropy/2/classifier.safetensors"
    )
    assert plan.data.split("digits", "test") == "data/digits/test.safetensors"


def test_a_seed_follows_from_the_job_s_name_alone(plan):
    job = plan.attribution.explain("digits", "lenet5", "gradient")
    seed = plan.config.seed
    assert job.options["seed"] == derive(seed, "explain", "digits", "lenet5", "gradient")
    compared = plan.attribution.compare_attributions("digits", "lenet5")
    assert compared.options == {"seed": derive(seed, "compare", "digits", "lenet5")}


def test_retrained_nets_begin_with_the_weights_of_the_first_training(plan):
    first = plan.training.train("digits", "lenet5", "cross_entropy", "1")
    nets = plan.latent.extended_nets("digits", "lenet5")
    assert "models/digits/lenet5/extension_holes/1/classifier.safetensors" in nets
    again = plan.latent.retrain("digits", "lenet5", "holes", "1")
    assert first.options["seed"] == again.options["seed"]


def test_all_levels_of_a_shift_and_all_visualizations_draw_the_same(plan):
    levels = [plan.data.shift_images("digits", "rotation", level) for level in ("10", "90")]
    assert levels[0].options["seed"] == levels[1].options["seed"]
    assert levels[1].options["level"] == 90.0
    methods = list(plan.config.visualization.methods)
    seeds = {plan.visualization.visualize("digits", "lenet5", m).options["seed"] for m in methods}
    assert len(methods) > 1
    assert len(seeds) == 1


def test_image_sets_are_named_in_the_order_of_their_kinds(plan):
    kinds = [key.kind for key in plan.uncertainty.keys("digits")]
    order = ["calibration", "clean", "out_of_distribution", "adversarial", "shifted"]
    assert list(dict.fromkeys(kinds)) == order
    assert kinds == sorted(kinds, key=order.index)
    assert [key.kind for key in plan.data.keys("digits")] == [k for k in kinds if k != "shifted"]
    files = plan.uncertainty.sets("digits", "lenet5")
    assert len(set(files)) == len(kinds)
    assert files[:2] == ["data/digits/calibration.safetensors", "data/digits/test.safetensors"]
    assert "data/digits/calibration.safetensors" not in plan.stability.sets("digits", "lenet5")
    named = plan.stability.measure_conductance("digits", "lenet5").options
    assert named["minimal"] == plan.config.attacks.minimal()


def test_the_files_of_a_bounded_attack_are_those_of_its_sets(plan):
    made = [
        path.format(dataset="digits", model="lenet5", attack="fgsm")
        for path in plan.data.bounded_sets()
    ]
    read = [plan.data.file("digits", "lenet5", key) for key in plan.data.attacked["fgsm"]]
    assert made == read


def test_an_attack_has_epsilons_unless_it_looks_for_the_smallest_change(plan):
    assert "epsilons" in plan.attacks.attack("digits", "lenet5", "fgsm").options
    assert "epsilons" not in plan.attacks.attack("digits", "lenet5", "deepfool").options
    assert set(plan.attacks.bounded()).isdisjoint(plan.config.attacks.minimal())


def test_an_adaptive_attack_counts_the_code_of_its_operator(plan):
    entry = plan.config.attacks.adaptive()[0]
    job = plan.attacks.attack("digits", "lenet5", entry)
    assert "operator" in job.options
    assert any("stability/operators" in file for file in job.modules)


def test_a_net_of_given_weights_is_one_and_not_trained(given):
    assert given.training.nets("digits", "resnet34") == [
        "models/digits/resnet34/given/0/classifier.safetensors"
    ]
    assert "resnet34" not in {model for model, _ in given.training.trained("digits")}
    assert given.training.weights("digits", "resnet34").path.endswith("w.pth")
    with pytest.raises(InputError, match="none for lenet5 on digits"):
        given.training.weights("digits", "lenet5")
    assert given.visualization.second_net("digits", "resnet34") != [("resnet34", 1)]


def test_a_second_net_is_another_seed_or_another_model():
    assert changed().visualization.second_net("digits", "lenet5") == [("lenet5", 1)]
    alone = changed(
        models=["lenet5"],
        training={"seeds": 1},
        uncertainty={"estimators": {"softmax": {}}, "models": []},
        latent={"corpora": []},
    )
    assert alone.visualization.second_files("digits", "lenet5") == []


def test_what_a_given_net_cannot_have_is_told_with_the_reason(given):
    rows = given.report.left_out()
    reasons = {
        (stage, entry): reason for stage, _, model, entry, reason in rows if model == "resnet34"
    }
    assert reasons["uncertainty", "ensemble"] == "only 1 net with given weights"
    assert all(reasons.values())
    assert "ensemble" not in given.uncertainty.estimators("digits", "resnet34")
    assert "ensemble" in given.uncertainty.estimators("digits", "lenet5")
    evidential = [
        name
        for name, entry in given.config.attribution.spread.items()
        if entry.objective != "cross_entropy"
    ]
    assert evidential
    for name in evidential:
        assert name not in given.attribution.spreads("digits", "resnet34")
        assert reasons["attribution", name] == "given weights, trained by cross-entropy"


def test_an_evidential_spread_is_compared_with_the_plain_one(plan):
    entries = plan.config.attribution.spread
    for name, entry in entries.items():
        plain = plan.attribution.plain_spread("digits", "lenet5", name)
        if entry.objective == "cross_entropy":
            assert plain == []
        else:
            (file,) = plain
            other = entries[Path(file).stem]
            assert other == entry.model_copy(update={"objective": "cross_entropy"})
            assert "/cross_entropy/" not in plan.attribution.spread_net("digits", "lenet5", name)


def test_a_stage_without_entries_has_no_table():
    plan = changed(
        attribution={"methods": {}, "log_odds": {}, "randomization": {}, "spread": {}},
        stability={"operators": {}},
        attacks={"methods": {}},
        latent={"corpora": []},
        visualization={"methods": {}},
    )
    gone = {"attribution", "cost", "log_odds", "randomization", "conservation", "spread"}
    gone |= {"stability", "detectors", "attacks", "latent", "holes", "extension"}
    gone |= {"visualization", "generators", "interpolation"}
    assert gone.isdisjoint(plan.report.tables())
    assert {"training", "uncertainty", "detection", "leaderboard"} <= set(plan.report.tables())
    assert plan.report.explorers() == []
    assert plan.latent.corpora("digits") == []


def test_a_corpus_without_other_images_is_left_out_and_told():
    sources = copy.deepcopy(DEFAULT["data"]["sources"])
    sources["digits"] |= {"ood": [], "near": []}
    plan = changed(data={"sources": sources})
    assert "out_of_distribution" not in plan.latent.corpora("digits")
    reason = plan.latent.unmapped("digits", "out_of_distribution")
    assert ("latent", "digits", "", "out_of_distribution", reason) in plan.report.left_out()


def test_coverage_tells_of_every_method_why_it_has_no_job(plan):
    found = plan.report.coverage()["digits"]
    assert set(found) == set(registry.NETWORKS.names())
    reasons = found["lenet5"]
    assert reasons["gradient"] == ""
    assert reasons["cam"] == "no head of global average pooling and one dense layer"
    absent = set(registry.NETWORKS.names()) - set(plan.config.models)
    for model in absent:
        assert set(found[model].values()) == {NOT_CHOSEN}


def test_without_an_estimator_of_several_passes_only_nets_vary():
    estimators = {"softmax": {}, "ensemble": {}}
    plan = changed(
        uncertainty={"estimators": estimators, "models": []}, latent={"estimators": ["ensemble"]}
    )
    assert plan.uncertainty.swept("digits", "lenet5") == {}
    assert plan.uncertainty.sweep_options("digits", "lenet5")["samples"] == ()
    assert plan.uncertainty.sweeping("digits", "samples") == []
    assert "lenet5" in plan.uncertainty.sweeping("digits", "members")
    assert not changed(
        uncertainty={"estimators": {"softmax": {}}, "models": []}, latent={"corpora": []}
    ).uncertainty.several("digits", "lenet5")


def test_swept_nets_follow_the_order_of_the_estimators_names(plan):
    swept = plan.uncertainty.swept("digits", "lenet5")
    assert list(swept) == sorted(swept)
    assert sum(entry["nets"] for entry in swept.values()) == len(
        plan.uncertainty.swept_nets("digits", "lenet5")
    )


def test_a_score_that_needs_a_vae_needs_its_corpus(plan):
    assert plan.detection.unscored("digits", "lenet5", "reconstruction_error") == ""
    assert plan.detection.needed("digits", "reconstruction_error", "vae") == [
        "latent/digits/in_distribution/vae.safetensors"
    ]
    assert plan.detection.needed("digits", "energy", "vae") == []
    without = changed(latent={"corpora": []})
    reason = "latent.corpora has no in_distribution"
    assert without.detection.unscored("digits", "lenet5", "reconstruction_error") == reason
    assert "reconstruction_error" not in without.detection.scores("digits", "lenet5")


def test_an_own_net_s_entry_is_an_option_and_its_file_counts_as_code(tmp_path):
    (tmp_path / "net.py").write_text("class Net:\n    pass\n")
    entry = {"entry": f"{tmp_path}/net.py:Net"}
    plan = changed(
        models=["mine", "lenet5"],
        training={"models": DEFAULT["training"]["models"] | {"mine": entry}},
    )
    job = plan.training.train("digits", "mine", "cross_entropy", "0")
    assert job.options["entry"] == entry["entry"]
    assert [Path(file).name for file in job.modules] == ["net.py"]
    assert plan.training.train("digits", "lenet5", "cross_entropy", "0").options["entry"] is None


def test_every_table_joins_csv_files_of_which_none_comes_twice(plan):
    for table, parts in plan.report.parts().items():
        assert len(set(parts)) == len(parts), table
        assert all(part.endswith(".csv") for part in parts)
    assert Job().options == {}


def test_a_stage_shows_its_own_methods_and_nets_and_not_those_of_others(plan):
    found = shown(plan.config, "attribution")
    assert found["attribution/methods/lrp_0"] == "LRP-0|lrp"
    assert found["models/architectures/lenet5"] == "LeNet-5|"
    packages = {name.rpartition("/")[0] for name in found}
    assert packages == {
        "attribution/methods",
        "models/architectures",
        "data/sources",
        "data/shifts",
    }
    assert "uncertainty/estimators/ensemble" in shown(plan.config, "detection")
    everything = shown(plan.config)
    for stage in {name.split("/")[0] for name in everything}:
        assert shown(plan.config, stage).items() < everything.items()


def test_a_figure_of_one_dataset_shows_no_source_of_another(plan):
    def sources(dataset):
        found = shown(plan.config, "attribution", dataset)
        return {name.rpartition("/")[2] for name in found if name.startswith("data/sources/")}

    assert sources("digits") == {"digits", *plan.config.data.sources["digits"].ood}
    assert sources("patches") == {"patches"}
    assert sources("") == set(plan.config.data.sources)


def test_pages_depend_on_the_names_that_they_show(plan):
    assert plan.report.leaderboard().shown == shown(plan.config, "detection")
    assert plan.report.explorer("digits").shown == shown(plan.config, "latent", "digits")
    assert text_hash(plan.report.leaderboard().shown) != text_hash(shown(plan.config))
    assert text_hash({}) == ""
