"""The TLS side of a connection to the API server."""

import ssl
import tempfile

from tapio.errors import UsageError
from tapio.kube.config import Cluster


def context_of(cluster: Cluster) -> ssl.SSLContext | bool:
    """The context to connect with; True (the library's own) for a server that is spoken to without TLS.

    Raises:
        UsageError: a certificate or key cannot be used; the message says which.
    """
    if not cluster.server.startswith("https"):
        return True
    try:
        context = ssl.create_default_context(cadata=cluster.ca.decode() if cluster.ca else None)
    except (ssl.SSLError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(f"the certificate authority in {cluster.origin} cannot be used: {error}") from error
    if not cluster.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cluster.certificate and cluster.key:
        _present(context, cluster)
    return context


def _present(context: ssl.SSLContext, cluster: Cluster) -> None:
    """Python loads a client certificate only from a file: a private one that is gone when this returns."""
    with tempfile.NamedTemporaryFile() as file:
        file.write((cluster.certificate or b"") + b"\n" + (cluster.key or b""))
        file.flush()
        try:
            context.load_cert_chain(file.name)
        except ssl.SSLError as error:
            raise UsageError(f"the client certificate in {cluster.origin} cannot be used: {error}") from error
