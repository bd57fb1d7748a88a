"""Parts of `benchmarks/portfolio.py`: the data sets, what is trained on them, what is chosen."""
