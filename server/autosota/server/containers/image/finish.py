"""Runs in the last stage of the build, as root: the user that code runs as, and compiled modules.

With a read-only root nothing can be compiled later, and each start would pay for it. The official
images come without compiled modules. What is compiled here is not checked against its source
again: neither changes any more.
"""

import compileall
import os
import py_compile
import re
import sys


def add(path: str, number: str, line: str) -> None:
    """Add a line to the list of users or groups, unless its number is there."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    if any(known.split(":")[2:3] == [number] for known in text.splitlines()):
        return
    with open(path, "a", encoding="utf-8") as file:
        file.write(("" if not text or text.endswith("\n") else "\n") + line + "\n")


uid, _, gid = sys.argv[1].partition(":")
add("/etc/group", gid, f"autosota:x:{gid}:")
add("/etc/passwd", uid, f"autosota:x:{uid}:{gid}::/tmp:/bin/sh")
for folder in sys.path:
    if os.path.isdir(folder):
        compileall.compile_dir(
            folder,
            quiet=2,  # some packages hold files that are no valid Python; they stay as they are
            maxlevels=100,
            workers=0,
            rx=re.compile(r"/(tests?|idlelib|lib2to3|turtledemo)/"),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
os.unlink(os.path.abspath(__file__))
