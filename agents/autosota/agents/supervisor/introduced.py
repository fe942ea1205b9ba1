"""Statements a change brings in that no honest improvement needs, or that a person should see.

Looks at new statements one by one (moved ones are not new), with imported names resolved:
replaced library functions, hooks, exits, frames, the environment, the network, label files,
literal tables of answers. What the values then flow into is told by `compare.py` and
`leakage.py`; this is the net below them.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from autosota.agents.code import libraries as lib
from autosota.agents.code.facts import FileFacts, Statement, head
from autosota.agents.code.fingerprint import dotted
from autosota.agents.code.lower import is_opaque
from autosota.agents.code.program import Program
from autosota.agents.domain import Finding, Objective, Severity
from autosota.agents.rules import finding

_WARN, _ERROR, _BLOCK = Severity.WARNING, Severity.ERROR, Severity.BLOCK
_FRAMES = re.compile(
    r"^(sys\._getframe|sys\._current_frames|sys\.settrace|sys\.setprofile|threading\.settrace"
    r"|inspect\.(stack|currentframe|getouterframes|trace|getframeinfo)|traceback\.(walk|extract)_"
    r"|gc\.get_(objects|referrers|referents))"
)
_NETWORK = re.compile(
    r"^(requests|urllib\.request|urllib3|urllib|http\.client|httpx|aiohttp|socket|ftplib|smtplib"
    r"|openai|anthropic|cohere|litellm|google\.generativeai|google\.genai|mistralai|groq|ollama"
    r"|replicate|boto3|paramiko|websocket|websockets|pycurl|telnetlib|xmlrpc|grpc|langchain\w*"
    r"|asyncio\.open_connection)(\.|$)"
)
_DOWNLOADS = re.compile(
    r"(^|\.)(load_dataset|from_pretrained|snapshot_download|hf_hub_download|urlretrieve|wget"
    r"|fetch_\w+|download_url|load_state_dict_from_url|cached_download)$|^(gdown|wget|openml|kagglehub"
    r"|torch\.hub|kaggle|tensorflow_datasets|tensorflow_hub)\."
)
_RUNS = re.compile(
    r"^(exec|eval|compile|__import__|execfile|runpy\.\w+|importlib\.\w[\w.]*|imp\.\w+|ctypes\.[\w.]+"
    r"|subprocess\.\w+|os\.(system|popen|exec\w*|spawn\w*|fork|posix_spawn\w*|forkpty)|pty\.\w+"
    r"|code\.\w+|marshal\.\w+|types\.(FunctionType|CodeType|MethodType)|cffi\.\w+|numba\.core"
    r"|multiprocessing\.Process|threading\.(Thread|Timer)|_thread\.\w+|sched\.\w+|commands\.\w+)$"
)
_HOOKS = re.compile(
    r"^(atexit\.\w+|sys\.(addaudithook|excepthook|displayhook|unraisablehook|meta_path|path_hooks)"
    r"|signal\.(signal|alarm|setitimer)|weakref\.finalize|site\.\w+|builtins\.\w+|codecs\.register"
    r"|unittest\.mock[\w.]*|mock\.patch[\w.]*|pytest\.MonkeyPatch|wrapt\.\w+|gorilla\.\w+"
    r"|os\.register_at_fork|os\.dup2|contextlib\.redirect_stdout|faulthandler\.\w+)"
)
_REGISTERS = {
    "register", "unregister", "register_envs", "register_module", "monkey_patch", "patch_all",
    "override", "set_printoptions_", "register_dataset", "register_env",
}  # fmt: skip
_EXITS = {"os._exit", "os.abort", "os.kill", "os.killpg"}
_SOFT_EXITS = {"sys.exit", "exit", "quit"}
_ENVIRONMENT = re.compile(
    r"^(os\.(environ|getenv|uname|getlogin|getppid|getcwd|getpid)|sys\.(argv|modules|gettrace|flags)"
    r"|platform\.\w+|socket\.gethostname|getpass\.\w+|psutil\.|pwd\.|inspect\.|__file__$|__name__$)"
)
_ENV_HARMLESS = re.compile(
    r"^(CUDA|OMP|MKL|NUMEXPR|OPENBLAS|LOCAL_RANK|RANK|WORLD_SIZE|HF_|TORCH|TOKENIZERS|SLURM|NCCL"
    r"|MASTER_|PYTHONHASHSEED|PYTORCH|CUBLAS|WANDB|MPLBACKEND|TF_|XLA|JAX|KMP|TQDM|COLUMNS|TERM)"
)
_SETTINGS = re.compile(
    r"^torch\.(backends|_dynamo\.config|_inductor\.config)\.|^matplotlib|rcParams|^pandas\.options"
    r"|^os\.environ|^jax\.config|^logging\.|^warnings\.|^sys\.dont_write|^tqdm\.|^PIL\.(ImageFile|Image\.MAX)"
)
_STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__"}
_LABEL_WORDS = re.compile(r"(label|answer|gold|truth|solution|target|_y\b|y_)", re.IGNORECASE)
_TEST_WORDS = re.compile(r"(^|[^a-z])(test|eval|holdout|held|private|hidden|val)", re.IGNORECASE)
_FILE = re.compile(
    r"\.(csv|tsv|txt|npy|npz|json|jsonl|parquet|pkl|pickle|pt|h5|hdf5|mat|feather|bin)$"
)
_WEIGHTS = re.compile(r"\.(pkl|pickle|pt|pth|ckpt|joblib|h5|onnx|safetensors|npz|npy|bin)$")
_DUNDER = {
    "__eq__", "__ne__", "__lt__", "__gt__", "__le__", "__ge__", "__float__", "__format__",
    "__round__",
    "__array_ufunc__", "__torch_function__", "__array__", "__array_function__", "__getattribute__",
    "__instancecheck__", "__del__", "__bool__", "__hash__", "__str__", "__index__", "__int__",
    "__truediv__", "__radd__", "__iadd__", "__array_finalize__", "__array_wrap__",
}  # fmt: skip
_SOFT_DUNDER = {"__str__", "__hash__", "__bool__", "__del__", "__format__"}
_BUILTIN_BASES = {"float", "int", "str", "list", "dict", "tuple", "numpy.ndarray", "torch.Tensor"}
_NUMBERS = 30
_LONG_TEXT = 1500


def runs_code(name: str) -> bool:
    """True for a function that runs code or a program which the audit cannot see."""
    return bool(_RUNS.match(name))


def new_statements(base: Program, candidate: Program, paths: Iterable[str]) -> list[Statement]:
    """Statements of the candidate's files that the base has nowhere."""
    before: Counter[str] = Counter()
    after: list[Statement] = []
    every = set(base.python)
    for path in sorted(every):
        if path not in candidate.files or candidate.facts(path) is not base.facts(path):
            before.update(s.fingerprint for s in base.facts(path).statements)
    for path in paths:
        if path in every and candidate.facts(path) is base.facts(path):
            continue
        for statement in candidate.facts(path).statements:
            if before[statement.fingerprint] > 0:
                before[statement.fingerprint] -= 1
            else:
                after.append(statement)
    return after


