"""What programs write when they do not reach something: which host has no address, which address nobody answers at."""

import re
from typing import NamedTuple

_HOST = r"[A-Za-z0-9_](?:[\w.-]*\w)?"

# Words for "this name has no address" in Go, glibc and musl programs, busybox, curl, psql, Node, Java, Python, nginx,
# MySQL. What only says that no name server answered ("server misbehaving", EAI_AGAIN, "Temporary failure") is not here.
_NO_ADDRESS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"lookup ({_HOST})\.?(?: on \S+)?: no such host",
        rf"bad address ['\"]?({_HOST})",
        rf"could not resolve (?:host|proxy):? ['\"]?({_HOST})",
        rf"could not translate host name [\"']({_HOST})",
        rf"getaddrinfo ENOTFOUND ({_HOST})",
        rf"(?:UnknownHostException|Unknown host|Unknown MySQL server host):? ['\"]?({_HOST})",
        rf"can(?:'t|not) (?:resolve|find) ['\"]?({_HOST})(?:['\"]|: NXDOMAIN|$)",
        rf"host not found in upstream [\"']({_HOST})",
        rf"[\"']?({_HOST})[\"']?(?::\d+)?: (?:Name or service not known|Name does not resolve|nodename nor servname)",
        rf"Name or service not known \(({_HOST})",
        rf"host=['\"]({_HOST})['\"].*(?:Name or service not known|Name does not resolve|Failed to resolve)",
        rf"Failed to resolve ['\"]({_HOST})",
        rf"no such host:? ['\"]?({_HOST})",
    )
)
# Words for "no name server answered, or none could": of Go, glibc, musl, Node, Java, Python, dig and nslookup.
_NO_SERVER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"lookup ({_HOST})\.?(?: on \S+)?: (?!no such host)",
        rf"EAI_AGAIN ({_HOST})",
        rf"[\"']({_HOST})[\"'] to address: Temporary failure",
        rf"({_HOST}): (?:Temporary failure in name resolution|Try again)",
        rf"can(?:'t|not) (?:resolve|find) ['\"]?({_HOST})['\"]?: (?:SERVFAIL|REFUSED|Try again)",
        rf"Resolving timed out.*?({_HOST})?$",
    )
)
_NO_SERVER_AT_ALL = re.compile(
    r"Temporary failure in name resolution|EAI_AGAIN|\bSERVFAIL\b|no servers could be reached|Try again$"
    r"|Resolving timed out|name resolution failed|DNS lookup timed out",
    re.IGNORECASE,
)
# Words for "no answer came", which is not a refusal: what a dropped packet looks like.
_SILENCE = re.compile(r"timed? ?out|deadline exceeded|\(110\)|ETIMEDOUT", re.IGNORECASE)
_NOT_A_HOST = frozenset({"host", "error", "socket", "failed", "name", "the", "address", "getaddrinfo", "lookup"})

# Words for "nobody answers at this address".
_UNANSWERED = re.compile(
    r"refused|timed? ?out|deadline exceeded|unreachable|no route to host|failed to connect|couldn't connect"
    r"|can't connect|cannot connect|could not connect|unable to connect|can't reach|could not be established"
    r"|\(111\)|\(110\)",
    re.IGNORECASE,
)
_ADDRESSES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:at|on host) [\"']({_HOST})[\"'].*port (\d{{1,5}})",
        rf"`({_HOST})`:`(\d{{1,5}})`",
        rf"\[::ffff:({_HOST})\]:(\d{{1,5}})\b",
        rf"host=['\"]({_HOST})['\"], port=(\d{{1,5}})",
        rf"connect to ({_HOST}) port (\d{{1,5}})",
        rf"({_HOST}) \([\d.]+:(\d{{1,5}})\)",
        rf"on ['\"]({_HOST}):(\d{{1,5}})['\"]",
        rf"(?:^|[\s\"'/@=(])({_HOST}):(\d{{1,5}})\b",
    )
)


# MySQL's and busybox's words, which leave the port out.
_PORTLESS = tuple(
    re.compile(pattern, re.IGNORECASE) for pattern in (rf"server on '({_HOST})' \(", rf"remote host \(({_HOST})\)")
)
# libpq tells in three lines what is one sentence.
_CONTINUED = re.compile(r"\n\s*(?=Is the server running|TCP/IP connections)")


class Address(NamedTuple):
    """A host (a name or an IP) and a port, 0 where that is not said."""

    host: str
    port: int


def unresolved(text: str) -> list[tuple[str, str]]:
    """The hosts that are said to have no address, each with its line, newest line first."""
    found = []
    for line in reversed(text.splitlines()):
        names = (match[1] for pattern in _NO_ADDRESS for match in pattern.finditer(line))
        found += [(name.rstrip("."), line.strip()) for name in names if _is_host(name)]
    return list(dict.fromkeys(found))


def unserved(text: str) -> list[tuple[str, str]]:
    """The names that no name server gave an answer for (empty where the line names none), each with its line."""
    found = []
    for line in reversed(text.splitlines()):
        names = [match[1] for pattern in _NO_SERVER for match in pattern.finditer(line) if match[1]]
        if not names and not _NO_SERVER_AT_ALL.search(line):
            continue
        found.append((next((name.rstrip(".") for name in names if _is_host(name)), ""), line.strip()))
    return list(dict.fromkeys(found))


def is_silence(line: str) -> bool:
    """Whether a line tells of an answer that did not come, rather than of a refusal."""
    return _SILENCE.search(line) is not None


def unanswered(text: str) -> list[tuple[Address, str]]:
    """The addresses that nobody is said to answer at, each with its line, newest line first."""
    found = []
    for line in reversed(_CONTINUED.sub(" ", text).splitlines()):
        if not _UNANSWERED.search(line):
            continue
        found += [(address, line.strip()) for address in addresses(line)]
    return list(dict.fromkeys(found))


def addresses(line: str) -> list[Address]:
    """Every host with a port that a line names."""
    matches = (match for pattern in _ADDRESSES for match in pattern.finditer(line))
    found = [Address(match[1].rstrip("."), int(match[2])) for match in matches]
    return found or [Address(match[1], 0) for pattern in _PORTLESS for match in pattern.finditer(line)]


def _is_host(name: str) -> bool:
    return name.lower() not in _NOT_A_HOST and not name.replace(".", "").isdigit()
