"""The contract of each kind of methods: what keeps it passes, what breaks it is told in a line."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline import contracts
from plumbline.config.schema import load
from plumbline.contracts import OTHERS, Kind
from plumbline.errors import InputError
from plumbline.registry import (
    ATTACKS,
    ATTRIBUTIONS,
    ESTIMATORS,
    KINDS,
    NETWORKS,
    OPERATORS,
    SCORES,
    TRAITS,
    Networks,
)

MINE = "mine"
ATTRIBUTE = "def attribute(classifier, pixels, target, *, seed: int, batch: int = 256{}): ...\n"
PREDICT = "def predict(classifiers, pixels, *, seed: int, batch: int = 256{}): ...\n"
MUTATE = "def mutate(network, *, seed: int, rate: float = 0.1{}): ...\n"
SCORE = "def score(material, pixels, *, seed: int, batch: int = 256{}): ...\n"
COST = "def cost(): return 1\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Put a module ``mine`` among those of a kind, in a scratch copy of no others."""
    monkeypatch.setattr(contracts, "SCRIPTS", tmp_path)

    def write(kind, text, name=MINE):
        path = tmp_path / kind.file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return kind

    contracts.read_module.cache_clear()
    yield write
    contracts.read_module.cache_clear()


def fault(kind):
    """What is said of the module ``mine``, on one line."""
    with pytest.raises(InputError) as refused:
        kind.check_contract(MINE)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.package}-{kind.function}")
def test_every_module_keeps_the_contract_of_its_kind(kind):
    assert kind.names()
    for name in kind.names():
        kind.check_contract(name)


def test_methods_are_found_without_importing_them():
    assert {"lenet5", "alexnet", "resnet34"} <= set(NETWORKS.names())
    assert "classifier" not in NETWORKS.names()
    assert NETWORKS.options("alexnet")["dense"] == ("int", 4096)
    assert "channels" not in NETWORKS.options("alexnet")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("pdg", {}, "did you mean 'pgd'"),
        ("pgd", {"step": 1}, "did you mean 'steps'"),
        ("pgd", {"steps": 1.5}, "must be int"),
        ("pgd", {"steps": True}, "must be int"),
        ("pgd", {"random_start": 1}, "must be bool"),
        ("pgd", {"seed": 1}, "pgd.seed is supplied by the workflow"),
    ],
)
def test_wrong_methods_and_options_are_named(name, given, message):
    with pytest.raises(InputError, match=message):
        ATTACKS.check(name, given)


def test_right_options_pass():
    ATTACKS.check("pgd", {"steps": 3, "relative_step": 1, "random_start": False})
    ATTRIBUTIONS.check("lime", {"fill": "mean"})
    ATTRIBUTIONS.check("lime", {"fill": 0.5})
    with pytest.raises(InputError, match=r"must be float \| str"):
        ATTRIBUTIONS.check("lime", {"fill": True})


