// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/testkit/value_copy.hpp>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::testkit {

class FakeHost;

// Makes schemas, one object per definition, and counts references. What is released for the last time stays in
// memory until the store ends, so that a release too many is an answer and not a crash. Owned by FakeHost.
class SchemaStore {
 public:
  explicit SchemaStore(FakeHost& host) : host_(host) {}
  sdk::Result<const sluice_schema*> make(const sluice_schema& definition);
  static void retain(const sluice_schema* schema);
  static void release(const sluice_schema* schema);
  size_t live() const;

 private:
  struct Entry {
    sluice_schema raw = {};  // first, so that a pointer to it is a pointer to the entry
    SchemaStore* store = nullptr;
    size_t references = 0;
    std::string identity;
    std::deque<std::string> texts;
    std::vector<sluice_schema_field> fields;
    std::vector<sluice_pair> parameters;
    std::unique_ptr<ValueCopy> default_value;
  };
  static Entry& entry_of(const sluice_schema* schema);
  std::string identity(const sluice_schema& definition) const;
  sluice_str keep(Entry& entry, sluice_str text);
  void add_references(Entry& entry);
  void drop(Entry& entry);

  FakeHost& host_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::map<std::string, Entry*> alive_;
};

}  // namespace sluice::testkit
