"""Metrics of a candidate: trained, given by a function, or known before any training.

What a network costs on a device is measured in `targets`.
"""
