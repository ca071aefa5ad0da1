// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/elf_note.hpp"

#include <elf.h>

#include <bit>
#include <cstring>
#include <optional>

#include "sdk/include/sluice/plugin.h"

namespace sluice::plugin {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the reader takes numbers as they stand in the file");

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
constexpr const char* kMachineName = "x86-64";
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
constexpr const char* kMachineName = "aarch64";
#elif defined(__riscv)
constexpr uint16_t kMachine = EM_RISCV;
constexpr const char* kMachineName = "riscv64";
#else
#error "no ELF machine number known for this processor"
#endif

constexpr size_t kMaxSegments = 256;  // linkers make about ten
constexpr size_t kMaxNotes = 1024;    // in one segment

Error bad(std::string text) {
  return {ErrorKind::kInvalid, std::move(text)};
}

Error cut_off(const std::string& what, uint64_t end, size_t size) {
  return bad("the file is cut off: " + what + " ends at byte " + std::to_string(end) +
             ", the file has " + std::to_string(size) + " bytes; copy it again");
}

// A struct of the file, copied out because nothing in the file need be aligned; nullopt outside of
// the file.
template <class T>
std::optional<T> at(ByteView file, uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T out;
  std::memcpy(&out, file.data() + offset, sizeof(T));
  return out;
}

bool inside(ByteView file, uint64_t offset, uint64_t size) {
  return offset <= file.size() && size <= file.size() - offset;
}

// For the message only, so a sum that wraps around shows as the largest number.
uint64_t end_of(uint64_t offset, uint64_t size) {
  return offset + size < offset ? UINT64_MAX : offset + size;
}

Result<Elf64_Ehdr> read_header(ByteView file) {
  if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) {
    return bad("no shared library: it does not begin with the ELF signature");
  }
  auto header = at<Elf64_Ehdr>(file, 0);
  if (!header) return cut_off("the ELF header", sizeof(Elf64_Ehdr), file.size());
  if (header->e_ident[EI_CLASS] != ELFCLASS64) return bad("built for 32 bits, this worker runs 64");
  if (header->e_ident[EI_DATA] != ELFDATA2LSB) return bad("built for a big-endian machine");
  if (header->e_ident[EI_VERSION] != EV_CURRENT) return bad("unknown ELF version");
  if (header->e_machine != kMachine) {
    return bad("built for another processor (ELF machine " + std::to_string(header->e_machine) +
               "), this worker runs on " + kMachineName);
  }
  if (header->e_type != ET_DYN)
    return bad("no shared library: its ELF type is " + std::to_string(header->e_type));
  if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
      header->e_phnum > kMaxSegments) {
    return bad("broken ELF header: " + std::to_string(header->e_phnum) + " program headers of " +
               std::to_string(header->e_phentsize) + " bytes");
  }
  return *header;
}

// Every byte that the loader would map must be in the file.
Status check_whole(ByteView file, const Elf64_Ehdr& header) {
  uint64_t table = uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
  if (!inside(file, header.e_phoff, table)) {
    return cut_off("the program header table", end_of(header.e_phoff, table), file.size());
  }
  bool dynamic = false;
  for (size_t i = 0; i < header.e_phnum; ++i) {
    auto segment = at<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return bad("broken program header table");
    dynamic |= segment->p_type == PT_DYNAMIC;
    if (!inside(file, segment->p_offset, segment->p_filesz)) {
      return cut_off("segment " + std::to_string(i), end_of(segment->p_offset, segment->p_filesz),
                     file.size());
    }
    if (segment->p_type == PT_LOAD && segment->p_memsz < segment->p_filesz) {
      return bad("broken program header " + std::to_string(i) +
                 ": larger in the file than in memory");
    }
  }
  if (!dynamic) return bad("no shared library: it has no dynamic segment");
  uint64_t sections = uint64_t{header.e_shnum} * header.e_shentsize;
  if (header.e_shoff != 0 && !inside(file, header.e_shoff, sections)) {
    return cut_off("the section table", end_of(header.e_shoff, sections), file.size());
  }
  return ok();
}

uint64_t padded(uint64_t size, uint64_t alignment) {
  return (size + alignment - 1) & ~(alignment - 1);
}

// Looks through one note segment. Sets `found` to the descriptor of ours.
Status scan_notes(ByteView notes, uint64_t alignment, std::optional<std::string_view>& found) {
  uint64_t position = 0;
  for (size_t count = 0; position < notes.size(); ++count) {
    if (count == kMaxNotes) return bad("more than " + std::to_string(kMaxNotes) + " ELF notes");
    auto note = at<Elf64_Nhdr>(notes, position);
    if (!note) break;  // padding at the end of the segment
    uint64_t owner = position + sizeof(Elf64_Nhdr);
    uint64_t text = position + padded(sizeof(Elf64_Nhdr) + uint64_t{note->n_namesz}, alignment);
    if (!inside(notes, owner, note->n_namesz) || !inside(notes, text, note->n_descsz)) {
      return bad("broken ELF note at byte " + std::to_string(position) + " of its segment");
    }
    constexpr size_t kOwnerSize = sizeof(SLUICE_NOTE_OWNER);
    if (note->n_type == SLUICE_NOTE_TYPE && note->n_namesz == kOwnerSize &&
        std::memcmp(notes.data() + owner, SLUICE_NOTE_OWNER, kOwnerSize) == 0) {
      if (found) return bad("two Sluice manifests in one library");
      if (note->n_descsz > SLUICE_NOTE_MAX) {
        return bad("the manifest has " + std::to_string(note->n_descsz) + " bytes, at most " +
                   std::to_string(SLUICE_NOTE_MAX) + " are allowed");
      }
      found = as_text(notes.subspan(text, note->n_descsz));
    }
    position = text + padded(note->n_descsz, alignment);
  }
  return ok();
}

}  // namespace

Result<std::string_view> read_manifest_note(ByteView file) {
  SLUICE_ASSIGN(Elf64_Ehdr header, read_header(file));
  SLUICE_TRY(check_whole(file, header));
  std::optional<std::string_view> found;
  for (size_t i = 0; i < header.e_phnum; ++i) {
    auto segment = at<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment || segment->p_type != PT_NOTE) continue;
    // Notes are padded to 4 bytes, in segments of alignment 8 to 8.
    uint64_t alignment = segment->p_align == 8 ? 8 : 4;
    SLUICE_TRY(scan_notes(file.subspan(segment->p_offset, segment->p_filesz), alignment, found));
  }
  if (!found) {
    return bad("no Sluice plugin: it has no manifest (an ELF note of owner \"" SLUICE_NOTE_OWNER
               "\"); build it with sluice_add_plugin from the SDK");
  }
  return *found;
}

}  // namespace sluice::plugin
