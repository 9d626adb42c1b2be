"""The Flask app: API, hosted page and control interface under one roof, with the guards that all of them share."""

from flask import Flask, Response, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from . import api
from .control import control
from .events import Courier
from .hosted_page import amount, hosted_page
from .state import State
from .tables import SHAPES, Refusal

HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}
POLICY = "default-src 'none'; style-src 'self'; form-action {}; base-uri 'none'; frame-ancestors 'none'"


def create_app(state: State, courier: Courier) -> Flask:
    """The app; names other than loopback's are refused, against DNS rebinding."""
    app = Flask(__name__)
    app.config.from_mapping(TRUSTED_HOSTS=["127.0.0.1", "localhost"], MAX_CONTENT_LENGTH=1_000_000)
    app.extensions |= {"state": state, "courier": courier}
    app.add_template_filter(amount)
    for part in (api.blueprint(), hosted_page, control):
        app.register_blueprint(part)
    app.before_request(refuse_foreign_forms)
    app.after_request(add_headers)
    app.register_error_handler(Refusal, explain)
    app.register_error_handler(HTTPException, explain_http)
    return app


def refuse_foreign_forms() -> None:
    """No other site may act here through a visitor's browser; the API is safe by its key."""
    if request.method == "GET" or request.path.startswith("/v1/"):
        return
    own = request.host_url.rstrip("/")
    site = request.headers.get("Sec-Fetch-Site", "none")
    if request.headers.get("Origin", own) != own or site not in ("same-origin", "none"):
        raise Refusal("Forms of another origin are refused.", "foreign_origin", status=403)


def add_headers(response: Response) -> Response:
    """Strict policies everywhere, and the API's request id."""
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = POLICY.format(g.get("form_action", "'self'"))
    if "call" in g:
        response.headers |= {"Request-Id": g.call["id"], "Stripe-Version": SHAPES["event"]["api_version"]}
    return response


def explain(refusal: Refusal) -> tuple[str | AnyResponse, int]:
    """A refusal: a page for people, JSON for programs."""
    wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    paying, page = request.path.startswith("/c/"), not request.path.startswith("/v1/") and wanted == "text/html"
    body = render_template("refused.html", paying=paying, refusal=refusal) if paying or page else jsonify(refusal.body)
    return body, refusal.status


def explain_http(problem: HTTPException) -> tuple[str | AnyResponse, int]:
    """What Flask itself refuses, and what went wrong inside, in the same words."""
    if problem.code in (404, 405):
        return explain(Refusal(f"Unrecognized request URL ({request.method}: {request.path}).", status=404))
    status = problem.code or 500
    kind = "invalid_request_error" if status < 500 else "api_error"
    return explain(Refusal(problem.description or problem.name, status=status, kind=kind))
