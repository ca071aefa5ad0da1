// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/elf_note.hpp"

#include <elf.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include <cstring>
#include <random>
#include <set>

#include "runtime/plugin/manifest.hpp"
#include "tests/unit/runtime/plugin/plugin_fixture.hpp"

namespace sluice::plugin {
namespace {

using ::testing::HasSubstr;
using testing::read_file;
using testing::test_plugin;

#if defined(__SANITIZE_ADDRESS__)
void forbid(const char* begin, size_t size) {
  __asan_poison_memory_region(begin, size);
}
void allow(const char* begin, size_t size) {
  __asan_unpoison_memory_region(begin, size);
}
#else
void forbid(const char*, size_t) {}
void allow(const char*, size_t) {}
#endif

// A copy of exactly the right size on the heap, so that a sanitizer sees every read behind its end.
Result<std::string_view> read_exact(const std::string& file) {
  std::vector<std::byte> bytes(file.size());
  if (!file.empty()) std::memcpy(bytes.data(), file.data(), file.size());
  auto note = read_manifest_note(bytes);
  if (note.ok()) {
    auto* begin = reinterpret_cast<const char*>(bytes.data());
    EXPECT_GE(note->data(), begin);
    EXPECT_LE(note->data() + note->size(), begin + bytes.size());
    // Read to the end; the text goes with the bytes.
    volatile char last = 0;
    for (char c : *note) last = c;
    (void)last;
    return std::string_view();
  }
  return note.error();
}

std::string error_of(const std::string& file) {
  auto note = read_exact(file);
  return note.ok() ? "" : note.error().message;
}

TEST(ElfNote, ReadsTheManifestOfARealLibrary) {
  auto file = read_file(test_plugin("good_source"));
  auto note = read_manifest_note(as_bytes(file));
  ASSERT_TRUE(note.ok()) << note.error().message;
  EXPECT_EQ(note->front(), '{');
  EXPECT_EQ(note->back(), '}');
  EXPECT_THAT(std::string(*note), HasSubstr("good.Source"));
}

TEST(ElfNote, RefusesWhatIsNoLibraryForThisMachine) {
  auto good = read_file(test_plugin("good_source"));
  auto changed = [&](size_t at, char value) {
    auto copy = good;
    copy[at] = value;
    return error_of(copy);
  };
  EXPECT_THAT(error_of(""), HasSubstr("no shared library"));
  EXPECT_THAT(error_of("#!/bin/sh\necho hello\n"),
              HasSubstr("does not begin with the ELF signature"));
  EXPECT_THAT(error_of("\x7f"
                       "ELF"),
              HasSubstr("cut off: the ELF header"));
  EXPECT_THAT(changed(EI_CLASS, ELFCLASS32), HasSubstr("built for 32 bits"));
  EXPECT_THAT(changed(EI_DATA, ELFDATA2MSB), HasSubstr("big-endian"));
  EXPECT_THAT(changed(offsetof(Elf64_Ehdr, e_machine), EM_ARM),
              HasSubstr("another processor (ELF machine 40)"));
  EXPECT_THAT(changed(offsetof(Elf64_Ehdr, e_type), ET_EXEC),
              HasSubstr("no shared library: its ELF type is 2"));
  EXPECT_THAT(error_of(read_file(test_plugin("bad_no_note"))), HasSubstr("no Sluice plugin"));
}

TEST(ElfNote, SurvivesEveryBitFlipOfItsTables) {
  auto good = read_file(test_plugin("good_source"));
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof(header));
  size_t tables = header.e_phoff + size_t{header.e_phnum} * sizeof(Elf64_Phdr);
  auto flip = [&](size_t bit) {
    good[bit / 8] = static_cast<char>(good[bit / 8] ^ (1 << bit % 8));
  };
  for (size_t bit = 0; bit < tables * 8; ++bit) {
    flip(bit);
    auto note = read_manifest_note(as_bytes(good));
    if (note.ok()) (void)parse_manifest(*note);
    flip(bit);
  }
}

TEST(ElfNote, SurvivesRandomDamage) {
  auto good = read_file(test_plugin("good_source"));
  auto at = good.find("Sluice", 0);
  ASSERT_NE(at, std::string::npos);
  std::mt19937_64 random(20261123);
  auto copy = good;
  for (int round = 0; round < 2000; ++round) {
    std::vector<size_t> damaged;
    for (int i = 0; i < 1 + round % 8; ++i) {
      // Half of the damage hits the note, the rest the first kilobytes.
      size_t where = round % 2 ? at - 12 + random() % 2048 : random() % 4096;
      damaged.push_back(where % copy.size());
      copy[damaged.back()] = static_cast<char>(random());
    }
    auto note = read_manifest_note(as_bytes(copy));
    if (note.ok()) (void)parse_manifest(*note);
    for (size_t byte : damaged) copy[byte] = good[byte];
  }
}

// A library of the smallest kind, with one note segment of the given bytes.
std::string library_with(const std::string& notes, uint64_t claimed = UINT64_MAX) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  std::memcpy(&header.e_machine,
              read_file(test_plugin("good_source")).data() + offsetof(Elf64_Ehdr, e_machine), 2);
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  Elf64_Phdr segments[2] = {};
  segments[0].p_type = PT_DYNAMIC;
  segments[1].p_type = PT_NOTE;
  segments[1].p_offset = sizeof(header) + sizeof(segments);
  segments[1].p_filesz = claimed == UINT64_MAX ? notes.size() : claimed;
  segments[1].p_align = 4;
  std::string out(reinterpret_cast<char*>(&header), sizeof(header));
  out.append(reinterpret_cast<char*>(segments), sizeof(segments));
  return out + notes;
}

