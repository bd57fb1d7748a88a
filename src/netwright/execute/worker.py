"""A worker process: gets the work once, then does jobs until its parent is gone."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from multiprocessing.connection import Client, Connection

import cloudpickle


def main(address: str) -> None:
    """Connect to the executor at `address` and serve it; the key comes on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    key = bytes.fromhex(sys.stdin.readline().strip())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _die_with_parent()
    with Client(address, authkey=key) as connection:
        connection.send(os.getpid())
        serve(connection)


def serve(connection: Connection) -> None:
    """Receive the work, then answer each job with its progress and its outcome."""
    paths, work_bytes = cloudpickle.loads(connection.recv_bytes())
    sys.path[:] = paths
    work = cloudpickle.loads(work_bytes)
    torch = sys.modules.get("torch")  # if the work needs it, it is imported by now
    if torch is not None:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    while True:
        try:
            job = cloudpickle.loads(connection.recv_bytes())
        except EOFError:
            return
        outcome = work(job, lambda body: _send(connection, "progress", body))
        _send(connection, "ended", outcome)


def _send(connection: Connection, kind: str, body: object) -> None:
    connection.send_bytes(cloudpickle.dumps((kind, body)))


def _die_with_parent() -> None:
    """On Linux, be killed with the parent even while standing still for a measurement."""
    if sys.platform == "linux":
        death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL, 0, 0, 0)


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(65536):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
