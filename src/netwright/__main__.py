"""`python -m netwright`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # As for `netwright`: a `random.py` in the folder where it is called is not Python's own.
    if not sys.flags.safe_path and Path(sys.path[0]) != Path(__file__).parents[1]:
        del sys.path[0]
    from netwright.cli import main

    main()
