"""Joins the ES modules in js/ to the one script that a notebook's output, an .html file and a widget need.

Each module follows those that it imports; import lines and the word `export` are left out, everything else stays as it
is written. So all modules share one scope, and no two may give a name at their top level to different things.
"""

import functools
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "js"
ENTRY = "embed.js"
IMPORT = re.compile(r'import \{ \w+(?:, \w+)* \} from "\./([\w-]+\.js)";')
EXPORT = re.compile(r"^export (?=(async )?function\b|const\b|let\b|class\b)", re.MULTILINE)
TOP_LEVEL = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|var|class) (\w+)", re.MULTILINE)


@functools.cache
def script():
    """The whole script; its top level has `replacePictures` and `render` of embed.js, and `start` of view.js."""
    return joined(FOLDER, ENTRY)


def joined(folder, entry):
    """The module `entry` in `folder` and all it imports, as the text of one script.

    Raises ValueError, naming the file, for an import or export in another form than docs/graphs.md allows, for modules
    that import each other, and for a name that two modules give to something at their top level.
    """
    texts = _in_order(folder, entry)
    _refuse_shared_names(texts)
    return "\n".join(_without_modules(name, text) for name, text in texts.items())


def _in_order(folder, entry):
    """{file name: its text}, each after those that it imports."""
    texts, ordered, entered = {}, {}, [entry]
    while entered:
        name = entered[-1]
        if name not in texts:
            texts[name] = (Path(folder) / name).read_text(encoding="utf-8")
        missing = [each for each in IMPORT.findall(texts[name]) if each not in ordered]
        if not missing:
            ordered[entered.pop()] = texts[name]
        elif missing[0] in entered:
            raise ValueError(f"{name} imports {missing[0]}, which needs it: modules must not form a circle")
        else:
            entered.append(missing[0])
    return ordered


def _refuse_shared_names(texts):
    owners = {}
    for file, text in texts.items():
        for name in TOP_LEVEL.findall(text):
            if owners.setdefault(name, file) != file:
                raise ValueError(
                    f"{owners[name]} and {file} both have {name} at their top level; joined, they share one scope"
                )


def _without_modules(name, text):
    lines = [line for line in text.splitlines() if not IMPORT.fullmatch(line)]
    bare = EXPORT.sub("", "\n".join(lines)).strip("\n")
    for line in bare.splitlines():
        if re.match(r"(import|export)\b", line):
            expected = 'import { a, b } from "./x.js"; or export before a declaration'
            raise ValueError(f"{name}: cannot join {line!r}, expected {expected}")
    return f"// ---- {name}\n\n{bare}\n"
