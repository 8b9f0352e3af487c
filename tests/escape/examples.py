#!/usr/bin/env python3
"""The examples in docs/escape.md as programs of the corpus, so that they do what the page says.

usage: examples.py docs/escape.md FOLDER    writes the sources, and prints VERDICT|NAME|RULE for each example

The word behind a block's ```cpp says what becomes of it:

    fine               compiles without a warning, and says nothing when it runs
    refused MF-E01     does not compile, by that rule; compiles with the checks off
    reported MF-E12    compiles, and gives that report when it runs

and the next one where it stands, if not in a function that has an executor `pool`:

    handler            in the handler of a request; `request` is its context
    namespace          outside functions

Variables that an example leaves unused are not warned of: it ends before it would use them.

FOLDER gets checked.cpp (fine, reported), twins.cpp (refused, to be compiled with the checks off), canaries.cpp (reported
MF-E32, for a library with canaries) and, for each refused one, NAME.cpp.
"""

import re
import sys
from pathlib import Path

FENCE = re.compile(r"```cpp(?: (fine|refused|reported)(?: (MF-E\d\d))?(?: (handler|namespace))?)?")
PRELUDE = """\
#include "program.hpp"
#include <mayfly/channel.hpp>
#include <mayfly/detached_coroutine.hpp>
#include <mayfly/scoped_ref.hpp>
#include <mayfly/trusted.hpp>

#include <cstring>
#include <functional>
#include <memory>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#ifdef __clang__
#pragma clang diagnostic ignored "-Wmissing-prototypes"
#endif
"""
POSTLUDE = "\n#pragma GCC diagnostic pop\n"
SHOW = {
    True: "escape::touch(text);",
    False: 'for (char const c : text) escape::require(c != 0, "the text is there");',
}
FUNCTION = """\
  mayfly::executor pool{{escape::options()}};
{0}
  escape::next_request(pool);
"""
HANDLER = """\
  mayfly::executor pool{{escape::options()}};
  pool.submit("example", [&pool](mayfly::request_context& request) {{
        static_cast<void>(pool);
{0}
      }}).wait();
  escape::next_request(pool);
"""


def program(name: str, line: int, page: Path, verdict: str, place: str, code: str) -> str:
    here = f'#line {line} "{page}"\n{code}#line 1 "{name}"'
    outside, body = "", FUNCTION.format(here)
    if place == "handler":
        body = HANDLER.format(here)
    elif place == "namespace":
        outside, body = here, ""
    return f"""
namespace {name} {{
[[maybe_unused]] static void show(std::string_view text) {{
  {SHOW[verdict == "reported"]}
}}
[[maybe_unused]] static std::string_view const line{{escape::long_text}};
{outside}
static void run() {{
{body}}}
static ::escape::registration const registered{{"{name}", &run}};
}}  // namespace {name}
"""


def main() -> int:
    page, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    files = {"checked": PRELUDE, "twins": PRELUDE, "canaries": PRELUDE}
    lines = page.read_text(encoding="utf-8").splitlines()
    at, rule = 0, "no rule"
    while at < len(lines):
        opening, at = lines[at], at + 1
        if not opening.startswith("```cpp"):
            continue
        end = lines.index("```", at)
        match = FENCE.fullmatch(opening)
        if not match or not match[1] or (match[2] is None) != (match[1] == "fine"):
            sys.exit(f"{page}:{at}: says neither fine, nor refused or reported and by which rule: {opening}")
        verdict, rule, place = match[1], match[2] or rule, match[3] or ""
        name = f"{rule} {verdict}".replace("-", "_").replace(" ", "_")
        while f"namespace {name} " in "".join(files.values()):
            name += "_too"
        code = "".join(f"{line}\n" for line in lines[at:end])
        text = program(name, at + 1, page, verdict, place, code)
        overruns = verdict == "reported" and rule == "MF-E32"
        files["twins" if verdict == "refused" else "canaries" if overruns else "checked"] += text
        if verdict == "refused":
            files[name] = PRELUDE + text
        print(f"{verdict}|{name}|{rule}")
        at = end + 1
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        text += POSTLUDE
        path = folder / f"{name}.cpp"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