ARGUMENTS = {
    "no function": (ATTRIBUTIONS, "def atribute(): ...\n", "did you mean 'atribute'"),
    "no Python": (
        ATTRIBUTIONS,
        "def attribute(:\n",
        "attribution/methods/mine.py: not Python: invalid syntax (line 1)",
    ),
    "a default that cannot be": (
        OPERATORS,
        MUTATE.format(", share: float = {[]: 1}"),
        "'share' needs a type and a literal",
    ),
    "another argument": (
        ATTRIBUTIONS,
        "def attribute(net, pixels, target, *, seed: int): ...\n",
        "attribute must take (classifier, pixels, target, *, seed, batch, options)",
    ),
    "an argument too few": (SCORES, "def score(material, *, seed: int): ...\n", "score must take"),
    "no star": (
        SCORES,
        "def score(material, pixels, seed: int, batch: int = 256): ...\n",
        "score must take (material, pixels, *, seed, batch, options)",
    ),
    "no seed": (
        ATTRIBUTIONS,
        "def attribute(classifier, pixels, target, *, batch: int = 256): ...\n",
        "attribute must take (classifier, pixels, target, *, seed, batch, options)",
    ),
    "any further": (SCORES, "def score(material, pixels, *, seed: int, **more): ...\n", "**more"),
    "no rate": (
        OPERATORS,
        "def mutate(network, *, seed: int, rates: float = 0.1): ...\n",
        "mutate must take an option 'rate'; did you mean 'rates'",
    ),
    "no default": (
        OPERATORS,
        MUTATE.format(", share: float"),
        "'share' needs a type and a literal",
    ),
    "no type": (OPERATORS, MUTATE.format(", share=0.1"), "'share' needs a type and a literal"),
    "a computed default": (
        OPERATORS,
        MUTATE.format(", share: float = max(1, 2)"),
        "'share' needs a type and a literal",
    ),
    "an unknown type": (
        OPERATORS,
        MUTATE.format(", share: floats = 0.1"),
        "option 'share': no type floats; did you mean 'float'",
    ),
    "an unsupported type": (
        OPERATORS,
        MUTATE.format(", share: list[float] = 0.1"),
        "option 'share': no type list[float]",
    ),
    "a default of another type": (
        OPERATORS,
        MUTATE.format(", share: int = 0.5"),
        "option 'share' is int, but its default is 0.5",
    ),
    "a supplied name": (
        ATTRIBUTIONS,
        "def attribute(classifier, pixels, target, *, seed: int, batch: float = 0.5): ...\n",
        "option 'batch' needs another name: the workflow supplies batch, of type int",
    ),
    "a key of the entry": (
        ATTRIBUTIONS,
        ATTRIBUTE.format(", images: int = 3"),
        "option 'images' needs another name",
    ),
}


