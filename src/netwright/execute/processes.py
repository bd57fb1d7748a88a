"""Local worker processes, one thread each, that can die without harm to the run.

Each worker is a fresh interpreter (`python -m netwright.execute.worker`), so that a script needs no
`if __name__ == "__main__"`, a notebook works, and CUDA is initialised where it is used. The work is
sent once by cloudpickle over a local socket with a key; nothing of it touches the disk. A worker
ends when its standard input closes, that is, when this process dies in whatever way.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Listener, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cloudpickle

from netwright.errors import EvaluationError, SettingError
from netwright.execute.base import Executor, Key, Message, Work


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    key: Key | None = None
    alone: bool = False
    began: float = 0.0
    deadline: float = field(default=float("inf"))


class Processes(Executor):
    """`workers` processes on this machine with `threads` threads each.

    What workers print goes to files in `logs`, or nowhere.

    Raises:
        SettingError: Fewer than one worker or thread.
    """

    def __init__(self, workers: int, *, threads: int = 1, logs: Path | None = None) -> None:
        if workers < 1 or threads < 1:
            raise SettingError(
                "`Processes(workers, threads=...)` must both be at least 1, "
                f"got {workers} and {threads}."
            )
        self._count, self._threads, self._logs = workers, threads, logs
        self._workers: list[_Worker] = []
        self._listener: Listener | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._payload = b""
        self._news: list[Message] = []
        self._queue: deque[tuple[Key, Any, float | None, bool]] = deque()

    @property
    def slots(self) -> int:
        """The number of workers."""
        return self._count

    def start(self, work: Work) -> None:
        """Pickle the work and start the workers."""
        self._payload = cloudpickle.dumps((list(sys.path), cloudpickle.dumps(work)))
        self._key = secrets.token_bytes(32)
        self._folder = TemporaryDirectory(prefix="netwright-")
        family = None if os.name == "nt" else "AF_UNIX"
        address = None if os.name == "nt" else os.path.join(self._folder.name, "socket")
        self._listener = Listener(address, family, backlog=self._count, authkey=self._key)
        launched: list[subprocess.Popen[bytes]] = []
        try:
            for number in range(self._count):
                launched.append(self._launch(number))
            self._workers = self._admit(launched)
        except BaseException:
            for process in launched:
                _end(process)
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
        if alone:
            self._signal_others(worker, "SIGSTOP")
        worker.deadline = worker.began + seconds if seconds is not None else float("inf")
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
                self._bury(worker)
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
                self._bury(worker)
        while self._queue and not any(w.alone for w in self._workers):
            key, job, limit, alone = self._queue.popleft()
            self.submit(key, job, limit, alone=alone)
        news, self._news = self._news, []
        return news

    def stop(self) -> None:
        """Kill the workers and remove the socket."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            _end(worker.process)
            worker.connection.close()
        self._workers = []
        self._queue.clear()
        self._news.clear()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _receive(self, worker: _Worker) -> None:
        try:
            kind, body = cloudpickle.loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            self._bury(worker)
            return
        assert worker.key is not None
        self._news.append(Message(kind, worker.key, body))
        if kind == "ended":
            self._rest(worker)

    def _rest(self, worker: _Worker) -> None:
        """Take the job from a worker; if it ran alone, the others go on, and have lost no time."""
        if worker.alone:
            self._signal_others(worker, "SIGCONT")
            for other in self._workers:
                other.deadline += time.monotonic() - worker.began
        worker.key, worker.alone, worker.deadline = None, False, float("inf")

    def _moving(self) -> list[_Worker]:
        """The workers that do a job and do not stand still for another's."""
        alone = [w for w in self._workers if w.alone]
        return alone or [w for w in self._workers if w.key is not None]

    def _signal_others(self, worker: _Worker, name: str) -> None:
        number = getattr(signal, name, None)  # Windows has neither
        for other in self._workers:
            if number is not None and other is not worker and other.process.poll() is None:
                other.process.send_signal(number)

    def _bury(self, worker: _Worker) -> None:
        """Say what became of a dead worker's job, and put a new worker in its place."""
        code = _end(worker.process)
        worker.connection.close()
        if worker.key is not None:
            self._news.append(Message("lost", worker.key, _verdict(code)))
            self._rest(worker)
        place = self._workers.index(worker)
        [self._workers[place]] = self._admit([self._launch(place)])

    def _launch(self, number: int) -> subprocess.Popen[bytes]:
        assert self._listener is not None
        environment = os.environ | {"OMP_NUM_THREADS": str(self._threads)}
        package = str(Path(__file__).parents[2])
        paths = [package, *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        log: Any = subprocess.DEVNULL
        if self._logs is not None:
            self._logs.mkdir(parents=True, exist_ok=True)
            log = (self._logs / f"worker-{number}.log").open("ab")
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "netwright.execute.worker", str(self._listener.address)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
            )
        finally:
            if log is not subprocess.DEVNULL:
                log.close()
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # if it has ended, that is told when it does not connect
            process.stdin.write(self._key.hex().encode() + b"\n")
            process.stdin.flush()
        return process

    def _admit(self, processes: list[subprocess.Popen[bytes]]) -> list[_Worker]:
        """Accept a connection from each process, in whatever order they come, and send the work."""
        assert self._listener is not None
        connections: dict[int, Connection] = {}
        while len(connections) < len(processes):
            connection = self._accept(processes)
            connections[connection.recv()] = connection
            connection.send_bytes(self._payload)
        return [_Worker(process, connections[process.pid]) for process in processes]

    def _accept(self, processes: list[subprocess.Popen[bytes]]) -> Connection:
        """The next connection; a worker that dies before it connects is an error, not a wait."""
        assert self._listener is not None
        listener, result = self._listener, list[Connection]()

        def accept() -> None:
            with suppress(OSError):  # the listener is closed when a worker could not start
                result.append(listener.accept())

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            dead = [p.returncode for p in processes if p.poll() is not None]
            if dead and not result:
                raise EvaluationError(
                    f"A worker process ended at its start with exit status {dead[0]}"
                    f"{self._last_printed() or '; see what it prints with `Processes(logs=...)`'}."
                )
        return result[0]

    def _last_printed(self) -> str:
        """The last line in the logs, as the end of a sentence."""
        logs = sorted(self._logs.iterdir()) if self._logs is not None else []
        lines = [
            line
            for log in logs
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        ]
        return f"; it printed: {lines[-1]}" if lines else ""


def _verdict(code: int) -> tuple[str, str]:
    if code == -signal.SIGKILL:
        return "oom", "the worker was killed (signal 9), most often for want of memory"
    if code < 0:
        return "failed", f"the worker died of signal {-code} ({signal.Signals(-code).name})"
    return "failed", f"the worker ended with exit status {code}"


def _end(process: subprocess.Popen[bytes]) -> int:
    """Kill a process if it lives, and return its exit status."""
    process.kill()
    code = process.wait()
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    return code
