// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/plugin_cache.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/runtime/plugin/plugin_fixture.hpp"

namespace sluice::plugin {
namespace {

// What the cache says decides whether a library is examined, so damage of it must never be
// believed.
TEST(PluginCache, EveryFlippedBitIsNoticedOrChangesNothing) {
  const testing::TempFolder folder;
  const FileIdentity identity{1, 2, 3, 4, 5};
  CachedLibrary entry;
  entry.identity = identity;
  entry.sha256 = std::string(64, 'a');
  entry.manifest = "{\"name\": \"file\"}";
  entry.probed = true;
  {
    PluginCache cache(folder.path());
    cache.put("/plugins/file.so", entry);
    ASSERT_FALSE(cache.save({{"/plugins/file.so", identity}}));
  }
  const std::string path = folder.path() + "/plugin-cache.json";
  const std::string content = testing::read_file(path);
  ASSERT_NE(PluginCache(folder.path()).find("/plugins/file.so", identity), nullptr);
  int noticed = 0;
  for (size_t bit = 0; bit < content.size() * 8; ++bit) {
    std::string damaged = content;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    std::ofstream(path, std::ios::binary) << damaged;
    const PluginCache cache(folder.path());
    const auto* found = cache.find("/plugins/file.so", identity);
    if (found == nullptr) {
      ++noticed;
      continue;
    }
    EXPECT_EQ(found->sha256, entry.sha256) << bit;
    EXPECT_EQ(found->manifest, entry.manifest) << bit;
    EXPECT_EQ(found->probed, entry.probed) << bit;
    EXPECT_EQ(found->refusal, entry.refusal) << bit;
  }
  EXPECT_GT(noticed, 0);
}

}  // namespace
}  // namespace sluice::plugin
