"""What the log of a run says: its events, and what they add up to.

Where the log is kept is a matter of `store`; what acts on it is in `run`.
"""
