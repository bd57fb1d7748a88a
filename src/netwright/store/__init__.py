"""Where runs are kept."""

from netwright.store.sqlite import Event, Store

__all__ = ["Event", "Store"]
