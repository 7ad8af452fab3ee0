"""Sample from a trained generator and compare the samples with test images."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--generator", required=True, help="Generator to sample from")
    parser.add_argument("--history", required=True, help="CSV of its training history")
    parser.add_argument("--train", required=True, help="ImageSet that it was trained on")
    parser.add_argument("--test", required=True, help="ImageSet of unseen images, the control")
    parser.add_argument(
        "--classifiers", nargs="+", required=True, help="Classifiers that evaluate the samples"
    )
    parser.add_argument(
        "--models", nargs="+", required=True, help="name of each Classifier, in the same order"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--out", required=True, help="ImageSet of the samples to write")
    parser.add_argument("--table", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.models.classifier import Classifier
    from plumbline.runtime.seeding import derive
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import read_rows, write_csv
    from plumbline.visualization import samples
    from plumbline.visualization.generator import Generator

    device = setup(args.device, args.threads)
    generator = Generator.load(args.generator, device)
    train, test = ImageSet.load(args.train), ImageSet.load(args.test).select(slice(samples.COUNT))
    made = generator.sample(samples.COUNT, derive(args.seed, "samples")).numpy()
    distance, place = samples.nearest(made, train.images)
    real, _ = samples.nearest(test.images, train.images)
    keys = {"dataset": args.dataset, "generator": generator.name}
    rows = [*samples.loss_rows(read_rows(args.history), args.seed, **keys, model="")]
    rows += samples.distance_rows(distance, real, args.seed, **keys, model="")
    for model, path in zip(args.models, args.classifiers, strict=True):
        judge, sets = Classifier.load(path, device), {"samples": made, "test": test.images}
        rows += samples.class_rows(judge, sets, args.seed, **keys, model=model)
    write_csv(args.table, rows)
    samples.image_set(generator.name, made, distance, place, train).save(args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
