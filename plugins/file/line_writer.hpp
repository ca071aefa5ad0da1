// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "plugins/file/files.hpp"
#include "plugins/file/text_buffer.hpp"

namespace sluice::file_plugin {

// Appends batches of lines to one file: collected in memory, written in large pieces, synced on
// demand. A batch is taken whole or not at all: what a failed write left behind is cut off again.
// Owned by SinkFile, used by the task's calls only.
class LineWriter {
 public:
  // `strict`: nobody else may write to the file (exactly-once); otherwise that is an event and the
  // sink goes on at the file's new end. `gzip`: what is written in one go is compressed, as a
  // whole.
  LineWriter(std::unique_ptr<File> file, std::string path, uint64_t length, bool strict,
             Events& events, bool gzip = false)
      : file_(std::move(file)),
        path_(std::move(path)),
        written_(length),
        synced_(length),
        strict_(strict),
        gzip_(gzip),
        events_(events) {}

  // The buffer for the lines of one batch, to be followed by end_batch() or drop_batch().
  TextBuffer& begin_batch() {
    mark_ = buffer_.size();
    return buffer_;
  }
  // May write. After an error the batch was not taken.
  Status end_batch();
  void drop_batch() { buffer_.cut_to(mark_); }

  // Everything taken so far is on the disk when this is OK. RETRIABLE: nothing is lost, call again.
  Status sync();
  // Length of the file that the last sync() made durable.
  uint64_t synced_length() const { return synced_; }
  // With what is not written yet, and not compressed.
  uint64_t length() const { return written_ + buffer_.size(); }
  File& file() { return *file_; }

 private:
  static constexpr size_t kWriteBytes = 512u << 10;

  Status flush();
  Status check_file();
  Status remove_torn_write();

  std::unique_ptr<File> file_;
  std::string path_;
  TextBuffer buffer_;
  size_t mark_ = 0;
  uint64_t written_;  // length of the file as far as whole batches go
  uint64_t synced_;
  bool strict_;
  bool gzip_;
  bool torn_ = false;   // the file may be longer than written_ by a part of a batch
  bool dirty_ = false;  // written since the last sync
  bool broken_ = false;
  Events& events_;
};

}  // namespace sluice::file_plugin
