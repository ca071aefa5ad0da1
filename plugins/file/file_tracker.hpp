// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
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

// Which files there are, and which of them is the one that was called otherwise a moment ago: keeps
// what is known of each file (how far it was read) with its content, whatever rotation does to its
// name.
//
// A file is found again by inode and fingerprint under any name in its folder; by fingerprint alone
// (a copy, as copytruncate makes them, or a compressed one) under names that rotation can have
// given it. Rotated files that came between the one that was being read and the one that has the
// name now are read, too, oldest first. What is not found again is an event. Owned by the source
// task, used by its poll only.
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
  // Forgets files that are gone and read to their end.
  void forget_finished();

  // Sorted: files of one live name together, the rotated ones first, oldest first.
  const std::vector<std::unique_ptr<TrackedFile>>& tracked() const { return tracked_; }
  // Paths whose stored offset is not what it should be: of the tracked file of that path, or none.
  std::set<std::string>& unstored() { return unstored_; }
  const Counts& counts() const { return counts_; }

 private:
  // How long a file that may become a copy of another one is let alone after its last change.
  static constexpr int64_t kPatienceNs = 10'000'000'000;
  static constexpr int64_t kSecondNs = 1'000'000'000;
  static constexpr size_t kMaxCopies = 64;
  // Whether a file that was changed at `then` may have been compressed to one of the time `now`,
  // which keeps the time, perhaps without its fractions.
  static bool same_time(int64_t now, int64_t then) {
    return now == then || (now % kSecondNs == 0 && now / kSecondNs == then / kSecondNs);
  }

  struct Candidate {
    FoundFile file;
    bool taken = false;
  };
  // What one rescan sees.
  struct Scan {
    Times now;
    std::vector<Candidate> found;
    std::map<std::string, std::vector<Candidate>>
        folders;  // neighbours, by folder, when they are needed
    std::map<std::string, size_t> by_path;
    std::multimap<std::pair<uint64_t, uint64_t>, size_t> by_inode;
  };
  // Where files may be that had a live name unseen: after the one now called `after` (empty: that
  // is unknown), which was changed last at that time.
  struct Gap {
    std::string live;
    std::string after;
    int64_t modified;
    bool unknown = false;  // one of those that are known may be any of them: nothing was seen of it
  };
  enum class Same { kYes, kNo, kNotYet };

  Status index(Scan& scan);
  Status claim_known(Scan& scan, std::vector<TrackedFile*>& unresolved);
  Status find_moved(Scan& scan, TrackedFile& file, bool* lost);
  Result<bool> claim_by_inode(Scan& scan, std::vector<Candidate>& near, TrackedFile& file);
  Status claim_copy(Scan& scan, std::vector<Candidate>& near, TrackedFile& file, bool* found);
  Status add_successors(Scan& scan, const Gap& gap);
  bool is_tracked_file(const FoundFile& found) const;
  Result<bool> is_being_compressed(const std::vector<Candidate>& near, const FoundFile& found);
  std::map<std::string, TrackedFile*> newest_of_each() const;
  Status find_unseen(Scan& scan);
  Status add_new(Scan& scan);
  Result<Same> is_copy_of_known(Scan& scan, const FoundFile& found);
  Result<bool> is_copy_of_new(const Scan& scan, const FoundFile& found);
  void claim(Scan& scan, Candidate& candidate, TrackedFile& file);
  void take_everywhere(Scan& scan, const FoundFile& file);
  void lose(Scan& scan, TrackedFile& file);
  Result<std::vector<Candidate>*> near(Scan& scan, const std::string& path);
  Status know_head(TrackedFile& file, const FoundFile& found);
  Result<TrackedFile*> track(Scan& scan, const FoundFile& found, bool wanted);

  Result<bool> begins_like(TrackedFile& file, const FoundFile& found);
  Result<Same> holds(TrackedFile& file, const FoundFile& found);
  // kYes: *read is how far the found file's content was read as part of `file`.
  Result<Same> copied(const TrackedFile& file, const FoundFile& found, uint64_t* read);
  bool fresh(const Scan& scan, const FoundFile& found) const {
    return scan.now.wall_ns - found.info.modified_ns < kPatienceNs;
  }
  bool readable_name(const std::string& path) const { return options_.gzip || !is_gzip_name(path); }

  Files& files_;
  Events& events_;
  Notes& notes_;
  FileFinder& finder_;
  OpenOptions options_;
  std::vector<std::unique_ptr<TrackedFile>> tracked_;
  std::set<std::string> unstored_;
  std::set<std::pair<std::string, uint64_t>>
      copies_;  // path and inode: copies of files that are still read themselves
  Counts counts_;
};

}  // namespace sluice::file_plugin
