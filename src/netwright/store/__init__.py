"""Where runs are kept: their events and their artifacts.

What an event means is a matter of `record`.
"""

from netwright.store.base import Event, Store, open_store
from netwright.store.memory import MemoryStore
from netwright.store.sqlite import SQLiteStore

__all__ = ["Event", "MemoryStore", "SQLiteStore", "Store", "open_store"]
