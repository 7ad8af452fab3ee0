"""Sample mutants of a net with one mutation operator and measure their label change rates."""

import argparse
import json

from plumbline.config.stability import MutantOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operator", required=True, help="name of the operator in tables")
    parser.add_argument("--method", required=True, help="its module in stability/operators")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument(
        "--further-rates", type=float, nargs="*", default=[], help="further strengths to try"
    )
    parser.add_argument("--classifier", required=True, help="Classifier to mutate")
    parser.add_argument(
        "--calibration", required=True, help="ImageSet for the acceptance test of mutants"
    )
    parser.add_argument(
        "--sets", nargs="+", required=True, help="ImageSets to classify with the mutants"
    )
    parser.add_argument(
        "--names", nargs="+", required=True, help="name of each set, in the same order"
    )
    parser.add_argument(
        "--minimal", nargs="*", default=[], help="attacks that minimize the perturbation (no ε)"
    )
    parser.add_argument(
        "--further-sets", nargs="*", default=[], help="sets that the further rates are measured on"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument(
        "--out", required=True, help="Parquet of label change rates to write, one row per image"
    )
    parser.add_argument("--table", required=True, help="CSV to write")
    parser.add_argument(
        "--changes", required=True, help="safetensors of all label changes to write"
    )
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import TEST, parse_all
    from plumbline.models.classifier import Classifier
    from plumbline.registry import OPERATORS
    from plumbline.runtime.torch_setup import setup
    from plumbline.stability import label_changes
    from plumbline.stability.mutation_analysis import MutationAnalysis
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_csv, write_parquet

    classifier = Classifier.load(args.classifier, setup(args.device, args.threads))
    counts = {TEST: args.options.test_images}
    keys = parse_all(args.names, args.minimal).values()
    analysis = MutationAnalysis(
        classifier,
        OPERATORS.load(args.method),
        ImageSet.load(args.calibration),  # detectors are fitted on all of it
        {
            key: ImageSet.load(path).select(slice(counts.get(key, args.options.images)))
            for key, path in zip(keys, args.sets, strict=True)
        },
        args.further_sets,
        args.options,
        args.seed,
    )
    outcomes = analysis.run(args.set, args.further_rates)
    of = {"dataset": args.dataset, "model": args.model, "operator": args.operator}
    write_csv(args.table, analysis.rows(outcomes, **of))
    write_parquet(args.out, analysis.images(outcomes, args.operator))
    indices = {key.name: images.index for key, images in analysis.sets.items()}
    label_changes.save(args.changes, outcomes, indices)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, MutantOptions)
