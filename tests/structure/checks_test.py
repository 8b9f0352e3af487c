"""Plants each fault that checks.py knows into a small sound tree and sees it found, and nothing else found."""

import tempfile
import unittest
from pathlib import Path

from checks import CHECKS, MAX_LINES
from source_text import Tree, without_comments_and_literals

HEADER = "#pragma once\n{includes}\nnamespace mayfly {{\n/// One.\nclass {name} {{\n{body}}};\n}}\n"


def header(name: str, includes: str = "", body: str = "") -> str:
    return HEADER.format(name=name, includes=includes, body=body)


# What the planted files are called, too.
ARENA = "| [`page.hpp`](include/mayfly/page.hpp), `json_resource` `other` | pages |\n"
POOL = "| `executor.hpp`, `src/lane.*` `page` | requests |\n"
SERVICE = "| `main` `full` `private` | the program |\n"

SOUND = {
    "arena/README.md": f"# arena\n\n{ARENA}\n- sync hand-over: see [page](include/mayfly/page.hpp)\n",
    "arena/CMakeLists.txt": "mayfly_add_library(arena SOURCES src/page.cpp)\n",
    "arena/include/mayfly/page.hpp": header(
        "page",
        "#include <atomic>",
        "  std::atomic<int> state_{0};\n"
        "  // sync hand-over: release; pairs with take(); publishes the page\n"
        "  void give() { state_.store(1, std::memory_order_release); }\n"
        "  // sync hand-over: acquire; pairs with give(); reads the page\n"
        "  int take() { return state_.load(std::memory_order_acquire); }\n",
    ),
    "arena/include/mayfly/json_resource.hpp": header("json_resource", "#include <boost/json/memory_resource.hpp>"),
    "arena/src/page.cpp": "#include <mayfly/page.hpp>\n#include <boost/json.hpp>\n",
    "pool/README.md": f"# pool\n{POOL}",
    "pool/CMakeLists.txt": "mayfly_add_library(pool SOURCES src/executor.cpp PUBLIC_LINK mayfly_arena)\n",
    "pool/include/mayfly/executor.hpp": header("executor", "#include <mayfly/page.hpp>"),
    "pool/src/executor.cpp": "#include <mayfly/executor.hpp>\n#include <tbb/task_arena.h>\n",
    "service/README.md": f"# service\n{SERVICE}",
    "service/src/main.cpp": "#include <mayfly/executor.hpp>\nint main() {}\n",
    "tests/arena/page_test.cpp": "#include <mayfly/page.hpp>\n",
    "tests/service/main_test.cpp": "#include <mayfly/executor.hpp>\n",
}


