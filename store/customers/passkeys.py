"""Passkeys (WebAuthn, level 3): made, shown, named and removed. Each challenge is ours, waits here, and is answered once.

A passkey is always asked to verify its owner (a PIN, a finger, a face): it is a second factor by itself.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from store.customers.models import NO_PASSWORD, Customer, Passkey, PasskeyChallenge
from store.customers.sessions import digest

CHALLENGE_LIVES = timedelta(minutes=5)
LONGEST_NAME = 60
MOST = 20
"""Passkeys of one customer."""


class PasskeyRefused(Exception):
    """The answer is none to a challenge of ours, or not by a passkey that may give it."""


class LastWayIn(Exception):
    """Without this passkey its owner could not sign in any more."""


@dataclass(frozen=True)
class Site:
    """What passkeys are bound to: the shop's address as browsers write it, its host, and the name that they show."""

    origin: str
    name: str

    @property
    def host(self) -> str:
        """The relying party's id."""
        return urlsplit(self.origin).hostname or ""

    @property
    def can_have_passkeys(self) -> bool:
        """Browsers know passkeys for names alone, over https or on this very machine (WebAuthn 5.1.3, secure contexts)."""
        try:
            ip_address(self.host)
        except ValueError:
            return self.origin.startswith("https:") or self.host == "localhost"
        return False


@dataclass(frozen=True)
class NewPasskey:
    """A passkey that has just been made and is nobody's yet."""

    credential_id: str
    public_key: bytes
    sign_count: int
    user_handle: str


@dataclass(frozen=True)
class Asked:
    """A challenge, for the browser to bring back, and the options that its script hands to the authenticator (JSON)."""

    challenge: str
    options: str


def ask_to_make(session: Session, site: Site, email: str, name: str, customer_id: int | None, at: datetime) -> Asked:
    """Ask for a new passkey: of a customer, or of who is signing up (None)."""
    own = of_customer(session, customer_id) if customer_id else []
    handle = own[0].user_handle if own else secrets.token_urlsafe(32)
    challenge = _note_challenge(session, handle, at)
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_name=email,
        user_display_name=name,
        user_id=base64url_to_bytes(handle),
        challenge=base64url_to_bytes(challenge),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[_described(passkey) for passkey in own],
    )
    return Asked(challenge, options_to_json(options))


def ask_to_show(session: Session, site: Site, customer_id: int | None, at: datetime) -> Asked:
    """Ask for one of a customer's passkeys, or for whichever the browser's owner chooses (None)."""
    challenge = _note_challenge(session, "", at)
    options = generate_authentication_options(
        rp_id=site.host,
        challenge=base64url_to_bytes(challenge),
        allow_credentials=[_described(passkey) for passkey in of_customer(session, customer_id)] if customer_id else [],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Asked(challenge, options_to_json(options))


def use_up(session: Session, challenge: str, at: datetime) -> str:
    """The challenge is being answered and will not be again; returns its user handle. Raises PasskeyRefused."""
    used = (
        delete(PasskeyChallenge)
        .where(PasskeyChallenge.digest == digest(challenge), PasskeyChallenge.expires_at > at)
        .returning(PasskeyChallenge.user_handle)
    )
    handle = session.scalar(used)
    if handle is None:
        raise PasskeyRefused
    return handle


def check_new(site: Site, answer: str, challenge: str, handle: str) -> NewPasskey:
    """The passkey that was made in answer to this challenge, which was used up. Raises PasskeyRefused."""
    if not handle:
        raise PasskeyRefused  # the challenge asked for a passkey that there is already
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as error:  # whatever a stranger's bytes make the readers of CBOR, COSE and ASN.1 raise
        raise PasskeyRefused from error
    return NewPasskey(bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count, handle)


def add(session: Session, customer_id: int, new: NewPasskey, name: str, at: datetime) -> None:
    """The passkey opens the customer's account from now on. Raises PasskeyRefused for one too many or one that is known."""
    count = select(func.count(Passkey.id)).where(Passkey.customer_id == customer_id)
    if (session.scalar(count) or 0) >= MOST:
        raise PasskeyRefused
    values = {
        "customer_id": customer_id,
        "credential_id": new.credential_id,
        "public_key": new.public_key,
        "sign_count": new.sign_count,
        "user_handle": new.user_handle,
        "name": name[:LONGEST_NAME],
        "made_at": at,
    }
    try:
        session.execute(insert(Passkey).values(**values))
    except IntegrityError as error:
        raise PasskeyRefused from error


def show(session: Session, site: Site, answer: str, challenge: str, at: datetime) -> int:
    """Whose passkey answers the challenge, which was used up; returns the customer's id. Raises PasskeyRefused."""
    try:
        credential = parse_authentication_credential_json(answer)
        credential_id = bytes_to_base64url(credential.raw_id)
    except Exception as error:  # as above
        raise PasskeyRefused from error
    passkey = session.scalar(
        select(Passkey).where(Passkey.credential_id == credential_id).with_for_update(key_share=True)
    )
    handle = credential.response.user_handle
    if passkey is None or (handle and bytes_to_base64url(handle) != passkey.user_handle):
        raise PasskeyRefused
    try:
        shown = verify_authentication_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # as above
        raise PasskeyRefused from error
    passkey.sign_count, passkey.used_at = shown.new_sign_count, at
    return passkey.customer_id


def of_customer(session: Session, customer_id: int) -> list[Passkey]:
    """The customer's passkeys, the oldest first."""
    return list(session.scalars(select(Passkey).where(Passkey.customer_id == customer_id).order_by(Passkey.id)))


def rename(session: Session, customer_id: int, passkey_id: int, name: str) -> bool:
    """Call one of the customer's own passkeys by another name; False if it is none of theirs."""
    renamed = update(Passkey).where(Passkey.id == passkey_id, Passkey.customer_id == customer_id).values(name=name)
    return session.scalar(renamed.returning(Passkey.id)) is not None


def remove(session: Session, customer_id: int, passkey_id: int) -> bool:
    """One of the customer's own passkeys opens nothing any more; False if it is none of theirs. Raises LastWayIn."""
    customer = session.scalars(select(Customer).where(Customer.id == customer_id).with_for_update(key_share=True)).one()
    own = of_customer(session, customer_id)
    if passkey_id not in {passkey.id for passkey in own}:
        return False
    if len(own) == 1 and customer.password_hash == NO_PASSWORD:
        raise LastWayIn
    session.execute(delete(Passkey).where(Passkey.id == passkey_id))
    return True


def _note_challenge(session: Session, handle: str, at: datetime) -> str:
    session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at <= at))
    challenge = secrets.token_urlsafe(32)
    session.execute(
        insert(PasskeyChallenge).values(digest=digest(challenge), user_handle=handle, expires_at=at + CHALLENGE_LIVES)
    )
    return challenge


def _described(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id))
