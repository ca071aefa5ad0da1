// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk/result.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// The plugin's seam to the disk. The real one goes through the worker (host_files.hpp), which
// confines every path; the tests have one in memory that fails and loses power where they say.
namespace sluice::file_plugin {

using sdk::Error;
using sdk::Result;
using sdk::Status;

// What fstat says, as far as it matters here.
struct FileInfo {
  uint64_t size = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t links = 0;
  int64_t changed_ns = 0;  // ctime: also moves when the file is renamed
  bool regular = true;
  int64_t modified_ns = 0;

  bool same_file(const FileInfo& other) const {
    return device == other.device && inode == other.inode;
  }
};

// A failed system call: its errno, and how many bytes had been written before it.
struct IoResult {
  int error = 0;
  uint64_t bytes = 0;
  bool ok() const { return error == 0; }
};

// An open file. Owned by the task that opened it, used by the task's calls only, closed by its
// destructor.
class File {
 public:
  virtual ~File() = default;
  // Reads up to `size` bytes; fewer only at the end of the file.
  virtual IoResult read_at(char* to, size_t size, uint64_t offset) = 0;
  // Writes all of it, or says how much was written before the error.
  virtual IoResult write_at(std::string_view bytes, uint64_t offset) = 0;
  virtual IoResult truncate(uint64_t size) = 0;
  // fdatasync
  virtual IoResult sync() = 0;
  virtual IoResult info(FileInfo* info) = 0;
  // Exclusive, without waiting, held until the file is closed; EWOULDBLOCK if somebody else has it.
  virtual IoResult lock() = 0;
  // A small named mark kept beside the contents (an extended attribute); ENODATA: none; ENOTSUP:
  // not possible here.
  virtual IoResult read_mark(std::string* value) = 0;
  virtual IoResult write_mark(std::string_view value) = 0;
};

enum class Access { kRead, kWrite };

class Files {
 public:
  virtual ~Files() = default;
  // An existing file. NOT_CONNECTED: there is none.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Access access) = 0;
  // Opens for writing and creates if need be; a new name is durable when this returns.
  virtual Result<std::unique_ptr<File>> create(const std::string& path) = 0;
  // Replaces `to`; durable when this returns.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
};

// A name in a folder, as it stands there: a link is not followed.
struct FolderEntry {
  enum class Kind { kFile, kFolder, kLink, kOther };
  std::string name;
  Kind kind = Kind::kOther;
  FileInfo info;
};

class Folders {
 public:
  virtual ~Folders() = default;
  // All names in a folder, at most `max` (else CONFIG_ERROR). NOT_CONNECTED: there is no such
  // folder.
  virtual Result<std::vector<FolderEntry>> list(const std::string& path, size_t max) = 0;
  // Removes a name; durable when this returns. Fine if there is none.
  virtual Status remove(const std::string& path) = 0;
  // With all above it, durably. Fine if it is there; "" is where relative paths begin.
  virtual Status make_folder(const std::string& path) = 0;
};

// Things that a person should hear of and that are no failures.
class Events {
 public:
  virtual ~Events() = default;
  virtual void report(std::string_view kind, const std::string& text) = 0;
};

// All of what a task that reads files has to do with the outside.
class Disk : public Files, public Folders, public Events {};

// "writing to 'out.txt': No space left on device"
std::string describe(std::string_view what, const std::string& path, int error);
// ENOSPC and EDQUOT: somebody can make room, so it is worth trying again.
bool out_of_space(int error);
// RETRIABLE when out of space, else FATAL.
Error io_error(std::string_view what, const std::string& path, int error);

}  // namespace sluice::file_plugin
