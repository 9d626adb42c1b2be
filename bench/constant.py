"""The reference for pages: a Flask view that returns a constant."""

from flask import Flask

app = Flask("constant")


@app.get("/")
def constant() -> str:
    """A hundred bytes."""
    return "x" * 100
