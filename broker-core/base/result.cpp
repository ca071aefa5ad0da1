// SPDX-License-Identifier: Apache-2.0
#include "broker-core/base/result.hpp"

namespace sluice {

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid: return "invalid";
    case ErrorKind::kNotFound: return "not found";
    case ErrorKind::kConflict: return "conflict";
    case ErrorKind::kRetriable: return "retriable";
    case ErrorKind::kRecord: return "record";
    case ErrorKind::kNotConnected: return "not connected";
    case ErrorKind::kEnd: return "end";
    case ErrorKind::kFenced: return "fenced";
    case ErrorKind::kOutOfRange: return "out of range";
    case ErrorKind::kCorrupt: return "corrupt";
    case ErrorKind::kIo: return "I/O";
    case ErrorKind::kTimeout: return "timeout";
    case ErrorKind::kShutdown: return "shutdown";
    case ErrorKind::kUnsupported: return "unsupported";
    case ErrorKind::kFatal: return "fatal";
  }
  return "unknown";
}

}  // namespace sluice
