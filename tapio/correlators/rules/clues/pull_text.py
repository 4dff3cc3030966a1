"""What containerd, CRI-O and docker say when a pull fails: who refused, or what lay in the way."""

import re

_INVALID, _PLATFORM, _NOT_FOUND = "startup.image_invalid", "startup.image_platform", "startup.image_not_found"
_UNREACHABLE, _DENIED = "startup.registry_unreachable", "startup.pull_denied"
NEVER_PULLED = "never pulled"  # of an image that is to be on the node already (imagePullPolicy Never), and is not

# The first that matches decides. The registry's answer comes before the network's, as a message may quote both ("failed
# to do request: ...: not found" is the answer).
_FAILURES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (code, detail, re.compile(pattern, re.IGNORECASE))
    for code, detail, pattern in (
        (_INVALID, "", r"couldn't parse image (reference|name)|invalid reference format|InvalidImageName"),
        (_INVALID, "", r"short-name .* did not|short name mode is enforcing"),
        (
            _INVALID,
            "content",
            r"is no longer supported|unexpected commit digest|failed to (extract|unpack|register) layer",
        ),
        (
            _INVALID,
            "content",
            r"applying layer|archive/tar|failed to Lchown|unexpected media type|mount callback failed",
        ),
        (_PLATFORM, "", r"no match for platform|no matching manifest|cannot be used on this platform"),
        (_PLATFORM, "", r"no image found in (manifest list|image index)|exec format error"),
        (_DENIED, "rate_limit", r"toomanyrequests|429 Too Many|rate limit"),
        (_UNREACHABLE, "dns", r"no such host|server misbehaving|name resolution|lookup .+ on .+:53"),
        (_UNREACHABLE, "tls", r"x509|certificate|tls: (?!handshake timeout)|gave HTTP response to HTTPS"),
        (_UNREACHABLE, "refused", r"connection refused"),
        (_UNREACHABLE, "timeout", r"i/o timeout|deadline exceeded|handshake timeout|Client\.Timeout"),
        (_UNREACHABLE, "timeout", r"no route to host|network is unreachable"),
        (
            _UNREACHABLE,
            "status",
            r"\b5\d\d (Internal|Bad Gateway|Service|Gateway)|RegistryUnavailable|temporarily unavailable",
        ),
        (_DENIED, "", r"\b40[13]\b|denied|unauthori[sz]ed|authentication required|insufficient_scope"),
        (_DENIED, "", r"no basic auth credentials|credential provider"),
        (_DENIED, "signature", r"SignatureValidationFailed|signature|image rejected"),
        (_NOT_FOUND, "", r"not found|manifest unknown|NotFound|name unknown|does not exist"),
        (_NOT_FOUND, NEVER_PULLED, r"ErrImageNeverPull|not present with pull policy of Never"),
        (_UNREACHABLE, "reset", r"connection reset|\bEOF\b"),
    )
)
# The registry is not to blame for a node that has no room for what it gave.
_NO_ROOM = re.compile(r"no space left on device", re.IGNORECASE)


def is_of_the_disk(text: str) -> bool:
    """Whether the node had no room for what the registry gave."""
    return _NO_ROOM.search(text) is not None


def classified(text: str) -> tuple[str, str] | None:
    """The code and its detail (empty for most) of what was said; None where that is not known."""
    if is_of_the_disk(text):
        return None
    return next(((code, detail) for code, detail, pattern in _FAILURES if pattern.search(text)), None)
