"""The command line: one file per command, thin over the library.

In: flags, files, a server's answers. Out: results on stdout, notes and progress on stderr, an exit code.
Promised: heavy parts (Ray, NATS, FastAPI, the Kubernetes client) load only in the commands that use them; no traceback
reaches a person; nothing is ever changed in a cluster.
"""
