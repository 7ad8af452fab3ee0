"""Draw the training curves of one dataset's nets."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--histories", nargs="+", required=True, help="CSVs, one per net")
    parser.add_argument("--models", nargs="+", required=True, help="model of each history")
    parser.add_argument("--seeds", nargs="+", type=int, required=True, help="seed of each history")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    import pandas as pd

    from plumbline.report.figures import training_curves
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame

    runs = zip(args.histories, args.models, args.seeds, strict=True)
    history = pd.concat([read_frame([path]).assign(model=m, seed=s) for path, m, s in runs])
    save(training_curves.draw(history), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
