"""A real SLURM of one node, made for a test and gone with it: all its files are in one folder.

It has a munge daemon, a controller and a node daemon of its own, with free ports, so that neither
/etc nor a SLURM that is there already is touched, and it keeps no accounts.  Two empty files stand
for two GPUs; cores and memory are as many as a group of jobs asks for, whatever the machine has.
"""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CORES = 8
MEMORY = 64000  # megabytes
GPUS = 2
PARTITION = "main"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
SEARCH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"

CONFIGURATION = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# Memory is looked at every second, and a job over its limit is ended.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
# Ended jobs stay on record.
MinJobAge=3600
KillWait=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName={partition} Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

SRUN = """#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


class CannotStart(Exception):
    """Why there is no SLURM here, in one line."""


class OneNode:
    """A running SLURM; a context manager that starts and ends it."""

    def __init__(self) -> None:
        self.folder = Path()
        self.variables: dict[str, str] = {}
        self._munged: subprocess.Popen | None = None

    def __enter__(self) -> "OneNode":
        missing = [name for name in PROGRAMS if not shutil.which(name, path=SEARCH)]
        if missing:
            raise CannotStart(
                f"no {', '.join(missing)}; apt-get install slurm-wlm munge, as .ci/run does"
            )
        # A short name: the path of a socket has at most 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="one_node_"))
        self.folder.chmod(0o711)  # munge wants its socket to be reachable
        self.variables = {
            "PATH": f"{self.folder}/bin:{Path(sys.executable).parent}:{SEARCH}",
            "SLURM_CONF": str(self.folder / "slurm.conf"),
        }
        try:
            self._configure()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("slurmd", "slurmctld"):
            pid = self.folder / f"{name}.pid"
            if pid.exists():
                _end(int(pid.read_text()))
        if self._munged:
            self._munged.terminate()
            self._munged.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every command that is to reach this SLURM."""
        return {**os.environ, **self.variables}

    def call(self, *command: str) -> str:
        """What a command of SLURM prints."""
        return subprocess.run(
            command, env=self.environment, check=True, text=True, stdout=subprocess.PIPE
        ).stdout

    def queued(self) -> list[str]:
        """Numbers of the jobs that wait or run."""
        return self.call("squeue", "--noheader", "--format=%i").split()

    def records(self) -> list[dict[str, str]]:
        """What the controller knows of all jobs since its start, in the order of submission."""
        lines = self.call("scontrol", "--detail", "--oneliner", "show", "jobs").splitlines()
        found = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if "JobId=" in line]
        return sorted(found, key=lambda record: int(record["JobId"]))

    def _configure(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        # In a job, Snakemake's plugin takes SLURM_CONF from the environment of srun.
        srun = self.folder / "bin/srun"
        srun.parent.mkdir()
        srun.write_text(SRUN.format(folder=self.folder, srun=shutil.which("srun", path=SEARCH)))
        srun.chmod(0o755)
        host = socket.gethostname().split(".")[0]
        controller_port, node_port = _free_ports(2)
        text = CONFIGURATION.format(
            folder=self.folder,
            host=host,
            user=_user(),
            controller_port=controller_port,
            node_port=node_port,
            cores=CORES,
            memory=MEMORY,
            gpus=GPUS,
            partition=PARTITION,
        )
        (self.folder / "slurm.conf").write_text(text)
        for number in range(GPUS):
            _pretend_gpu(self.folder / f"gpu{number}")
        (self.folder / "gres.conf").write_text(
            f"NodeName={host} Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n"
        )
        # Munge trusts its key only where nobody else can read it.
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))

    def _start(self) -> None:
        place = self.folder
        self._munged = subprocess.Popen(
            [
                *("munged", "--foreground", f"--socket={place}/munge.socket"),
                *(f"--key-file={place}/munge.key", f"--pid-file={place}/munged.pid"),
                *(f"--seed-file={place}/munge.seed", f"--log-file={place}/munged.log"),
            ],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait(lambda: (place / "munge.socket").exists(), "munged does not answer")
        for daemon in (["slurmctld", "-c"], ["slurmd"]):
            done = subprocess.run(
                daemon, env=self.environment, text=True, capture_output=True, check=False
            )
            if done.returncode:
                raise CannotStart(f"{daemon[0]} does not start: {done.stderr.strip()[-300:]}")
        _wait(self._idle, "the node does not become idle")

    def _idle(self) -> bool:
        done = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"],
            env=self.environment,
            text=True,
            capture_output=True,
            check=False,
        )
        return done.stdout.strip() == "idle"


def _pretend_gpu(path: Path) -> None:
    """A second /dev/null; where only root may make one a file, of which SLURM tells no job."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        path.touch()


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _wait(condition, complaint: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise CannotStart(complaint)
        time.sleep(0.1)


def _end(process: int, seconds: float = 10.0) -> None:
    """Ask a daemon to end, and wait until it has."""
    try:
        os.kill(process, signal.SIGTERM)
        for _ in range(int(seconds * 10)):
            os.kill(process, 0)
            time.sleep(0.1)
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass
