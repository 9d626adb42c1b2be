"""The letter to staff about alerts."""

from collections.abc import Sequence

from flask_babel import ngettext

from store.audit.kinds import facts_of, words_of
from store.audit.models import Alert
from store.mail.letter import Letter, write


def alert_letter(alerts: Sequence[Alert], open_in_all: int) -> Letter:
    """What it says of these alerts, at least one; `open_in_all` is how many nobody has seen."""
    told = [(alert, words_of(alert.kind), facts_of(alert.facts)) for alert in alerts]
    subject = ngettext("Alert: %(title)s", "%(num)s alerts: %(title)s…", len(told), title=str(told[0][1].title))
    return write("audit/mail_alerts", subject, told=told, open_in_all=open_in_all)
