// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "plugins/file/content.hpp"

namespace sluice::file_plugin {

// What a gzip file was made from, decompressed as it is asked for, front to back; asking far back
// begins anew. Holds a window of the text: what keep() still wants and one step more, however large
// the whole is. A file of several members, as by appending one gzip file to another, is one text.
class GzipContent final : public Content {
 public:
  GzipContent(File& file, std::string path);
  ~GzipContent() override;
  GzipContent(const GzipContent&) = delete;
  GzipContent& operator=(const GzipContent&) = delete;

  Result<size_t> read_at(char* to, size_t size, uint64_t offset) override;
  Result<uint64_t> end(uint64_t from) override;
  bool complete() const override { return complete_; }
  void keep(uint64_t from) override { keep_ = from; }
  // "'a.gz' ends in the middle ...": of a file that nobody writes to any more.
  Error incomplete_error() const;

 private:
  static constexpr size_t kStep = 64u << 10;

  struct Stream;
  void rewind();
  Status inflate_step(bool* progress);
  Result<bool> refill();
  void trim();
  Error damaged(const char* why) const;

  File& file_;
  std::string path_;
  std::unique_ptr<Stream> stream_;
  std::string input_;  // compressed bytes that are not used yet: from input_at_ on
  size_t input_at_ = 0;
  uint64_t input_offset_ = 0;  // of the file behind input_
  std::string head_;           // the first kLookBack bytes, kept for good
  std::string window_;
  uint64_t window_begin_ = 0;
  uint64_t keep_ = 0;
  bool between_members_ = true;
  bool complete_ = false;
};

}  // namespace sluice::file_plugin
