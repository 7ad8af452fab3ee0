"""Snakemake's terminal output: one short line for each job that starts, and the progress.

Snakemake prints about twelve lines when a job starts and four when it ends; this reduces the output
of the default run by more than 90 %.  Errors, warnings and the logs of failed jobs are printed
unchanged, and the command of a job is the first line of its log.
"""

import textwrap
import time
from typing import TYPE_CHECKING, Any

from snakemake.logging import (
    DefaultFormatter,
    format_percentage,
    format_wildcards,
    get_event,
)
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent

if TYPE_CHECKING:
    from snakemake.workflow import Workflow  # circular import unless the API is imported first

STREAM = "DefaultStreamHandler"  # name of Snakemake's handler for the terminal
DROPPED = {LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED}
LOOKING = "Select jobs to execute..."
SILENCE = 60.0  # seconds after which the progress is printed on a line of its own


def shorten(workflow: "Workflow") -> None:
    """Print a line per job of ``workflow``, but not with ``--printshellcmds`` or ``--verbose``."""
    settings = workflow.output_settings
    if settings.printshellcmds or settings.verbose:
        return
    for handler in workflow.logger_manager.logger.handlers:
        if handler.name == STREAM:
            lines = JobLines(settings)
            handler.setFormatter(lines)
            handler.addFilter(lines.filter)


class JobLines(DefaultFormatter):
    """Formats the start of a job as progress, rule, wildcards and reason in one line.

    :meth:`filter` drops the messages between those lines and keeps count of the finished jobs.
    """

    def __init__(self, settings: OutputSettings) -> None:
        super().__init__(settings.quiet, settings.show_failed_logs)
        self.dry = settings.dryrun
        self.progress = "0%"
        self.printed = time.monotonic()

    def filter(self, record: Any) -> bool:
        """Whether a message is printed."""
        event = get_event(record)
        if event in DROPPED or record.msg == LOOKING:
            return False
        if event == LogEvent.PROGRESS:
            self.progress = format_percentage(record.done, record.total)
            if record.done < record.total and time.monotonic() - self.printed < SILENCE:
                return False
        self.printed = time.monotonic()
        return True

    def format_job_info(self, msg: dict[str, Any]) -> str:
        """The line of a job, with the first of its reasons, without file names."""
        words = [msg["rule_name"]]
        if msg["wildcards"]:
            words.append(format_wildcards(msg["wildcards"]))
        reason = msg["reason"].partition(":")[0]
        line = f"{' '.join(words)}: {reason}"
        if not self.dry:
            line = f"{time.strftime('%H:%M:%S')} {self.progress:>5}  {line}"
        return textwrap.indent(line, "    ") if msg.get("indent") else line
