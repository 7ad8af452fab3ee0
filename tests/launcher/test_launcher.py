"""The launcher makes its environment once, says in a line what goes wrong, and hands over."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINS = (
    "requirements.txt",
    "requirements-test.txt",
    "requirements-bench.txt",
    "requirements-slurm.txt",
    "requirements-crate.txt",
)

# Stands for Python and for the pip in a .venv: writes down how it was called and does as told.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
"-c "*) [ -n "${{OLD:-}}" ] && exit 1; exec "{sys.executable}" "$@" ;;
"-V ") echo "Python ${{OLD:-3.12.1}}"; exit ;;
"-m venv") echo venv >>"$CALLS"; mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; exit ;;
"-m pip") shift 3 ;;
*) printf '<%s>' "$@" >>"$CALLS"; echo " in $PWD" >>"$CALLS"; exit "${{STATUS:-0}}" ;;
esac
echo "pip $*" >>"$CALLS"
case "$*" in
*"${{MISSING:-nothing}}"*) echo "ERROR: No matching distribution found for $MISSING"; exit 1 ;;
*"${{OFFLINE:-nothing}}"*)
    echo "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'x'"
    echo "ERROR: No matching distribution found for $OFFLINE"
    exit 1
    ;;
*"${{FULL:-nothing}}"*) echo "ERROR: [Errno 28] No space left on device"; exit 1 ;;
*"${{SLOW:-nothing}}"*) sleep "${{SECONDS_OF_SLOW:-20}}" ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A folder, with a space in its name, that holds the launcher and its pins."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in ("plumbline", *PINS):
        shutil.copy(ROOT / name, folder / name)
    stub(tmp_path / "bin/python3", PYTHON)
    stub(tmp_path / "bin/uname", "#!/bin/sh\necho Linux\n")
    return folder


def stub(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def environment(clone, **variables):
    """Variables of a call that finds the stubs first, and nothing of this machine's settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PLUMBLINE")}
    path = f"{clone.parent / 'bin'}:{os.environ['PATH']}"
    return own | {"PATH": path, "CALLS": str(clone.parent / "calls")} | variables


