"""Makes OCI images of one layer and lays them out as the lab's registry serves them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
"""Not compressed: the nodes are on the same disk, and unpacking gzip is what would take long."""

_ACCOUNTS = b"root:x:0:0:root:/:/none\nnobody:x:65534:65534:nobody:/:/none\n"


@dataclass(frozen=True, slots=True)
class Image:
    """A root file system of a few programs, and how it starts."""

    name: str
    tags: Sequence[str]
    programs: Mapping[str, Path]
    entrypoint: Sequence[str]


def store(image: Image, root: Path) -> None:
    """Write an image's blobs and tags below `root`; the same content gives the same digests."""
    layer = _layer(image)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": list(image.entrypoint), "Env": ["PATH=/"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _blob(root, _CONFIG, json.dumps(config).encode()),
        "layers": [_blob(root, _LAYER, layer)],
    }
    digest = str(_blob(root, _MANIFEST, json.dumps(manifest).encode())["digest"])
    for tag in image.tags:
        _write(root / "tags" / image.name / tag, digest.encode())


def _layer(image: Image) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder, mode in (("etc", 0o755), ("tmp", 0o1777), ("var", 0o755), ("var/tmp", 0o1777)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        _add(tar, "etc/passwd", _ACCOUNTS, 0o644)
        for path, program in image.programs.items():
            _add(tar, path.lstrip("/"), program.read_bytes(), 0o755)
    return packed.getvalue()


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _blob(root: Path, media_type: str, content: bytes) -> dict[str, str | int]:
    digest = _digest(content)
    _write(root / "blobs" / digest.replace(":", "/"), content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
