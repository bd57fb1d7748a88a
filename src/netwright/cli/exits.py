"""Exit statuses and error sentences.

0 is done, 1 failed or without a part of what was asked for, 2 the call was wrong, 130 stopped.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import typer

from netwright.cli.words import in_options
from netwright.errors import EvaluationError, ExportError, NetwrightError, SettingError

FAILED, WRONG, INTERRUPTED = 1, 2, 130
_PATHS = (errno.EACCES, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EROFS)

# click's ClickException, which typer has from click or, since 0.26, brings itself.
_CallError: Any = typer.BadParameter.__mro__[2]


def guarded(app: typer.Typer, arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; nothing gets out of here but that."""
    command = typer.main.get_command(app)
    before = _terminate_as_interrupt()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal lacks must not end a run
            stream.reconfigure(errors="backslashreplace")
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        _check_not_empty(given)
        # Not `command.main`, which makes an exit status of an interruption, without a word.
        with command.make_context("netwright", given) as context:
            status = command.invoke(context)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except NetwrightError as error:
        _say(in_options(str(error)))
        return FAILED if isinstance(error, EvaluationError | ExportError) else WRONG
    except _CallError as error:
        error.show()
        if "unexpected extra argument" in error.message and error.ctx.info_name == "search":
            print("Data are given with --data, and a space with --space.", file=sys.stderr)
        return WRONG
    except (KeyboardInterrupt, typer.Abort):
        _say("Interrupted.")
        return INTERRUPTED
    except typer.Exit as error:
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        named = f" {str(error.filename)!r}" if error.filename else ""
        _say(f"The file{named} cannot be used: {(error.strerror or str(error)).lower()}.")
        return WRONG if error.errno in _PATHS else FAILED
    except SystemExit as error:
        _say(f"The run ended: something of yours that it called did sys.exit({error.code!r}).")
        return FAILED
    except Exception as error:
        _say(_bug(error))
        return FAILED
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def in_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where the names of files would be ASCII alone.

    Else a name with other letters cannot be written into what is read elsewhere: the log, the card.
    """
    if sys.getfilesystemencoding() == "ascii" and not sys.flags.utf8_mode:
        flags = [f"-W{each}" for each in sys.warnoptions]
        script = ["-m", "netwright"] if Path(sys.argv[0]).name == "__main__.py" else [sys.argv[0]]
        command = [sys.executable, "-X", "utf8", *flags, *script, *sys.argv[1:]]
        os.execv(sys.executable, list(map(os.fsencode, command)))


def _check_not_empty(given: list[str]) -> None:
    """Refuse an empty argument, such as that of a variable of a shell that is not set.

    Raises:
        SettingError: Names the option that it was given to.
    """
    for before, argument in zip(["", *given], given, strict=False):
        option, equals, value = argument.partition("=")
        if argument.startswith("--") and equals and not value.strip():
            raise SettingError(f"`{option}` must not be empty, got {value!r}; leave it out.")
        if argument.strip():
            continue
        if before.startswith("--") and before != "--" and "=" not in before:
            raise SettingError(f"`{before}` must not be empty, got {argument!r}; leave it out.")
        raise SettingError(f"An argument must not be empty, got {argument!r}; leave it out.")


def _say(sentence: str) -> None:
    print(f"netwright: {' '.join(sentence.split())}", file=sys.stderr)


def _bug(error: Exception) -> str:
    """What is said of an error that nobody foresaw; the traceback goes to a file."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="netwright-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        traceback.print_exc(file=file)
    return (
        f"{type(error).__name__}: {error} - this is a bug in netwright; please report it with the "
        f"file {file.name}."
    )


def _terminate_as_interrupt() -> Any:
    """SIGTERM does what Ctrl-C does; returns the handler that was there, if it can be set."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread
        return None