@pytest.mark.parametrize(("kind", "text", "message"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_wrong_function_is_refused(kind, text, message, written):
    assert message in fault(written(kind, text))


def test_a_fault_of_no_line_is_told_without_one(written):
    assert fault(written(ATTRIBUTIONS, "\0")).endswith("cannot contain null bytes")


def test_a_file_s_name_is_one_that_the_configuration_can_give(written):
    for name in ("my-method", "Mine", "_mine"):
        kind = written(ATTRIBUTIONS, ATTRIBUTE.format(""), name)
        with pytest.raises(InputError, match="small letters, digits and underscores"):
            kind.check_contract(name)


def test_an_import_of_what_is_not_there_is_told_in_a_line(monkeypatch):
    def failing(name):
        raise ModuleNotFoundError("No module named 'captum'")

    monkeypatch.setattr(contracts.importlib, "import_module", failing)
    message = r"^attribution/methods/lime\.py cannot be imported: No module named 'captum'$"
    with pytest.raises(InputError, match=message):
        ATTRIBUTIONS.load("lime")


CONSTANTS = {
    "misspelt": (
        ATTRIBUTIONS,
        'NEED = ("dropout",)\n' + ATTRIBUTE.format(""),
        "nothing reads the constant NEED; did you mean 'NEEDS'? (allowed: LABEL",
    ),
    "of another kind": (
        SCORES,
        'FAMILY = "gradient"\n' + SCORE.format(""),
        "nothing reads the constant FAMILY",
    ),
    "an unknown need": (
        ATTRIBUTIONS,
        'NEEDS = ("droput",)\n' + ATTRIBUTE.format(""),
        "): no 'droput'; did you mean 'dropout'",
    ),
    "no tuple": (
        ATTRIBUTIONS,
        'NEEDS = "dropout"\n' + ATTRIBUTE.format(""),
        "): must be a tuple, not 'dropout'",
    ),
    "an unknown family": (
        ATTRIBUTIONS,
        'FAMILY = "gradients"\n' + ATTRIBUTE.format(""),
        "): no 'gradients'; did you mean 'gradient'",
    ),
    "a need that is a list": (
        ATTRIBUTIONS,
        "NEEDS = ([],)\n" + ATTRIBUTE.format(""),
        "): no []",
    ),
    "no text": (
        ATTRIBUTIONS,
        "LABEL = 3\n" + ATTRIBUTE.format(""),
        "): must be a text, not 3",
    ),
    "no dictionary": (
        ATTRIBUTIONS,
        'VARIANTS = ("mine_too",)\n' + ATTRIBUTE.format(""),
        "): must be a dictionary of texts",
    ),
    "a list of lists": (
        ATTRIBUTIONS,
        'NEEDS = (["dropout"],)\n' + ATTRIBUTE.format(""),
        "): no ['dropout']; did you mean 'dropout'?",
    ),
    "computed": (
        ATTRIBUTIONS,
        'LABEL = "mine".upper()\n' + ATTRIBUTE.format(""),
        "LABEL must be a literal",
    ),
    "no such option": (
        ESTIMATORS,
        'PASSES = "drawz"\n' + PREDICT.format(", draws: int = 3") + COST,
        "): no 'drawz'; did you mean 'draws'",
    ),
    "an option of another type": (
        ESTIMATORS,
        'PASSES = "draws"\n' + PREDICT.format(", draws: float = 3.0") + COST,
        "): no 'draws' (allowed: none)",
    ),
}


@pytest.mark.parametrize(("kind", "text", "message"), CONSTANTS.values(), ids=CONSTANTS)
def test_a_wrong_constant_is_refused(kind, text, message, written):
    assert message in fault(written(kind, text))


@pytest.mark.parametrize(
    "text",
    [
        '_NEED = ("dropout",)\n',
        'need = ("dropout",)\n',
        "STEPS = 3\n\ndef half():\n    return STEPS // 2\n",
        "ONE, TWO = 1, 2\nSUM = ONE + TWO\nprint(SUM)\n",
        "Kernel = tuple[int, int]\n",
    ],
    ids=["private", "lower case", "its own", "several", "a type"],
)
def test_what_is_the_module_s_own_affair_is_not_refused(text, written):
    written(ATTRIBUTIONS, text + ATTRIBUTE.format("")).check_contract(MINE)


def test_an_option_may_have_a_name_that_another_kind_is_supplied_with(written):
    kind = written(ATTRIBUTIONS, ATTRIBUTE.format(", size: int = 3, classes: int = 2"))
    kind.check_contract(MINE)
    assert kind.options(MINE) == {"size": ("int", 3), "classes": ("int", 2)}
    with pytest.raises(InputError, match=r"mine\.size must be int"):
        kind.check(MINE, {"size": "small"})


COSTS = {
    "missing": ("", "no function cost"),
    "of what is no option": ("def cost(drawz): return drawz\n", "did you mean 'draws'"),
    "of what it imports": ("import math\ndef cost(draws): return math.ceil(draws)\n", "cost fails"),
    "of nothing": ("def cost(draws): return 0\n", "whole number above 0, not 0"),
    "a share": ("def cost(draws): return draws / 2\n", "whole number above 0, not 3.5"),
}


@pytest.mark.parametrize(("text", "message"), COSTS.values(), ids=COSTS)
def test_an_estimator_says_what_it_costs(text, message, written):
    assert message in fault(written(ESTIMATORS, PREDICT.format(", draws: int = 7") + text))


@given(draws=st.integers(1, 10**6), nets=st.integers(1, 99))
def test_costs_follow_from_the_options_whatever_they_are_called(draws, nets):
    for name, given_, cost in (
        ("softmax", {}, 1),
        ("mc_dropout", {"samples": draws}, draws),
        ("mc_dropout", {}, 50),
        ("ensemble", {"members": nets}, nets),
        ("dropout_ensemble", {"members": nets, "samples": draws}, nets * draws),
        ("dropout_ensemble", {"members": nets}, nets * 20),
    ):
        assert ESTIMATORS.cost(name, given_) == cost
        assert ESTIMATORS.nets(name, given_) == (nets if "members" in given_ else 1)


def test_an_estimator_whose_option_has_an_odd_name_is_costed_right(written):
    kind = written(
        ESTIMATORS,
        'NETS, PASSES = "committee", "draws"\n'
        + PREDICT.format(", draws: int = 7, committee: int = 2")
        + "def cost(draws: int, committee: int) -> int:\n    return committee * (2 * draws + 1)\n",
    )
    kind.check_contract(MINE)
    assert kind.cost(MINE, {}) == 2 * 15
    assert kind.cost(MINE, {"draws": 10, "committee": 3}) == 3 * 21
    assert kind.nets(MINE, {"committee": 5}) == 5
    assert kind.constant(MINE, "PASSES") == "draws"


def test_a_cost_may_take_all_options(written):
    text = "def cost(**options): return options['draws'] + len(options)\n"
    kind = written(ESTIMATORS, PREDICT.format(", draws: int = 7, other: float = 1.0") + text)
    assert kind.cost(MINE, {"draws": 5}) == 7


def test_an_argument_that_is_not_always_supplied_may_be_left_out(written):
    text = "def perturb(classifier, pixels, labels, *, seed: int): ...\n"
    written(ATTACKS, text).check_contract(MINE)
    assert not ATTACKS.takes(MINE, "epsilons")
    assert not ATTACKS.takes(MINE, "mutate")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.package}-{kind.function}")
def test_labels_are_shown_by_name_by_variant_and_by_what_a_name_begins_with(kind, written):
    written(kind, 'LABEL = "My own"\nVARIANTS = {"other": "Another"}\n')
    assert kind.label("mine") == "My own"
    assert kind.label("mine_flat_2") == "My own flat 2"
    assert kind.label("other") == "Another"
    assert kind.label("other_2") == "Another 2"
    assert kind.label("miner") == kind.label("flat_mine") == ""


def test_no_name_is_claimed_by_two_modules_of_a_kind():
    for kind in KINDS:
        variants = [each for name in kind.names() for each in kind.constant(name, "VARIANTS")]
        names = kind.names() + variants
        assert len(set(names)) == len(names), kind.package


def test_a_name_has_one_label_whatever_kinds_it_is_of():
    found = {}
    for kind in KINDS:
        for name, label in kind.labels().items():
            assert found.setdefault(name, label) == label


def test_a_family_is_that_of_the_module_a_name_tells_of(written):
    family = 'FAMILY = "{}"\n'
    written(ATTRIBUTIONS, family.format("lrp") + 'VARIANTS = {"own": "Own"}\n')
    written(ATTRIBUTIONS, "", "stranger")
    for rule in "ab":
        written(ATTRIBUTIONS, family.format("lrp"), f"rule_{rule}")
    written(ATTRIBUTIONS, family.format("controls"), "rule_b_random")
    expected = {"mine": "lrp", "mine_flat": "lrp", "own": "lrp", "stranger": OTHERS}
    expected |= {"rule_b_2": "lrp", "rule_b_random": "controls", "rule_c": OTHERS}
    assert {name: ATTRIBUTIONS.family(name) for name in expected} == expected
    written(ATTRIBUTIONS, family.format("lrp"), "rule_b_random")
    contracts.read_module.cache_clear()
    assert ATTRIBUTIONS.family("rule_c") == "lrp"


def test_what_a_method_needs_of_a_net_is_said_in_words():
    assert NETWORKS.traits("resnet34") == ("dropout", "gap_head")
    assert NETWORKS.unmet(ATTRIBUTIONS, "grad_cam", "lenet5") == ""
    assert NETWORKS.unmet(ATTRIBUTIONS, "cam", "resnet34") == ""
    assert NETWORKS.unmet(ATTRIBUTIONS, "cam", "lenet5") == TRAITS["gap_head"]
    assert NETWORKS.unmet(ESTIMATORS, "mc_dropout", "lenet") == TRAITS["dropout"]


def test_nets_of_the_user_s_own_are_those_of_one_configuration(tmp_path):
    (tmp_path / "net.py").write_text("TRAITS = ('gap_head',)\nclass Net: ...\n")
    networks = NETWORKS.joined({"own": f"{tmp_path}/net.py:Net"}, {"own_b": "own", "a": "lenet5"})
    networks.check_own()
    assert set(networks.names()) - set(NETWORKS.names()) == {"own", "own_b", "a"}
    assert networks.traits("own_b") == ("gap_head",)
    assert networks.unmet(ATTRIBUTIONS, "cam", "own") == ""
    assert networks.made_by("own_b") == f"{tmp_path}/net.py:Net"
    assert networks.made_by("a") is None
    assert networks.file("a") == NETWORKS.file("lenet5")
    networks.check("own", {"anything": 1})
    with pytest.raises(InputError, match="no option 'anything'"):
        networks.check("a", {"anything": 1})
    assert isinstance(NETWORKS, Networks)
    assert isinstance(NETWORKS, Kind)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class Nett: ...\n", "has no class or function Net; did you mean 'Nett'"),
        ("class Net: ...\nTRAITS = ('droput',)\n", "no 'droput'; did you mean 'dropout'"),
        ("class Net: ...\nTRAITS = tuple('ab')\n", "TRAITS must be a literal"),
    ],
)
def test_a_net_of_the_user_s_own_is_checked_before_it_is_built(text, message, tmp_path):
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(InputError, match=message):
        NETWORKS.joined({"own": f"{tmp_path}/net.py:Net"}).check_own()


