"""What a person watches while a run is working.

Pages about a run that has ended are in `report`.
"""
