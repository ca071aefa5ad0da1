// SPDX-License-Identifier: Apache-2.0
#pragma once

// A mutant breaks one guarantee on purpose, to prove that a test notices: tests/mutants arms one at a time through the
// environment variable SLUICE_MUTANT=name and wants the tests of that guarantee to fail.
//   if (SLUICE_MUTANT("storage.no_commit_sync")) return ok();
// Compiled in only together with the crash points (presets dev and tsan); elsewhere it is the constant false.
#if defined(SLUICE_CRASH_POINTS) && SLUICE_CRASH_POINTS
namespace sluice::detail {
bool mutant_armed(const char* name);
}
#define SLUICE_MUTANT(name) (::sluice::detail::mutant_armed(name))
#else
#define SLUICE_MUTANT(name) false
#endif