def scan(
    statements: Iterable[Statement], objective: Objective, files: set[str], base: Program
) -> list[Finding]:
    """What new statements do that they should not, or that nobody can tell."""
    out: list[Finding] = []
    known = {name for path in base.python for name in _pretrained(base.facts(path).calls)}
    folders = {f.partition("/")[0] for f in files}
    for statement in statements:
        for found in _one(statement, objective, files):
            if found.severity is _WARN and found.code == "EV210" and _as_many(statement, base):
                continue  # the same exit with other words
            if found.code == "PS702" and _mirrored(statement, known, folders):
                continue  # the same weights from another place
            out.append(found)
    return out


def _pretrained(calls: Iterable[tuple[str, ast.Call]]) -> list[str]:
    """The literal sources of `from_pretrained` calls."""
    return [
        call.args[0].value
        for name, call in calls
        if name.endswith(".from_pretrained")
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ]


def _mirrored(statement: Statement, known: set[str], folders: set[str]) -> bool:
    """True when each pretrained source is one of the base's by its name, outside the tree."""
    calls = [n for n in ast.walk(statement.node) if isinstance(n, ast.Call)]
    named = [(statement.facts.dotted(c.func), c) for c in calls]
    sources = _pretrained(named)
    names = {k.rpartition("/")[2] for k in known}
    outside = all(s.removeprefix("./").partition("/")[0] not in folders for s in sources)
    counted = sum(n.endswith(".from_pretrained") for n, _ in named)
    return (
        bool(sources)
        and len(sources) == counted
        and outside
        and all(s.rstrip("/").rpartition("/")[2] in names for s in sources)
    )


def _as_many(statement: Statement, base: Program) -> bool:
    path = statement.facts.path
    if path not in base.files:
        return False
    counts = [
        sum(name in _SOFT_EXITS for name, _ in facts.calls)
        for facts in (base.facts(path), statement.facts)
    ]
    return counts[1] <= counts[0]


