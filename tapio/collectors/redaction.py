"""Secrets out of text: each becomes a keyed digest, so that a change still shows and the value never does.

Sources of the shapes: the issuers' documented prefixes (AWS, Google, GitHub, GitLab, Slack, Stripe), RFC 7468 (PEM),
RFC 7519 (JWT), RFC 3986 (userinfo).
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

from tapio.collectors.entropy import looks_random
from tapio.errors import UsageError

_MARK = re.compile(r"\[redacted:([0-9a-f]{12})\]")
_CACHED = 50_000  # texts remembered: the same commands and values come with every replica of a pod
_CACHED_LENGTH = 400

_WORDS = r"passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|[_.-]pwd"
_SECRET_NAME = re.compile(rf"(?i){_WORDS}|key$")
_LOCATION = re.compile(r"(?i)(?:file|path|dir)$")  # DB_PASSWORD_FILE=/run/secrets/db says where, not what
_ABOUT = re.compile(r"(?i)(?:name|file|path|dir|ref|ttl)$")
_REFERENCE = re.compile(r"\$\{?\w+\}?|\$\(.*\)")
_EXPANDED = re.compile(r"\$[{(A-Za-z_]")  # the shell puts the value in, so the text has none
_FLAG = re.compile(rf"(?i)--?[\w.-]*(?:{_WORDS})[\w.-]*")

# A text that matches none of this holds nothing that any rule looks for.
_WORTH_A_LOOK = re.compile(rf"(?i)-----BEGIN|@|authorization|{_WORDS}|[A-Za-z0-9+/_=-]{{16}}")

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----(?:[\s\S]*?-----END [A-Z0-9 ]+-----|[\s\S]*)")
_TOKENS = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"
    r"|\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"
    r"|\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z_-]{20,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\b[srp]k_(?:live|test)_[A-Za-z0-9]{10,}|\bsk-[A-Za-z0-9_-]{20,}"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}"
)
_USERINFO = re.compile(r"(?<=://)(?:[^\s/?#'\"<>]+|[^\s/:@]+:(?!\d+(?:[/?#]|$))[^\s'\"]+)(?=@)")
_DSN = re.compile(r"(?<![\w./:\[-])([\w.+-]+:)([^\s:@/'\"]+)(?=@(?!sha256:)[\w(\[])")  # root:pw@tcp(db:3306)/shop
_HEADER = re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token|digest)\s+)([^\s\"']+)")
_BEARER = re.compile(r"(?i)(\bbearer\s+)([A-Za-z0-9._~+/=-]{16,})")
_ASSIGNED = re.compile(
    rf"(?i)((?P<name>[\w.-]*(?:{_WORDS})[\w-]*)[\"']?\s*[:=]\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s\"',;&|)}]+)"
)
_FLAGGED = re.compile(
    rf"(?i)((?P<name>--[\w.-]*(?:{_WORDS})[\w-]*)\s+)(?P<value>[^\s\"'-][^\s\"']*|\"[^\"]*\"|'[^']*')"
)
_RANDOM = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?P<told>(?:sha\d+:|(?:containerd|docker|cri-o)://)?)(?P<value>[A-Za-z0-9+/_-]{20,}={0,2})"
)

ConfigMapValues = Literal["plain", "digest"]


class Redactor:
    """The rules with one key. `key` keeps digests of guessable values from being looked up in a table.

    Raises:
        UsageError: one of the user's own `patterns` is no regular expression.
    """

    def __init__(
        self, key: bytes, *, patterns: Iterable[str] = (), configmap_values: ConfigMapValues = "plain"
    ) -> None:
        self._key = key[:64]  # blake2b takes no longer key
        self._own = [_compiled(pattern) for pattern in patterns]
        self.configmap_values = configmap_values
        self._cache: dict[tuple[str, str | bool], str] = {}
        self.taken = 0  # how often something was taken out: where it stands still, a text is as it came

    def mark(self, value: str) -> str:
        """What stands where a secret stood."""
        if _MARK.fullmatch(value):
            return value
        self.taken += 1
        return f"[redacted:{blake2b(value.encode(), digest_size=6, key=self._key).hexdigest()}]"

    def text(self, text: str, *, ids: bool = False) -> str:
        """A text without its secrets. With `ids`, bare hexadecimal is spared: messages name containers by it."""
        known = self._cache.get((text, ids))
        if known is None:
            worth_a_look = self._own or _WORTH_A_LOOK.search(text)
            known = self._rules(text, ids=ids) if worth_a_look else text
            self._remember(text, ids, known)
        self.taken += known != text
        return known

    def value(self, name: str, value: str) -> str:
        """A value under a name: a name that says it is a secret is enough."""
        known = self._cache.get((value, name))
        if known is None:
            known = self._value(name, value)
            self._remember(value, name, known)
        self.taken += known != value
        return known

    def _value(self, name: str, value: str) -> str:
        hides = _names_a_secret(name)
        if not (hides or self._own or _WORTH_A_LOOK.search(value)):
            return value
        if not value or value.lower() in {"true", "false"} or _REFERENCE.fullmatch(value):
            return value
        if not hides or (_LOCATION.search(name) and value.startswith("/")):
            return self.text(value)
        return self.mark(value)

    def arguments(self, arguments: list[Any]) -> list[Any]:
        """A command line: `--password x` has its secret in the next argument."""
        secret_next, safe = False, []
        for argument in arguments:
            if not isinstance(argument, str):
                safe.append(argument)
                continue
            follows = secret_next and not argument.startswith("-") and not _REFERENCE.fullmatch(argument)
            safe.append(self.mark(argument) if follows else self.text(argument))
            secret_next = bool(_FLAG.fullmatch(argument)) and not _ABOUT.search(argument)
        return safe

    def _rules(self, text: str, *, ids: bool) -> str:
        for own in self._own:
            text = own.sub(self._whole, text)
        for shape in (_PEM, _TOKENS, _USERINFO):
            text = shape.sub(self._whole, text)
        for shape in (_DSN, _HEADER, _BEARER):
            text = shape.sub(self._second, text)
        for shape in (_ASSIGNED, _FLAGGED):
            text = shape.sub(self._assigned, text)
        return _RANDOM.sub(self._random(ids=ids), text)

    def _whole(self, found: re.Match[str]) -> str:
        return self.mark(found[0]) if found[0] else ""

    def _second(self, found: re.Match[str]) -> str:
        return found[0] if found[2].startswith("[redacted:") else found[1] + self.mark(found[2])

    def _assigned(self, found: re.Match[str]) -> str:
        value = found["value"]
        quote = value[0] if value[0] in "\"'" else ""
        bare = value.strip(quote) if quote else value
        if not bare or "[redacted:" in bare or _EXPANDED.match(bare) or _ABOUT.search(found["name"]):
            return found[0]
        if bare.lower() in {"true", "false", "null", "none", "{", "["}:
            return found[0]
        return found[1] + quote + self.mark(bare) + quote

    def _random(self, *, ids: bool) -> Callable[[re.Match[str]], str]:
        def replace(found: re.Match[str]) -> str:
            if found["told"] or not looks_random(found["value"], ids=ids):
                return found[0]
            return self.mark(found["value"])

        return replace

    def _remember(self, text: str, under: str | bool, safe: str) -> None:  # noqa: FBT001  half of the cache's key
        if len(text) > _CACHED_LENGTH:
            return
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        self._cache[text, under] = safe


@lru_cache(maxsize=10_000)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def shown(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """A redacted value as changes show it: `{"redacted": digest}` where a whole string was a secret."""
    if isinstance(value, str):
        found = _MARK.fullmatch(value)
        return {"redacted": found[1]} if found else value
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"the redaction pattern {pattern!r} is no regular expression: {error}") from error
