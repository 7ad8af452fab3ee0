"""Draw the latent space of one corpus of a dataset: maps, chosen points, distances."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", required=True, help="corpus that is drawn")
    parser.add_argument("--codes", required=True, help="Codes of its images")
    parser.add_argument(
        "--maps", nargs="+", required=True, help="LatentMaps of all corpora: they share the scale"
    )
    parser.add_argument("--test", required=True, help="ImageSet that knows the class names")
    parser.add_argument("--estimators", nargs="+", required=True, help="estimators, in order")
    parser.add_argument("--measures", nargs="+", required=True, help="measures, in order")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples")
    parser.add_argument("--linear", nargs="+", required=True, help="PNGs, one per measure")
    parser.add_argument("--quantile", nargs="+", required=True, help="PNGs, one per measure")
    parser.add_argument("--points", required=True, help="PNG of the decoded points")
    parser.add_argument("--distance", required=True, help="PNG of uncertainty by distance")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import ImageSetKey
    from plumbline.report.figures import latent, latent_distance, latent_points
    from plumbline.report.style import save
    from plumbline.report.wording import describe
    from plumbline.storage.artefacts import ImageSet, load_arrays

    maps = [load_arrays(path, "LatentMap") for path in args.maps]
    drawn = {what["model"]: arrays for arrays, what in maps if what["corpus"] == args.corpus}
    codes, about = load_arrays(args.codes, "Codes")
    classes = ImageSet.load(args.test).classes
    names = [describe(ImageSetKey(**each)) for each in about["other"]]
    others = latent.Codes(" and ".join(names), codes["other"])
    for grid, paths in (("linear", args.linear), ("quantile", args.quantile)):
        for measure, path in zip(args.measures, paths, strict=True):
            keys = {estimator: f"{grid}.{estimator}.{measure}" for estimator in args.estimators}
            scale = latent.norm([a[key] for a, _ in maps for key in keys.values() if key in a])
            figure = latent.draw(
                {(e, m): drawn[m][k] for e, k in keys.items() for m in drawn if k in drawn[m]},
                latent.Codes("test images", codes["test"]),
                codes["test_labels"],
                others if len(others.points) else None,
                classes=classes,
                corpus=args.corpus,
                measure=measure,
                over=latent.plane(next(iter(drawn.values())), grid),
                scale=scale,
            )
            save(figure, path)
    save(
        latent_points.draw(drawn, args.estimators, classes=classes, corpus=args.corpus), args.points
    )
    how = {"corpus": args.corpus, "seed": args.seed}
    save(latent_distance.draw(drawn, args.estimators, args.measures, **how), args.distance)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
