"""Measure speed as ratios of times within one run: of methods, and of the workflow."""

import argparse
import tempfile
from pathlib import Path

from plumbline.runtime import cli

PARTS = ("attribution", "uncertainty", "stability", "workflow")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", nargs="?", choices=PARTS, help="part to measure (default: all)")
    workflow = parser.add_argument_group("workflow")
    workflow.add_argument(
        "--configfile",
        nargs="+",
        type=Path,
        default=[],
        help="configuration that overrides config/config.yaml",
    )
    workflow.add_argument("--cores", type=int, default=2, help="cores of the workflow")
    methods = parser.add_argument_group("attribution, uncertainty")
    methods.add_argument("--classifier", help="Classifier to use (default: a small LeNet-5)")
    methods.add_argument("--images", help="ImageSet to use with it")
    methods.add_argument("--device", default="cpu", help="auto, cpu (the default) or cuda")


def main(args: argparse.Namespace) -> None:
    parts = [args.part] if args.part else PARTS
    if "attribution" in parts:
        from plumbline.benchmarks import attribution
        from plumbline.benchmarks.contests import Sizes

        attribution.measure(args.classifier, args.images, args.device, Sizes())
    if "uncertainty" in parts:
        from plumbline.benchmarks import uncertainty

        sizes = uncertainty.Sizes()
        uncertainty.measure(args.classifier, args.images, args.device, sizes)
    if "stability" in parts:
        from plumbline.benchmarks import stability

        stability.measure(args.device, stability.Sizes())
    if "workflow" in parts:
        from plumbline.benchmarks import workflow

        with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
            workflow.measure(Path(folder), args.configfile, args.cores)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, logged=False)
