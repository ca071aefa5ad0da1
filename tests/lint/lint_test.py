# SPDX-License-Identifier: Apache-2.0
"""Each rule finds what it is for, and nothing in a clean file."""
import unittest

import rules

CLEAN = '// SPDX-License-Identifier: Apache-2.0\n#pragma once\n#include "broker-core/base/result.hpp"\n'


class RulesTest(unittest.TestCase):
    def test_clean_file_has_no_findings(self):
        for rule in rules.RULES:
            self.assertEqual(rule("broker-core/storage/a.hpp", CLEAN), [], rule.__name__)

    def test_broker_core_never_includes_runtime(self):
        self.assertTrue(rules.include_directions("broker-core/storage/a.cpp", '#include "runtime/log/log.hpp"\n'))
        self.assertTrue(rules.include_directions("broker-core/base/a.cpp", '#include "broker-core/model/b.hpp"\n'))

    def test_plugin_includes_the_sdk_and_itself_only(self):
        self.assertTrue(rules.include_directions("plugins/file/a.cpp", '#include "runtime/log/log.hpp"\n'))
        self.assertTrue(rules.include_directions("plugins/file/a.cpp", '#include "plugins/mqtt/b.hpp"\n'))
        self.assertFalse(rules.include_directions("plugins/file/a.cpp", '#include "plugins/file/b.hpp"\n'))
        self.assertFalse(rules.include_directions("plugins/file/a.cpp", '#include "sdk/include/sluice/plugin.h"\n'))

    def test_every_folder_of_the_table_is_known(self):
        self.assertEqual(rules.folder_of("runtime/log/embedded.cpp"), "runtime/log")
        self.assertEqual(rules.folder_of("runtime/logging/logging.cpp"), "runtime/logging")
        self.assertIsNone(rules.folder_of("tests/unit/a.cpp"))

    def test_file_size(self):
        self.assertTrue(rules.file_size("runtime/a.cpp", "x\n" * (rules.LINES_MAX + 1)))
        self.assertFalse(rules.file_size("runtime/a.cpp", "x\n" * rules.LINES_MAX))

    def test_line_length(self):
        self.assertEqual(rules.line_length("a.cpp", "x" * 121 + "\n")[0][0], 1)

    def test_heavy_headers(self):
        self.assertTrue(rules.heavy_headers("runtime/rest/a.hpp", "#include <Poco/URI.h>\n"))
        self.assertFalse(rules.heavy_headers("runtime/rest/a.cpp", "#include <Poco/URI.h>\n"))
        self.assertFalse(rules.heavy_headers("runtime/rest/a.hpp", "#include <nlohmann/json_fwd.hpp>\n"))

    def test_banned_calls(self):
        for code in ("strcpy(a, b);", "int x = atoi(s);", "auto* p = new Foo(1);", "delete p;", "// FIXME later",
                     "int r = rand();"):
            self.assertTrue(rules.banned_calls("a.cpp", code + "\n"), code)
        for code in ("// a new Foo( in a comment", 'log("delete p;");', "Foo(const Foo&) = delete;", "auto newer = 1;",
                     "auto p = std::unique_ptr<Foo>(new Foo(1));"):
            self.assertFalse(rules.banned_calls("a.cpp", code + "\n"), code)

    def test_sleeps(self):
        self.assertTrue(rules.no_sleep("a.cpp", "std::this_thread::sleep_for(1s);\n"))
        self.assertTrue(rules.no_sleep("a.cpp", "usleep(10);\n"))
        self.assertFalse(rules.no_sleep("a.cpp", "// sleep(1)\n"))

    def test_licence_and_pragma(self):
        self.assertTrue(rules.licence_line("a.cpp", "int x;\n"))
        self.assertTrue(rules.pragma_once("a.hpp", "int x;\n"))
        self.assertFalse(rules.pragma_once("a.cpp", "int x;\n"))


if __name__ == "__main__":
    unittest.main()
