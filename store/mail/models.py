"""Tables of mail."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base


class Bounce(Base):
    """An address that refused a letter of ours for good: nothing but the essential is sent there any more.

    `status` is the code of RFC 3463, such as `5.1.1`; `said` what the other server gave as its reason.
    """

    __tablename__ = "mail_bounce"

    address: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    said: Mapped[str]
    noted_at: Mapped[datetime]
