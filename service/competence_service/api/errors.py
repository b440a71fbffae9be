"""Every error of the API in one shape: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from competence.errors import CompetenceError, UnknownIdError
from competence_service.api import api
from competence_service.suggestions import RequestError

__all__ = ["NothingImportedError", "problem"]


class NothingImportedError(CompetenceError):
    """There is no staff to answer from yet."""


def problem(status: int, code: str, title: str, detail: str = "", **members: Any) -> Response:
    """Return one error.

    Parameters
    ----------
    status : int
        HTTP status.
    code : str
        Stable name of the kind of error; the last part of ``type``.
    title, detail : str
        The kind, and this occurrence, in English. Never holds a name or anybody's words.
    **members
        Further members, such as ``errors``.
    """
    body = {"type": f"urn:competence:problem:{code}", "title": title, "status": status, "detail": detail or title, **members}
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/problem+json")


@api.errorhandler(RequestError)
def _request(error: RequestError) -> Response:
    errors = [{"field": f.field, "code": f.code, "message": f.message} for f in error.faults]
    return problem(422, "request_invalid", "The request has values that are not allowed", errors=errors)


@api.errorhandler(NothingImportedError)
def _nothing(_error: NothingImportedError) -> Response:
    return problem(409, "nothing_imported", "No staff has been imported yet", "Import files, or the example municipality, first.")


@api.errorhandler(UnknownIdError)
def _unknown(error: UnknownIdError) -> Response:
    return problem(404, "not_found", "There is nothing with this id", str(error))


@api.errorhandler(CompetenceError)
def _refused(error: CompetenceError) -> Response:
    return problem(422, "refused", "The request cannot be carried out", str(error))


@api.errorhandler(HTTPException)
def http_problem(error: HTTPException) -> Response:
    """Return an HTTP error of the framework in our shape; also used for addresses that do not exist."""
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "not_json"}.get(error.code or 500, "http_error")
    answer = problem(error.code or 500, code, error.name, error.description or error.name)
    if error.code == 405 and hasattr(error, "valid_methods"):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return answer
