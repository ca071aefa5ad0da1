// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/open_file.hpp"

#include <algorithm>
#include <array>

#include "plugins/file/rotation_name.hpp"

namespace sluice::file_plugin {

Result<std::unique_ptr<OpenFile>> OpenFile::open(Files& files, const std::string& path,
                                                 const OpenOptions& options) {
  SLUICE_SDK_ASSIGN(std::unique_ptr<File> file, files.open(path, Access::kRead));
  std::unique_ptr<OpenFile> opened(new OpenFile(std::move(file), path));
  if (options.gzip && is_gzip_name(path)) {
    auto gzip = std::make_unique<GzipContent>(*opened->file_, path);
    opened->gzip_ = gzip.get();
    opened->content_ = std::move(gzip);
  } else {
    opened->content_ = std::make_unique<PlainContent>(*opened->file_, path);
  }
  return opened;
}

Result<bool> OpenFile::ready(Events& events, const OpenOptions& options, uint64_t position,
                             uint64_t number) {
  if (lines_ != nullptr) return true;
  LineOptions lines = options.lines;
  if (lines.encoding == Encoding::kUtf16) {
    std::array<char, 2> first;
    SLUICE_SDK_ASSIGN(const size_t read, content_->read_at(first.data(), first.size(), 0));
    if (read < first.size()) return false;
    lines.encoding = by_byte_order_mark({first.data(), first.size()});
  }
  input_ = std::make_unique<ContentInput>(*content_, position);
  lines_ = std::make_unique<LineSource>(*input_, events, path_, lines);
  const bool unknown =
      position > 0 && number == 0;  // an offset of FileStreamSource: its headers are behind us
  const uint64_t headers =
      unknown ? 0 : options.header_lines - std::min(options.header_lines, number);
  lines_->start_at(number, headers);
  return true;
}

Result<FileInfo> OpenFile::info() {
  FileInfo info;
  if (const IoResult result = file_->info(&info); !result.ok())
    return io_error("looking at", path_, result.error);
  return info;
}

}  // namespace sluice::file_plugin
