"""The second factor of who works here: codes of an app (RFC 6238), codes for its loss, or a passkey."""

import base64
import hashlib
import secrets
from datetime import datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from store.customers.models import Passkey, RecoveryCode, SecondFactor

RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 10
"""80 random bits, written as 16 letters and digits: none is guessed, so that a plain digest hides it."""

STEPS_OFF = 1
"""How many steps of 30 s a telephone's clock may be wrong (RFC 6238, 5.2)."""

SEALED_FOR_S = 3600
"""For how long a secret that an app is being shown may wait for its first code."""


class WrongCode(Exception):
    """It is no code of this customer's now; perhaps it was taken already."""


def has_one(session: Session, customer_id: int) -> bool:
    """Whether the customer has anything to show: an app, or a passkey."""
    with_app = exists().where(SecondFactor.customer_id == customer_id)
    with_passkey = exists().where(Passkey.customer_id == customer_id)
    return bool(session.scalar(select(or_(with_app, with_passkey))))


def has_app(session: Session, customer_id: int) -> bool:
    """Whether the customer has an app that makes codes."""
    return session.scalar(select(SecondFactor.customer_id).where(SecondFactor.customer_id == customer_id)) is not None


def new_secret() -> str:
    """A secret for an app, in base32: 160 bits."""
    return pyotp.random_base32()


def address_of(secret: str, email: str, shop_name: str) -> str:
    """The `otpauth:` address by which an app takes the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=shop_name)


def seal(key: str, secret: str, at: datetime) -> str:
    """The secret as the database or a form keeps it: a copy of either makes no codes."""
    return _box(key).encrypt_at_time(secret.encode(), int(at.timestamp())).decode()


def unseal_shown(key: str, sealed: str, at: datetime) -> str:
    """The secret that a form kept while an app took it. Raises WrongCode for what is forged or too old."""
    try:
        return _box(key).decrypt_at_time(sealed.encode(), SEALED_FOR_S, int(at.timestamp())).decode()
    except InvalidToken:
        raise WrongCode from None


def enrol(session: Session, customer_id: int, key: str, secret: str, code: str, at: datetime) -> list[str]:
    """The app makes the customer's codes from now on, as its first one shows; returns new recovery codes. Raises WrongCode."""
    step = _step_of(secret, code, at)
    put(session, customer_id, key, secret, at, step)
    return replace_recovery_codes(session, customer_id)


def put(session: Session, customer_id: int, key: str, secret: str, at: datetime, last_step: int = 0) -> None:
    """Note the app's secret, in the place of the one before."""
    session.execute(delete(SecondFactor).where(SecondFactor.customer_id == customer_id))
    values = {"sealed_secret": seal(key, secret, at), "last_step": last_step, "made_at": at}
    session.execute(insert(SecondFactor).values(customer_id=customer_id, **values))


def show_code(session: Session, customer_id: int, key: str, code: str, at: datetime) -> None:
    """The customer shows a code of the app, or one for its loss: each is taken once. Raises WrongCode."""
    written = "".join(code.split()).replace("-", "").upper()
    if len(written) == 6 and written.isascii() and written.isdigit():
        _take_code(session, customer_id, key, written, at)
    else:
        _take_recovery_code(session, customer_id, written, at)


def replace_recovery_codes(session: Session, customer_id: int) -> list[str]:
    """Ten new recovery codes, to be shown once; the ones before open nothing any more."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.customer_id == customer_id))
    codes = [base64.b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode("ascii") for _ in range(RECOVERY_CODES)]
    session.execute(
        insert(RecoveryCode), [{"digest": _digest(customer_id, code), "customer_id": customer_id} for code in codes]
    )
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def recovery_codes_left(session: Session, customer_id: int) -> int:
    """How many recovery codes are still good."""
    left = select(func.count()).where(RecoveryCode.customer_id == customer_id, RecoveryCode.used_at.is_(None))
    return session.scalar(left) or 0


def forget(session: Session, customer_id: int) -> None:
    """The customer has no app and no recovery codes any more: the next visit to the desk asks for a new one."""
    session.execute(delete(SecondFactor).where(SecondFactor.customer_id == customer_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.customer_id == customer_id))


def _take_code(session: Session, customer_id: int, key: str, code: str, at: datetime) -> None:
    sealed = session.scalar(select(SecondFactor.sealed_secret).where(SecondFactor.customer_id == customer_id))
    if sealed is None:
        raise WrongCode
    try:
        secret = _box(key).decrypt(sealed.encode()).decode()
    except InvalidToken:  # SECRET_KEY is another one by now
        raise WrongCode from None
    step = _step_of(secret, code, at)
    taken = (
        update(SecondFactor)
        .where(SecondFactor.customer_id == customer_id, SecondFactor.last_step < step)
        .values(last_step=step)
        .returning(SecondFactor.customer_id)
    )
    if session.scalar(taken) is None:
        raise WrongCode


def _take_recovery_code(session: Session, customer_id: int, code: str, at: datetime) -> None:
    taken = (
        update(RecoveryCode)
        .where(
            RecoveryCode.digest == _digest(customer_id, code),
            RecoveryCode.customer_id == customer_id,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(RecoveryCode.digest)
    )
    if session.scalar(taken) is None:
        raise WrongCode


def _step_of(secret: str, code: str, at: datetime) -> int:
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=at, valid_window=STEPS_OFF)
    except OTPVerificationError:
        raise WrongCode from None


def _digest(customer_id: int, code: str) -> str:
    return hashlib.sha256(f"recovery:{customer_id}:{code}".encode()).hexdigest()


def _box(key: str) -> Fernet:
    """`key` is SECRET_KEY, of which this takes a key of its own."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"second factor:{key}".encode()).digest()))
