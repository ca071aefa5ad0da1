// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/gzip_member.hpp"

#include <zlib.h>

namespace sluice::file_plugin {

namespace {
constexpr int kLevel = 6;
constexpr int kMemory = 8;
}  // namespace

Result<std::string> gzip_member(std::string_view text) {
  z_stream z = {};
  if (deflateInit2(&z, kLevel, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
    return Error::retriable("no memory to compress");
  }
  std::string out(deflateBound(&z, static_cast<uLong>(text.size())), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int result = ::deflate(&z, Z_FINISH);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  if (result != Z_STREAM_END)
    return Error::fatal("compressing failed with zlib's code " + std::to_string(result));
  return out;
}

}  // namespace sluice::file_plugin
