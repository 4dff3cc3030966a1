"""The OpenAPI document: the library's own records, described by msgspec, beside FastAPI's endpoints."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serve.problems import MEDIA_TYPE, Problem

_REFERENCE = "#/components/schemas/{name}"


def answers(record: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """The responses of an endpoint that sends `record`, or a problem document."""
    problem = {"description": "A problem document (RFC 9457)", "content": {MEDIA_TYPE: {"schema": _ref(Problem)}}}
    answer = {"description": "The answer", "content": {"application/json": {"schema": _ref(record)}}}
    return {200: answer, **dict.fromkeys((400, 404, 503), problem)}


def describe(app: FastAPI, *records: type[msgspec.Struct]) -> None:
    """Makes the app's OpenAPI document hold the schemas of `records`."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app, records)
        return app.openapi_schema

    # FastAPI's documented way to extend the document is to replace the method.
    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI, records: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    _, schemas = msgspec.json.schema_components([Problem, *records], ref_template=_REFERENCE)
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)  # bad parameters are a 400 here
    return document


def _ref(record: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=record.__name__)}
