"""Command line shared by all scripts of the workflow: arguments, seed, threads, error messages."""

import argparse
import atexit
import gc
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from plumbline.errors import DamagedFileError, InputError, nearest
from plumbline.runtime import job_log, watchdog
from plumbline.runtime.snakemake_records import remedy

Arguments = Callable[[argparse.ArgumentParser], None]


def run(
    main: Callable[[argparse.Namespace], None],
    description: str,
    arguments: Arguments,
    options: type[BaseModel] | None = None,
    *,
    logged: bool = True,
) -> None:
    """Run one script: parse the command line, call ``main``, report errors.

    ``arguments`` adds the script's own arguments.  ``options``, a configuration model, adds one
    argument for each of its fields and arrives validated as ``args.options``.  An
    :class:`InputError`, or the system's error about a file that cannot be opened, read or
    written, is printed on one line and ends the process with status 1; for a damaged file the
    line says how to regenerate it, with the name of the rule.  If ``logged`` and standard error
    is a log rather than a terminal, the last line written records host, device and package
    versions (:mod:`plumbline.runtime.job_log`).  A program started by Snakemake begins its log
    with its command, and ends when Snakemake is killed (:mod:`plumbline.runtime.watchdog`).
    """
    # Python's final garbage collection would visit everything that torch has loaded: 0.4 s a job.
    atexit.register(gc.freeze)
    watchdog.watch()
    if watchdog.run_by_snakemake():
        print(job_log.command_line(), file=sys.stderr, flush=True)
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    arguments(parser)
    if options:
        add_options(parser, options)
    args = parser.parse_args()
    try:
        if options:
            args.options = read_options(args, options)
        main(args)
    except InputError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {message(error)}")
    except OSError as error:
        if error.strerror is None:  # raised by a library, not by the operating system
            raise
        file = f"{error.filename}: " if error.filename is not None else ""
        sys.exit(f"{Path(sys.argv[0]).name}: {file}{error.strerror}")
    if logged and not sys.stderr.isatty():
        print(job_log.environment_line(), file=sys.stderr)


def message(error: InputError) -> str:
    """What the user is told of an error; for a damaged file also how it is made again."""
    return f"{error}; {remedy(error.path)}" if isinstance(error, DamagedFileError) else str(error)


def run_part(package: str, description: str) -> None:
    """Run one of the programs of a package: the module that the first argument names.

    The module has the functions ``arguments`` and ``main`` of :func:`run` and, for options of the
    configuration, their model as ``OPTIONS``.  Parts share a script and not their code: each is
    imported, and hashed, alone.
    """
    folder = Path(__file__).parents[2].joinpath(*package.split("."))
    names = sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")
    part, script = "".join(sys.argv[1:2]), Path(sys.argv[0]).name
    if part in ("-h", "--help"):
        print(f"usage: {script} {{{','.join(names)}}} ...\n\n{description}")
        return
    if part not in names:
        sys.exit(f"{script}: no part {part!r}{nearest(part, names)}")
    del sys.argv[1]
    module = importlib.import_module(f"{package}.{part}")
    run(module.main, module.__doc__ or "", module.arguments, getattr(module, "OPTIONS", None))


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Add ``--seed``, ``--device`` and ``--threads``, for scripts that compute with torch."""
    group = parser.add_argument_group("runtime")
    group.add_argument("--seed", type=int, default=0, help="seed of all random numbers")
    group.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="device to compute on; auto is CUDA if available",
    )
    group.add_argument("--threads", type=int, default=1, help="number of CPU threads for torch")


def add_options(parser: argparse.ArgumentParser, options: type[BaseModel]) -> None:
    """Add an argument such as ``--learning-rate`` for each field of ``options``."""
    group = parser.add_argument_group("options", "named and defaulted as in the configuration")
    for name, field in options.model_fields.items():
        kind, several = _kind(field.annotation)
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            nargs="*" if several else None,
            required=field.is_required(),
            default=None if field.is_required() else field.get_default(call_default_factory=True),
            help=(field.description or " ").replace("%", "%%"),
        )


def read_options(args: argparse.Namespace, options: type[BaseModel]) -> BaseModel:
    """Validate the parsed arguments of :func:`add_options`; raises :class:`InputError`."""
    try:
        return options(**{name: getattr(args, name) for name in options.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # an error in a combination of options
            raise InputError(message) from None
        name = str(first["loc"][0]).replace("_", "-")
        raise InputError(f"--{name}: {message}, not {first['input']!r}") from None


def flags(options: dict[str, Any]) -> str:
    """``options`` as command-line arguments, sorted by name, quoted for a shell.

    The inverse of :func:`add_options`.  A rule passes all its options as this one string, in
    which Snakemake detects every change, including two swapped values.
    """
    import shlex

    words = []
    for name, value in sorted(options.items()):
        if value is None:
            continue
        words.append(f"--{name.replace('_', '-')}")
        values = value if isinstance(value, list | tuple) else [value]
        words += [_text(word) for word in values]
    return shlex.join(words)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def boolean(text: str) -> bool:
    """Read ``true`` or ``false``."""
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


def _kind(annotation: Any) -> tuple[Callable[[str], Any], bool]:
    """Parser for one value of a field's type, and whether the option takes several values."""
    origin = get_origin(annotation)
    if origin in (list, tuple):
        return _kind(get_args(annotation)[0])[0], True
    if origin in (Union, UnionType):  # "x or None": None is only ever a default
        inner = [kind for kind in get_args(annotation) if kind is not type(None)]
        return _kind(inner[0])
    section = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    if origin is dict or annotation is dict or section:
        return json.loads, False
    if origin is Literal:
        return _kind(type(get_args(annotation)[0]))
    if origin is not None and hasattr(annotation, "__metadata__"):
        return _kind(get_args(annotation)[0])
    readers: dict[Any, Callable[[str], Any]] = {bool: boolean, int: int, float: float}
    return readers.get(annotation, str), False
