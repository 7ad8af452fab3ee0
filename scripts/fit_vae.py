"""Train VAEs with two latent dimensions on one corpus and encode the images that are shown."""

import argparse

from plumbline.config.latent import VaeOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--corpus", required=True, help="name of the corpus that the VAE is trained on"
    )
    parser.add_argument(
        "--train", required=True, help="ImageSet of training images, part of every corpus"
    )
    parser.add_argument("--test", required=True, help="ImageSet to encode")
    parser.add_argument("--others", nargs="*", default=[], help="further ImageSets of the corpus")
    parser.add_argument(
        "--held", nargs="*", default=[], help="held-out ImageSets of the same kinds, only encoded"
    )
    parser.add_argument("--vaes", nargs="+", required=True, help="VAEs to write, one per seed")
    parser.add_argument(
        "--codes",
        nargs="+",
        required=True,
        help="Codes of the training, test and held-out images under each VAE, to write",
    )
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from plumbline.latent.corpora import key_of, noisy, positions, with_others, with_share
    from plumbline.latent.vae import encode, fit
    from plumbline.runtime.seeding import derive
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, save_arrays

    train, test = ImageSet.load(args.train), ImageSet.load(args.test)
    others = [ImageSet.load(path) for path in args.others]
    held = [ImageSet.load(path) for path in args.held]
    seed = derive(args.seed, "corpus")
    if args.corpus == "adversarial":
        corpus = with_share(train, others[0], seed)
        sources = test.select(positions(corpus.index, test.index)).pixels
        more = {"noise": noisy(corpus.held, sources, derive(args.seed, "noise"))}
    else:
        corpus, more = with_others(train, others, held, seed), {}
    device = setup(args.device, args.threads)
    keys = [key_of(each) for each in held or others]
    about = {"corpus": args.corpus, "other": [asdict(key) for key in keys]}
    labels = {"train_labels": train.labels, "test_labels": test.labels}
    labels |= {"test_index": test.index, "other_index": corpus.index}
    how = args.options.model_dump(exclude={"seeds"})
    numbered = zip(range(args.options.seeds), args.vaes, args.codes, strict=True)
    for number, vae_path, codes_path in numbered:
        seed = derive(args.seed, f"vae{number}") if number else args.seed
        vae = fit(corpus.fit, seed=seed, device=device, **how)
        images = {"train": train.images, "test": test.images, "other": corpus.held, **more}
        codes = {name: encode(vae, each) for name, each in images.items()}
        save_arrays(codes_path, "Codes", codes | labels, about)
        vae.save(vae_path)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, VaeOptions)
