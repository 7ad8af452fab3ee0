"""Draw the maps of uncertainty over the latent space of one corpus of a dataset."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", required=True, help="corpus that is drawn")
    parser.add_argument("--codes", required=True, help="Codes of its images")
    parser.add_argument(
        "--maps", nargs="+", required=True, help="LatentMaps of all corpora: they share the scale"
    )
    parser.add_argument("--test", required=True, help="ImageSet that knows the class names")
    parser.add_argument("--estimators", nargs="+", required=True, help="estimators, in order")
    parser.add_argument("--measures", nargs="+", required=True, help="measures, in order")
    parser.add_argument("--out", nargs="+", required=True, help="PNGs to write, one per measure")


def main(args: argparse.Namespace) -> None:
    from plumbline.artefacts import ImageSet, load_arrays
    from plumbline.report.figures import latent
    from plumbline.report.style import save

    maps = [load_arrays(path, "LatentMap") for path in args.maps]
    drawn = {what["model"]: arrays for arrays, what in maps if what["corpus"] == args.corpus}
    codes, about = load_arrays(args.codes, "Codes")
    classes = ImageSet.load(args.test).classes
    others = latent.Codes(" and ".join(about["other"]), codes["other"])
    for measure, path in zip(args.measures, args.out, strict=True):
        keys = {estimator: f"{estimator}.{measure}" for estimator in args.estimators}
        figure = latent.draw(
            {(e, model): drawn[model][key] for e, key in keys.items() for model in drawn},
            latent.Codes("test images", codes["test"]),
            codes["test_labels"],
            others if len(others.points) else None,
            classes=classes,
            corpus=args.corpus,
            measure=measure,
            covers=latent.extent(maps[0][0]["axis"]),
            scale=latent.norm([arrays[key] for arrays, _ in maps for key in keys.values()]),
        )
        save(figure, path)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
