"""Local worker processes, one thread each, that can die without harm to the run.

Each worker is a fresh interpreter, so that a script needs no `if __name__ == "__main__"`, a
notebook works, and CUDA is initialised where it is used. The work is sent once by cloudpickle over
a socket that the worker inherits; nothing of it touches the disk. A keeper stays with each worker
(see `keeper.py`), so that neither it nor what it began outlives its time, or this process.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import cloudpickle

from netwright.errors import EvaluationError, SettingError
from netwright.execute.base import Executor, Key, Message, Work
from netwright.execute.fresh import command
from netwright.execute.keeper import CONTINUE, STOP
from netwright.execute.verdict import memory_kills, verdict

_PATIENCE = 15.0  # seconds to wait for a keeper
_OPENING = 120.0  # seconds that a worker may take to import what its work needs
_SCRIPT = Path(__file__).with_name("worker.py")


@dataclass
class _Worker:
    """A worker by its keeper, which is `process` and hears what is told over `control`."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    connection: Connection
    memory_kills: int = 0  # as counted when its job began
    key: Key | None = None
    alone: bool = False
    began: float = 0.0
    seconds: float | None = None
    deadline: float = field(default=float("inf"))
    opened: bool = False  # whether it has imported what the work needs; its job waits for that

    def allow(self, more: float = 0.0) -> None:
        """Let its job take the seconds that it has from now on, and so many more."""
        now = time.monotonic()
        self.deadline = float("inf") if self.seconds is None else now + self.seconds + more