std::string note(const std::string& owner, uint32_t type, const std::string& text,
                 int64_t size = -1) {
  uint32_t words[3] = {static_cast<uint32_t>(owner.size() + 1),
                       static_cast<uint32_t>(size < 0 ? text.size() : static_cast<size_t>(size)),
                       type};
  std::string out(reinterpret_cast<char*>(words), sizeof(words));
  auto pad = [&] { out.resize((out.size() + 3) / 4 * 4); };
  out += owner + '\0';
  pad();
  out += text;
  pad();
  return out;
}

// Cutting a file is what kills the loader, so no length may pass as whole. Gives the lengths that
// do. What is cut off is forbidden to the sanitizer in place of copies.
std::vector<size_t> lengths_that_pass(const std::string& file, const std::set<size_t>& lengths) {
  std::vector<size_t> passed;
  size_t end = file.size();
  for (auto size = lengths.rbegin(); size != lengths.rend(); ++size) {
    forbid(file.data() + *size, end - *size);
    end = *size;
    if (read_manifest_note(as_bytes(file).first(end)).ok()) passed.push_back(end);
  }
  allow(file.data(), file.size());
  return passed;
}

TEST(ElfNote, RefusesEveryTruncation) {
  const auto small = library_with(note("Sluice", SLUICE_NOTE_TYPE, std::string(4000, ' ')));
  ASSERT_TRUE(read_exact(small).ok());
  std::set<size_t> lengths;
  for (size_t size = 0; size < small.size(); ++size) lengths.insert(size);
  EXPECT_THAT(lengths_that_pass(small, lengths), ::testing::IsEmpty());
}

// Of a library with all that a linker puts into one: every length around each end of a part, steps
// of a prime in between.
TEST(ElfNote, RefusesARealLibraryThatIsCutAnywhere) {
  const auto good = read_file(test_plugin("good_source"));
  ASSERT_TRUE(read_exact(good).ok());
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof(header));
  std::set<size_t> ends = {sizeof(header), good.size()};
  ends.insert(header.e_phoff + size_t{header.e_phnum} * sizeof(Elf64_Phdr));
  ends.insert(header.e_shoff + size_t{header.e_shnum} * header.e_shentsize);
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, good.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    ends.insert(segment.p_offset + segment.p_filesz);
  }
  std::set<size_t> lengths;
  for (size_t end : ends) {
    const size_t last = std::min(end + 64, good.size());
    for (size_t size = end > 64 ? end - 64 : 0; size < last; ++size) lengths.insert(size);
  }
  for (size_t size = 0; size < good.size(); size += 499) lengths.insert(size);
  EXPECT_GT(lengths.size(), 1000u);
  EXPECT_THAT(lengths_that_pass(good, lengths), ::testing::IsEmpty()) << "of " << good.size();
}

TEST(ElfNote, FindsItsNoteAmongOthersAndRefusesTwo) {
  auto ours = note("Sluice", SLUICE_NOTE_TYPE, "{1}");
  auto other = note("GNU", 1, "xxxxx") + note("Sluice", 7, "other type") +
               note("SluiceX", SLUICE_NOTE_TYPE, "no");
  auto file = library_with(other + ours + other);
  EXPECT_EQ(read_manifest_note(as_bytes(file)).value(), "{1}");
  EXPECT_THAT(error_of(library_with(ours + ours)), HasSubstr("two Sluice manifests"));
  EXPECT_THAT(error_of(library_with(other)), HasSubstr("no manifest"));
}

TEST(ElfNote, BoundsSizes) {
  EXPECT_TRUE(
      read_exact(library_with(note("Sluice", SLUICE_NOTE_TYPE, std::string(SLUICE_NOTE_MAX, ' '))))
          .ok());
  EXPECT_THAT(error_of(library_with(
                  note("Sluice", SLUICE_NOTE_TYPE, std::string(SLUICE_NOTE_MAX + 1, ' ')))),
              HasSubstr("at most 1048576 are allowed"));
  EXPECT_THAT(error_of(library_with(note("Sluice", SLUICE_NOTE_TYPE, "x", 0xffffffff))),
              HasSubstr("broken ELF note"));
  EXPECT_THAT(error_of(library_with(note("Sluice", SLUICE_NOTE_TYPE, "x"), 1 << 20)),
              HasSubstr("cut off: segment 1"));
  std::string many;
  for (int i = 0; i < 1100; ++i) many += note("GNU", 1, "");
  EXPECT_THAT(error_of(library_with(many)), HasSubstr("more than 1024 ELF notes"));
}

}  // namespace
}  // namespace sluice::plugin
