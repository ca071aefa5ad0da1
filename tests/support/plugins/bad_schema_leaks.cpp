// SPDX-License-Identifier: Apache-2.0
// Makes a schema and never releases it.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

class Leaking : public Source {
 public:
  Status start(const Config& config) override {
    SLUICE_SDK_TRY(Source::start(config));
    sluice_schema definition = {};
    definition.struct_size = sizeof(definition);
    definition.type = SLUICE_STRING;
    const sluice_schema* made = nullptr;
    sluice_error error = detail::empty_error();
    const auto status = context().host()->schema_make(context().raw(), &definition, &made, &error);
    if (status != SLUICE_OK) return detail::from_host(status, error);
    return ok();
  }
};
}  // namespace

SLUICE_PLUGIN("bad_schema_leaks", "1.0.0", sluice::fixture::a_source<Leaking>("bad.SchemaLeaks"));
