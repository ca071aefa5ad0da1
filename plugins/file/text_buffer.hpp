// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace sluice::file_plugin {

// Bytes on their way to a file: a growing buffer without zeroing, whose end can be taken back. Owned by a LineWriter.
class TextBuffer {
 public:
  void append(std::string_view text) {
    if (text.empty()) return;
    reserve(text.size());
    std::memcpy(memory_.get() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) {
    reserve(1);
    memory_[size_++] = c;
  }
  // The common case in one go: text and its line end.
  void append_line(std::string_view text) {
    reserve(text.size() + 1);
    char* const to = memory_.get() + size_;
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to[text.size()] = '\n';
    size_ += text.size() + 1;
  }
  std::string_view view() const { return {memory_.get(), size_}; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  void cut_to(size_t size) { size_ = size; }
  // Gives the memory back.
  void reset() {
    memory_.reset();
    size_ = capacity_ = 0;
  }

 private:
  void reserve(size_t more) {
    if (size_ + more > capacity_) [[unlikely]] grow(size_ + more);
  }
  void grow(size_t wanted) {
    const size_t capacity = std::max({wanted, 2 * capacity_, size_t{4096}});
    auto memory = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(memory.get(), memory_.get(), size_);
    memory_ = std::move(memory);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> memory_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace sluice::file_plugin
