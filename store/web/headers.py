"""Security headers of every answer, and who may keep a copy of it."""

from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, session

FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def init_app(app: Flask) -> None:
    """Add the headers to every answer."""
    policy = content_security_policy(checkout_origin(app.config["STRIPE_API_BASE"]))
    app.config["CONTENT_SECURITY_POLICY"] = policy
    app.after_request(_add_headers)
    app.after_request(_keep_private_pages_private)


def checkout_origin(stripe_api_base: str) -> str:
    """Where Stripe's payment page lives: beside the API for the sandbox, at its own address for Stripe."""
    if stripe_api_base == "https://api.stripe.com":
        return "https://checkout.stripe.com"
    parts = urlsplit(stripe_api_base)
    return f"{parts.scheme}://{parts.netloc}"


def content_security_policy(checkout: str) -> str:
    """Nothing is allowed but what the pages need. Browsers apply form-action to the redirect after a form as well."""
    return "; ".join(
        (
            "default-src 'none'",
            "object-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            f"form-action 'self' {checkout}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _add_headers(response: Response) -> Response:
    for name, value in FIXED_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", current_app.config["CONTENT_SECURITY_POLICY"])
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
    return response


def _keep_private_pages_private(response: Response) -> Response:
    """A page that set a cookie, holds a form or greets somebody is nobody else's, not even the browser's disk's.

    Flask-WTF keeps a form's token in `g`, Flask-Login its visitor in the cookie: neither needs the database.
    """
    if "Cache-Control" not in response.headers and (session.modified or "csrf_token" in g or "_user_id" in session):
        response.headers["Cache-Control"] = "no-store"
    return response