class Processes(Executor):
    """`workers` processes on this machine with `threads` threads each.

    Raises:
        SettingError: Fewer than one worker or thread, or the system cannot fork.
    """

    def __init__(self, workers: int, *, threads: int = 1) -> None:
        if workers < 1 or threads < 1:
            raise SettingError(
                "`Processes(workers, threads=...)` must both be at least 1, "
                f"got {workers} and {threads}."
            )
        if not hasattr(os, "fork"):
            raise SettingError(
                "`Processes` needs a system that can fork, such as Linux or macOS: give workers=0."
            )
        self._count, self._threads = workers, threads
        self._workers: list[_Worker] = []
        self._logs: list[IO[bytes]] = []  # files without a name, so that none can be left
        self._printed: dict[str, bytes] = {}
        self._payload = b""
        self._news: list[Message] = []
        self._queue: deque[tuple[Key, Any, float | None, bool]] = deque()

    @property
    def slots(self) -> int:
        """The number of workers."""
        return self._count

    def start(self, work: Work) -> None:
        """Pickle the work and start the workers."""
        self._payload = cloudpickle.dumps(work)
        while len(self._logs) < self._count:
            self._logs.append(TemporaryFile(prefix="netwright-"))  # noqa: SIM115 - kept for `printed`
        try:
            for number in range(self._count):
                self._workers.append(self._launch(number))
            for worker in self._workers:
                self._admit(worker)
        except BaseException:
            self.stop()
            raise

    def submit(
        self, key: Key, job: Any, seconds: float | None = None, *, alone: bool = False
    ) -> None:
        """Give a job to a free worker; there must be one."""
        if any(w.alone for w in self._workers):
            self._queue.append((key, job, seconds, alone))
            return
        worker = next(w for w in self._workers if w.key is None)
        worker.key, worker.alone, worker.began = key, alone, time.monotonic()
        worker.seconds = seconds
        worker.memory_kills = memory_kills()
        if alone:
            self._tell_others(worker, STOP)
        worker.allow(0.0 if worker.opened else _OPENING)
        try:
            worker.connection.send_bytes(cloudpickle.dumps(job))
        except (BrokenPipeError, ConnectionResetError):
            self._bury(worker)

    def cancel(self, key: Key) -> None:
        """Take a job out of the queue, or kill its worker and put another in its place."""
        self._queue = deque(each for each in self._queue if each[0] != key)
        for worker in list(self._workers):
            if worker.key == key:
                self._rest(worker)
                self._bury(worker, kill=True)
        self._news = [message for message in self._news if message.key != key]

    def wait(self, seconds: float) -> list[Message]:
        """Return news from the workers; dead and overdue ones are replaced."""
        now = time.monotonic()
        soonest = min((w.deadline for w in self._moving()), default=float("inf"))
        patience = 0.0 if self._news else max(0.0, min(seconds, soonest - now))
        ready = set(wait([w.connection for w in self._workers], patience))
        for worker in list(self._workers):
            if worker.connection in ready:
                self._receive(worker)
            elif worker.key and worker in self._moving() and time.monotonic() >= worker.deadline:
                self._news.append(
                    Message("lost", worker.key, ("timeout", "it took longer than it was given"))
                )
                self._rest(worker)
                self._bury(worker, kill=True)
        while self._queue and not any(w.alone for w in self._workers):
            key, job, limit, alone = self._queue.popleft()
            self.submit(key, job, limit, alone=alone)
        news, self._news = self._news, []
        return news

    def stop(self) -> None:
        """Kill the workers and all that they began."""
        for worker in self._workers:
            worker.control.close()  # each hears it before the first is waited for
        for worker in self._workers:
            _end(worker, kill=True)
        self._workers = []
        self._queue.clear()
        self._news.clear()
        for number, log in enumerate(self._logs):
            name = f"worker-{number}.log"
            self._printed[name] = self._printed.get(name, b"") + _content(log)
            log.close()
        self._logs = []

    @property
    def printed(self) -> dict[str, bytes]:
        """What the workers printed until the last stop, by a name for each."""
        return dict(self._printed)

    def _receive(self, worker: _Worker) -> None:
        try:
            kind, body = cloudpickle.loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            self._bury(worker)
            return
        if kind == "opened":
            worker.opened = True
            worker.allow()  # the seconds are those of the job, not of the start
            return
        assert worker.key is not None
        self._news.append(Message(kind, worker.key, body))
        if kind != "progress":
            self._rest(worker)

    def _rest(self, worker: _Worker) -> None:
        """Take the job from a worker; if it ran alone, the others go on, and have lost no time."""
        if worker.alone:
            self._tell_others(worker, CONTINUE)
            for other in self._workers:
                other.deadline += time.monotonic() - worker.began
        worker.key, worker.alone, worker.seconds = None, False, None
        worker.allow()

    def _moving(self) -> list[_Worker]:
        """The workers that do a job and do not stand still for another's."""
        alone = [w for w in self._workers if w.alone]
        return alone or [w for w in self._workers if w.key is not None]

    def _tell_others(self, worker: _Worker, word: bytes) -> None:
        """Let the keepers of the other workers stop or continue them, and wait until they have."""
        for other in self._workers:
            if other is not worker:
                with suppress(OSError):  # its end is told elsewhere
                    other.control.sendall(word)
                    other.control.recv(1)

    def _bury(self, worker: _Worker, *, kill: bool = False) -> None:
        """Say what became of a dead worker's job, and put a new worker in its place."""
        code, place = _end(worker, kill=kill), self._workers.index(worker)
        if worker.key is not None:
            told = verdict(code, memory_kills() - worker.memory_kills)
            self._news.append(Message("lost", worker.key, told))
            self._rest(worker)
        self._workers[place] = self._launch(place)
        self._admit(self._workers[place])

    def _launch(self, number: int) -> _Worker:
        log = self._logs[number]
        (ours, theirs), (control, kept) = Pipe(), socket.socketpair()
        with theirs, kept:
            process = subprocess.Popen(
                command(_SCRIPT, theirs.fileno(), kept.fileno(), os.getpid()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"OMP_NUM_THREADS": str(self._threads)},
                pass_fds=(theirs.fileno(), kept.fileno()),
                start_new_session=True,  # whose signals are not those of the terminal
            )
        control.settimeout(_PATIENCE)
        return _Worker(process, control, ours)

    def _admit(self, worker: _Worker) -> None:
        """Send the work to a worker; one that dies before that is an error."""
        try:
            worker.connection.recv()
            worker.connection.send_bytes(self._payload)
        except (EOFError, OSError):
            code = _end(worker)
            raise EvaluationError(
                f"A worker process ended at its start with exit status {code}"
                f"{self._last_printed(self._workers.index(worker))}."
            ) from None

    def _last_printed(self, number: int) -> str:
        """The last line that a worker printed, as the end of a sentence."""
        printed = _content(self._logs[number]).decode("utf-8", errors="replace")
        lines = printed.strip().splitlines()
        return f"; it printed: {lines[-1]}" if lines else ""


def _content(log: IO[bytes]) -> bytes:
    """What a file holds; where its writer stands in it is left as it is."""
    return os.pread(log.fileno(), os.fstat(log.fileno()).st_size, 0)


def _end(worker: _Worker, *, kill: bool = False) -> int:
    """Wait until a worker, with all that it began, is gone; returns its exit status."""
    if not kill:  # it ends by itself, and is to say how
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(_PATIENCE)
    worker.control.close()
    try:
        worker.process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        worker.process.kill()
    code = worker.process.wait()
    worker.connection.close()
    return code
