// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

// The system calls of this test program, made to fail: the program defines open, pwritev, rename
// ... itself, which the linker prefers to libc's for all code in it (libstdc++'s std::filesystem as
// well). One thread.
namespace sluice::syscalls {

enum class Call {
  kOpen,
  kCreate,
  kClose,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kAllocate,
  kStat,
  kRename,
  kUnlink,
  kMakeDirectory,
  kList,
  kLock,
  kStatFs
};
const char* name_of(Call call);

struct Fault {
  const char* name;
  int error;                 // errno; 0: a short read or write
  bool for_ever = false;     // all calls from then on, not one
  bool transparent = false;  // a caller that is right never shows it to anybody
};
const std::vector<Fault>& faults();
bool fits(const Fault& fault, Call call);

// From now on calls are counted and written down.
void record();
// From now on the n-th call (from 1) fails as `fault` says, if the fault fits the call.
void arm(const Fault& fault, uint64_t nth);
// From now on nothing that would change the disk reaches it: the process is dead, in effect.
void die();
// All calls are what they were. Returns the calls since record() or arm().
std::vector<Call> disarm();
bool fired();

}  // namespace sluice::syscalls
