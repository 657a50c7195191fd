"""A Snakemake logger for builds of thousands of short jobs: what a person wants to see, and nothing else.

``logger: [awm]`` in a profile turns it on. A run shows one bar on a terminal, and a few lines elsewhere (``progress``);
a failed job shows its rule, its scenario and the end of its log, and the end of the run says what failed and how to go
on (``failures``); a dry run shows one line per rule with its reasons (``plan``). Warnings, errors and messages that are
not known to be routine (``messages``) are shown as they are. ``--verbose`` shows everything, ``--quiet`` works as ever,
and Snakemake's own full log is still written under .snakemake/log.
"""

import logging
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

from snakemake_logger_plugin_awm.failures import Failures
from snakemake_logger_plugin_awm.messages import is_routine, tidy, was_interrupted
from snakemake_logger_plugin_awm.plan import Plan
from snakemake_logger_plugin_awm.progress import Progress, make_progress

__all__ = ["LogHandler", "LogHandlerSettings"]


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """What can be set for this logger, as ``--logger-awm-...`` or in a profile."""

    jobs: bool = field(
        default=False,
        metadata={
            "help": "In a dry run, list every job in one line (rule, wildcards, reason, tab-separated) after the table."
        },
    )


class LogHandler(LogHandlerBase):
    """Turns Snakemake's events into the output described above. Runs in Snakemake's logging thread."""

    def __post_init__(self) -> None:
        self._lock_output = threading.RLock()
        self._stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self._plan = Plan()
        self._failures = Failures()
        self._progress: Progress | None = None
        self._labels: dict[int, tuple[str, str]] = {}
        self._broken = False  # an error that is not a job's was shown
        self._interrupted = False
        self._closed = False
        self._handlers: dict[LogEvent | None, Any] = {
            LogEvent.RUN_INFO: self._on_run_info,
            LogEvent.JOB_INFO: self._on_job_info,
            LogEvent.JOB_FINISHED: self._on_job_finished,
            LogEvent.PROGRESS: self._on_progress,
            LogEvent.JOB_ERROR: self._on_job_error,
            LogEvent.GROUP_ERROR: self._on_group_error,
            LogEvent.SHELLCMD: self._on_shell_command,
            LogEvent.ERROR: self._on_error,
            LogEvent.DEBUG_DAG: self._on_other,
            None: self._on_other,
        }

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return False

    @property
    def has_formatter(self) -> bool:
        return True

    @property
    def needs_rulegraph(self) -> bool:
        return False

    def emit(self, record: logging.LogRecord) -> None:
        """Show what the record means to a person, if anything. A fault here never stops the run."""
        handler = self._handlers.get(getattr(record, "event", None))
        if handler is None:
            return
        try:
            with self._lock_output:
                handler(record)
        except BrokenPipeError:
            raise
        except Exception:  # noqa: BLE001 - logging's own way to report a fault of a handler
            self.handleError(record)

    def close(self) -> None:
        """The end of the run: the plan of a dry run, or how it went and how to go on."""
        with self._lock_output:
            if not self._closed:
                self._closed = True
                self._finish()
        super().close()

    def _finish(self) -> None:
        if self.common_settings.dryrun:
            if not self._broken:
                self._show(self._plan.table())
                if getattr(self.settings, "jobs", False):
                    self._show(self._plan.listing())
            return
        if self._progress is None:
            return
        self._progress.stop()
        if self._failures or self._interrupted or self._broken:
            self._show(self._failures.summary(self._progress, self._interrupted))
        else:
            self._show(self._progress.summary())

    # --- events -------------------------------------------------------------------------------------------------------

    def _on_run_info(self, record: logging.LogRecord) -> None:
        stats: dict[str, int] = dict(getattr(record, "stats", {}))
        self._plan.counts = {rule: count for rule, count in stats.items() if rule != "total"}
        if not self.common_settings.dryrun and self._progress is None:
            self._progress = make_progress(stats.get("total", 0), self._stream, self.common_settings.nocolor)

    def _on_job_info(self, record: logging.LogRecord) -> None:
        fields = record.__dict__
        names = fields.get("wildcards") or {}
        place = " ".join(str(value) for value in names.values())
        if not place and fields.get("output") and self.common_settings.dryrun:
            place = str(fields["output"][0])
        self._labels[fields["jobid"]] = (fields["rule_name"], place)
        if self.common_settings.dryrun:
            self._plan.add(fields["rule_name"], place, fields["reason"])
        elif self._progress is not None:
            self._progress.started(fields["jobid"], fields["rule_name"], place)

    def _on_job_finished(self, record: logging.LogRecord) -> None:
        job: int = record.__dict__["job_id"]
        rule, place = self._labels.pop(job, ("job", str(job)))
        if self._progress is not None:
            self._progress.finished(job, rule, place)

    def _on_progress(self, record: logging.LogRecord) -> None:
        if self._progress is not None:
            self._progress.count(record.__dict__["done"], record.__dict__["total"])

    def _on_job_error(self, record: logging.LogRecord) -> None:
        self._fail(record.__dict__)

    def _on_group_error(self, record: logging.LogRecord) -> None:
        for info in record.__dict__.get("job_error_info", ()):
            self._fail({**info, "log": [*info.get("log", ()), *record.__dict__.get("aux_logs", ())]})

    def _fail(self, fields: dict[str, Any]) -> None:
        rule, place = self._labels.pop(fields["jobid"], (fields["rule_name"], ""))
        if self._progress is not None:
            self._progress.failed(fields["jobid"])
        if self._interrupted:
            return  # it did not fail: it was stopped
        self._show(self._failures.add(rule, place, fields, self.common_settings.show_failed_logs))

    def _on_shell_command(self, record: logging.LogRecord) -> None:
        # Only reaches this handler with --printshellcmds.
        self._show(str(record.__dict__.get("cmd") or record.__dict__.get("shellcmd") or "").strip())

    def _on_error(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if was_interrupted(text):
            self._interrupted = True
            return
        if self._failures.explains(text):
            return
        self._broken = True
        self._show(tidy(text), error=True)

    def _on_other(self, record: logging.LogRecord) -> None:
        if record.msg is None:
            return
        text = record.getMessage()
        self._interrupted = self._interrupted or was_interrupted(text)
        if self.common_settings.verbose or self.common_settings.debug_dag:
            self._show(text)
        elif record.levelno >= logging.ERROR:
            if not self._failures.explains(text):
                self._show(tidy(text), error=True)
        elif record.levelno >= logging.WARNING or not is_routine(text):
            if text.startswith("Complete log"):
                self._failures.log = text.partition(": ")[2]
            else:
                self._show(text.rstrip("\n"), warning=record.levelno >= logging.WARNING)

    def _show(self, text: str, *, error: bool = False, warning: bool = False) -> None:
        if not text or text == "None":
            return
        if error and not text.lower().startswith("error"):
            text = f"error: {text}"
        if self._progress is not None:
            self._progress.write(text)
            return
        stream = sys.stderr if error or warning else self._stream  # a dry run's plan is on stdout, what is wrong is not
        stream.write(text + "\n")
        stream.flush()
