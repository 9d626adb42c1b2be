"""Looks at PDFs: their words, what they say to a screen reader, their pages as pictures, the squares on these."""

from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium
import zxingcpp
from PIL import Image


class Paper:
    """A PDF that somebody holds in the hand."""

    def __init__(self, pdf: bytes) -> None:
        self._pdf = pdf
        self._document = pypdfium2.PdfDocument(pdf)

    def __len__(self) -> int:
        return len(self._document)

    @property
    def title(self) -> str:
        return self._document.get_metadata_dict()["Title"]

    def lines(self, page: int = 0) -> list[str]:
        """The words of a page as they stand, line by line."""
        words = self._document[page].get_textpage().get_text_bounded()
        return [line.strip() for line in words.replace("\u200b", "").splitlines()]

    def text(self, page: int = 0) -> str:
        """The words of a page, on one line, every space an ordinary one."""
        return " ".join(" ".join(self.lines(page)).split())

    def picture(self, page: int = 0, dots_per_inch: float = 150) -> Image.Image:
        """The page as a printer without colours sees it."""
        return self._document[page].render(scale=dots_per_inch / 72, grayscale=True).to_pil()

    def says(self, mark: str) -> bool:
        """Whether the file's own description, which is not compressed, has these words."""
        return mark.encode() in self._pdf

    def described(self, page: int = 0) -> list[tuple[str, str]]:
        """The kind and the description of each tagged part of a page, in the order of reading."""
        tree = pdfium.FPDF_StructTree_GetForPage(self._document[page])
        count = pdfium.FPDF_StructTree_CountChildren(tree)
        roots = (pdfium.FPDF_StructTree_GetChildAtIndex(tree, index) for index in range(count))
        parts = [part for root in roots for part in _parts(root)]
        pdfium.FPDF_StructTree_Close(tree)
        return parts


def squares(picture: Image.Image) -> list[str]:
    """What the QR codes on a picture hold, from the top left."""
    found = zxingcpp.read_barcodes(picture, zxingcpp.BarcodeFormat.QRCode)
    return [one.text for one in sorted(found, key=lambda one: (one.position.top_left.y // 20, one.position.top_left.x))]


def _parts(element: pdfium.FPDF_STRUCTELEMENT) -> Iterator[tuple[str, str]]:
    if not element:
        return
    yield _read(pdfium.FPDF_StructElement_GetType, element), _read(pdfium.FPDF_StructElement_GetAltText, element)
    for index in range(pdfium.FPDF_StructElement_CountChildren(element)):
        yield from _parts(pdfium.FPDF_StructElement_GetChildAtIndex(element, index))


def _read(getter, element: pdfium.FPDF_STRUCTELEMENT) -> str:
    """A string of PDFium's: asked once for its length, once for itself."""
    length = getter(element, None, 0)
    buffer = (pdfium.c_char * length)() if length else b""
    getter(element, buffer, length)
    return bytes(buffer).decode("utf-16-le").rstrip("\0")
