"""Map what estimators say about a net over the latent space of a VAE."""

import argparse
import json
from functools import partial

from plumbline import cli
from plumbline.config.latent import GridOptions


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vae", required=True, help="VAE whose latent space is mapped")
    parser.add_argument("--codes", required=True, help="Codes of the test images in it")
    parser.add_argument("--test", required=True, help="ImageSet of the test images")
    parser.add_argument("--classifiers", nargs="+", required=True, help="nets of several seeds")
    parser.add_argument("--estimators", type=json.loads, required=True, help="with options, JSON")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--corpus", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--out", required=True, help="LatentMap to write")
    parser.add_argument("--table", required=True, help="CSV of the figures to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.artefacts import ImageSet, load_arrays, save_arrays
    from plumbline.latent.maps import MAPPED, chart, table
    from plumbline.latent.vae import Vae, decode
    from plumbline.methods import ESTIMATORS
    from plumbline.models.classifier import Classifier
    from plumbline.progress import progress
    from plumbline.runtime import setup
    from plumbline.seeding import derive
    from plumbline.tables import write_csv
    from plumbline.uncertainty.measures import mean_probs, measures

    device = setup(args.device, args.threads)
    classifiers = [Classifier.load(path, device) for path in args.classifiers]
    vae, (codes, _) = Vae.load(args.vae, device), load_arrays(args.codes, "Codes")
    images = torch.from_numpy(ImageSet.load(args.test).images)
    grid = chart(codes["test"], args.options.extent, args.options.points)
    shown = [decode(vae, grid.cells), images, decode(vae, codes["test"])]
    keys = {"dataset": args.dataset, "corpus": args.corpus, "model": args.model}
    arrays = {"axis": grid.axis, "distance": grid.square(grid.distance)}
    rows = []
    for name, options in progress(args.estimators.items(), "estimators"):
        estimator = ESTIMATORS.load(name)
        predict = partial(estimator, classifiers, seed=derive(args.seed, name), **options)
        cells, *others = (predict(pixels).numpy() for pixels in shown)
        found = measures(cells)
        arrays |= {f"{name}.{each}": grid.square(found[each]) for each in MAPPED}
        arrays[f"{name}.prediction"] = grid.square(mean_probs(cells).argmax(1))
        rows += table(grid, found, *map(measures, others), args.seed, **keys, estimator=name)
    write_csv(args.table, rows)
    save_arrays(args.out, "LatentMap", arrays, {**keys, "radius": grid.radius})


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, GridOptions)
