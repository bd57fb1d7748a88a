"""Parts of `benchmarks/tasks.py`: the data sets of each kind, and the methods for them."""
