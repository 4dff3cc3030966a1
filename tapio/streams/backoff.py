"""How long to wait before the next try: full jitter, so that many clients do not come back all at once."""

import random

_FIRST_S = 0.05
_LONGEST_S = 5.0


def full_jitter(failures: int, first_s: float = _FIRST_S, longest_s: float = _LONGEST_S) -> float:
    """Seconds to wait after so many failures in a row: anything up to a bound that doubles each time.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog; of its variants the one with the least work.
    """
    bound = min(longest_s, first_s * 2 ** min(failures, 30))
    return random.uniform(0, bound)  # noqa: S311  spreads clients, guards no secret
