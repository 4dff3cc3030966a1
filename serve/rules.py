"""The causes that are known: what `tapio explain` shows."""

from typing import Annotated

from fastapi import FastAPI, Query, Response

from serve.parameters import json
from serve.schema import answers
from tapio.correlators.catalog import RuleList, catalog

Code = Annotated[str, Query(description="a cause's code, or the family before its dot; empty for all")]


def add_rules(app: FastAPI) -> None:
    """Adds the endpoint."""

    @app.get("/v1/rules", responses=answers(RuleList), response_class=Response)
    def list_rules(code: Code = "") -> Response:
        """The rules: the causes they name, what they judge, which sources decide them."""
        return json(catalog(code))
