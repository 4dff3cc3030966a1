"""Times as Kubernetes tells them: in whole seconds, the fractions cut off."""

from datetime import datetime


def came_before(at: datetime, other: datetime) -> bool:
    """Whether something may have come before something else, by the seconds that Kubernetes tells of both.

    A deletion that wrote no time into its object is told as it was seen, with the fraction: compared as they are told,
    a crash in the second of the deletion would have come before it.
    """
    return at.replace(microsecond=0) <= other.replace(microsecond=0)
