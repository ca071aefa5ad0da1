// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/files.hpp"

#include <cerrno>
#include <system_error>

namespace sluice::file_plugin {

namespace {
constexpr uint32_t kSpaceRetryMs = 1000;
}

std::string describe(std::string_view what, const std::string& path, int error) {
  return std::string(what) + " '" + path + "': " + std::generic_category().message(error);
}

bool out_of_space(int error) { return error == ENOSPC || error == EDQUOT; }

Error io_error(std::string_view what, const std::string& path, int error) {
  if (!out_of_space(error)) return Error::fatal(describe(what, path, error));
  return Error::retriable(describe(what, path, error) + "; make room, the task goes on by itself", kSpaceRetryMs);
}

}  // namespace sluice::file_plugin
