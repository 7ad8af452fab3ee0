"""Find connected holes of latent maps and compare their decoded images with the training images."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vaes", nargs="+", required=True, help="VAEs of several seeds")
    parser.add_argument("--maps", nargs="+", required=True, help="LatentMap of each VAE")
    parser.add_argument("--train", required=True, help="ImageSet of the training images")
    parser.add_argument("--estimators", nargs="+", required=True, help="estimators of the maps")
    parser.add_argument("--out", required=True, help="Holes of the first map, to write")
    parser.add_argument("--table", required=True, help="CSV of the estimates on all maps, to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import numpy as np

    from plumbline.latent import holes
    from plumbline.latent.vae import Vae, decode
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, load_arrays
    from plumbline.storage.tables import write_csv

    device, train = setup(args.device, args.threads), ImageSet.load(args.train)
    data = holes.data_distances(train.images, args.seed)
    rows = []
    for number, (vae_path, map_path) in enumerate(zip(args.vaes, args.maps, strict=True)):
        vae, (arrays, keys) = Vae.load(vae_path, device), load_arrays(map_path, "LatentMap")
        axis = arrays["linear.axis"]
        found = holes.all_regions(arrays, args.estimators)
        cells = holes.representative_cells(found)
        codes = np.stack([axis[cells % len(axis)], axis[cells // len(axis)]], 1)
        parts = holes.shown(arrays, found, cells, decode(vae, codes).numpy(), train.images)
        own = holes.table(arrays, found, parts, data, train.classes, args.seed, **keys)
        rows += [each | {"seed": number} for each in own]
        if number == 0:
            about = {**keys, "estimators": args.estimators, "data_distance": float(np.median(data))}
            holes.save(args.out, found, parts, axis, about)
    write_csv(args.table, rows)
