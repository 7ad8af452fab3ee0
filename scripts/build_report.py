"""Build the report: one self-contained HTML page of claims, figures, tables and provenance."""

import argparse
import json
from pathlib import Path

from plumbline.runtime import cli

WHY = "why a method has no job, JSON: dataset, net, method, reason or nothing"
GAPS = "what does not apply, JSON lists: stage, dataset, net or nothing, entry, reason"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--claims", required=True, help="YAML of the claims")
    parser.add_argument("--published", required=True, help="YAML of published tables")
    parser.add_argument("--ledger", required=True, help="CSV of the judged claims")
    parser.add_argument("--tables", nargs="+", type=Path, required=True, help="CSVs by stage name")
    parser.add_argument("--figures", nargs="+", type=Path, required=True, help="{dataset}/*.png")
    parser.add_argument("--manifests", nargs="+", type=Path, required=True, help="of the data")
    parser.add_argument("--explorers", nargs="*", type=Path, default=[], help="pages beside it")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder of job times")
    parser.add_argument("--config", type=json.loads, required=True, help="configuration, JSON")
    parser.add_argument("--hashes", type=json.loads, required=True, help="script to hash, JSON")
    parser.add_argument("--pins", type=json.loads, default={}, help="package to version, JSON")
    parser.add_argument("--coverage", type=json.loads, default={}, help=WHY)
    parser.add_argument("--left-out", nargs="*", type=json.loads, default=[], help=GAPS)
    parser.add_argument("--out", required=True, help="HTML to write")


def main(args: argparse.Namespace) -> None:
    import pandas as pd
    import yaml

    from plumbline.report.claims import published
    from plumbline.report.claims.ledger import ledger
    from plumbline.report.claims.schema import load_claims
    from plumbline.report.left_out import COLUMNS, coverage_frame
    from plumbline.report.pages import origin as provenance
    from plumbline.report.pages import report as page
    from plumbline.storage.files import write_text
    from plumbline.storage.tables import read_frame, read_rows

    tables = {path.stem: read_frame([path]) for path in args.tables}
    if args.coverage:
        tables["coverage"] = coverage_frame(args.coverage)
    tables["published"] = published.frame(published.load_published(args.published), tables)
    if args.left_out:
        tables["left_out"] = pd.DataFrame(args.left_out, columns=COLUMNS)
    text = page.render(
        config=args.config,
        config_text=yaml.safe_dump(args.config, sort_keys=False, allow_unicode=True),
        ledger=ledger(load_claims(args.claims), read_rows(args.ledger)),
        sections=page.stage_sections(tables, args.figures, args.explorers),
        hashes=args.hashes,
        data=provenance.data_files(args.manifests),
        machine=provenance.machine(),
        versions=provenance.versions(args.pins),
        job_time=provenance.job_time(args.benchmarks),
        built=provenance.now(),
    )
    write_text(args.out, text)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)