@pytest.mark.parametrize(
    "text", ["from torchvision.models import Net", "from nets import *", "Net = build"]
)
def test_a_net_of_the_user_s_own_may_be_made_in_any_way(text, tmp_path):
    (tmp_path / "net.py").write_text(text)
    NETWORKS.joined({"own": f"{tmp_path}/net.py:Net"}).check_own()


def test_the_configuration_is_refused_if_a_module_breaks_its_contract(written):
    written(ATTRIBUTIONS, 'NEED = ("dropout",)\n' + ATTRIBUTE.format(""))
    raw = {"datasets": ["d"], "models": ["lenet"], "data": {"sources": {"d": {"kind": "digits"}}}}
    with pytest.raises(InputError, match=r"mine\.py: nothing reads the constant NEED"):
        load(raw)


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Load a configuration where an estimator of the user's own is among the others."""
    shutil.copytree(
        contracts.SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(contracts, "SCRIPTS", tmp_path / "scripts")
    text = 'NETS, PASSES = "committee", "draws"\n'
    text += PREDICT.format(", draws: int = 7, committee: int = 2")
    text += "def cost(draws, committee):\n    return committee * (2 * draws + 1)\n"
    (tmp_path / "scripts" / ESTIMATORS.file(MINE)).write_text(text)

    def configure(**estimators):
        section = {"estimators": {"softmax": {}, **estimators}, "sweep": {"estimators": ["other"]}}
        return load(
            {
                "datasets": ["digits"],
                "models": ["lenet5"],
                "data": {"sources": {"digits": {"kind": "digits"}}},
                "training": {"seeds": 3},
                "uncertainty": section,
                "latent": {"corpora": []},
            }
        )

    return configure


def test_the_configuration_counts_nets_and_passes_of_an_estimator_by_its_own_words(configured):
    plain = {"method": "mc_dropout", "samples": 4}
    section = configured(mine={"draws": 3}, other=plain).uncertainty
    assert {name: section.nets(name) for name in section.estimators} == {
        "softmax": 1,
        "mine": 2,
        "other": 1,
    }
    assert section.passes("mine") == 2 * 7
    assert section.passes("other") == 4
    with pytest.raises(InputError, match=r"estimators\.mine\.committee: 4, but .* only 3 nets"):
        configured(mine={"committee": 4}, other=plain)
    with pytest.raises(InputError, match=r"estimators\.mine: .*cost must be a whole number"):
        configured(mine={"draws": -1}, other=plain)
    with pytest.raises(InputError, match="other does not make several passes through one net"):
        configured(other={"method": "mine"})
