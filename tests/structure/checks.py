"""The checks of the tree. Each takes a Tree and yields one line a fault; no line means the tree is sound."""

import re
from collections.abc import Iterator

from source_text import CORE, RANK, SourceFile, Tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
LINKED = re.compile(r"\bmayfly(?:_|::)([a-z]+)\b")
MAX_LINES = 400

# Third parties that the core's public headers keep out of their users' way ...
FOREIGN = {
    "oneTBB": re.compile(r"^(tbb|oneapi)/"),
    "Boost": re.compile(r"^boost/"),
    "spdlog": re.compile(r"^(spdlog|fmt)/"),
    "protobuf": re.compile(r"^google/"),
}
# ... but for the headers whose whole purpose is to join us to one of them.
JOINTS = {
    ("arena", "mayfly/json_resource.hpp"): "Boost",
    ("scopes", "mayfly/json_detach.hpp"): "Boost",
}


def include_direction(tree: Tree) -> Iterator[str]:
    """arena <- scopes <- pool <- trace, programs <- service, stress: nobody includes or links what stands on it."""
    for name, owners in tree.owners.items():
        if len(owners) > 1:
            yield f"<{name}> is a public header of {' and of '.join(owners)}"
    for source in tree.sources:
        for match in INCLUDE.finditer(source.code):
            bracket, name = match.groups()
            where = source.at(match.start())
            if bracket == '"':
                if ".." in name.split("/"):
                    yield f'{where}: "{name}" leaves its folder; another module\'s headers are <mayfly/...>'
            elif name.startswith("mayfly/"):
                owner = tree.owners.get(name, [None])[0]
                if owner is None:
                    yield f"{where}: no module has <{name}>"
                elif source.module and not _may_use(source.module, owner):
                    yield f"{where}: {source.module} includes <{name}> of {owner}, which stands on it"
    for cmake in tree.texts("*/CMakeLists.txt"):
        for match in LINKED.finditer(re.sub(r"#[^\n]*", "", cmake.text)):
            if cmake.module and match[1] in RANK and not _may_use(cmake.module, match[1]):
                yield f"{cmake.at(match.start())}: {cmake.module} links {match[0]}, which stands on it"


def _may_use(user: str, used: str) -> bool:
    return user == used or RANK[used] < RANK[user]


def foreign_headers(tree: Tree) -> Iterator[str]:
    """The core's public headers include no oneTBB, Boost, spdlog or protobuf, but for the joints named above."""
    for source in tree.in_modules:
        if source.folder not in CORE or not source.public_name:
            continue
        for match in INCLUDE.finditer(source.code):
            for library, pattern in FOREIGN.items():
                joined = JOINTS.get((source.folder, source.public_name))
                if pattern.match(match[2]) and joined != library:
                    yield f"{source.at(match.start())}: a public header includes {library}'s <{match[2]}>"


def file_length(tree: Tree) -> Iterator[str]:
    """Past 400 lines a file holds a second idea."""
    python = tree.texts("tests/**/*.py", "bench/**/*.py", "scripts/*")
    scripts = [*python, *tree.texts("tests/**/CMakeLists.txt", "bench/**/CMakeLists.txt", "cmake/*", "CMakeLists.txt")]
    for source in [*tree.sources, *scripts]:
        lines = source.text.count("\n")
        if lines > MAX_LINES:
            yield f"{source.path}: {lines} lines; past {MAX_LINES}, look for the second idea"


def headers(tree: Tree) -> Iterator[str]:
    """A header starts with #pragma once, opens no namespace to its users, and says what each of its types is for."""
    for source in tree.sources:
        if not source.is_header:
            continue
        first = re.search(r"\S[^\n]*", source.code)
        if not first or first[0].rstrip() != "#pragma once":
            yield f"{source.path}: the first line of code is not #pragma once"
        for match in re.finditer(r"\busing\s+namespace\b", source.code):
            yield f"{source.at(match.start())}: using namespace in a header"
        if source.public_name:
            yield from _undocumented_types(source)


def _undocumented_types(source: SourceFile) -> Iterator[str]:
    """Definitions at namespace level start in the first column, as .clang-format lays them out."""
    lines, code = source.text.splitlines(), source.code.splitlines()
    for number, line in enumerate(code):
        match = re.match(r"(?:class|struct|enum class)\s+(?:alignas\([^)]*\)\s*|\[\[[^]]*\]\]\s*)*(\w+)", line)
        if not match or line.rstrip().endswith(";") and "{" not in line:
            continue
        above = number - 1
        while above >= 0 and re.match(r"\s*(template|requires|friend|\[\[|#)", code[above]):
            above -= 1
        if re.match(r"(class|struct)\s+[\w:]+<", line):
            continue  # a specialisation is documented with its template
        if above < 0 or not re.match(r"\s*(///|//)", lines[above]):
            yield f"{source.path}:{number + 1}: {match[1]} has no docstring (///) above it"


ATOMIC_CALL = re.compile(
    r"(?:\.|->)\s*(load|store|exchange|compare_exchange_weak|compare_exchange_strong|test_and_set"
    r"|fetch_(?:add|sub|and|or|xor))\s*\("
)
# std::atomic<T>, or a template's own alias for the atomic of its policy.
ATOMIC_NAME = re.compile(
    r"(?:\bstd\s*::\s*|^\s*(?:alignas\(\w+\)\s*)?(?:typename\s+Policy\s*::\s*template\s+)?)"
    r"atomic(?:_flag\b|_\w+\b|\s*<[^;{}()=]*>)\s*(\w+)\s*(?=[;{=,)])",
    re.MULTILINE,
)
PLAIN_NAME = re.compile(
    r"^(?!.*\batomic\b)\s*(?!return\b|delete\b)(?:[\w:]+\s+)*[\w:]+(?:<[^;]*>)?[&*]*\s+(\w+)\s*(?=[;{]|=(?!=))",
    re.MULTILINE,
)
FENCE = re.compile(r"\b(?:std::)?atomic_(?:thread|signal)_fence\b|\b__sync_\w+|\b__atomic_\w+|\b_mm_[lms]fence\b")


