"""Writes a feed into companies.yml as text, so that comments and layout around it stay.

Belongs here: where a feed stands in the file. Does not belong here: what a feed is
(`warehouse/companies.py`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from warehouse.companies import CompaniesFileError, Company, FileFeed, load_file

_HEAD = (
    "# The companies (tenants) of this installation and the sources they are landed from.\n"
    "companies:\n"
)


def render_feed(feed: FileFeed) -> list[str]:
    """Writes a feed as the lines of a YAML list item, without indentation.

    Only what differs from the defaults is written.
    """
    lines = [f"- feed: {_scalar(feed.feed)}", f"  path: {_scalar(feed.path)}"]
    lines.append("  columns:                    # ours: the file's")
    lines += [f"    {ours}: {_scalar(theirs)}" for ours, theirs in feed.columns.items()]
    plain = feed.model_dump(exclude_defaults=True, exclude={"feed", "path", "columns", "skip"})
    for name in ("currency", "date_format", "timezone", "decimal", "thousands", "delimiter"):
        if name in plain:
            lines.append(f"  {name}: {_scalar(plain[name])}")
    if "encoding" in plain:
        lines.append(f"  encoding: {_scalar(plain['encoding'])}")
    if feed.skip:
        lines.append("  skip:                       # rows that are no sale")
        for header, values in feed.skip.items():
            written = ", ".join(_scalar(value) for value in values)
            lines.append(f"    {_scalar(header)}: [{written}]")
    return lines


def render_company(company: Company, feed: FileFeed) -> list[str]:
    """Writes a company that has one feed as the lines of a YAML list item."""
    return [
        f"- id: {company.id}",
        f"  name: {_scalar(company.name)}",
        f"  base_currency: {company.base_currency}",
        f"  timezone: {company.timezone}",
        f"  margin_rate: {company.margin_rate}            # put your own here: the share of net "
        "revenue left after cost of goods",
        "  sources:",
        "    files:",
        *(f"      {line}" for line in render_feed(feed)),
    ]


def write_feed(path: Path, company: Company, feed: FileFeed) -> None:
    """Puts a feed into companies.yml: in place of the one of its name, or as a new one.

    A company that isn't in the file, and a file that isn't there, are made. The file is replaced
    at once and only by one that loads and differs in this feed alone.

    Args:
        path: companies.yml.
        company: Whose feed it is; its settings count only where it is new.
        feed: The feed.

    Raises:
        CompaniesFileError: The file has a mistake already, or is laid out in a way that text can't
            be put into; the message holds what to write by hand. The file is as it was.
    """
    path = path.resolve()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"  {line}" for line in render_company(company, feed)]
        _replace(path, _HEAD + "\n".join(lines) + "\n", company, feed)
        return
    load_file(path)
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    try:
        _put(lines, company, feed)
        _replace(path, end.join(lines), company, feed)
    except _LayoutError:
        block = "\n".join(render_feed(feed))
        raise CompaniesFileError(
            f"{path} is laid out in a way that no text can be put into. Write this yourself under "
            f"sources > files of company {company.id}:\n{block}"
        ) from None


class _LayoutError(Exception):
    """The YAML isn't in block style where the feed goes, or can't be told apart."""


def _put(lines: list[str], company: Company, feed: FileFeed) -> None:
    """Changes the lines of the file."""
    root = yaml.compose("\n".join(lines))
    companies = _block(_value(root, "companies"), yaml.SequenceNode)
    found = _item(companies, "id", company.id)
    if found is None:
        column = _dash(lines, companies.value[-1])
        _insert(
            lines,
            _last_line(companies),
            [" " * column + each for each in render_company(company, feed)],
        )
        return
    node = _block(found, yaml.MappingNode)
    inner = node.start_mark.column
    sources = _value(node, "sources")
    block = render_feed(feed)
    if sources is None:
        head = [" " * inner + "sources:", " " * (inner + 2) + "files:"]
        _insert(lines, _last_line(node), head + [" " * (inner + 4) + each for each in block])
        return
    sources = _block(sources, yaml.MappingNode)
    files = _value(sources, "files")
    if files is None:
        column = sources.start_mark.column
        head = [" " * column + "files:"]
        _insert(lines, _last_line(sources), head + [" " * (column + 2) + each for each in block])
        return
    files = _block(files, yaml.SequenceNode)
    old = _item(files, "feed", feed.feed)
    if old is None:
        column = _dash(lines, files.value[-1])
        _insert(lines, _last_line(files), [" " * column + each for each in block])
        return
    column = _dash(lines, _block(old, yaml.MappingNode))
    lines[old.start_mark.line : _last_line(old) + 1] = [" " * column + each for each in block]


def _insert(lines: list[str], after: int, new: list[str]) -> None:
    lines[after + 1 : after + 1] = new


def _value(node: Any, key: str) -> Any:
    """Returns the node under a key of a mapping, None without it."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _item(sequence: Any, key: str, value: str) -> Any:
    """Returns the item of a list of mappings that has a value under a key, None without one."""
    for item in sequence.value:
        found = _value(item, key)
        if found is not None and found.value == value:
            return item
    return None


