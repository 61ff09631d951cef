"""``python -m rtbci`` is the same as ``rtbci``."""

from rtbci.cli import main

if __name__ == "__main__":
    main()
