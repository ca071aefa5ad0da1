// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "plugins/file/fingerprint.hpp"
#include "plugins/file/gzip_content.hpp"
#include "plugins/file/line_source.hpp"

namespace sluice::file_plugin {

// How files are opened, for all files of a task.
struct OpenOptions {
  LineOptions lines;
  bool gzip = true;           // files called *.gz are decompressed
  uint64_t header_lines = 0;  // left out at the start of each file
};

// One file of a source while it is open: its content, and the lines of it from a position on. Owned
// by its TrackedFile, used by the task's poll only.
class OpenFile {
 public:
  // NOT_CONNECTED: there is no such file.
  static Result<std::unique_ptr<OpenFile>> open(Files& files, const std::string& path,
                                                const OpenOptions& options);
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // Makes lines() ready, from `position` on, which `number` lines are before. False: too little is
  // there to know the encoding; nothing can be read yet.
  Result<bool> ready(Events& events, const OpenOptions& options, uint64_t position,
                     uint64_t number);

  Content& content() { return *content_; }
  LineSource& lines() { return *lines_; }
  bool gzip() const { return gzip_ != nullptr; }
  const std::string& path() const { return path_; }
  Result<FileInfo> info();
  Error incomplete_error() const { return gzip_->incomplete_error(); }

 private:
  OpenFile(std::unique_ptr<File> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  std::unique_ptr<File> file_;
  std::string path_;
  std::unique_ptr<Content> content_;
  GzipContent* gzip_ = nullptr;  // content_, where it is one
  std::unique_ptr<ContentInput> input_;
  std::unique_ptr<LineSource> lines_;
};

}  // namespace sluice::file_plugin
