"""Fit a VAE with two latent dimensions on one corpus and encode the images that are shown."""

import argparse

from plumbline import cli
from plumbline.config.latent import VaeOptions


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", required=True, help="what the VAE is fitted on, by name")
    parser.add_argument("--train", required=True, help="ImageSet to fit on, in every corpus")
    parser.add_argument("--test", required=True, help="ImageSet to encode")
    parser.add_argument("--others", nargs="*", default=[], help="ImageSets to fit on as well")
    parser.add_argument("--held", nargs="*", default=[], help="ImageSets like them, only encoded")
    parser.add_argument("--out", required=True, help="VAE to write")
    parser.add_argument("--codes", required=True, help="Codes of train, test and held to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.artefacts import ImageSet, save_arrays
    from plumbline.latent.corpora import with_others, with_share
    from plumbline.latent.vae import encode, fit
    from plumbline.runtime import setup
    from plumbline.seeding import derive

    train, test = ImageSet.load(args.train), ImageSet.load(args.test)
    others = [ImageSet.load(path) for path in args.others]
    held = [ImageSet.load(path) for path in args.held]
    seed = derive(args.seed, "corpus")
    if args.corpus == "adversarial":
        corpus = with_share(train, others[0], seed)
    else:
        corpus = with_others(train, others, held, seed)
    device = setup(args.device, args.threads)
    vae = fit(corpus.fit, seed=args.seed, device=device, **args.options.model_dump())
    codes = {"train": encode(vae, train.images), "train_labels": train.labels}
    codes |= {"test": encode(vae, test.images), "test_labels": test.labels}
    codes |= {"other": encode(vae, corpus.held)}
    codes |= {"test_index": test.index, "other_index": corpus.index}
    names = [each.name for each in held or others]
    save_arrays(args.codes, "Codes", codes, {"corpus": args.corpus, "other": names})
    vae.save(args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, VaeOptions)