def atomics(tree: Tree) -> Iterator[str]:
    """Every atomic operation spells its memory order; none hides in an operator; no fence stands free."""
    names: dict[str, set[str]] = {}
    plain: dict[str, set[str]] = {}  # where a plain variable has the same name, it takes a compiler to tell them apart
    for source in tree.in_modules:
        names.setdefault(_stem(source), set()).update(ATOMIC_NAME.findall(source.code))
        plain.setdefault(_stem(source), set()).update(PLAIN_NAME.findall(source.code))
    for source in tree.in_modules:
        for match in FENCE.finditer(source.code):
            yield f"{source.at(match.start())}: {match[0]}: the race detector does not see it"
        if source.folder in CORE or "std::atomic" in source.code:
            yield from _calls_without_order(source)
        for name in sorted(names[_stem(source)] - plain[_stem(source)]):
            yield from _hidden_operations(source, name)


def _stem(source: SourceFile) -> str:
    return source.folder + "/" + source.path.rsplit("/", 1)[1].rsplit(".", 1)[0]


def _calls_without_order(source: SourceFile) -> Iterator[str]:
    for match in ATOMIC_CALL.finditer(source.code):
        arguments = _bracketed(source.code, match.end() - 1)
        if not re.search(r"\bmemory_order|\border\b", arguments):
            yield f"{source.at(match.start())}: {match[1]}({arguments.strip()}) spells no memory order"


def _bracketed(code: str, opening: int) -> str:
    depth = 0
    for position in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[position], 0)
        if depth == 0:
            return code[opening + 1 : position]
    return code[opening + 1 :]


def _hidden_operations(source: SourceFile, name: str) -> Iterator[str]:
    operation = rf"(?:\+\+|--)\s*{name}\b|(?<![\w:>] )\b{name}\s*(?:\+\+|--|[-+|&^]=|=(?!=))"
    for match in re.finditer(operation, source.code):
        line_start = source.code.rfind("\n", 0, match.start()) + 1
        if "std::atomic" in source.code[line_start : match.start()] or match[0].lstrip().startswith("::"):
            continue
        yield f"{source.at(match.start())}: '{match[0].strip()}' on an atomic hides its memory order"


SYNC = re.compile(r"//[/!]?\s*sync\s+([\w-]+)\s*:[^\n]*(?:\n\s*//[^\n]*)*(?:\n[^\n]*){0,2}")
ENDS = {
    "release": re.compile(r"release|acq_rel|seq_cst|sem_post|notify"),
    "acquire": re.compile(r"acquire|acq_rel|seq_cst|sem_wait"),
}


def sync_edges(tree: Tree) -> Iterator[str]:
    """Every named synchronisation edge has both its ends in the code and a line in its module's README."""
    ends: dict[tuple[str, str], set[str]] = {}
    places: dict[tuple[str, str], str] = {}
    for source in tree.in_modules:
        for match in SYNC.finditer(source.text):
            edge = (source.folder, match[1])
            places.setdefault(edge, source.at(match.start()))
            # The comment, and the operation under it.
            ends.setdefault(edge, set()).update(end for end, words in ENDS.items() if words.search(match[0]))
    listed = {readme.folder: readme.text for readme in tree.texts("*/README.md")}
    for (module, name), where in places.items():
        for end in sorted(set(ENDS) - ends[module, name]):
            yield f"{where}: sync {name} has no {end} end in {module}"
        if not re.search(rf"\b{re.escape(name)}\b", listed.get(module, "")):
            yield f"{where}: {module}/README.md does not list sync {name}"


def readmes(tree: Tree) -> Iterator[str]:
    """Each module says what it is and which files it has, and links lead somewhere."""
    for module in RANK:
        if (tree.root / module).is_dir() and not (tree.root / module / "README.md").is_file():
            yield f"{module} has no README.md"
    listed = {readme.folder: _first_cells(readme.text) for readme in tree.texts("*/README.md")}
    for source in tree.in_modules:
        *_, folder, name = source.path.split("/")
        stem = name.rsplit(".", 1)[0]
        if source.folder in listed and not listed[source.folder] & {stem, folder + "/"}:
            yield f"{source.path}: no table of {source.folder}/README.md has `{stem}` in its first column"
    for document in tree.texts("*.md", "*/*.md", "docs/**/*.md"):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", document.text, flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if not re.match(r"[a-z]+:", target) and not (tree.root / document.path).parent.joinpath(target).exists():
                yield f"{document.path}: there is no {target}"


def _first_cells(readme: str) -> set[str]:
    """What stands in `...` in the first column of tables: names of files without folder and ending, and folders/."""
    cells = " ".join(match[1] for match in re.finditer(r"^\|([^|]*)\|", readme, re.MULTILINE))
    words = [word.strip("<>") for word in " ".join(re.findall(r"`([^`]+)`", cells)).split()]
    return {word if word.endswith("/") else re.sub(r"\.[*\w]+$", "", word).rsplit("/", 1)[-1] for word in words}


CHECKS = {
    check.__name__: check
    for check in (include_direction, foreign_headers, file_length, headers, atomics, sync_edges, readmes)
}
