"""Build the report: one self-contained HTML page of claims, figures, tables and provenance."""

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configuration", type=Path, required=True, help="config.json, the recorded configuration"
    )
    parser.add_argument("--claims", required=True, help="YAML of the claims")
    parser.add_argument("--published", required=True, help="YAML of published tables")
    parser.add_argument("--ledger", required=True, help="CSV of the judged claims")
    parser.add_argument(
        "--tables",
        nargs="+",
        type=Path,
        required=True,
        help="CSV files, one per stage and named after it",
    )
    parser.add_argument(
        "--manifests", nargs="+", type=Path, required=True, help="manifests of the datasets"
    )
    parser.add_argument(
        "--explorers", nargs="*", type=Path, default=[], help="pages that the report links to"
    )
    parser.add_argument(
        "--results",
        type=Path,
        required=True,
        help="folder of the results, with figures and benchmarks",
    )
    parser.add_argument("--out", required=True, help="HTML to write")


def main(args: argparse.Namespace) -> None:
    import pandas as pd
    import yaml

    from plumbline.report.claims import published
    from plumbline.report.claims.ledger import ledger
    from plumbline.report.claims.schema import load_claims
    from plumbline.report.left_out import COLUMNS, coverage_frame
    from plumbline.report.pages import origin
    from plumbline.report.pages import report as page
    from plumbline.report.spec import Drawing
    from plumbline.storage.files import read_json, write_text
    from plumbline.storage.tables import read_frame, read_rows

    run = read_json(args.configuration)
    tables = {path.stem: read_frame([path]) for path in args.tables}
    if run["coverage"]:
        tables["coverage"] = coverage_frame(run["coverage"])
    tables["published"] = published.frame(published.load_published(args.published), tables)
    if run["left_out"]:
        tables["left_out"] = pd.DataFrame(run["left_out"], columns=COLUMNS)
    drawings = [Drawing(**fields) for fields in run["figures"]]
    figures = [(drawing, args.results / drawing.file) for drawing in drawings]
    text = page.render(
        config=run["configuration"],
        config_text=yaml.safe_dump(run["configuration"], sort_keys=False, allow_unicode=True),
        ledger=ledger(load_claims(args.claims), read_rows(args.ledger)),
        sections=page.stage_sections(tables, figures, args.explorers),
        hashes=run["hashes"],
        data=origin.data_files(args.manifests),
        machine=origin.machine(),
        versions=origin.versions(run["pins"]),
        job_time=origin.job_time(args.results / "benchmarks"),
        built=origin.now(),
    )
    write_text(args.out, text)
