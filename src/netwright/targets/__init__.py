"""What a network costs where it will run: a runtime on a machine.

Limits on these costs, and what is done with them, do not belong here.
"""
