"""Find connected holes of a latent map, and what they decode to beside the training images."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vae", required=True, help="VAE whose latent space was mapped")
    parser.add_argument("--map", required=True, help="LatentMap")
    parser.add_argument("--train", required=True, help="ImageSet of the training images")
    parser.add_argument("--estimators", nargs="+", required=True, help="estimators of the map")
    parser.add_argument("--out", required=True, help="Holes to write")
    parser.add_argument("--table", required=True, help="CSV of the figures to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import numpy as np

    from plumbline.artefacts import ImageSet, load_arrays
    from plumbline.latent import holes
    from plumbline.latent.vae import Vae, decode
    from plumbline.runtime import setup
    from plumbline.tables import write_csv

    vae = Vae.load(args.vae, setup(args.device, args.threads))
    (arrays, keys), train = load_arrays(args.map, "LatentMap"), ImageSet.load(args.train)
    axis = arrays["linear.axis"]
    found = holes.all_regions(arrays, args.estimators)
    cells = holes.looked_at(found)
    codes = np.stack([axis[cells % len(axis)], axis[cells // len(axis)]], 1)
    images = decode(vae, codes).numpy()
    parts = holes.shown(arrays, found, cells, images, train.images)
    data = holes.data_distances(train.images, args.seed)
    rows = holes.table(arrays, found, parts, data, train.classes, args.seed, **keys)
    write_csv(args.table, rows)
    about = {**keys, "estimators": args.estimators, "data_distance": float(np.median(data))}
    holes.save(args.out, found, parts, axis, about)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
