"""Turn the predictions of all estimators into scores per image and a table of figures."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--predictions", nargs="+", required=True, help="one file per estimator")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--scores", required=True, help="Parquet to write, a row per image")
    parser.add_argument("--out", required=True, help="CSV of the figures to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.artefacts import load_predictions
    from plumbline.seeding import derive
    from plumbline.tables import row, write_csv, write_parquet
    from plumbline.uncertainty.measures import figures, scores

    keys = {"dataset": args.dataset, "model": args.model}
    files = [load_predictions(path) for path in args.predictions]
    # Set by set, not estimator by estimator: the figures of a set share their resamples.
    predictions = [estimator[name] for name in files[0] for estimator in files]
    rows = []
    for each in predictions:
        here = {**keys, "estimator": each.estimator, "set": each.images}
        found = figures(each.probs, each.labels, derive(args.seed, each.images))
        rows += [row(metric, *found[metric], len(each.labels), **here) for metric in found]
    write_csv(args.out, rows)
    write_parquet(args.scores, scores(predictions))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
