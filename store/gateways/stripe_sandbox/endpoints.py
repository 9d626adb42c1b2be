"""Webhook endpoints that the shop registers itself, beside the one of the command line."""

from .parameters import Params, items, metadata
from .state import Object, State, new_id


def create(state: State, params: Params, _: str) -> Object:
    """A new endpoint; its secret is told this once."""
    secret = new_id("whsec_", 32)
    endpoint = state.add(
        "webhook_endpoint",
        {"secret": secret},
        description=params.get("description"),
        enabled_events=[params[name] for name in items(params, "enabled_events")],
        metadata=metadata(params),
        url=params["url"],
    )
    return endpoint | {"secret": secret}


def delete(state: State, _: Params, identifier: str) -> Object:
    """Send nothing more there, not even what waits already."""
    state.get("webhook_endpoint", identifier, "webhook_endpoint")
    state.query("DELETE FROM sending WHERE endpoint = ?", identifier)
    state.query("DELETE FROM object WHERE id = ?", identifier)
    return {"id": identifier, "object": "webhook_endpoint", "deleted": True}
