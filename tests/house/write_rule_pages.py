"""Write docs/rules/ from the catalogue of rules: `make docs-rules`."""

from __future__ import annotations

from pathlib import Path

from autosota.agents.rules.pages import pages
from autosota.agents.rules.rule import PAGES

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    texts = pages()
    folder = ROOT / PAGES
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if f"{PAGES}{old.name}" not in texts:
            old.unlink()
    for path, text in texts.items():
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
