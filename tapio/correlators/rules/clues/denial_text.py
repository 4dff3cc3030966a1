"""What programs write when a peer does not let them in, when a certificate does not do, when a port is taken."""

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


NOT_LET_IN = _any(
    # PostgreSQL and libpq, MySQL, SQL Server, Oracle
    r"password authentication failed|role \"[^\"]+\" does not exist|no password supplied|no pg_hba\.conf entry",
    r"client password must be a string|access denied for user|ER_ACCESS_DENIED_ERROR|login failed for user|ORA-01017",
    # Redis, MongoDB, RabbitMQ, Kafka (librdkafka, Java, sarama), NATS, Elasticsearch
    r"\bWRONGPASS\b|\bNOAUTH\b|\bERR invalid password|\bERR AUTH\b|authentication (failed|failure)|auth error:",
    r"exception authenticating|ACCESS_REFUSED|username or password not allowed|SASL .{0,40}(failed|error)",
    r"authorization violation|unable to authenticate user",
    # object stores and clouds
    r"InvalidAccessKeyId|SignatureDoesNotMatch|\bExpiredToken\b|is not authorized to perform|InvalidClientTokenId",
    r"An error occurred \(AccessDenied\)|\bAccessDenied: ",
    # HTTP, gRPC, OAuth, Git, SSH, Vault
    r"invalid (username or password|username/password|credentials|api key|token)|\binvalid_(client|grant|token)\b",
    r"\b401\b.{0,20}unauthorized|unauthorized\W{1,4}401\b|status code:? 401\b|\bHTTP/?[\d.]* 401\b",
    r"\bUNAUTHENTICATED\b|HTTP Basic: Access denied|Permission denied \((publickey|password)",
    r"\bCode: 403\b.{0,40}permission denied",
)
# Go, OpenSSL, Node, Java, rustls, .NET, and TLS alerts that Go passes on.
EXPIRED = _any(
    r"certificate (has )?expired|expired certificate|CERT_HAS_EXPIRED|certificate is not yet valid",
    r"CertificateExpiredException|NotAfter: |peer certificate: Expired|\bNotTimeValid\b",
    r"CertPathValidatorException: validity check failed",
)
UNTRUSTED = _any(
    r"certificate signed by unknown authority|self[- ]signed certificate|certificate verify failed",
    r"unable to verify the first certificate|unable to get local issuer",
    r"PKIX path building failed|tls: unknown certificate( authority)?",
    r"tls: bad certificate|peer certificate: \w+|remote certificate is invalid",
)
# A certificate that is good, for other names than the one asked for: Go, Node, Python, curl, Java, .NET, rustls.
MISNAMED = _any(
    r"certificate is valid for .*, not |certificate is not valid for|ERR_TLS_CERT_ALTNAME_INVALID|hostname mismatch",
    r"does not match certificate's altnames|doesn't match (either of )?'|no alternative certificate subject name",
    r"certificate subject name .* does not match|No subject alternative|legacy Common Name",
    r"cannot validate certificate for|RemoteCertificateNameMismatch|NotValidForName",
)
# A certificate or a key that the program itself cannot use: Go, OpenSSL, nginx.
UNUSABLE = _any(
    r"private key does not match|key values mismatch|failed to find any PEM data|PEM_read_bio|no start line",
    r"cannot load certificate",
)
TAKEN = _any(r"address already in use|EADDRINUSE|Address in use|port \d+ (is|was) already (in use|allocated)")
