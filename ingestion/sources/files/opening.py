"""Files to lines of text: compression by content, bytes that can't be decoded marked, not lost.

Belongs here: everything below the level of a CSV row. Does not belong here: which encoding a file
has (`guessing.py`) and what is in a row (`reader.py`).
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from ingestion.errors import SourceError

#: Name of the error handler under which Python's decoders mark what they can't read.
MARK = "clv.mark"

#: Added to a byte that can't be decoded: the result is no character of any text.
_MARKED = 0xDC00

_UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,  # a kind of compression that Python lacks
)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    undecoded = error.object[error.start : error.end]
    return "".join(chr(_MARKED + byte) for byte in undecoded), error.end


codecs.register_error(MARK, _mark)


@contextmanager
def open_bytes(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Opens a file, decompressed where its content is gzip or a zip of one file.

    Args:
        path: The file.
        name: What errors call it.

    Raises:
        SourceError: The file, or its compression, can't be read, also while it is read; or a zip
            holds no file, several files or a workbook.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start.startswith(b"\x1f\x8b"):
                with gzip.open(file) as unzipped:
                    yield cast("IO[bytes]", unzipped)
            elif start in {b"PK\x03\x04", b"PK\x05\x06"}:
                with (
                    zipfile.ZipFile(file) as archive,
                    archive.open(_only(archive, name)) as content,
                ):
                    yield content
            else:
                yield file
    except _UNREADABLE as error:
        raise SourceError(
            f"{name} can't be read: {error}. Copy or export the file again."
        ) from None


@contextmanager
def open_text(path: Path, name: str, encoding: str) -> Iterator[IO[str]]:
    """Opens a file as text with its line ends as they are; see `MARK` for what can't be decoded.

    Args:
        path: The file.
        name: What errors call it.
        encoding: Of the text; a byte-order mark of UTF-8 is left out.

    Raises:
        SourceError: As `open_bytes`.
    """
    plain = encoding.lower().replace("_", "-")
    codec = "utf-8-sig" if plain in {"utf-8", "utf8"} else encoding
    try:
        with open_bytes(path, name) as content:
            yield io.TextIOWrapper(content, encoding=codec, errors=MARK, newline="")
    except UnicodeError as error:
        raise SourceError(
            f"{name} can't be read as {encoding}: {error}. Set the feed's encoding."
        ) from None


def is_marked(text: str) -> bool:
    """Says whether the text holds bytes that couldn't be decoded, or NUL."""
    if text.isascii():
        return "\x00" in text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return "\x00" in text


def _only(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Returns the one file of an archive."""
    held = archive.namelist()
    if "[Content_Types].xml" in held:
        raise SourceError(f"{name} is a workbook: save the sheet as CSV and take that file.")
    found = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]
    if len(found) != 1:
        raise SourceError(f"{name} holds {len(found)} files: an archive has to hold one CSV file.")
    if found[0].flag_bits & 1:
        raise SourceError(f"{name} is encrypted: take it out of the archive.")
    return found[0]
