"""What programs write when they do not reach something: which host has no address, which address nobody answers at."""

import re
from typing import NamedTuple

# No longer than a name may be (RFC 1035), and from its first letter on: long lines hold words of thousands of letters.
_HOST = r"(?<![\w.-])[A-Za-z0-9_](?:[\w.-]{0,252}\w)?"

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
        rf"Name or service not known(?::| \()\s*({_HOST})",
        rf"host=['\"]({_HOST})['\"].*(?:Name or service not known|Name does not resolve|Failed to resolve)",
        rf"Failed to resolve ['\"]({_HOST})",
        rf"no such host:? ['\"]?({_HOST})",
        rf"Name resolution failed for target (?:dns:/*)?({_HOST})",
        rf"(?:Unable to|could not|failed to) resolve (?:host|address) ['\"]?({_HOST})",
        rf"getaddrinfo for ({_HOST}) failed: Name or service not known",
        rf"({_HOST}) could not be resolved \(3: Host not found\)",
    )
)
# Words for the same that name the host elsewhere in the line, as an address or in quotation marks: of Kafka's clients,
# redis-py, PyMySQL, pymongo, aiohttp, Ruby's net/http, Postgrex, HAProxy, c-ares (gRPC), psycopg.
_UNKNOWN_NAME = re.compile(
    r"Name or service not known|Name does not resolve|nodename nor servname|no such host|ENOTFOUND|NXDOMAIN"
    r"|non-existing domain|Domain name not found|No resolvable bootstrap urls|DNS resolution failed for"
    r"|(?:could not|couldn't|can't|cannot|failed to|unable to) resolve|Error -2 connecting",
    re.IGNORECASE,
)
_QUOTED = re.compile(rf"['\"`]({_HOST})['\"`]")
# Words for "no name server answered, or none could": of Go, glibc, musl, Node, Java, Python, dig and nslookup, nginx,
# Netty.
_NO_SERVER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"lookup ({_HOST})\.?(?: on \S+)?: (?!no such host)",
        rf"EAI_AGAIN ({_HOST})",
        rf"[\"']({_HOST})[\"'] to address: Temporary failure",
        rf"({_HOST}): (?:Temporary failure in name resolution|Try again)",
        rf"can(?:'t|not) (?:resolve|find) ['\"]?({_HOST})['\"]?: (?:SERVFAIL|REFUSED|Try again)",
        rf"Resolving timed out.*?({_HOST})?$",
        rf"({_HOST}) could not be resolved \((?:110: |2: Server failure|5: )",
        rf"DefaultDnsQuestion\(({_HOST})\.? IN .*timed out",
    )
)
_NO_SERVER_AT_ALL = re.compile(
    r"Temporary failure in name resolution|EAI_AGAIN|\bSERVFAIL\b|no servers could be reached|Try again$"
    r"|Resolving timed out|name resolution failed|DNS lookup timed out|DnsNameResolverTimeoutException"
    r"|Timeout while contacting DNS servers|Could not contact DNS servers|DNS server returned general failure",
    re.IGNORECASE,
)
# Words for "no answer came", which is not a refusal: what a dropped packet looks like.
_SILENCE = re.compile(r"timed? ?out|deadline exceeded|\(110\)|ETIMEDOUT", re.IGNORECASE)
_NOT_A_HOST = frozenset(
    {"host", "error", "socket", "failed", "name", "the", "address", "getaddrinfo", "lookup", "target", "null", "none"}
)

# Words for "nobody answers at this address", or for a peer that went away while it answered: of the kernel's errors in
# many languages, database drivers, Netty, asyncio, .NET, Envoy, NATS, pg_isready, and scripts that wait.
_UNANSWERED = re.compile(
    r"refused|timed? ?out|deadline exceeded|unreachable|EHOSTUNREACH|ENETUNREACH|no route to host|failed to connect"
    r"|couldn't connect|can't connect|cannot connect|could not connect|unable ?to ?connect|can't reach"
    r"|connect call failed|could not be established|communications link failure|connection failure"
    r"|connect(?:ion)? error: 111|no ?(?:servers|brokers) ?available|no response|not ready|waiting for"
    r"|socket hang up|reset by peer|ECONNRESET|server closed the connection unexpectedly|lost connection to"
    r"|\(111\)|\(110\)|os error 11[01]",
    re.IGNORECASE,
)
_ADDRESSES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:at|on host) [\"']({_HOST})[\"'].*port (\d{{1,5}})",
        rf"`({_HOST})`:`(\d{{1,5}})`",
        rf"\[::ffff:({_HOST})\]:(\d{{1,5}})\b",
        r"\[([0-9a-f]*:[0-9a-f:]+)\]:(\d{1,5})\b",
        rf"host=['\"]({_HOST})['\"], port=(\d{{1,5}})",
        rf"[\"']({_HOST})[\"'],? (?:port[ :=]+)?(\d{{1,5}})\b",
        rf"host: ?[\"']?({_HOST})[\"']?, ?port: ?(\d{{1,5}})\b",
        rf"address: ['\"]({_HOST})['\"],\s+port: (\d{{1,5}})",
        rf"ipv4[:#]({_HOST}):(\d{{1,5}})\b",
        rf"({_HOST})/<unresolved>:(\d{{1,5}})\b",
        rf"connect to ({_HOST}) port (\d{{1,5}})",
        rf"({_HOST}) \([\d.]+:(\d{{1,5}})\)",
        rf"on ['\"]({_HOST}):(\d{{1,5}})['\"]",
        rf"(?:^|[\s\"'`/@=(\[,])({_HOST}):(\d{{1,5}})\b",
    )
)


# MySQL's and busybox's words, which leave the port out.
_PORTLESS = tuple(
    re.compile(pattern, re.IGNORECASE) for pattern in (rf"server on '({_HOST})' \(", rf"remote host \(({_HOST})\)")
)
# A URL without a port means its scheme's.
_URL = re.compile(rf"\b(https?)://({_HOST})(?![\w.:-])", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
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
        names = [match[1] for pattern in _NO_ADDRESS for match in pattern.finditer(line) if _is_host(match[1])]
        found += [(name.rstrip("."), line.strip()) for name in names or _beside_the_words(line)]
    return list(dict.fromkeys(found))


def _beside_the_words(line: str) -> list[str]:
    """The hosts of a line that says no more than that a name is not known: its addresses, else what it quotes."""
    if not _UNKNOWN_NAME.search(line) or _NO_SERVER_AT_ALL.search(line):
        return []
    named = [one.host for one in addresses(line) if _is_host(one.host)]
    return named or [name for name in _QUOTED.findall(line) if _is_host(name)]


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


def speaks_of_silence(text: str) -> str:
    """The newest line that says that nobody answers, and not at which address; empty where there is none."""
    lines = (line for line in reversed(text.splitlines()) if _UNANSWERED.search(line))
    return next((line.strip() for line in lines if not addresses(line)), "")


def addresses(line: str) -> list[Address]:
    """Every host with a port that a line names."""
    matches = (match for pattern in _ADDRESSES for match in pattern.finditer(line))
    found = [Address(match[1].rstrip("."), int(match[2])) for match in matches]
    found += [Address(match[2].rstrip("."), _PORTS[match[1].lower()]) for match in _URL.finditer(line)]
    return found or [Address(match[1], 0) for pattern in _PORTLESS for match in pattern.finditer(line)]


def _is_host(name: str) -> bool:
    return name.lower() not in _NOT_A_HOST and not name.replace(".", "").isdigit()
