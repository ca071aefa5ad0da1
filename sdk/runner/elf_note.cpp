// SPDX-License-Identifier: Apache-2.0
#include "elf_note.hpp"

#include <elf.h>
#include <sluice/plugin.h>

#include <cstring>
#include <fstream>
#include <string_view>

namespace sluice::runner {

namespace {

constexpr size_t kSegmentsMax = 256;
constexpr size_t kSegmentMax = SLUICE_NOTE_MAX + 65536;

// Reads at a place in the file; what is not there is an answer, not an exception.
class File {
 public:
  explicit File(const std::string& name) : stream_(name, std::ios::binary | std::ios::ate) {
    if (stream_) size_ = static_cast<uint64_t>(stream_.tellg());
  }
  bool open() const { return stream_.is_open() && stream_.good(); }
  bool read(uint64_t offset, void* out, uint64_t size) {
    if (offset > size_ || size > size_ - offset) return false;
    stream_.seekg(static_cast<std::streamoff>(offset));
    stream_.read(static_cast<char*>(out), static_cast<std::streamsize>(size));
    return static_cast<bool>(stream_);
  }

 private:
  std::ifstream stream_;
  uint64_t size_ = 0;
};

uint64_t padded(uint64_t size) { return (size + 3) & ~uint64_t{3}; }

// Looks for our note in the bytes of one segment.
bool find_note(std::string_view bytes, std::string& manifest, std::string& fault) {
  while (bytes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    bytes.remove_prefix(sizeof(header));
    const uint64_t size = padded(header.n_namesz) + padded(header.n_descsz);
    if (size > bytes.size()) {
      fault = "a note is longer than its segment";
      return false;
    }
    const std::string_view owner = bytes.substr(0, header.n_namesz);
    if (owner == std::string_view(SLUICE_NOTE_OWNER, sizeof(SLUICE_NOTE_OWNER)) &&
        header.n_type == SLUICE_NOTE_TYPE) {
      if (header.n_descsz > SLUICE_NOTE_MAX) {
        fault = "the manifest has " + std::to_string(header.n_descsz) + " bytes, at most " +
                std::to_string(SLUICE_NOTE_MAX) + " are read";
        return false;
      }
      manifest = bytes.substr(padded(header.n_namesz), header.n_descsz);
      return true;
    }
    bytes.remove_prefix(size);
  }
  return false;
}

}  // namespace

bool read_note(const std::string& name, std::string& manifest, std::string& fault) {
  File file(name);
  Elf64_Ehdr header;
  if (!file.open()) {
    fault = "cannot be read";
    return false;
  }
  if (!file.read(0, &header, sizeof(header)) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_type != ET_DYN || header.e_phentsize != sizeof(Elf64_Phdr)) {
    fault = "is no shared library for this machine (64-bit little-endian ELF)";
    return false;
  }
  for (size_t i = 0; i < header.e_phnum && i < kSegmentsMax; ++i) {
    Elf64_Phdr segment;
    if (!file.read(header.e_phoff + i * sizeof(segment), &segment, sizeof(segment))) {
      fault = "ends within its program headers";
      return false;
    }
    if (segment.p_type != PT_NOTE) continue;
    if (segment.p_filesz > kSegmentMax) {
      fault = "has a note segment of " + std::to_string(segment.p_filesz) + " bytes";
      return false;
    }
    std::string bytes(segment.p_filesz, '\0');
    if (!file.read(segment.p_offset, bytes.data(), bytes.size())) {
      fault = "ends within its notes: the file is cut short";
      return false;
    }
    if (find_note(bytes, manifest, fault)) return true;
    if (!fault.empty()) return false;
  }
  fault = "has no manifest: SLUICE_PLUGIN writes it (section .note.sluice)";
  return false;
}

}  // namespace sluice::runner