def _one(statement: Statement, objective: Objective, files: set[str]) -> Iterator[Finding]:
    facts = statement.facts
    nodes = [n for part in head(statement.node) for n in ast.walk(part)]
    if any(isinstance(n, ast.expr) and is_opaque(n) for n in nodes):
        yield finding("EV201", statement.place, "this code cannot be read", severity=_WARN)
    yield from _targets(statement)
    for node in nodes:
        if isinstance(node, ast.Call):
            yield from _call(statement, node, nodes)
        elif isinstance(node, ast.Attribute | ast.Name):
            name = facts.dotted(node)
            if _FRAMES.match(name):
                message = f"`{name}` looks into the caller"
                yield finding("EV216", statement.place, message)
            elif name.endswith(("f_locals", "f_globals", "f_back", "tb_frame", "gi_frame")):
                yield finding("EV216", statement.place, f"`{name}` looks into a frame")
    yield from _environment(statement, nodes)
    yield from _literals(statement, nodes, objective, files)
    node = statement.node
    if isinstance(node, ast.FunctionDef) and node.name in _DUNDER and "." in _owner(statement):
        yield from _operator(statement, node)
    if isinstance(node, ast.ClassDef):
        bases = [facts.dotted(b) for b in node.bases]
        if any(b in _BUILTIN_BASES for b in bases):
            message = f"`{node.name}` stands in for a plain value"
            yield finding("EV208", statement.place, message, severity=_WARN)
    if isinstance(node, ast.Raise) and node.exc is not None:
        name = facts.dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
        if name in ("SystemExit", "KeyboardInterrupt"):
            yield finding("EV210", statement.place, "the process is ended early")


def _owner(statement: Statement) -> str:
    node = statement.node
    inside = statement.facts.symbols.get(statement.symbol)
    name = getattr(node, "name", "")
    return f"{statement.symbol}.{name}" if inside is not None and inside.is_class else ""


def _operator(statement: Statement, node: ast.FunctionDef) -> Iterator[Finding]:
    arguments = [a.arg for a in node.args.args]
    other = arguments[1] if len(arguments) > 1 else ""
    used = any(
        isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == other
        for s in node.body
        for n in ast.walk(s)
    )
    if node.name in ("__eq__", "__ne__", "__lt__", "__gt__", "__le__", "__ge__") and used:
        return
    severity = _WARN if node.name in _SOFT_DUNDER else None
    yield finding("EV208", statement.place, f"`{node.name}` is overridden", severity=severity)


def _targets(statement: Statement) -> Iterator[Finding]:
    """Assignments that replace something of a library or of another module."""
    facts, node = statement.facts, statement.node
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    elif isinstance(node, ast.With):
        targets = [i.optional_vars for i in node.items if i.optional_vars is not None]
    elif isinstance(node, ast.For):
        targets = [node.target]
    elif isinstance(node, ast.Delete):
        targets = list(node.targets)
    flat: list[ast.expr] = []
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Tuple | ast.List):
            targets += target.elts
        else:
            flat.append(target)
    for target in flat:
        if isinstance(target, ast.Subscript):
            inner = target.value
            called = inner.func if isinstance(inner, ast.Call) else inner
            name = facts.dotted(called)
            tail = name.rpartition(".")[2]
            if name in ("globals", "locals", "vars", "sys.modules", "__builtins__") or (
                tail in ("__dict__", "modules", "__globals__")
            ):
                yield finding("EV207", statement.place, f"`{name}[…]` is rewritten")
            continue
        if not isinstance(target, ast.Attribute):
            if isinstance(target, ast.Name) and target.id in _SHADOWED:
                message = f"the builtin `{target.id}` is replaced"
                yield finding("EV207", statement.place, message)
            continue
        name = facts.dotted(target)
        root = name.partition(".")[0]
        plain = dotted(target).partition(".")[0]
        if target.attr in ("__code__", "__defaults__", "__class__", "__globals__", "__wrapped__"):
            yield finding("EV207", statement.place, f"`{dotted(target)}` is rewritten")
        elif (plain in facts.bound and not _SETTINGS.search(name)) or root in facts.symbols:
            yield finding("EV207", statement.place, f"`{name}` is replaced at run time")


_SHADOWED = {
    "print", "len", "sum", "max", "min", "round", "float", "int", "open", "range", "zip", "map",
    "enumerate", "abs", "sorted", "isinstance", "getattr", "setattr", "__import__", "format", "all",
    "any", "str", "list", "super",
}  # fmt: skip


