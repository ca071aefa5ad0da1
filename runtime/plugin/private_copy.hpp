// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "broker-core/base/result.hpp"
#include "broker-core/base/types.hpp"

namespace sluice::plugin {

// What tells one state of a file from another without reading it.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
Result<FileIdentity> identify(const std::string& path);

// A plugin runs with all rights of the worker, so nobody else may be able to change it: the file
// and its folder must belong to root or to this user and must not be writable for group or others.
// kInvalid says what to change.
Status check_permissions(const std::string& path);

// The bytes of a library as they were at one moment: in memory that belongs to this process alone
// (a sealed memfd; a file without a name in `scratch` where the system has none), so that whoever
// overwrites or cuts the original cannot crash the code that runs from the copy. Movable; the copy
// ends with the object and the maps made of it.
class PrivateCopy {
 public:
  // kNotFound, kIo; kInvalid: no regular file, or too large; kRetriable: it is being written at
  // this moment.
  static Result<PrivateCopy> make(const std::string& path, const std::string& scratch);
  PrivateCopy(PrivateCopy&& other) noexcept;
  PrivateCopy& operator=(PrivateCopy&& other) noexcept;
  ~PrivateCopy();

  ByteView bytes() const { return {static_cast<const std::byte*>(map_), size_}; }
  int fd() const { return fd_; }
  std::string path() const;  // for dlopen in this process, while the object lives
  const std::string& sha256() const { return sha256_; }       // of the bytes, in hex
  const FileIdentity& identity() const { return identity_; }  // of the original
  void keep_for_ever() { kept_ = true; }  // code was loaded from it: the destructor closes nothing

 private:
  PrivateCopy() = default;
  Status map();
  void reset();

  int fd_ = -1;
  void* map_ = nullptr;
  size_t size_ = 0;
  bool kept_ = false;
  std::string sha256_;
  FileIdentity identity_;
};

}  // namespace sluice::plugin
