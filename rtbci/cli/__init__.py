"""The command line: ``rtbci COMMAND``."""

from rtbci.cli.app import main

__all__ = ["main"]
