// SPDX-License-Identifier: Apache-2.0
#include <sluice/testkit/driver.hpp>

#include <cstdio>

using namespace sluice::testkit;

extern "C" const sluice_plugin* sluice_plugin_entry(uint32_t host_abi_version);

#define EXPECT(condition)                                                  \
  if (!(condition)) {                                                      \
    std::fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition); \
    return 1;                                                              \
  }

int main() {
  const sluice_class& cls = *sluice_plugin_entry(SLUICE_ABI_VERSION)->classes[0];
  const auto* api = static_cast<const sluice_source_api*>(cls.api);
  const ConfigMap config = with_defaults(*cls.config, {{"topic", "ticks"}, {"limit", "3"}});
  FakeHost host;
  {
    SourceDriver source(host, api, config);
    EXPECT(source.start().ok());
    EXPECT(source.poll().ok());
    EXPECT(source.records().size() == 3);
    EXPECT(source.records()[2].value == "3");
    EXPECT(source.make_durable().ok());
    EXPECT(source.poll().status == SLUICE_END);
  }
  SourceDriver again(host, api, config);  // a restart: nothing comes twice
  EXPECT(again.start().ok());
  EXPECT(again.poll().status == SLUICE_END);
  again.destroy();
  EXPECT(host.violations().empty());
  EXPECT(host.live_batches() == 0);
  return 0;
}