def _call(statement: Statement, node: ast.Call, nodes: list[ast.AST]) -> Iterator[Finding]:
    facts, place = statement.facts, statement.place
    name = facts.dotted(node.func)
    tail = node.func.attr if isinstance(node.func, ast.Attribute) else name
    nameless = not name
    if nameless:
        name = tail
    root = dotted(node.func).partition(".")[0]
    # a variable called `sched` or `requests` is not the module of that name
    imported = not nameless and (
        root in facts.bound or ("." not in name and root not in facts.symbols)
    )
    if name in ("setattr", "delattr", "object.__setattr__", "type.__setattr__") and node.args:
        target = facts.dotted(node.args[0])
        root = dotted(node.args[0]).partition(".")[0]
        if root in facts.bound or target in facts.symbols or target.startswith("sys."):
            yield finding("EV207", place, f"`{target}` is changed at run time")
        elif not isinstance(node.args[0], ast.Name | ast.Attribute):
            yield finding("EV207", place, "something is changed at run time", severity=_WARN)
    elif imported and _RUNS.match(name):
        text = " ".join(_strings(nodes))
        severity = _BLOCK if "METRIC" in text else _WARN
        yield finding(
            "EV209", place, f"`{name}` runs code that the audit cannot see", severity=severity
        )
    elif name in _EXITS:
        yield finding("EV210", place, f"`{name}` ends a process without clean-up")
    elif name in _SOFT_EXITS:
        inner = node.args[0] if node.args else None
        if not isinstance(inner, ast.Call):
            yield finding("EV210", place, f"`{name}` ends the process", severity=_WARN)
    elif imported and _HOOKS.match(name):
        yield finding("EV209", place, f"`{name}` hooks in code that runs elsewhere")
    elif imported and root in facts.bound and tail in _REGISTERS:
        message = f"`{name}` changes what a library does when it is asked for a name"
        yield finding("EV207", place, message, severity=_WARN)
    elif imported and _NETWORK.match(name) and not name.startswith("urllib.parse"):
        yield finding("OUT306", place, f"`{name}` asks the network")
    elif _DOWNLOADS.search(name):
        code = "PS702" if tail in ("from_pretrained", "load") else "DS406"
        yield finding(code, place, f"`{name}` brings in data or weights from outside")
    elif name in ("sys.path.insert", "sys.path.append", "site.addsitedir", "sys.path.extend"):
        yield finding("EV209", place, f"`{name}` changes where modules come from", severity=_WARN)
    elif name.startswith("resource.setrlimit"):
        yield finding("EV212", place, f"`{name}` changes a limit")
    elif tail == "update" and "__dict__" in dotted(node.func):
        yield finding("EV207", place, f"`{dotted(node.func)}` rewrites attributes")
    elif name in ("shutil.copy", "shutil.copyfile", "shutil.copytree", "shutil.move", "os.symlink",
                  "os.link", "os.rename", "os.replace", "shutil.copy2"):  # fmt: skip
        yield finding("OUT307", place, f"`{name}` puts a finished file in place", severity=_WARN)
    elif name in ("glob.glob", "glob.iglob", "os.listdir", "os.walk", "os.scandir") or tail in (
        "rglob", "iterdir",
    ):  # fmt: skip
        yield finding("OUT305", place, f"`{name}` looks through the file system", severity=_WARN)
    for keyword in node.keywords:
        if (keyword.arg == "pretrained" and _is_true(keyword.value)) or (
            keyword.arg == "weights" and "models" in name and not _is_none(keyword.value)
        ):
            yield finding("PS702", place, f"`{name}` starts from pretrained weights")
        elif keyword.arg in ("timeout", "time_limit") and _RUNS.match(name):
            yield finding("EV212", place, "a time limit is changed")