def _block(node: Any, kind: type) -> Any:
    """Returns a node that is laid out in lines and not empty.

    Raises:
        _LayoutError: It isn't.
    """
    if not isinstance(node, kind) or node.flow_style or not node.value:  # type: ignore[attr-defined]
        raise _LayoutError
    return node


def _dash(lines: list[str], item: Any) -> int:
    """Returns the column of an item's dash.

    Raises:
        _LayoutError: The dash isn't on the item's first line.
    """
    before = lines[item.start_mark.line][: item.start_mark.column]
    if before.strip() != "-":
        raise _LayoutError
    return before.index("-")


def _last_line(node: Any) -> int:
    """Returns the line on which the last value below a node ends, from 0."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        mark = node.end_mark
        # A block of text ends where the next line begins.
        return int(mark.line - (mark.column == 0 and mark.line > node.start_mark.line))
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _scalar(value: str) -> str:
    """Writes a value so that YAML reads the same text again."""
    if value and not _is_plain(value):
        dumped = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=10**9)
        return dumped.removesuffix("\n")
    return value or '""'


def _is_plain(value: str) -> bool:
    """Says whether a text may stand without quotes, also after a colon and within brackets."""
    if any(char in value for char in ",[]{}#&*!|>'\"%@`:\\\n\t"):
        return False
    try:
        return bool(yaml.safe_load(f"[{value}]") == [value])
    except yaml.YAMLError:
        return False


def _replace(path: Path, text: str, company: Company, feed: FileFeed) -> None:
    """Puts a text in place of a file, once it has proven to be what was meant."""
    before = load_file(path).model_dump() if path.exists() else None
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        try:
            after = load_file(new).model_dump()
        except CompaniesFileError as error:
            if before is not None:
                raise _LayoutError from None
            raise CompaniesFileError(str(error).replace(name, str(path))) from None
        if not _is_meant(before, after, company, feed):
            raise _LayoutError
        if path.exists():
            shutil.copymode(path, new)
        else:
            new.chmod(0o644)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _is_meant(
    before: dict[str, Any] | None, after: dict[str, Any], company: Company, feed: FileFeed
) -> bool:
    """Says whether two files differ in a feed and in nothing else."""

    def without(file: dict[str, Any]) -> Any:
        companies = {}
        for each in file["companies"]:
            files = [one for one in each["sources"]["files"] if one["feed"] != feed.feed]
            kept = {**each, "sources": {**each["sources"], "files": files}}
            companies[each["id"]] = kept if each["id"] == company.id else each
        return {**file, "companies": companies}

    written = [
        one
        for each in after["companies"]
        if each["id"] == company.id
        for one in each["sources"]["files"]
        if one["feed"] == feed.feed
    ]
    if written != [feed.model_dump()]:
        return False
    if before is None:
        return len(after["companies"]) == 1
    left, right = without(before), without(after)
    right["companies"] = {
        name: each
        for name, each in right["companies"].items()
        if name in left["companies"] or name != company.id
    }
    return bool(left == right)