class PlantedFaults(unittest.TestCase):
    def faults(self, planted: dict[str, str]) -> dict[str, list[str]]:
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {**SOUND, **planted}.items():
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            tree = Tree(Path(folder))
            found = {name: list(check(tree)) for name, check in CHECKS.items()}
        return {name: faults for name, faults in found.items() if faults}

    def finds(self, check: str, where: str, planted: dict[str, str], what: str = "") -> None:
        found = self.faults(planted)
        self.assertEqual([check], list(found), found)
        self.assertEqual(1, len(found[check]), found)
        self.assertIn(where, found[check][0])
        self.assertIn(what, found[check][0])

    def in_page(self, body: str) -> dict[str, str]:
        return {"arena/include/mayfly/other.hpp": header("other", "#include <atomic>", body)}

    def test_a_sound_tree_has_none(self):
        self.assertEqual({}, self.faults({}))

    def test_a_lower_module_includes_a_higher_one(self):
        planted = {"arena/src/page.cpp": "#include <mayfly/executor.hpp>\n"}
        self.finds("include_direction", "arena/src/page.cpp:1", planted, "of pool")

    def test_a_lower_modules_test_includes_a_higher_module(self):
        planted = {"tests/arena/page_test.cpp": "\n#include <mayfly/executor.hpp>\n"}
        self.finds("include_direction", "tests/arena/page_test.cpp:2", planted)

    def test_a_commented_include_counts_for_nothing(self):
        self.assertEqual({}, self.faults({"arena/src/page.cpp": "// #include <mayfly/executor.hpp>\n"}))

    def test_a_lower_module_links_a_higher_one(self):
        planted = {"arena/CMakeLists.txt": "mayfly_add_library(arena PRIVATE_LINK mayfly::pool)\n"}
        self.finds("include_direction", "arena/CMakeLists.txt:1", planted)

    def test_service_and_stress_do_not_know_each_other(self):
        planted = {
            "stress/README.md": "| `stress` | it |\n",
            "stress/include/mayfly/stress.hpp": header("stress"),
            "service/src/main.cpp": "#include <mayfly/stress.hpp>\n",
        }
        self.finds("include_direction", "service/src/main.cpp:1", planted)

    def test_an_include_leaves_its_module_by_path(self):
        planted = {"service/src/main.cpp": '#include "../../pool/src/private.hpp"\n'}
        self.finds("include_direction", "service/src/main.cpp:1", planted)

    def test_a_header_that_no_module_has(self):
        self.finds("include_direction", "main.cpp:1", {"service/src/main.cpp": "#include <mayfly/gone.hpp>\n"})

    def test_two_modules_with_one_header_name(self):
        self.finds("include_direction", "mayfly/page.hpp", {"pool/include/mayfly/page.hpp": header("page")})

    def test_a_core_public_header_includes_a_third_party(self):
        for name in ("tbb/task.h", "oneapi/tbb.h", "boost/json.hpp", "spdlog/spdlog.h", "google/protobuf/arena.h"):
            planted = {"pool/include/mayfly/executor.hpp": header("executor", f"#include <{name}>")}
            self.finds("foreign_headers", "pool/include/mayfly/executor.hpp:2", planted, name)

    def test_a_joint_joins_its_own_library_only(self):
        planted = {"arena/include/mayfly/json_resource.hpp": header("json_resource", "#include <tbb/task.h>")}
        self.finds("foreign_headers", "json_resource.hpp:2", planted)

    def test_a_file_of_401_lines(self):
        full = "int main() {}\n" + "//\n" * (MAX_LINES - 1)
        self.assertEqual({}, self.faults({"service/src/full.cpp": full}))
        self.finds("file_length", "service/src/full.cpp: 401", {"service/src/full.cpp": full + "//\n"})

    def test_a_header_without_pragma_once(self):
        planted = {"service/src/private.hpp": "// a comment may come first\nint f();\n#pragma once\n"}
        self.finds("headers", "service/src/private.hpp", planted)

    def test_using_namespace_in_a_header(self):
        planted = {"service/src/private.hpp": "#pragma once\nusing namespace std;\n"}
        self.finds("headers", "service/src/private.hpp:2", planted)

    def test_a_public_type_without_a_docstring(self):
        text = "#pragma once\nclass scope;\n\ntemplate <class T>\nstruct lane {\n};\n"
        planted = {"pool/include/mayfly/lane.hpp": text}
        self.finds("headers", "pool/include/mayfly/lane.hpp:5", planted, "lane")

    def test_an_atomic_call_without_an_order(self):
        for call in ("s_.load()", "s_.store(f(1, 2))", "p->fetch_add(1)", "s_.compare_exchange_weak(a,\n b)"):
            self.finds("atomics", "other.hpp:6", self.in_page(f"  void f() {{ {call}; }}\n"), "no memory order")

    def test_an_order_that_is_passed_on_is_spelt(self):
        self.assertEqual({}, self.faults(self.in_page("  void f(std::memory_order order) { s_.load(order); }\n")))

    def test_an_atomic_operator(self):
        for operation in ("++s_", "s_++", "s_ += 2", "s_ = 3", "s_ |= 1"):
            planted = self.in_page(f"  void f() {{ {operation}; }}\n  std::atomic<int> s_ = 0;\n")
            self.finds("atomics", "other.hpp:6", planted, "hides")

    def test_an_atomic_operator_on_the_atomic_of_a_policy(self):
        for declared in ("  atomic<int> s_{0};\n", "  alignas(64) typename Policy::template atomic<int> s_{0};\n"):
            planted = self.in_page(f"  void f() {{ ++s_; }}\n{declared}")
            self.finds("atomics", "other.hpp:6", planted, "hides")

    def test_a_plain_variable_of_the_same_name_is_left_alone(self):
        body = "  std::atomic<int> s_{0};\n};\n/// Two.\nclass two {\n  int s_ = 0;\n  void f() { ++s_; }\n"
        self.assertEqual({}, self.faults(self.in_page(body)))

    def test_a_comparison_is_no_operator_of_an_atomic(self):
        self.assertEqual({}, self.faults(self.in_page("  bool f() { return s_ == 1; }\n  std::atomic<int> s_{0};\n")))

    def test_a_fence(self):
        for fence in ("std::atomic_thread_fence(std::memory_order_seq_cst)", "__sync_synchronize()", "_mm_mfence()"):
            self.finds("atomics", "other.hpp:6", self.in_page(f"  void f() {{ {fence}; }}\n"), "race detector")

    def test_an_edge_with_one_end(self):
        planted = {"pool/src/executor.cpp": "// sync wake: release; pairs with sleep(); publishes the queue\n"}
        planted["pool/README.md"] = f"{POOL}- sync wake\n"
        self.finds("sync_edges", "pool/src/executor.cpp:1", planted, "no acquire end")

    def test_an_edge_that_the_readme_does_not_list(self):
        planted = {"pool/src/executor.cpp": "// sync wake: acq_rel; pairs with itself\n"}
        self.finds("sync_edges", "pool/src/executor.cpp:1", planted, "README.md")

    def test_a_module_without_a_readme(self):
        self.finds("readmes", "stress has no", {"stress/src/main.cpp": "int main() {}\n"})

    def test_a_link_to_nowhere(self):
        links = "[a](../arena/README.md#pages) [b](gone.md) [c](https://example.org) `[d](e)`\n"
        planted = {"pool/README.md": f"{POOL}\n{links}"}
        self.finds("readmes", "pool/README.md: there is no gone.md", planted)


    def test_a_file_that_no_table_of_its_readme_names(self):
        for path in ("pool/src/stray.cpp", "pool/include/mayfly/detail/stray.hpp", "pool/include/mayfly/detail/scope.hpp"):
            planted = {path: header("stray")}
            planted["pool/README.md"] = f"{POOL}| stray | `stray` |\n\n`stray` and `scope`\n| `stray_scope` | |\n"
            self.finds("readmes", path, planted, "pool/README.md")

    def test_a_folder_in_a_table_stands_for_its_files(self):
        planted = {"pool/src/parts/stray.cpp": "int main() {}\n", "pool/README.md": f"{POOL}| `parts/` | small |\n"}
        self.assertEqual({}, self.faults(planted))


class CodeOnly(unittest.TestCase):
    def test_comments_and_literals_are_blanked_in_place(self):
        text = "a(\"x // y\"); // b\n/* c\n d */ e('\\'', 10'000, R\"(f\n\")\");\n"
        code = without_comments_and_literals(text)
        self.assertEqual(len(text), len(code))
        self.assertEqual("a( ); e( , 10'000, );", " ".join(code.split()))


if __name__ == "__main__":
    unittest.main()
