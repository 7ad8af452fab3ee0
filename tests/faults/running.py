"""A run of Snakemake that a test kills."""

import os
import signal
import subprocess
import time

import psutil


class Run:
    """A run of Snakemake in a process group of its own."""

    def __init__(self, repository, *arguments):
        self.process = subprocess.Popen(
            repository.command(*arguments),
            cwd=repository.folder,
            env=repository.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def over(self):
        return self.process.poll() is not None

    def jobs(self):
        """The running jobs' scripts."""
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
            return [each for each in below if any("/scripts/" in w for w in each.cmdline()[:2])]
        except psutil.Error:
            return []

    def wait_for_job(self):
        """Whether a job runs before the run is over."""
        while not self.over:
            if self.jobs():
                return True
            time.sleep(0.02)
        return False

    def kill(self, kind, rng):
        if kind == "group":
            os.killpg(self.process.pid, signal.SIGKILL)
        elif kind == "snakemake":
            self.process.kill()
        elif jobs := self.jobs():
            rng.choice(jobs).kill()
        else:
            return False
        if kind != "job":
            self.process.wait()
        return True

    def end(self):
        if not self.over:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
