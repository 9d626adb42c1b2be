"""A server that speaks S3, on this machine: moto's, in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

KEYS = {"S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server that holds what other servers of this process were given."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client_of(address: str) -> Any:
    """Whoever looks after the storage, without the shop."""
    keys = {"aws_access_key_id": KEYS["S3_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["S3_SECRET_ACCESS_KEY"]}
    return boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)


def settings_for_bucket(address: str, name: str) -> dict[str, str]:
    """A shop's settings for a new bucket there."""
    client_of(address).create_bucket(Bucket=name)
    return {"MEDIA_URL": f"s3://{name}/shop/films", "S3_ENDPOINT_URL": address, **KEYS}
