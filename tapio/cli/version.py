"""`tapio version`."""

import platform

from tapio import __version__


def version() -> None:
    """Print the version of Tapio and of the Python it runs on."""
    print(f"tapio {__version__} (Python {platform.python_version()})")