def launch(clone, *arguments, cwd=None, **variables):
    """Run the launcher; the process, and what its Python was asked to do meanwhile."""
    calls = clone.parent / "calls"
    calls.write_text("")
    process = subprocess.run(
        [clone / "plumbline", *arguments],
        cwd=cwd or clone,
        env=environment(clone, **variables),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return process, calls.read_text().splitlines()


def failure(process):
    """The one line in which a set-up fails."""
    assert process.returncode == 1
    lines = [line for line in process.stderr.splitlines() if "set-up failed" in line]
    assert len(lines) == 1
    assert process.stderr.splitlines()[-1] == lines[0]
    return lines[0]


without_gpu = pytest.mark.skipif(
    Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None,
    reason="a machine with a GPU takes the default build",
)


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_explains_itself_without_setting_anything_up(clone, arguments):
    process, calls = launch(clone, *arguments)
    assert process.returncode == 0
    for command in ("run", "test", "bench", "why FILE", "compare", "crate"):
        assert f"./plumbline {command}" in process.stdout
    assert calls == []


def test_an_unknown_command_is_refused(clone):
    process, calls = launch(clone, "rnu")
    assert process.returncode == 1
    assert process.stderr.count("\n") == 1
    assert "rnu" in process.stderr
    assert calls == []


def test_the_environment_is_made_once(clone):
    first, calls = launch(clone, "run", "-n")
    assert first.returncode == 0
    assert calls[0] == "venv"
    assert calls[-1] == f"<-m><snakemake><-n> in {clone}"
    assert any("-r requirements.txt" in call for call in calls)
    second, calls = launch(clone, "run", "-n")
    assert second.stderr == ""
    assert calls == [f"<-m><snakemake><-n> in {clone}"]


def test_changed_pins_make_it_anew(clone):
    launch(clone, "run")
    (clone / ".venv/left-over").touch()
    (clone / "requirements.txt").open("a").write("more==1\n")
    _, calls = launch(clone, "run")
    assert calls[0] == "venv"
    assert not (clone / ".venv/left-over").exists()


def test_the_tests_add_to_it_and_changed_test_pins_make_it_anew(clone):
    launch(clone, "run")
    _, calls = launch(clone, "test")
    added = [call.split(" -r ")[-1] for call in calls[:-1]]
    assert added == ["requirements-test.txt", "requirements-slurm.txt"]
    shared = "<--numprocesses><auto><--maxprocesses><4><--dist><loadgroup><--no-loadscope-reorder>"
    assert calls[-1] == f"<-m><pytest>{shared} in {clone}"
    for command, program in (("run", "snakemake"), ("test", f"pytest>{shared[:-1]}")):
        assert launch(clone, command)[1] == [f"<-m><{program}> in {clone}"]
    (clone / "requirements-test.txt").open("a").write("more==1\n")
    _, calls = launch(clone, "test")
    assert calls[0] == "venv"


def test_the_bench_adds_the_libraries_that_it_compares_with_if_it_can(clone):
    process, calls = launch(clone, "bench", "workflow", "--cores", "1")
    assert process.returncode == 0
    assert not any("requirements-bench.txt" in call for call in calls)
    assert calls[-1] == f"<-m><plumbline.benchmarks><workflow><--cores><1> in {clone}"
    process, calls = launch(clone, "bench", FULL="requirements-bench.txt")
    assert process.returncode == 0
    assert "continuing without" in process.stderr.splitlines()[-1]
    assert "set-up failed: cannot install requirements-bench.txt" in process.stderr
    assert calls[-1] == f"<-m><plumbline.benchmarks> in {clone}"
    process, calls = launch(clone, "bench")
    assert [call.split(" -r ")[-1] for call in calls[:-1]] == ["requirements-bench.txt"]
    process, calls = launch(clone, "bench", "attribution")
    assert process.stderr == ""
    assert calls == [f"<-m><plumbline.benchmarks><attribution> in {clone}"]


def test_a_run_on_a_cluster_adds_its_plugin(clone):
    _, calls = launch(clone, "run", "--workflow-profile", "profiles/slurm")
    assert "requirements-slurm.txt" in calls[-2]


def test_arguments_and_exit_status_pass_through(clone):
    process, calls = launch(clone, "run", "a b", "--config", "x='1 2'", "", "*", STATUS="3")
    assert process.returncode == 3
    assert calls[-1] == f"<-m><snakemake><a b><--config><x='1 2'><><*> in {clone}"


@pytest.mark.parametrize(
    ("command", "module"), [("why", "why"), ("compare", "compare_runs"), ("crate", "crate")]
)
def test_some_commands_take_a_path_from_where_the_user_is(clone, tmp_path, command, module):
    assert (ROOT / f"scripts/plumbline/workflow/{module}.py").is_file()
    _, calls = launch(clone, command, "calls", cwd=tmp_path)
    assert calls[-1] == f"<-m><plumbline.workflow.{module}><calls> in {tmp_path}"
    added = [call for call in calls if "requirements-crate.txt" in call]
    assert len(added) == (1 if command == "crate" else 0)


def test_it_can_be_called_from_elsewhere_through_a_link(clone, tmp_path):
    (tmp_path / "bin/link").symlink_to(clone / "plumbline")
    process = subprocess.run(
        ["link", "run"], cwd=tmp_path, env=environment(clone), capture_output=True, timeout=120
    )
    assert process.returncode == 0
    assert (tmp_path / "calls").read_text().splitlines()[-1] == f"<-m><snakemake> in {clone}"


@without_gpu
def test_without_a_gpu_the_cpu_build_comes_first_and_torch_before_the_rest(clone):
    _, calls = launch(clone, "run")
    packages = [call.split()[-1] for call in calls[1:-1]]
    assert packages == [f"{torch_pin()}+cpu", "requirements.txt"]
    constraints = (clone / ".venv/constraints.txt").read_text().splitlines()
    assert "-c" in calls[1].split()
    assert set(pins(clone)) - set(constraints) == {torch_pin()}


@without_gpu
def test_where_there_is_no_cpu_build_the_default_one_comes_with_a_word_about_it(clone):
    process, calls = launch(clone, "run", MISSING=f"{torch_pin()}+cpu")
    assert process.returncode == 0
    packages = [call.split()[-1] for call in calls[1:-1]]
    assert packages == [f"{torch_pin()}+cpu", torch_pin(), "requirements.txt"]
    assert process.stderr.count("PLUMBLINE_TORCH_INDEX") == 1


@pytest.mark.parametrize(("program", "text"), [("nvidia-smi", "exit 0"), ("uname", "echo Darwin")])
def test_with_a_gpu_and_on_a_mac_the_default_build_comes(clone, tmp_path, program, text):
    stub(tmp_path / "bin" / program, f"#!/bin/sh\n{text}\n")
    _, calls = launch(clone, "run")
    assert [call.split()[-1] for call in calls[1:-1]] == [torch_pin(), "requirements.txt"]


@pytest.mark.parametrize(
    ("place", "option"), [("/some/folder", "--find-links"), ("x://y/z", "--extra-index-url")]
)
def test_an_index_of_cpu_builds_is_passed_on(clone, place, option):
    _, calls = launch(clone, "run", PLUMBLINE_TORCH_INDEX=place)
    assert all(f"{option} {place}" in call for call in calls[1:-1])


@pytest.mark.parametrize("what", ["torch==", "-r requirements.txt"])
def test_a_failing_pip_leaves_nothing_and_the_next_call_recovers(clone, what):
    process, _ = launch(clone, "run", FULL=what)
    line = failure(process)
    assert "No space left on device" in line
    assert f"{clone}/.venv-setup.log" in line
    assert "No space left on device" in (clone / ".venv-setup.log").read_text()
    assert sorted(each.name for each in clone.glob(".venv*")) == [".venv-setup.log"]
    process, calls = launch(clone, "run")
    assert process.returncode == 0
    assert calls[0] == "venv"


def test_no_network_is_told_at_once(clone):
    process, calls = launch(clone, "run", OFFLINE="torch==")
    assert "no connection to the package index" in failure(process)
    assert "PLUMBLINE_TORCH_INDEX" not in process.stderr
    assert len(calls) == 2
    assert not (clone / ".venv").exists()


def test_failing_test_pins_leave_the_environment_of_the_workflow(clone):
    launch(clone, "run")
    process, _ = launch(clone, "test", FULL="requirements-test.txt")
    assert "requirements-test.txt" in failure(process)
    assert launch(clone, "run")[1] == [f"<-m><snakemake> in {clone}"]
    assert "requirements-test.txt" in launch(clone, "test")[1][0]


def test_an_old_python_is_refused(clone, tmp_path):
    for name in ("python3.11", "python3.12", "python3.13"):
        shutil.copy(tmp_path / "bin/python3", tmp_path / "bin" / name)
    process, calls = launch(clone, "run", OLD="3.9.1")
    line = failure(process)
    assert "3.11 to 3.13" in line
    assert "Python 3.9.1" in line
    assert calls == []
    assert not list(clone.glob(".venv*"))


def test_a_newer_python_is_found_behind_an_old_one(clone, tmp_path):
    (tmp_path / "bin/python3").rename(tmp_path / "bin/python3.13")
    stub(tmp_path / "bin/python3", "#!/bin/sh\nexit 1\n")
    process, _ = launch(clone, "run")
    assert process.returncode == 0


def test_a_named_python_is_taken_or_refused(clone, tmp_path):
    shutil.copy(tmp_path / "bin/python3", tmp_path / "mine")
    stub(tmp_path / "bin/python3", "#!/bin/sh\nexit 1\n")
    assert launch(clone, "run", PLUMBLINE_PYTHON=str(tmp_path / "mine"))[0].returncode == 0
    shutil.rmtree(clone / ".venv")
    process, _ = launch(clone, "run", PLUMBLINE_PYTHON="/no/python")
    assert "PLUMBLINE_PYTHON=/no/python" in failure(process)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_set_up_that_is_ended_in_the_middle_is_made_anew(clone, number):
    variables = environment(clone, SLOW="-r requirements.txt")
    process = subprocess.Popen(
        [clone / "plumbline", "run"],
        env=variables,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell that runs the tests in the background has SIGINT ignored, for children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(clone.parent / "calls", "-r requirements.txt")
    os.killpg(process.pid, number)
    assert process.wait(timeout=20) != 0
    if number == signal.SIGINT:
        assert not (clone / ".venv").exists()
    process, calls = launch(clone, "run")
    assert process.returncode == 0
    assert calls[0] == "venv"
    assert calls[-1] == f"<-m><snakemake> in {clone}"


def test_a_killed_call_is_waited_for_until_its_pip_has_ended_too(clone):
    variables = environment(clone, SLOW="-r requirements.txt", SECONDS_OF_SLOW="5")
    process = subprocess.Popen([clone / "plumbline", "run"], env=variables)
    wait_for(clone.parent / "calls", "-r requirements.txt")
    process.kill()
    process.wait(timeout=20)
    process, calls = launch(clone, "run")
    assert process.returncode == 0
    assert "waiting" in process.stderr
    assert calls[0] == "venv"


def wait_for(file, text):
    for _ in range(300):
        if file.exists() and text in file.read_text():
            return
        time.sleep(0.1)
    pytest.fail(f"no {text!r} in {file}")


def test_two_calls_at_once_make_one_environment(clone, tmp_path):
    variables = environment(clone, SLOW="-r requirements.txt", SECONDS_OF_SLOW="3")
    calls = [
        subprocess.Popen(
            [clone / "plumbline", "run"], env=variables, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    texts = [process.communicate(timeout=120)[1] for process in calls]
    assert [process.returncode for process in calls] == [0, 0]
    assert sum("waiting" in text for text in texts) == 1
    made = (tmp_path / "calls").read_text().splitlines()
    assert made.count("venv") == 1
    assert made.count(f"<-m><snakemake> in {clone}") == 2


def test_another_place_for_the_environment(clone, tmp_path):
    process, _ = launch(clone, "run", cwd=tmp_path, PLUMBLINE_VENV="elsewhere/venv")
    assert process.returncode == 0
    assert (tmp_path / "elsewhere/venv/bin/python").exists()
    assert not list(clone.glob(".venv*"))


def test_what_it_did_not_make_is_not_removed(clone, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter").touch()
    process, _ = launch(clone, "run", PLUMBLINE_VENV=str(tmp_path / "home"))
    assert "home" in failure(process)
    assert (tmp_path / "home/letter").exists()


def test_a_folder_that_moved_still_works(clone, tmp_path):
    launch(clone, "run")
    moved = clone.rename(tmp_path / "moved")
    _, calls = launch(moved, "run")
    assert calls == [f"<-m><snakemake> in {moved}"]


@pytest.mark.parametrize("shell", ["dash -n", "sh -n", "shellcheck"])
def test_the_launcher_is_plain_posix_shell(shell):
    if shutil.which(shell.split()[0]) is None:
        pytest.skip(f"no {shell.split()[0]} here")
    check = subprocess.run([*shell.split(), ROOT / "plumbline"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr


def pins(folder):
    return (folder / "requirements.txt").read_text().splitlines()


def torch_pin():
    return next(line for line in pins(ROOT) if line.startswith("torch=="))
