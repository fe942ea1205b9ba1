"""The source tree of a commit in our store.

Content as stored: no filter, no line-end conversion. A symbolic link is a file that holds its
target's path; it is never followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autosota.server.errors import UserError
from autosota.server.workspace.git import BlobReader
from autosota.server.workspace.objects import EXECUTABLE, LINK, SUBMODULE, Entry


class GitTree:
    """A `Tree` (see `autosota.agents.protocols`) that reads files when asked for them."""

    def __init__(self, commit: str, entries: Mapping[str, Entry], blobs: BlobReader) -> None:
        self.commit = commit
        self.entries = entries
        self._blobs = blobs
        self._files = tuple(sorted(p for p, e in entries.items() if e.mode != SUBMODULE))

    def files(self) -> Sequence[str]:
        """All file paths, sorted; links are among them, submodules are not."""
        return self._files

    def read(self, path: str) -> bytes:
        """The content of one file; of a link, the path it points to.

        Raises:
            FileNotFoundError: there is no such file in this tree.
            UserError: the content is in no store that we know.
        """
        entry = self.entries.get(path)
        if entry is None or entry.mode == SUBMODULE:
            raise FileNotFoundError(path)
        found = self._blobs.read(entry.oid)
        if found is None:
            raise UserError(
                f"{path} of commit {self.commit} is missing from the repository; "
                "fetch it ('git fetch --refetch' in a partial clone)"
            )
        return found[1]

    def is_link(self, path: str) -> bool:
        """True for a symbolic link."""
        return path in self.entries and self.entries[path].mode == LINK

    def is_executable(self, path: str) -> bool:
        """True for a file with the executable bit."""
        return path in self.entries and self.entries[path].mode == EXECUTABLE
