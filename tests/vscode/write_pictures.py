"""Writes the pictures of the extension's README: `python tests/vscode/write_pictures.py`.

They are taken of a real campaign in a real VS Code, so they show what users see. Needs the
extension packaged (`npm run package` in editor-client).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from folders import LEAK_IN_FUNCTION, repository
from windows import scenario
from workbench import EXTENSION, Code, Installed


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pictures-") as home:
        code = Code(Installed.find(), Path(home))
        folder = Path(home) / "threshold"
        made = repository(folder)
        (folder / "evaluate_leaky.py").write_text(LEAK_IN_FUNCTION)
        ran = made.autosota("run", "--ideas", "3", timeout=300)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        code.install(EXTENSION / "build" / "autosota.vsix")
        code.start()
        pictures = str(EXTENSION / "media")
        try:
            scenario(code, "pictures", folder, 240, width=1000, height=600, pictures=pictures)
        finally:
            code.stop()


if __name__ == "__main__":
    main()
