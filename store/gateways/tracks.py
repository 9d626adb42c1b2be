"""Names of sounds and subtitles: a language (`fr`, `pt-BR`), and whether it is made for the blind (`-ad`) or the deaf (`-sdh`)."""

import re
from dataclasses import dataclass

LANGUAGE_NAMES = {
    "fr": "Français",
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "it": "Italiano",
    "pt": "Português",
    "ar": "العربية",
}
KIND_NAMES = {
    "sdh": {"fr": "sourds et malentendants", "": "SDH"},
    "ad": {"fr": "audiodescription", "": "audio description"},
}
_NAME = re.compile(r"(?P<language>[a-z]{2,3}(?:-[A-Z]{2})?)(?:-(?P<kind>sdh|ad))?")


class UnknownTrack(ValueError):
    """A name that says no language; the message is one line."""


@dataclass(frozen=True)
class Track:
    """A sound or subtitles; `kind` is `sdh`, `ad` or empty."""

    language: str
    kind: str = ""

    @property
    def name(self) -> str:
        """As in files' names and on the command line."""
        return f"{self.language}-{self.kind}" if self.kind else self.language

    @property
    def label(self) -> str:
        """What players show, in the track's own language."""
        language = LANGUAGE_NAMES.get(self.language, self.language)
        if not self.kind:
            return language
        kinds = KIND_NAMES[self.kind]
        return f"{language} ({kinds.get(self.language, kinds[''])})"


def track(name: str) -> Track:
    """The track of that name. Raises UnknownTrack."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise UnknownTrack(f"{name!r} is not a language such as fr, fr-sdh or fr-ad")
    return Track(found["language"], found["kind"] or "")