def _is_true(node: ast.expr) -> bool:
    return not (isinstance(node, ast.Constant) and not node.value)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _strings(nodes: Iterable[ast.AST]) -> list[str]:
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _environment(statement: Statement, nodes: list[ast.AST]) -> Iterator[Finding]:
    """Reads of what tells a run from an evaluation."""
    facts, node = statement.facts, statement.node
    conditional = isinstance(node, ast.If | ast.While) or any(
        isinstance(n, ast.IfExp | ast.BoolOp | ast.Compare) for n in nodes
    )
    for part in nodes:
        if not isinstance(part, ast.Attribute | ast.Name):
            continue
        name = facts.dotted(part)
        if not _ENVIRONMENT.match(name) or name.startswith("inspect."):
            continue
        if name == "__file__" or (
            name == "__name__" and (not conditional or "__main__" in _strings(nodes))
        ):
            continue
        if name in ("os.environ", "os.getenv") and _harmless(nodes):
            continue
        if isinstance(node, ast.Assign) and facts.dotted(node.targets[0]).startswith("os.environ"):
            continue
        severity = None if conditional else _WARN
        message = f"behaviour depends on `{name}`"
        yield finding("EV215", statement.place, message, severity=severity)
        return
    if isinstance(node, ast.If):
        for part in nodes:
            name = facts.dotted(part) if isinstance(part, ast.Attribute) else ""
            if name.endswith(("path.exists", "path.isfile", "path.isdir", ".exists", ".is_file")):
                message = "behaviour depends on which files exist"
                yield finding("EV215", statement.place, message, severity=_WARN)
                return


def _harmless(nodes: Iterable[ast.AST]) -> bool:
    names = [s for s in _strings(nodes) if re.fullmatch(r"[A-Z][A-Z0-9_]+", s)]
    return bool(names) and all(_ENV_HARMLESS.match(n) for n in names)


def _literals(
    statement: Statement, nodes: list[ast.AST], objective: Objective, files: set[str]
) -> Iterator[Finding]:
    """Paths of labels, and tables of numbers that could be answers."""
    from autosota.agents.supervisor.boundary import matches

    facts, place = statement.facts, statement.place
    calls = [facts.dotted(n.func) for n in nodes if isinstance(n, ast.Call)]
    tails = {
        n.func.attr for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
    }
    reads = any(lib.LOADERS.search(c) for c in calls) or bool(tails & lib.LOAD_METHODS)
    labels = {f for f in files if matches(f, objective.protocol.labels)}
    folders = {f.rpartition("/")[0] for f in labels} - {""}
    basenames = {f.rpartition("/")[2] for f in labels}
    folders |= {p.split("*")[0].strip("/") for p in objective.protocol.labels} - {""}
    for text in _strings(nodes):
        if len(text) > _LONG_TEXT and not isinstance(statement.node, ast.FunctionDef):
            message = f"a literal of {len(text)} characters"
            yield finding("OUT303", place, message, severity=_WARN)
        plain = text.removeprefix("./").strip("/")
        inside = plain in folders or any(
            plain.startswith(f + "/") or f"/{f}/" in text for f in folders
        )
        if objective.protocol.labels and (inside or (plain and plain in basenames and reads)):
            yield finding("OUT305", place, f"names the labels: {text[:60]!r}")
        elif reads and _FILE.search(text) and _TEST_WORDS.search(text):
            if _LABEL_WORDS.search(text):
                yield finding("OUT305", place, f"reads labels: {text[:60]!r}")
            else:
                yield finding("LK120", place, f"reads held-out data: {text[:60]!r}")
        elif reads and _WEIGHTS.search(text):
            message = f"loads a finished file: {text[:60]!r}"
            yield finding("OUT304", place, message, severity=_WARN)
    for node in nodes:
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            count = sum(isinstance(n, ast.Constant) for n in ast.walk(node))
        elif isinstance(node, ast.Dict):
            count = sum(isinstance(n, ast.Constant) for n in node.values)
        else:
            continue
        if count >= _NUMBERS:
            message = f"a literal table of {count} values"
            yield finding("OUT302", place, message, severity=_WARN)
            return


SUPPRESSION = re.compile(
    r"#\s*(?:autosota\s*:\s*ignore|noqa\s*:[^#\n]*\b(?:LK|EV|OUT|DS|SEL|TO|PS|NB)\d{3}|noqa\s*$)",
    re.IGNORECASE | re.MULTILINE,
)


def suppressions(base: FileFacts | None, candidate: FileFacts) -> list[Finding]:
    """Comments that a change adds to silence a rule."""
    before = Counter(_suppressed(base)) if base is not None else Counter()
    out: list[Finding] = []
    for number, line in enumerate(candidate.source.content.decode("utf-8", "replace").split("\n")):
        found = SUPPRESSION.search(line)
        if found is None:
            continue
        if before[line.strip()] > 0:
            before[line.strip()] -= 1
            continue
        from autosota.agents.domain import Place

        place = Place(candidate.path, number + 1, found.start() + 1)
        out.append(finding("EV211", place, f"a rule is silenced: {found.group(0)}"))
    return out


def _suppressed(facts: FileFacts) -> list[str]:
    text = facts.source.content.decode("utf-8", "replace")
    return [line.strip() for line in text.split("\n") if SUPPRESSION.search(line)]
