// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/mqtt/mapping/payload_options.hpp"

namespace sluice::mqtt_plugin {

// Decompresses whole payloads, with a bound on what comes out of them. Owned by a mapper, used by
// one thread; its memory is used again.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // nullopt: `out()` is the content, until the next call. Else why there is none.
  std::optional<std::string> inflate(Compression kind, std::string_view bytes, size_t max_bytes);
  std::string_view out() const { return out_; }

 private:
  struct Streams;
  std::optional<std::string> gzip(std::string_view bytes, size_t max_bytes);
  std::optional<std::string> zstd(std::string_view bytes, size_t max_bytes);
  bool grow(size_t used, size_t max_bytes);

  std::unique_ptr<Streams> streams_;
  std::string out_;
};

}  // namespace sluice::mqtt_plugin
