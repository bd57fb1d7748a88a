"""The plain `model.py` of a network: traced, named, written and formatted."""
