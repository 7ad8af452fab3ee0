"""The configuration of a run as a file, for jobs that need all of it.

It is too long for a command line.  The workflow writes the content to a file that is named by its
hash, so that runs do not overwrite each other's file, and a job with this name among its options
is rerun exactly if the content has changed.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plumbline.storage.files import write_text

FOLDER = Path(".snakemake/plumbline")


def configuration_file(content: Mapping[str, Any], *, write: bool) -> Path:
    """The JSON file with ``content`` in :data:`FOLDER`; written if it is missing and ``write``.

    The order of keys is kept, because it determines the order of methods in the report and the
    names of figures.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = FOLDER / f"{digest}.json"
    if write and not path.exists():
        write_text(path, text)
    return path
