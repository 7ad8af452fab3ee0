"""Build the explorer of one dataset: a self-contained page to explore the latent maps."""

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help="name of the dataset, for titles")
    parser.add_argument("--train", required=True, help="ImageSet of the training images")
    parser.add_argument("--vaes", nargs="+", required=True, help="VAE of each corpus")
    parser.add_argument("--codes", nargs="+", required=True, help="Codes of each corpus")
    parser.add_argument("--maps", nargs="+", required=True, help="LatentMaps of all corpora")
    parser.add_argument(
        "--holes", nargs="+", required=True, help="Holes of each map, in the same order"
    )
    parser.add_argument(
        "--estimators", nargs="+", required=True, help="estimators, in the order shown"
    )
    parser.add_argument("--measures", nargs="+", required=True, help="measures, in the order shown")
    parser.add_argument("--back", required=True, help="link to the report")
    parser.add_argument("--out", required=True, help="HTML to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import ImageSetKey
    from plumbline.report.pages import explorer
    from plumbline.storage.artefacts import ImageSet, load_arrays
    from plumbline.storage.files import write_text

    train = ImageSet.load(args.train)
    maps = [load_arrays(path, "LatentMap") for path in args.maps]
    holes = [load_arrays(path, "Holes")[0] for path in args.holes]
    corpora = []
    for vae, path in zip(args.vaes, args.codes, strict=True):
        codes, about = load_arrays(path, "Codes")
        own = [
            (what["model"], arrays, found)
            for (arrays, what), found in zip(maps, holes, strict=True)
            if what["corpus"] == about["corpus"]
        ]
        corpora.append(
            explorer.Corpus(
                name=about["corpus"],
                vae=load_arrays(vae, "VAE")[0],
                codes=codes,
                other=[ImageSetKey(**each) for each in about["other"]],
                maps={model: arrays for model, arrays, _ in own},
                holes={model: found for model, _, found in own},
            )
        )
    found = explorer.content(
        args.dataset, train, train.classes, corpora, args.estimators, args.measures
    )
    write_text(args.out, explorer.render(args.dataset, found, args.back))
