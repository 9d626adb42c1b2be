"""An error as Stripe's API words it."""


class Refusal(Exception):
    """A request that Stripe would refuse; `body` is the JSON that it would answer."""

    def __init__(
        self, message: str, code: str = "", param: str = "", *, status: int = 400, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status, self.code = status, code
        facts = {"type": kind, "message": message, "code": code, "param": param}
        self.body = {"error": {name: fact for name, fact in facts.items() if fact}}
