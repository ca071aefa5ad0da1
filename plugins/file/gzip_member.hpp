// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "plugins/file/files.hpp"

namespace sluice::file_plugin {

constexpr int kGzip = 15 + 16;  // zlib's window bits: the largest window, gzip's wrapping

// `text` as one whole gzip file. Several of them one behind the other are a gzip file, too, so that
// a file of such pieces can be cut and gone on with between any two of them.
Result<std::string> gzip_member(std::string_view text);

}  // namespace sluice::file_plugin
