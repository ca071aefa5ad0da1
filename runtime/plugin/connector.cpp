// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/connector.hpp"

namespace sluice::plugin {

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::kSource:
      return "source";
    case Kind::kSink:
      return "sink";
    case Kind::kTransformation:
      return "transformation";
    case Kind::kPredicate:
      return "predicate";
    case Kind::kConverter:
      return "converter";
    case Kind::kHeaderConverter:
      return "header_converter";
  }
  return "unknown";
}

Error Outcome::to_error() const {
  switch (status) {
    case SLUICE_RETRIABLE:
      return {ErrorKind::kRetriable, text};
    case SLUICE_RECORD_ERROR:
      return {ErrorKind::kRecord, text};
    case SLUICE_NOT_CONNECTED:
      return {ErrorKind::kNotConnected, text};
    case SLUICE_END:
      return {ErrorKind::kEnd, text};
    case SLUICE_CONFIG_ERROR:
      return {ErrorKind::kInvalid, text};
    case SLUICE_FENCED:
      return {ErrorKind::kFenced, text};
    case SLUICE_UNSUPPORTED:
      return {ErrorKind::kUnsupported, text};
    default:
      return {ErrorKind::kFatal, text};
  }
}

}  // namespace sluice::plugin
