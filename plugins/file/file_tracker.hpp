// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "plugins/file/file_finder.hpp"
#include "plugins/file/tracked_file.hpp"

namespace sluice::file_plugin {

// Normal things of a file's life that only somebody who looks for them wants to read.
class Notes {
 public:
  virtual ~Notes() = default;
  virtual void note(const std::string& text) = 0;
};

// Which files there are, and which of them is the one that was called otherwise a moment ago.
//
// The invariant: every file of a live name that is there is either known, by its inode or by what
// was read of it, or it is new and read from its start; and what is known of a file is stored under
// a key of its own that never changes, until two looks in a row found the file nowhere.
//
// So files that were read to their end stay known as long as they are there, and those that were
// there before their live name was first seen are known too, to be skipped. Neither names nor times
// decide what was read, only in which order unknown files come. A file is found again by inode and
// fingerprint under any name in its folder; by fingerprint alone (a copy, as copytruncate makes
// them, or a compressed one) under names that rotation can have given it. What is not found again
// is an event. Owned by the source task, used by its poll only.
class FileTracker {
 public:
  struct Times {
    int64_t steady_ms = 0;
    int64_t wall_ns = 0;
  };
  struct Counts {
    uint64_t rotated = 0;
    uint64_t truncated = 0;
    uint64_t lost = 0;  // files of which something could not be read
  };

  FileTracker(Files& files, Events& events, Notes& notes, FileFinder& finder, OpenOptions options)
      : files_(files), events_(events), notes_(notes), finder_(finder), options_(options) {}

  // What was stored before; before the first rescan.
  void add_stored(std::unique_ptr<TrackedFile> file) { tracked_.push_back(std::move(file)); }
  // Looks at the folders.
  Status rescan(const Times& now);

  // Sorted: files of one live name together, the rotated ones first, oldest first.
  const std::vector<std::unique_ptr<TrackedFile>>& tracked() const { return tracked_; }
  // Whether it may be read. One of which nothing was read yet waits while it cannot be said of a
  // file of its live name whether that had the name before it, and so does one that stands behind
  // a waiting one (`behind`): else newer lines would come first. None waits longer than kPatience:
  // files that are called as if rotation had made them may be independent of each other.
  bool readable(TrackedFile& file, bool behind, int64_t now_ms) const;
  // Whether some file may wait for what the next look shows.
  bool undecided() const { return !undecided_.empty(); }
  // Keys whose stored offset is not what it should be: of the tracked file of that key, or none.
  std::set<FileKey>& unstored() { return unstored_; }
  const Counts& counts() const { return counts_; }

 private:
  // How long a file that may become a copy of another one is let alone after its last change, and
  // how long another one waits for it at most.
  static constexpr int64_t kPatienceNs = 10'000'000'000;
  static constexpr int64_t kSecondNs = 1'000'000'000;
  static constexpr size_t kMaxCopies = 64;
  static constexpr int kMaxLooks = 6;
  // Whether times are the same, as far as is kept by those who drop their fractions.
  static bool same_time(int64_t now, int64_t then) {
    return now == then || (now % kSecondNs == 0 && now / kSecondNs == then / kSecondNs);
  }

  struct Candidate {
    FoundFile file;
    bool wanted = false;  // its name is one that the pattern names
    bool taken = false;   // it is known who that is
  };
  using Name = std::tuple<std::string, uint64_t, uint64_t>;  // path, device, inode
  // What the folders hold, seen once.
  struct Look {
    Times now;
    std::vector<Candidate> files;  // that changed last is the last
    std::map<std::string, size_t> by_path;
    std::multimap<std::pair<uint64_t, uint64_t>, size_t> by_inode;
    std::set<Name> names;
    std::set<std::string> folders;  // of which all files were listed, not only those of the pattern
  };
  struct Claim {
    TrackedFile* file;
    size_t candidate;
    std::optional<uint64_t> copy;  // how far that copy of it was read
  };
  // Who is who.
  struct Findings {
    std::vector<Claim> claims;
    std::vector<TrackedFile*> missing;
    std::set<std::string> unsettled;  // live names of which it cannot be said yet
    bool certain() const {
      return missing.empty() && std::none_of(claims.begin(), claims.end(),
                                             [](const Claim& claim) { return claim.copy; });
    }
  };
  enum class Same { kYes, kNo, kNotYet };

  Result<Look> look(const Times& now);
  Status add_neighbours(Look& look);
  // Read to its end under a name that the pattern does not name: it is looked for when the folder
  // is.
  static bool settled(const TrackedFile& file) {
    return file.finished && !file.wanted && !file.gone;
  }
  bool at_rest(const Look& look, const TrackedFile& file) const;
  Result<Findings> identify(Look& look);
  bool has_unknown(const Look& look) const;
  Status conclude(Look& look, Findings& findings);
  static void find_unsettled(const Look& first, const Look& second, Findings& findings);
  Status add_new(Look& look, const std::set<std::string>& known,
                 const std::set<std::string>& unsettled);
  void sort();

  void take(Look& look, size_t candidate);
  Status claim(const Look& look, const Claim& claim);
  Status claim_copy(const Look& look, const Claim& claim);
  void lose(const Look& look, const TrackedFile& file);
  Status know_head(TrackedFile& file, const FoundFile& found);
  Result<TrackedFile*> track(const Look& look, const Candidate& candidate);
  Status skip(TrackedFile& file);
  void renew_key(TrackedFile& file);
  bool wants_family(const Candidate& candidate, const std::string& live) const;

  // The file's own name or inode leads there, and it is what was read.
  Result<Same> holds(TrackedFile& file, const FoundFile& found);
  // A copy of the file, which itself is nowhere any more.
  Result<std::optional<Claim>> find_copy(const Look& look, TrackedFile& file);
  // kYes: *read is how far the found file's content was read as part of `file`.
  Result<Same> copied(const TrackedFile& file, const FoundFile& found, uint64_t* read);
  // Whether a file that nobody knows is a copy of one that is there. *read: all that it holds was
  // read as part of that, up to there.
  Result<Same> is_copy(const Times& now, const FoundFile& found, std::optional<uint64_t>* read);
  Result<Same> begins_like(TrackedFile& file, const FoundFile& found);
  Result<bool> is_being_compressed(const Look& look, const FoundFile& found);
  // A time that is far in the future says nothing.
  static bool fresh(const Times& now, const FoundFile& found) {
    const int64_t age_ns = now.wall_ns - found.info.modified_ns;
    return age_ns < kPatienceNs && age_ns > -kPatienceNs;
  }

  Files& files_;
  Events& events_;
  Notes& notes_;
  FileFinder& finder_;
  OpenOptions options_;
  std::vector<std::unique_ptr<TrackedFile>> tracked_;
  std::set<FileKey> unstored_;
  // A copy of a file, and up to where that was seen.
  struct Copy {
    FileKey of;
    TrackedFile::Mark mark;
  };
  std::map<std::pair<uint64_t, uint64_t>, Copy> copies_;  // by device and inode
  std::set<std::string>
      undecided_;  // live names with files of which the last look could not say what they are
  Counts counts_;
};

}  // namespace sluice::file_plugin
