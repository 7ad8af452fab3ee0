"""Measure speed, as ratios of times of one run: explanations, and what the workflow costs."""

import argparse
import tempfile
from pathlib import Path

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "part", nargs="?", choices=["attribution", "workflow"], help="without it, both"
    )
    workflow = parser.add_argument_group("workflow")
    workflow.add_argument(
        "--configfile", nargs="+", type=Path, default=[], help="laid over config/config.yaml"
    )
    workflow.add_argument("--cores", type=int, default=2, help="cores of the workflow")
    attribution = parser.add_argument_group("attribution")
    attribution.add_argument("--classifier", help="Classifier to explain, not a LeNet-5 of digits")
    attribution.add_argument("--images", help="ImageSet to explain, not digits")
    attribution.add_argument("--device", default="cpu", help="auto, cpu (the default) or cuda")


def main(args: argparse.Namespace) -> None:
    if args.part != "workflow":
        from plumbline.benchmarks import attribution
        from plumbline.benchmarks.contests import Sizes

        attribution.measure(args.classifier, args.images, args.device, Sizes())
    if args.part != "attribution":
        from plumbline.benchmarks import workflow

        with tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
            workflow.measure(Path(folder), args.configfile, args.cores)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
