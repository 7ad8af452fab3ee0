"""Decode codes sampled from the holes of a map, and as many from random points off the data."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vae", required=True, help="VAE of the mapped latent space")
    parser.add_argument("--map", required=True, help="LatentMap that marks the cells on the data")
    parser.add_argument("--holes", required=True, help="Holes of this map")
    parser.add_argument("--of", required=True, help="estimator.measure that defines the holes")
    parser.add_argument("--count", type=int, required=True, help="number of images of each kind")
    parser.add_argument("--out", required=True, help="ImageSet decoded from the holes, to write")
    parser.add_argument(
        "--random", required=True, help="ImageSet decoded from off the data, to write"
    )
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import numpy as np

    from plumbline.latent.extension import draw, inside
    from plumbline.latent.vae import Vae, decode
    from plumbline.runtime.seeding import derive
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, load_arrays

    vae = Vae.load(args.vae, setup(args.device, args.threads))
    holes, _ = load_arrays(args.holes, "Holes")
    where, axis = holes[f"{args.of}.region"] > 0, holes["axis"]
    off_data = ~load_arrays(args.map, "LatentMap")[0]["linear.on_data"]
    # A map without holes has nothing to compare with, so the control is empty as well.
    cells = {"holes": where, "random": off_data & where.any()}
    for name, path in (("holes", args.out), ("random", args.random)):
        codes = draw(cells[name], axis, args.count, derive(args.seed, name))
        ImageSet(
            name=name,
            images=decode(vae, codes).numpy() if len(codes) else np.empty((0, *vae.shape), "f4"),
            labels=np.full(len(codes), -1),
            index=np.arange(len(codes)),
            provenance={"decoded from": f"{name}, {args.of}", "off data": int(off_data.sum())},
            extra={"codes": codes, "in_hole": inside(where, axis, codes)},
        ).save(path)
