"""Every sentence of the shop stands in the catalogue: English in the code and the templates, French beside it, and nowhere else."""

import ast
import re
from collections.abc import Iterator

from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg

from config import ROOT
from tests.languages import foreign_words, forms, messages, spoken, words
from tests.test_house import TREES

FRENCH_WORDS = {
    *[
        "ce",
        "cette",
        "dans",
        "de",
        "des",
        "du",
        "elle",
        "est",
        "et",
        "il",
        "la",
        "le",
        "les",
        "leur",
        "nous",
        "pour",
        "que",
        "qui",
        "sont",
        "sur",
        "une",
        "vos",
        "votre",
        "vous",
    ]
}
ENGLISH_WORDS = {
    *[
        "and",
        "are",
        "at",
        "be",
        "from",
        "has",
        "in",
        "is",
        "it",
        "of",
        "our",
        "that",
        "the",
        "their",
        "they",
        "this",
        "to",
        "was",
        "we",
        "with",
        "you",
        "your",
    ]
}
"""Words that few sentences of their language do without, and that the other's never have."""

IN_FRENCH_BY_LAW = ("store.ledger.chart", "store.ledger.export")
"""The tax office reads the names of our accounts and entries."""
DATA = (
    "store.demo",
    "store.gateways.stripe_sandbox",
    "store.catalogue.lettering",
    "store.catalogue.fold",
    "store.gateways.tracks",
)
FOR_ONE_LANGUAGE = re.compile(r"""(?:href|action)="/|_URL['"]\] ?(?:\}+|~ ['"]|\+ f?['"])/(?!stripe/|sitemap)""")
"""An address of ours that leads to the French page whoever asks: `site` is missing in it."""
OF_JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)


def is_translated(message: Message | None) -> bool:
    """Whether there is French, for one and for many, that somebody looked at."""
    forms = message.string if message and message.pluralizable else [message and message.string]
    return all(forms) and not message.fuzzy


def test_every_sentence_has_its_french() -> None:
    with (ROOT / "babel.cfg").open() as settings:
        methods, options = parse_mapping_cfg(settings)
    french = messages()
    places: dict[str | tuple[str, ...], str] = {
        sentence: f"{file}:{line}" for file, line, sentence, *_ in extract_from_dir(ROOT, methods, options)
    }
    assert len(places) > 100
    assert {place: sentence for sentence, place in places.items() if not is_translated(french.get(sentence))} == {}


def test_english_stands_on_the_left_and_french_on_the_right() -> None:
    wrong = [
        message.id
        for message in messages()
        if words(" ".join(forms(message.id))) & FRENCH_WORDS or words(" ".join(forms(message.string))) & ENGLISH_WORDS
    ]
    assert wrong == [""]  # the catalogue's own head


def literal_words(template: str) -> set[str]:
    """The words of a template that no `_()` translates."""
    rest = OF_JINJA.sub(" ", template)
    return words(spoken(rest)) if "</" in rest else words(rest)


def french_texts(tree: ast.Module) -> Iterator[str]:
    """The texts of a module that are French and not translated; what only describes the code does not count."""
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in described)
    texts = (constant.value for constant in constants if isinstance(constant.value, str))
    yield from (text for text in texts if len(foreign_words(text, "en")) > 1)


def test_templates_say_nothing_by_themselves() -> None:
    templates = [path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt")]
    assert len(templates) > 50
    said = {path.name: literal_words(path.read_text(encoding="utf-8")) for path in templates}
    assert {name: found for name, found in said.items() if found} == {}


def test_the_code_holds_no_french() -> None:
    found = {
        module: [*french_texts(tree)]
        for module, tree in TREES.items()
        if not module.startswith((*IN_FRENCH_BY_LAW, *DATA))
    }
    assert {module: texts for module, texts in found.items() if texts} == {}


def test_addresses_are_written_for_the_language_of_the_moment() -> None:
    sources = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "templates").rglob("*.txt"),
        *(ROOT / "store").rglob("*.py"),
    ]
    wrong = {path.name: FOR_ONE_LANGUAGE.findall(path.read_text(encoding="utf-8")) for path in sources}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_these_tests_bite() -> None:
    for address in (
        '<a href="/aide">',
        'config["SHOP_URL"] ~ "/films"',
        "f\"{config['SHOP_URL']}/films\"",
        '_URL"] }}/x',
    ):
        assert FOR_ONE_LANGUAGE.search(address), address
    assert literal_words('<p>{{ _("Help") }}</p><img alt="Une affiche">') == {"une", "affiche"}
    assert literal_words('{{ _("Help") }}\nBonjour') == {"bonjour"}
    [found] = french_texts(ast.parse('"""Un bon code de la carte."""\nx = f("Votre carte est vide.", "/carte/vide")'))
    assert found == "Votre carte est vide."
