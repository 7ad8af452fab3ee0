"""Draw the ways between test images in pixel space and in latent space, of every net."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ways", nargs="+", required=True, help="Interpolations, one per net")
    parser.add_argument("--estimators", nargs="+", required=True, help="estimators, in order")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import interpolation
    from plumbline.report.style import save
    from plumbline.storage.artefacts import load_arrays

    ways = [load_arrays(path, "Interpolation") for path in args.ways]
    by_model = {about["model"]: arrays for arrays, about in ways}
    save(interpolation.draw(by_model, args.estimators), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
