"""Judge every score as a detector of wrong, adversarial and out-of-distribution images."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", required=True, help="uncertainty of each image, Parquet")
    parser.add_argument("--sets", nargs="+", required=True, help="image sets that are judged")
    parser.add_argument(
        "--label-changes", nargs="*", default=[], help="label change rates, Parquet"
    )
    parser.add_argument("--conductance", nargs="*", default=[], help="conductances of each image")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--out", required=True, help="CSV to write")


def main(args: argparse.Namespace) -> None:
    import pandas as pd

    from plumbline.artefacts import load_arrays
    from plumbline.detection import scores
    from plumbline.detection.tasks import calibration_errors, judge, tasks
    from plumbline.progress import progress
    from plumbline.tables import write_csv

    uncertainty = pd.read_parquet(args.scores).query("set in @args.sets")
    conductances = [load_arrays(path, "Conductance")[0] for path in args.conductance]
    right = scores.correct(uncertainty)
    table = scores.join(
        scores.uncertainty_scores(uncertainty),
        scores.label_change_scores([pd.read_parquet(path) for path in args.label_changes]),
        *(scores.conductance_score(each, right) for each in conductances),
    )
    keys = {"dataset": args.dataset, "model": args.model}
    rows = [
        row
        for task in progress(list(tasks(right)), "tasks")
        for row in judge(task, table, args.seed, **keys)
    ]
    if conductances:
        rows.append(calibration_errors(right, scores.CONDUCTANCE, **keys))
    write_csv(args.out, rows)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
