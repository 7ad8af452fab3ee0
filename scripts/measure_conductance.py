"""Measure the conductance of every block of a net on image sets."""

import argparse
from typing import Any

from plumbline.config.stability import ConductanceOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--classifier", required=True, help="Classifier whose conductance is measured"
    )
    parser.add_argument("--sets", nargs="+", required=True, help="ImageSets")
    parser.add_argument(
        "--names", nargs="+", required=True, help="name of each set, in the same order"
    )
    parser.add_argument(
        "--minimal", nargs="*", default=[], help="attacks that minimize the perturbation (no ε)"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="safetensors of the conductances to write")
    parser.add_argument("--table", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import parse_all
    from plumbline.models.classifier import Classifier
    from plumbline.runtime.progress import progress
    from plumbline.runtime.torch_setup import setup
    from plumbline.stability.conductance import blocks, measure
    from plumbline.storage.artefacts import ImageSet, save_arrays
    from plumbline.storage.tables import Row, write_csv

    classifier = Classifier.load(args.classifier, setup(args.device, args.threads))
    keys, steps = {"dataset": args.dataset, "model": args.model}, args.options.steps
    arrays: dict[str, Any] = {}
    rows: list[Row] = []
    sets = parse_all(args.names, args.minimal).values()
    for key, path in progress(list(zip(sets, args.sets, strict=True)), "image sets"):
        # Detectors are fitted on the whole calibration split.
        first = None if key.kind == "calibration" else args.options.images
        images = ImageSet.load(path).select(slice(first))
        of_set, of_table = measure(classifier, images, key, steps, args.seed, **keys)
        arrays |= of_set
        rows += of_table
    write_csv(args.table, rows)
    save_arrays(
        args.out,
        "Conductance",
        arrays,
        {**keys, "steps": steps, "blocks": blocks(classifier.network)},
    )


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, ConductanceOptions)
