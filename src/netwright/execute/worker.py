"""A worker process: gets the work once, then does jobs until its run is gone.

Nothing here waits in a thread, since a training may fork. Standard input is empty.
"""

from __future__ import annotations

import io
import os
import socket
import sys
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from types import FunctionType
from typing import Any

import cloudpickle

from netwright.execute.keeper import keep
from netwright.execute.ready import make_ready


def main(connection: int, control: int, run: int) -> None:
    """Serve the executor of the process `run` over inherited sockets, by their numbers."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever is printed can be
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    keep(socket.socket(fileno=control), run, closed=connection)
    os.set_inheritable(connection, False)
    ForkingPickler.reducer_override = _by_value  # type: ignore[method-assign]
    with Connection(connection) as opened:
        opened.send("ready")
        serve(opened)


def serve(connection: Connection) -> None:
    """Receive the work, then answer each job with its progress and its outcome."""
    owner = os.getpid()

    def send(kind: str, body: object) -> None:
        if os.getpid() != owner:  # a training forked, and forgot to end the other process
            os._exit(0)
        connection.send_bytes(cloudpickle.dumps((kind, body)))

    work = cloudpickle.loads(connection.recv_bytes())
    torch = sys.modules.get("torch")  # if the work needs it, it is imported by now
    if torch is not None:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    make_ready()
    send("opened", None)
    while True:
        try:
            job = cloudpickle.loads(connection.recv_bytes())
        except EOFError:
            return
        try:
            outcome = work(job, lambda body: send("progress", body))
        except (KeyboardInterrupt, SystemExit) as error:  # by the work: no one sends them here
            send("lost", ("failed", f"{type(error).__name__} was raised: {error}".rstrip(": ")))
        else:
            send("ended", outcome)


def _by_value(pickler: Any, value: object) -> Any:
    """Let a training spawn processes that run what its script, which is not run here, defines."""
    by_name = isinstance(value, FunctionType | type) and value.__module__ == "__main__"
    if not by_name or getattr(sys.modules["__main__"], value.__qualname__, None) is value:  # type: ignore[attr-defined]
        return NotImplemented
    return cloudpickle.loads, (cloudpickle.dumps(value),)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
