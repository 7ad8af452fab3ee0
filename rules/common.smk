# What all rules share: the checked configuration, paths, options, code hashes.
import os
import re
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"
# For the shell commands of the rules, and for the programs that they run.
os.environ.update(SCRIPTS=str(SCRIPTS), PLUMBLINE_SNAKEMAKE=str(os.getpid()))
sys.path.insert(0, str(SCRIPTS))

from plumbline.runtime.cli import flags
from plumbline.workflow.code_hash import code_hash
from plumbline.workflow.terminal import shorten
from plumbline.config.schema import load
from plumbline.config.training import CROSS_ENTROPY, GIVEN
from plumbline.data.image_sets import SHIFTED, ImageSetKey, adversarial_keys
from plumbline.errors import InputError
from plumbline.storage.files import settle_times
from plumbline.registry import (
    ATTACKS,
    ATTRIBUTIONS,
    DETECTORS,
    ESTIMATORS,
    GENERATORS,
    OPERATORS,
    READERS,
    SCORES,
    SHIFTS,
    SOURCES,
    VISUALIZATIONS,
)
from plumbline.runtime.seeding import derive

try:
    CONFIG = load(config)
    # Keys of the image sets of every attack.
    ATTACKED = {
        entry: adversarial_keys(CONFIG.attacks, entry)
        for entry in CONFIG.attacks.methods
    }
except InputError as error:
    sys.exit(f"Configuration: {error}")

NETWORKS = CONFIG.networks

if workflow.is_main_process and settle_times(CONFIG.results):
    print(
        "Results are of the future: was the clock set back? Their times are set to now."
    )


wildcard_constraints:
    dataset="[a-z0-9_]+",
    model="|".join(NETWORKS.names()),
    seed="[0-9]+",
    split="train|val|calibration|test",
    attack="[a-z0-9_]+",
    estimator="[a-z0-9_]+",
    corpus="in_distribution|out_of_distribution|adversarial",
    method="[a-z0-9_]+",
    operator="[a-z0-9_]+",
    score="[a-z0-9_]+",
    visualization="[a-z0-9_]+",
    generator="[a-z0-9_]+",


def results(path):
    """A path in the folder of everything that this run makes."""
    return f"{CONFIG.results}/{path}"


def log(path):
    return results(f"logs/{path}.log")


def bench(path):
    return results(f"benchmarks/{path}.tsv")


def code(script, env, *modules):
    """Hash of a script, all our code that it imports, its environment, and further files."""
    return code_hash(SCRIPTS, script, f"../envs/{env}.yaml", *modules)


def options(section=None, **more):
    """All options of a rule as one text of command-line flags."""
    given = (
        section.model_dump() if hasattr(section, "model_dump") else dict(section or {})
    )
    return flags(given | more)


def job(**parts):
    """The parameter `job` of a rule: script, code and options by name.

    One parameter, since Snakemake's records keep the values of parameters without their names.
    Each part is a value or a function of the wildcards.
    """
    return lambda wildcards: {
        name: part(wildcards) if callable(part) else part
        for name, part in parts.items()
    }


def runtime(*names):
    """Seed and device of one job; the seed follows from the job's name alone."""
    return {"seed": derive(CONFIG.seed, *names), "device": CONFIG.device}


def memory(megabytes):
    """The `mem_mb` of a rule: doubled at every new attempt, of which a cluster makes some."""
    return lambda wildcards, attempt: megabytes * 2 ** (attempt - 1)


def cancel_submissions(logs):
    """Take back what SLURM still has of the run that Snakemake's logs are of."""
    for path in logs:
        for run in re.findall(r"^SLURM run ID: (\S+)$", Path(path).read_text(), re.M):
            subprocess.run(["scancel", "--name", run], check=False)


def gallery(dataset):
    """What chooses the images that every method explains for the gallery."""
    section = CONFIG.attribution.gallery
    return section.model_dump() | {
        "images": section.images.get(dataset, ()),
        "seed": derive(CONFIG.seed, "gallery", dataset),
    }


def inapplicable(entry, model):
    """Why an entry of attribution.methods does not apply to a net; empty if it does."""
    reasons = (
        NETWORKS.unmet(ATTRIBUTIONS, module, model)
        for module in CONFIG.attribution.modules_of(entry)
    )
    return next(filter(None, reasons), "")


def attributions(model):
    """Entries of attribution.methods that apply to a net."""
    return [
        entry for entry in CONFIG.attribution.methods if not inapplicable(entry, model)
    ]


def net(dataset, model, seed=0, objective=CROSS_ENTROPY):
    """File of one net: of this training seed, trained for this objective, or given."""
    objective = CONFIG.objective(dataset, model, objective)
    folder = f"models/{dataset}/{model}/{objective}/{seed}"
    return results(f"{folder}/classifier.safetensors")


def nets(dataset, model, count=None, objective=CROSS_ENTROPY):
    """Files of the first `count` nets, or of all."""
    count = CONFIG.seeds_of(dataset, model) if count is None else count
    return [net(dataset, model, seed, objective) for seed in range(count)]


def classifier(w):
    """File of the net of a rule: its first training seed."""
    return net(w.dataset, w.model)


def classifiers(w):
    """Files of the nets of a rule: all of its training seeds."""
    return nets(w.dataset, w.model)


def other_sets(dataset):
    """Keys of the image sets that are out of distribution."""
    others = CONFIG.data.sources[dataset].ood
    return [ImageSetKey("out_of_distribution", source=other) for other in others]


def image_sets(dataset):
    """Keys of the image sets that are put before a net."""
    calibration, test = ImageSetKey("calibration"), ImageSetKey("clean")
    return [calibration, test, *other_sets(dataset), *sum(ATTACKED.values(), [])]


def shifted_sets():
    """Keys of the shifted test sets."""
    return [
        ImageSetKey("shifted", shift=shift, level=level)
        for shift, how in CONFIG.uncertainty.shifts.items()
        for level in how.levels
    ]


def predicted_sets(dataset):
    """Keys of the image sets that the estimators are asked about."""
    return image_sets(dataset) + shifted_sets()


def set_file(dataset, model, key):
    """File of an image set that is put before a net."""
    folder = {
        "out_of_distribution": f"data/{key.source}",
        "adversarial": f"attacks/{dataset}/{model}",
        "shifted": f"shifts/{dataset}",
    }.get(key.kind, f"data/{dataset}")
    name = "test" if key.kind == "out_of_distribution" else key.name
    return results(f"{folder}/{name}.safetensors")


def set_files(w, keys):
    """Files of the image sets of a rule."""
    return [set_file(w.dataset, w.model, key) for key in keys]


def set_names(keys):
    """Options that name the image sets of a rule."""
    return {
        "names": [key.name for key in keys],
        "minimal": [key.attack for key in keys if key.minimal],
    }
