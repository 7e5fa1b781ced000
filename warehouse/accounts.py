"""The system user whose processes the embedded server's are.

Belongs here: which user that is and what it may reach. Does not belong here: what it runs
(`warehouse/embedded.py`) and the roles inside the database.
"""

from __future__ import annotations

import logging
import os
import pwd
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# PostgreSQL refuses to run as root, so root runs it as this user.
SYSTEM_USER = "pgserver"

_logger = logging.getLogger(__name__)


class AccountError(Exception):
    """The server can't run as any user; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """The system user whose processes the server's are.

    Attributes:
        entry: Another user than ours, or None for ours.
    """

    entry: pwd.struct_passwd | None

    @classmethod
    def choose(cls, data: Path) -> Account:
        """Chooses the owner of the data; for root, a system user that is made when missing.

        Args:
            data: The data directory, which need not be there yet.

        Raises:
            AccountError: The data are another user's, or there is no system user for root.
        """
        owner = data.stat().st_uid if data.exists() else None
        if os.geteuid() != 0:
            if owner not in {None, os.geteuid()}:
                raise AccountError(
                    f"{data} belongs to user {owner}. Run as that user, or choose a folder of your "
                    "own with CLV_HOME."
                )
            return cls(None)
        if owner:
            try:
                return cls(pwd.getpwuid(owner))
            except KeyError:
                raise AccountError(
                    f"{data} belongs to user {owner}, whom this machine doesn't know. Give it to "
                    f"one it knows:\n  chown -R {SYSTEM_USER} '{data}'"
                ) from None
        with suppress(KeyError):
            return cls(pwd.getpwnam(SYSTEM_USER))
        try:
            subprocess.run(
                ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER],
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            # Another process may have made it in this instant.
            with suppress(KeyError):
                return cls(pwd.getpwnam(SYSTEM_USER))
            raise AccountError(
                "PostgreSQL refuses to run as root, and the system user "
                f"{SYSTEM_USER} can't be made. Make it, or run as a normal user."
            ) from None
        return cls(pwd.getpwnam(SYSTEM_USER))

    def process_options(self) -> dict[str, Any]:
        """Returns how a process of the server is started: nothing of ours leaks into it."""
        options: dict[str, Any] = {
            "cwd": "/",
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            "umask": 0o077,
        }
        if self.entry is not None:
            options |= {"user": self.entry.pw_uid, "group": self.entry.pw_gid, "extra_groups": []}
        return options

    def own(self, path: Path) -> None:
        """Gives a file or folder to this user."""
        if self.entry is not None:
            os.chown(path, self.entry.pw_uid, self.entry.pw_gid)

    def open_way_to(self, folder: Path) -> None:
        """Lets this user reach a folder, such as one under a private home of root.

        Folders on the way get the right to be passed through, not to be listed.
        """
        if self.entry is None:
            return
        for step in (folder, *folder.parents):
            status = step.stat()
            if status.st_uid == self.entry.pw_uid:
                needed = stat.S_IXUSR
            elif status.st_gid == self.entry.pw_gid:
                needed = stat.S_IXGRP
            else:
                needed = stat.S_IXOTH
            if not status.st_mode & needed:
                _logger.warning("%s: now passable, for the server's user to reach %s", step, folder)
                step.chmod(stat.S_IMODE(status.st_mode) | needed)

    def open_files_of(self, package: Path, *, program: Path) -> None:
        """Lets this user run the programs of a package that was installed for root only.

        Args:
            package: Folder of the package; that of its libraries stands beside it.
            program: One of its programs; where others may read it, nothing is changed.
        """
        readable = stat.S_IRGRP | stat.S_IROTH
        passable = stat.S_IXGRP | stat.S_IXOTH
        if self.entry is None or program.stat().st_mode & stat.S_IROTH:
            return
        for folder in (package, package.with_name(f"{package.name}.libs")):
            for path in (folder, *folder.rglob("*")):
                mode = stat.S_IMODE(path.stat().st_mode)
                path.chmod(mode | readable | (passable if mode & stat.S_IXUSR else 0))
