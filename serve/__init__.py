"""The API on Ray Serve: HTTP in, questions to `tapio.why`, answers out as JSON.

Promised: translation only. Every answer is 200, whatever its status; every error is an RFC 9457 problem document.
Never: a decision about causes, a write, an address other than loopback.
"""
