// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>

#include "broker-core/storage/file_window.hpp"
#include "broker-core/storage/frame.hpp"

// Frames of a commit log file that is read through a window up to byte `end`.
namespace sluice::storage {

using FrameWanted = std::function<bool(const FrameHeader&)>;

// The frame at `at`, if a whole one is there whose header is wanted. Valid until the window moves.
Result<std::optional<Frame>> frame_at(FileWindow& window, uint64_t end, uint64_t at,
                                      const FrameWanted& wanted);

// The first such frame at `at` or behind it, whatever stands before it; `at` becomes its byte, or
// `end`.
Result<std::optional<Frame>> find_frame(FileWindow& window, uint64_t end, uint64_t& at,
                                        const FrameWanted& wanted);

}  // namespace sluice::storage
