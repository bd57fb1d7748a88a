"""A run from call to result: its plan, its loop, its finals and its end.

What is tried, measured or stored is decided by plug-ins in rooms of their own.
"""
