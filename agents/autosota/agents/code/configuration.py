"""Symbolic execution, part three: settings that a program reads from files of its own tree.

What a YAML, TOML or JSON file says is then known like a literal in the code: which columns are
features, how long is trained, what is switched on. Names that the command line overrides stay
options. Hydra's and OmegaConf's ways of putting settings together are followed; what cannot be
read stays unknown. The tree is read through its own `read`.
"""

from __future__ import annotations

import ast
import re

from autosota.agents.code import libraries as lib
from autosota.agents.code.freezing import Freezing
from autosota.agents.code.program import Program
from autosota.agents.code.settings_text import LARGEST, Plain, Unreadable, parsed
from autosota.agents.code.state import FunctionInfo, Site
from autosota.agents.code.stored import normal, path_text
from autosota.agents.code.values import Value, const, literal, text_of

_LOADS = re.compile(
    r"^(yaml\.(safe_load|load|full_load|unsafe_load)|tomllib\.loads?|tomli\.loads?|toml\.loads?"
    r"|json\.loads?|(omegaconf\.)?OmegaConf\.load)$"
)
_WRAPS = re.compile(
    r"^((omegaconf\.)?OmegaConf\.(create|to_container|to_object|structured)|easydict\.EasyDict"
    r"|munch\.(Munch|munchify|DefaultMunch)|addict\.Dict|box\.Box|dotmap\.DotMap|copy\.(deep)?copy"
    r"|ml_collections\.ConfigDict|types\.MappingProxyType|collections\.OrderedDict|deepcopy)$"
)
_MERGES = re.compile(r"^(omegaconf\.)?OmegaConf\.(unsafe_)?merge$")
_FROM_COMMAND = re.compile(r"^(omegaconf\.)?OmegaConf\.(from_cli|from_dotlist)$")
_INSTANTIATES = re.compile(
    r"^hydra\.utils\.(instantiate|call)$|^hydra\._internal\.\w+\.instantiate$"
)
SETTINGS = (".yaml", ".yml", ".toml", ".json")


