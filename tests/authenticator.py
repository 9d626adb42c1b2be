"""An authenticator as a telephone has one, in software: makes passkeys and answers with them, honestly unless told otherwise."""

import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

ORIGIN = "http://localhost"
PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40
"""Flags of authenticator data (WebAuthn, 6.1)."""


class Authenticator:
    """Holds one passkey."""

    def __init__(self, origin: str = ORIGIN, flags: int = PRESENT | VERIFIED, counts: bool = True) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._origin, self._flags, self._counts = origin, flags, counts
        self.credential_id = secrets.token_bytes(16)
        self.count, self.handle = 0, ""

    def make(self, options: dict[str, Any]) -> str:
        """The answer to a question for a new passkey."""
        self.handle = options["user"]["id"]
        client_data = self._client_data("webauthn.create", options["challenge"])
        key = b"\0" * 16 + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._public_key()
        data = self._data(options["rp"]["id"], WITH_KEY) + key
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": client_data, "attestationObject": attestation})

    def show(self, options: dict[str, Any]) -> str:
        """The answer to a question for a passkey that there is."""
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._data(options["rpId"], 0)
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": client_data, "authenticatorData": data, "signature": signature}
        return self._answer(response | {"userHandle": base64url_to_bytes(self.handle)})

    def _client_data(self, kind: str, challenge: str) -> bytes:
        facts = {"type": kind, "challenge": challenge, "origin": self._origin, "crossOrigin": False}
        return json.dumps(facts).encode()

    def _data(self, rp_id: str, more_flags: int) -> bytes:
        self.count += self._counts
        flags = bytes([self._flags | more_flags])
        return hashlib.sha256(rp_id.encode()).digest() + flags + self.count.to_bytes(4, "big")

    def _public_key(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})  # COSE: EC2, ES256, P-256

    def _answer(self, response: dict[str, bytes]) -> str:
        name = bytes_to_base64url(self.credential_id)
        written = {part: bytes_to_base64url(content) for part, content in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": written})
