"""A process that stays with a worker and lets nothing that the worker began outlive it.

A training may start processes of its own, which may fork in turn, ignore SIGTERM or leave for a
session of their own. So a worker forks once at its start: the first process, the keeper, does
nothing but wait for the end of the worker or of the run. Then it kills whatever descends from it,
and ends as the worker did. On Linux processes that have lost their parents become its children, so
that none is missed; elsewhere those of the worker's own process group are found.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

import psutil

STOP, CONTINUE = b"s", b"c"
"""What a keeper is told; it answers the same when the worker and all of its own have heard it."""

_PATIENCE = 10.0  # seconds to wait for processes that were killed
_LAST = 1.0  # seconds that cleaners have to remove what the others shared
_CLEANERS = ("resource_tracker", "torch_shm_manager")  # they end by themselves
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def keep(control: socket.socket, run: int, *, closed: int) -> None:
    """Fork and come back in the new process, the worker; this one becomes its keeper.

    `run` is the process that began this one, and told over `control`, whose end means that of the
    run. The keeper closes the file `closed`, which is the worker's.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    keeper, worker = os.getpid(), os.fork()
    if worker:
        os.close(closed)
        _Keeper(control, run, worker).stay()
    control.close()
    with suppress(OSError):
        os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)


class _Keeper:
    def __init__(self, control: socket.socket, run: int, worker: int) -> None:
        self._control, self._run, self._worker = control, run, worker
        self._status: int | None = None
        self._news, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.detach(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._pass_on)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # a fork may hold the other end of `control`

    def stay(self) -> NoReturn:
        """Do what is told until the worker or the run ends; then kill what is left, and end."""
        self._reap()
        while self._status is None and os.getppid() == self._run:
            ready, _, _ = select.select([self._control, self._news], [], [])
            if self._news in ready:
                self._news.recv(4096)
            self._reap()
            if self._control in ready and not self._obey():
                break
        self._kill_all()
        _end_as(self._status)

    def _obey(self) -> bool:
        """Do what is told; False at the end of the run."""
        try:
            word = self._control.recv(1)
            if word:
                self._signal_all(signal.SIGSTOP if word == STOP else signal.SIGCONT)
                self._control.sendall(word)
        except OSError:
            return False
        return bool(word)

    def _pass_on(self, number: int, frame: Any) -> None:
        """Give the worker what someone sent its keeper, unless it says that the run has died."""
        if os.getppid() == self._run:
            with suppress(ProcessLookupError):
                os.kill(self._worker, number)

    def _signal_all(self, number: int) -> None:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                process.send_signal(number)

    def _kill_all(self) -> None:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < _PATIENCE:
            self._reap()
            left = psutil.Process().children(recursive=True)
            if not left:
                return
            doomed = [p for p in left if not _cleans(p)]
            for process in doomed or (left if passed > _LAST else []):
                with suppress(psutil.Error):
                    process.kill()
            with suppress(OSError):
                os.killpg(self._worker, signal.SIGKILL if doomed or passed > _LAST else 0)
            time.sleep(0.005)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._worker:
                    self._status = ended[1]


def _cleans(process: psutil.Process) -> bool:
    """Whether a process removes what others shared after they have ended."""
    with suppress(psutil.Error):
        return any(name in word for word in process.cmdline()[:5] for name in _CLEANERS)
    return False


def _end_as(status: int | None) -> NoReturn:
    """End as the worker did: of the same signal, or with the same exit status."""
    code = -signal.SIGKILL if status is None else os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):  # the handler of SIGKILL cannot be set, and need not be
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
