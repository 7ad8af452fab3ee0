"""A real SLURM of one node, made for a test and gone with it: all its files are in one folder.

It has a munge daemon, a controller and a node daemon of its own, with free ports, so that neither
/etc nor a SLURM that is there already is touched, and it keeps no accounts.  Two empty files stand
for two GPUs; cores and memory are as many as a group of jobs asks for, whatever the machine has.
All its partitions have the same node.
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
from collections.abc import Callable
from pathlib import Path

CORES = 8
MEMORY = 64000  # megabytes
GPUS = 2
MODEL = "a100"
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
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:{model}:{gpus}
PartitionName=DEFAULT Nodes=ALL MaxTime=INFINITE State=UP
PartitionName=main Default=YES
PartitionName=cpu
PartitionName=gpu
PartitionName=big
"""

# In a job, Snakemake's plugin takes SLURM_CONF from the environment of srun.
SRUN = """#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {program} "$@"
"""
# The plugin looks the more seldom the more often no job has ended: let it wait for one, 20 s.
SQUEUE = """#!/bin/sh
case "$*" in *--states=all*--name*) ;; *) exec {program} "$@" ;; esac
for run; do :; done
seen={folder}/ended.$run
for _ in $(seq 40); do
    answer=$({program} "$@") || exit
    ended=$(echo "$answer" | grep -cv 'PENDING\\|RUNNING\\|COMPLETING')
    [ "$ended" -gt "$(cat "$seen" 2>/dev/null || echo 0)" ] && break
    sleep 0.5
done
echo "$ended" >"$seen"
echo "$answer"
"""


class NotInstalled(Exception):
    """What of SLURM is missing here, in one line."""


class OneNode:
    """A running SLURM; a context manager that starts and ends it."""

    def __init__(self) -> None:
        self.folder = Path()
        self.variables: dict[str, str] = {}
        self._munged: subprocess.Popen | None = None

    def __enter__(self) -> "OneNode":
        missing = [name for name in PROGRAMS if not shutil.which(name, path=SEARCH)]
        if missing:
            raise NotInstalled(
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
        except BaseException as error:
            for diary in sorted(self.folder.glob("*.log")):
                error.add_note(f"{diary.name}: … {diary.read_text()[-1000:]}")
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if (self.folder / "slurmd.pid").exists():
                self.call("scancel", f"--user={_user()}")  # jobs of a test that did not end well
                wait_until(lambda: not self.queued(), "jobs do not end")
        finally:
            self._end()

    def _end(self) -> None:
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
        return self.call("squeue", "--states=PENDING,RUNNING", "--noheader", "--format=%i").split()

    def records(self) -> list[dict[str, str]]:
        """What the controller knows of all jobs since its start, in the order of submission."""
        lines = self.call("scontrol", "--detail", "--oneliner", "show", "jobs").splitlines()
        found = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if "JobId=" in line]
        return sorted(found, key=lambda record: int(record["JobId"]))

    def script(self, record: dict[str, str]) -> str:
        """What a job runs, as the controller keeps it."""
        return self.call("scontrol", "write", "batch_script", record["JobId"], "-")

    def _configure(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "bin").mkdir()
        for name, text in {"srun": SRUN, "squeue": SQUEUE}.items():
            program = self.folder / "bin" / name
            real = shutil.which(name, path=SEARCH)
            program.write_text(text.format(folder=self.folder, program=real))
            program.chmod(0o755)
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
            model=MODEL,
        )
        (self.folder / "slurm.conf").write_text(text)
        for number in range(GPUS):
            _pretend_gpu(self.folder / f"gpu{number}")
        (self.folder / "gres.conf").write_text(
            f"NodeName={host} Name=gpu Type={MODEL} File={self.folder}/gpu[0-{GPUS - 1}]\n"
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
        wait_until((place / "munge.socket").exists, "munged does not answer")
        for daemon in (["slurmctld", "-c"], ["slurmd"]):
            done = subprocess.run(
                daemon, env=self.environment, text=True, capture_output=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"{daemon[0]} does not start: {done.stderr.strip()[-300:]}")
        wait_until(self._idle, "the node does not become idle")

    def _idle(self) -> bool:
        done = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"],
            env=self.environment,
            text=True,
            capture_output=True,
            check=False,
        )
        return set(done.stdout.split()) == {"idle"}


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


def wait_until(condition: Callable[[], object], complaint: str, seconds: float = 20.0) -> None:
    """Look every 0.1 s until ``condition()`` is true; TimeoutError if it never is."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(complaint)
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
