"""`python -m tests.lab build | up | down | status | debs`."""

import sys

from tests.lab import cluster
from tests.lab.build import build
from tests.lab.command import LabError
from tests.lab.layout import layout
from tests.lab.needs import check_root, debian_packages
from tests.lab.turns import turn


def main(arguments: list[str]) -> int:
    """Run one command and give the exit code."""
    lab = layout()
    match arguments:
        case ["build"]:
            build()
        case ["up"]:
            check_root()
            with turn():
                cluster.up(lab)
            print(f"export KUBECONFIG={lab.kubeconfig}")
        case ["down"]:
            cluster.down(lab)
        case ["status"]:
            print(cluster.status(lab))
        case ["debs"]:
            print("\n".join(debian_packages()))
        case _:
            print(__doc__, file=sys.stderr)
            return 64
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)
