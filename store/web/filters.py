"""How the pages write sums, lengths, days and names, in the language of the page. French keeps a sum and its sign on one line."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from re import compile as pattern

from babel.dates import format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from flask import Flask, current_app
from flask_babel import format_date, get_locale, ngettext, to_user_timezone
from flask_babel import gettext as _
from markupsafe import Markup

from store import clock
from store.audit.kinds import CENTS, INSTANT, Fact
from store.language import FRENCH, language

NO_BREAK = "\u00a0"
BEFORE_VOWEL = pattern(r"\b([Dd])e ((?:<[^>]*>)?(?:[AEIOUÀÂÉÈÊËÎÏÔŒ]|H(?:ervé|enri|élène|ubert)\b))")


def init_app(app: Flask) -> None:
    """Register the filters."""
    for filter_function in FILTERS:
        app.add_template_filter(filter_function)


def money(cents: int, currency: str | None = None) -> str:
    """350 → « 3,50 € »; in minor units of the shop's currency, or of another one."""
    code = currency or current_app.config["SHOP_CURRENCY"]
    whole = Decimal(cents).scaleb(-get_currency_precision(code))
    return str(format_currency(whole, code, locale=get_locale()))


def signed_money(cents: int) -> str:
    """A movement: 100 → « + 1,00 € », -350 → « − 3,50 € », in English “−€3.50”."""
    gap = NO_BREAK if language() == FRENCH else ""
    return f"{'−' if cents < 0 else '+'}{gap}{money(abs(cents))}"


def whole_money(cents: int) -> str:
    """2000 → « 20 € »; a sum with cents stays whole: 1050 → « 10,50 € »."""
    if cents % 100:
        return money(cents)
    currency = current_app.config["SHOP_CURRENCY"]
    written = format_currency(
        Decimal(cents // 100), currency, locale=get_locale(), currency_digits=False, decimal_quantization=False
    )
    return str(written).replace(",00", "").replace(".00", "")


def percent(share: Decimal) -> str:
    """5.15 → « 5,15 % »."""
    return str(format_percent(share / 100, locale=get_locale(), decimal_quantization=False))


def tenths(number: float) -> str:
    """0.34 → « 0,3 »."""
    return str(format_decimal(number, format="0.0", locale=get_locale()))


def minutes(length: int) -> str:
    """84 → « 1 h 24 », in English “1 h 24 min”; 52 → « 52 min »."""
    hours, rest = divmod(length, 60)
    if not hours:
        return f"{rest}{NO_BREAK}min"
    if not rest:
        return f"{hours}{NO_BREAK}h"
    return _("%(hours)s h %(minutes)s min", hours=hours, minutes=f"{rest:02}").replace(" ", NO_BREAK)


def day(moment: datetime | date) -> str:
    """« 23 nov. », or « 23 nov. 2027 » in another year than this one; days are the shop's."""
    local = to_user_timezone(moment) if isinstance(moment, datetime) else moment
    this_year = clock.now().astimezone(clock.shop_zone()).year
    skeleton = "MMMd" if local.year == this_year else "yMMMd"
    return format_skeleton(skeleton, local, locale=get_locale()).replace(" ", NO_BREAK)


def full_day(moment: datetime) -> str:
    """« 23 novembre 2026 », as papers are dated."""
    return str(format_date(moment, "long")).replace(" ", NO_BREAK)


def day_time(moment: datetime) -> str:
    """« 23 nov. à 20:15 »."""
    local = to_user_timezone(moment)
    hour = format_skeleton("Hm", local.replace(tzinfo=None), locale=get_locale())
    return _("%(day)s at %(hour)s", day=day(moment), hour=hour).replace(" ", NO_BREAK)


def clock_time(position_s: float) -> str:
    """A place in a film: 2052 → « 34:12 », 4000 → « 1:06:40 »."""
    whole_minutes, seconds = divmod(int(position_s), 60)
    hours, rest = divmod(whole_minutes, 60)
    return f"{hours}:{rest:02}:{seconds:02}" if hours else f"{rest}:{seconds:02}"


def names(people: list[str]) -> str:
    """« Gilles Perret et François Ruffin »; no name is broken between its words."""
    whole = [name.replace(" ", NO_BREAK) for name in people]
    if len(whole) < 2:
        return "".join(whole)
    return _("%(first)s and %(last)s", first=", ".join(whole[:-1]), last=whole[-1])


def elide(sentence: str) -> str:
    """French: « un film de Agnès Varda » becomes « un film d’Agnès Varda »; other languages stay as they are."""
    if language() != FRENCH:
        return sentence
    elided = BEFORE_VOWEL.sub(r"\1’\2", str(sentence))
    return Markup(elided) if isinstance(sentence, Markup) else elided  # noqa: S704  # it was Markup, and only a letter has gone


def countries(codes: list[str]) -> str:
    """["FR", "BE"] → « France, Belgique »."""
    territories = get_locale().territories
    return ", ".join(str(territories.get(code, code)) for code in codes)


def languages(codes: list[str]) -> str:
    """["fr", "en", "fr-sdh"] → « français, anglais, français pour sourds et malentendants »."""
    return ", ".join(map(_language, codes))


def _language(code: str) -> str:
    language = code.removesuffix("-sdh")
    name = str(get_locale().languages.get(language.replace("-", "_"), language))
    return name if language == code else _("%(language)s for the deaf and hard of hearing", language=name)


def time_left(end: datetime, now: datetime) -> str:
    """What remains of a rental: « encore 2 jours », « encore 31 h », « encore 40 min », never more than there is."""
    left_minutes = max(int((end - now).total_seconds() // 60), 0)
    days, hours = left_minutes // (24 * 60), left_minutes // 60
    if days >= 2:
        return ngettext("%(num)s day left", "%(num)s days left", days)
    if hours:
        return _("%(hours)s h left", hours=hours)
    return _("%(minutes)s min left", minutes=left_minutes)


def ago(moment: datetime) -> str:
    """How long since: « il y a 3 heures »."""
    passed = max(clock.now() - moment, timedelta(seconds=1))
    return format_timedelta(-passed, add_direction=True, locale=get_locale()).replace(" ", NO_BREAK)


def written(fact: Fact) -> str:
    """A fact of an alert: sums and instants as everywhere, the rest as it is."""
    if fact.unit == CENTS:
        return money(fact.value, fact.currency)
    return day_time(fact.value) if fact.unit == INSTANT else str(fact.value)


def title_size(title: str) -> str:
    """The class that sets a long title smaller, so that it stays whole on the page."""
    longest_word = max(map(len, title.split()), default=0)
    if len(title) > 34 or longest_word > 15:
        return "title title-longest"
    if len(title) > 18 or longest_word > 10:
        return "title title-long"
    return "title"


FILTERS = (
    money,
    signed_money,
    whole_money,
    percent,
    tenths,
    minutes,
    day,
    full_day,
    day_time,
    clock_time,
    names,
    elide,
    countries,
    languages,
    time_left,
    ago,
    written,
    title_size,
)