class Configuration(Freezing):
    """Reads settings."""

    def __init__(self, program: Program, steps: int) -> None:
        super().__init__(program, steps)
        self.settings: set[str] = set()
        """Settings files whose content is known to what was executed."""

    def apply(self, target: Value, positional: list[int], named: dict[str, int]) -> Value:
        """See `calling.py`."""
        raise NotImplementedError

    # ---------------------------------------------------------------- files

    def configured(
        self, name: str, first: Value | None, positional: list[int], named: dict[str, int]
    ) -> Value | None:
        """What a call of a settings library gives; None when it is none, or not known."""
        if first is None:
            return self._from_command() if _FROM_COMMAND.match(name) else None
        if _LOADS.match(name):
            return self._loaded(first)
        if _MERGES.match(name):
            return self._merged([self.boxes[b] for b in positional])
        if _FROM_COMMAND.match(name):
            return self._from_command()
        if _WRAPS.match(name) and first.kind == "dict" and not named.keys() - {"resolve"}:
            return self.make("dict", "", first.kids)
        if _INSTANTIATES.match(name) and first.kind == "dict":
            return self._instantiated(first, positional, named)
        return None

    def _loaded(self, source: Value) -> Value | None:
        if source.kind == "stored":
            return None
        if source.kind == "option" and not path_text(source).endswith(SETTINGS):
            return source  # one setting as the command gives it
        path = self._settings_file(path_text(source))
        return self._file(path) if path else None

    def _settings_file(self, text: str) -> str:
        """The file of the tree that a path means, if settings are what it holds."""
        path = normal(text)
        if not path.endswith(SETTINGS):
            return ""
        if path.endswith(".json") and not lib.CONFIG_NAMES.search(path.replace("?", "")):
            return ""  # data may be kept in it as well
        if path in self.program.files:
            return path
        tail = path.rpartition("?")[2].strip("/")
        found = [f for f in self.program.files if f == tail or f.endswith("/" + tail)]
        return found[0] if "?" in path and "/" in tail and len(found) == 1 else ""

    def _file(self, path: str) -> Value | None:
        content = self.program.tree.read(path)
        if len(content) > LARGEST:
            return None
        try:
            value = parsed(path, content.decode("utf-8"))
        except (Unreadable, UnicodeDecodeError):
            return None
        self.settings.add(path)
        return self._value_of(value, (path, 1, ""))

    def _value_of(self, value: Plain, site: Site) -> Value:
        """Settings as a value; where it stands is the file and, as symbol, its dotted name."""
        path, line, name = site
        if isinstance(value, dict):
            kids: list[Value] = []
            for key, inner in value.items():
                place = (path, line, f"{name}.{key}" if name else key)
                kids += [const(key), self._value_of(inner, place)]
            return self.make("dict", "", tuple(kids))
        if isinstance(value, list):
            return Value("seq", "", tuple(self._value_of(v, site) for v in value), 0, site)
        return const(value, site)

    # ---------------------------------------------------------------- put together

    def _from_command(self) -> Value:
        """`a.b=1 c=2` as nested settings."""
        made: Value = self.make("dict")
        for name in self.given:
            made = self._with(made, name.split("."), self.option(name))
        return made

    def _with(self, settings: Value, names: list[str], value: Value) -> Value:
        """Settings with one of them, named from the outside in, replaced or added."""
        kids = list(settings.kids) if settings.kind == "dict" else []
        for at in range(0, len(kids), 2):
            if text_of(kids[at]) == names[0]:
                inner = kids[at + 1]
                kids[at + 1] = value if len(names) == 1 else self._with(inner, names[1:], value)
                return self.make("dict", "", tuple(kids))
        inner = value if len(names) == 1 else self._with(self.make("dict"), names[1:], value)
        return self.make("dict", "", (*kids, const(names[0]), inner))

    def _merged(self, parts: list[Value]) -> Value | None:
        if not parts or any(p.kind != "dict" for p in parts):
            return None
        made = parts[0]
        for part in parts[1:]:
            made = self._over(made, part)
        return made

    def _over(self, below: Value, above: Value) -> Value:
        made = below
        for key, value in zip(above.kids[::2], above.kids[1::2], strict=True):
            name = text_of(key)
            known = next(
                (
                    v
                    for k, v in zip(made.kids[::2], made.kids[1::2], strict=True)
                    if k.key == key.key
                ),
                None,
            )
            if known is not None and known.kind == value.kind == "dict":
                value = self._over(known, value)
            made = self._with(made, [name], value)
        return made

    def _instantiated(
        self, settings: Value, positional: list[int], named: dict[str, int]
    ) -> Value | None:
        """The object that `_target_` names, made with the other settings."""
        pairs = dict(
            zip((text_of(k) for k in settings.kids[::2]), settings.kids[1::2], strict=True)
        )
        target = text_of(pairs.get("_target_", const(None)))
        if not target:
            return None
        given = {k: self.box(v) for k, v in pairs.items() if not k.startswith("_")}
        given.update({k: b for k, b in named.items() if not k.startswith("_")})
        made = self._named_in_tree(target)
        return self.apply(made, list(positional[1:]), given)

    def _named_in_tree(self, dotted: str) -> Value:
        """What a dotted name means: something of the tree, or of a library."""
        parts = dotted.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            path = self.program.module(".".join(parts[:cut]), self.frame.facts.path)
            frame = self.module_frame(path) if path else None
            if frame is None:
                continue
            value = self.get((frame.number, parts[cut]))
            for name in parts[cut + 1 :]:
                value = self.attribute(value, name) if value is not None else None
            if value is not None:
                return value
        return self.ref(dotted)

    # ---------------------------------------------------------------- Hydra

    def of_hydra(self, info: FunctionInfo) -> Value | None:
        """The settings that `@hydra.main(config_path=…, config_name=…)` hands to a function."""
        for decorator in getattr(info.node, "decorator_list", ()):
            if not isinstance(decorator, ast.Call):
                continue
            if info.facts.dotted(decorator.func) not in ("hydra.main", "hydra.hydra_main"):
                continue
            given = {k.arg: k.value for k in decorator.keywords}
            folder = self._text_in(info, given.get("config_path"))
            name = self.given.get("config_name") or self._text_in(info, given.get("config_name"))
            if not name:
                return None
            home = info.facts.path.rpartition("/")[0]
            return self._composed(normal_path(f"{home}/{folder}"), name, 0)
        return None

    def _text_in(self, info: FunctionInfo, node: ast.expr | None) -> str:
        if node is None:
            return ""
        saved, self.frame = self.frame, info.module
        try:
            return text_of(self.value(node))
        finally:
            self.frame = saved

    def _composed(self, folder: str, name: str, depth: int) -> Value | None:
        """A settings file with the files its `defaults` list names."""
        path = self._in_folder(folder, name)
        whole = self._file(path) if path and depth < _DEEP else None
        if whole is None or whole.kind != "dict":
            return None
        pairs = list(zip(whole.kids[::2], whole.kids[1::2], strict=True))
        named = next((v for k, v in pairs if text_of(k) == "defaults"), None)
        own_kids = tuple(x for k, v in pairs if text_of(k) != "defaults" for x in (k, v))
        own = self.make("dict", "", own_kids)
        if named is None:
            return self._overridden(own) if depth == 0 else own
        made: Value = self.make("dict")
        placed = False
        for entry in named.kids:
            if text_of(entry) == "_self_":
                made, placed = self._over(made, own), True
                continue
            part = self._brought_in(folder, entry, depth)
            if part is None:
                return None
            made = self._over(made, part)
        made = made if placed else self._over(made, own)
        return self._overridden(made) if depth == 0 else made

    def _brought_in(self, folder: str, entry: Value, depth: int) -> Value | None:
        """What one entry of a `defaults` list brings in."""
        if text_of(entry):
            base = text_of(entry).lstrip("/")
            return self._composed(folder, base, depth + 1)
        if entry.kind != "dict" or len(entry.kids) != 2:
            return None
        words = text_of(entry.kids[0]).replace("override", "").replace("optional", "").split()
        if not words or words[0].startswith(("hydra/", "/hydra")):
            return self.make("dict")
        group = words[0].strip("/").partition("@")
        chosen = self.given.get(group[0]) or text_of(entry.kids[1])
        if literal(entry.kids[1]) == (None,) and not chosen:
            return self.make("dict")
        found = self._composed(folder, f"{group[0]}/{chosen}", depth + 1)
        if found is None:
            return None
        package = group[2] or group[0].replace("/", ".")
        return (
            found
            if package == "_global_"
            else self._with(self.make("dict"), package.split("."), found)
        )

    def _overridden(self, settings: Value) -> Value:
        """Settings with what the command gives by dotted names."""
        for name in self.given:
            if "." in name or any(text_of(k) == name for k in settings.kids[::2]):
                known = settings
                for part in name.split("."):
                    found = [v for k, v in zip(known.kids[::2], known.kids[1::2], strict=False)
                             if known.kind == "dict" and text_of(k) == part]  # fmt: skip
                    known = found[0] if found else const(None)
                if known.kind != "dict":
                    settings = self._with(settings, name.split("."), self.option(name))
        return settings

    def _in_folder(self, folder: str, name: str) -> str:
        base = f"{folder}/{name}".strip("/")
        for ending in ("", ".yaml", ".yml"):
            if base + ending in self.program.files:
                return base + ending
        return ""


_DEEP = 6
"""Files of defaults within files of defaults."""


def normal_path(path: str) -> str:
    """A path of the tree without `.` and `..`."""
    out: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del out[-1:]
        elif part not in ("", "."):
            out.append(part)
    return "/".join(out)
