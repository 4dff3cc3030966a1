"""The lab's certificates, made anew at each start, and the kubeconfigs that hold them."""

import base64
import json
from pathlib import Path

from tests.lab.command import run
from tests.lab.layout import API_SERVICE_IP, API_URL, HOST_IP, NODES, Layout

_DAYS = "365"


def make_pki(lab: Layout) -> None:
    """Make the authority, a certificate for each component, and the administrator's kubeconfig."""
    pki = lab.pki
    pki.mkdir(parents=True, mode=0o700)
    _key(pki / "ca.key")
    authority = ("-key", pki / "ca.key", "-out", pki / "ca.crt", "-subj", "/CN=tapio-lab")
    run("openssl", "req", "-x509", "-new", *authority, "-days", _DAYS)
    names = "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    _certificate(pki, "apiserver", "/CN=kube-apiserver", f"{names},IP:127.0.0.1,IP:{API_SERVICE_IP},IP:{HOST_IP}")
    _certificate(pki, "apiserver-to-kubelet", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    _certificate(pki, "admin", "/O=system:masters/CN=tapio-lab-admin")
    for component in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
        _certificate(pki, component, f"/CN=system:{component}")
        _kubeconfig(pki, component, pki / f"{component}.kubeconfig")
    for node in NODES:
        _certificate(pki, node.name, f"/O=system:nodes/CN=system:node:{node.name}", f"DNS:{node.name},IP:{node.ip}")
        _kubeconfig(pki, node.name, pki / f"{node.name}.kubeconfig")
    _key(pki / "service-accounts.key")
    run("openssl", "pkey", "-in", pki / "service-accounts.key", "-pubout", "-out", pki / "service-accounts.pub")
    _kubeconfig(pki, "admin", lab.kubeconfig)


def _key(path: Path) -> None:
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)


def _certificate(pki: Path, name: str, subject: str, alternative_names: str = "") -> None:
    key, request, extensions = pki / f"{name}.key", pki / f"{name}.csr", pki / f"{name}.ext"
    _key(key)
    lines = ["extendedKeyUsage=serverAuth,clientAuth"]
    if alternative_names:
        lines.append(f"subjectAltName={alternative_names}")
    extensions.write_text("\n".join(lines))
    run("openssl", "req", "-new", "-key", key, "-out", request, "-subj", subject)
    authority = ("-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-CAcreateserial")
    certificate = ("-days", _DAYS, "-extfile", extensions, "-out", pki / f"{name}.crt")
    run("openssl", "x509", "-req", "-in", request, *authority, *certificate)


def _kubeconfig(pki: Path, name: str, path: Path) -> None:
    """Write a kubeconfig with all it needs inside, so that it can be copied elsewhere."""
    cluster = {"server": API_URL, "certificate-authority-data": _inside(pki / "ca.crt")}
    user = {
        "client-certificate-data": _inside(pki / f"{name}.crt"),
        "client-key-data": _inside(pki / f"{name}.key"),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tapio-lab", "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "tapio-lab", "context": {"cluster": "tapio-lab", "user": name}}],
        "current-context": "tapio-lab",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))


def _inside(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
