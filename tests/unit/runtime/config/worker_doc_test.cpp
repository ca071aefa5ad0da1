// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "runtime/config/worker_config.hpp"

namespace sluice::config {
namespace {

// One row for each key of the worker, in the order of the definition.
std::string table() {
  std::ostringstream rows;
  for (const auto& key : worker_config_def().keys()) {
    rows << "| `" << key.name << "` | "
         << (key.required        ? "required"
             : key.default_value ? "`" + *key.default_value + "`"
                                 : "")
         << " | " << key.documentation
         << (key.reason.empty() ? ""
             : key.refused      ? "Refused: "
                                : "No effect: ")
         << key.reason << " |\n";
  }
  return rows.str();
}

TEST(WorkerDoc, listsEveryKeyAsItIsDefined) {
  std::ifstream file(SLUICE_WORKER_DOC);
  ASSERT_TRUE(file) << SLUICE_WORKER_DOC;
  std::ostringstream text;
  text << file.rdbuf();
  // The table of docs/worker.md is this text: copy it from here when a key changes.
  EXPECT_NE(text.str().find(table()), std::string::npos) << "docs/worker.md needs these rows:\n"
                                                         << table();
}

}  // namespace
}  // namespace sluice::config
