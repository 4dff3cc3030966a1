"""Kubernetes quantities: `20Mi`, `500m`, `1e3` as numbers (apimachinery's resource.Quantity)."""

from tapio.unified.objects import Quantity

_SUFFIXES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def amount(quantity: Quantity | None) -> float | None:
    """The quantity in its base unit (bytes, cores, pieces); None where there is none or it is no quantity."""
    if quantity is None:
        return None
    if not isinstance(quantity, str):
        return float(quantity)
    number = quantity.rstrip("numkKMGTPEi")
    scale = _SUFFIXES.get(quantity[len(number) :])
    if scale is None:
        return None
    try:
        return float(number) * scale
    except ValueError:
        return None
