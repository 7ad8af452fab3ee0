"""The configuration of a run as a file, for jobs that need all of it.

A command line that held it would fill many screens.  The workflow writes the content to a file
that is named by its hash, so that two runs do not overwrite each other's, and a job that has this
name among its options runs again exactly when the content has changed.
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

    The order of keys is kept: that of methods is the order of the report, and the name of a figure
    follows from what it is of in order.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = FOLDER / f"{digest}.json"
    if write and not path.exists():
        write_text(path, text)
    return path
