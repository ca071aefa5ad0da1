// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/testkit/driver.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "child.hpp"
#include "json.hpp"

namespace sluice::runner {

// What the command line says.
struct Options {
  std::string library;
  std::string class_name;  // empty: all
  testkit::ConfigMap config;
  std::string root;        // folder behind open_file; empty: a temporary one
  size_t expect_records = 0;
  std::chrono::milliseconds limit{20000};  // of one law
  std::chrono::milliseconds call_limit{5000};  // of one call that has to come back
};

// One class, as a law sees it inside of its child process.
struct Subject {
  const Options& options;
  const sluice_class& cls;
  testkit::ConfigMap config;  // what the user gave and the defaults
};

// The table behind the entry of `library`; nullptr and a fault told if there is none that this host can use.
const sluice_plugin* load(const Options& options, Verdict& verdict);

// Laws of the library as a whole.
void law_describes(const sluice_plugin& plugin, const Json& manifest, Verdict& verdict);

// Laws of each class.
void law_config_def(const Subject& subject, Verdict& verdict);
void law_validate(const Subject& subject, Verdict& verdict);
void law_create(const Subject& subject, Verdict& verdict);
void law_connector(const Subject& subject, Verdict& verdict);
void law_source_lifecycle(const Subject& subject, Verdict& verdict);
void law_source_resume(const Subject& subject, Verdict& verdict);
void law_source_stop(const Subject& subject, Verdict& verdict);
void law_source_non_blocking(const Subject& subject, Verdict& verdict);
void law_source_release(const Subject& subject, Verdict& verdict);
void law_sink_lifecycle(const Subject& subject, Verdict& verdict);
void law_sink_stop(const Subject& subject, Verdict& verdict);

// Counts what a process holds, before an instance and after it.
class Balance {
 public:
  Balance();
  // Tells what is left over, of the process and of the host.
  void check(const testkit::FakeHost& host, Verdict& verdict) const;

 private:
  size_t descriptors_;
  size_t threads_;
};

// Tells that create failed; without any --config a CONFIG_ERROR only says that the class needs some.
void refused(const Subject& subject, const testkit::Outcome& outcome, Verdict& verdict);
const sluice_config_key& key_at(const sluice_config_def& def, uint32_t index);
void use_root(testkit::FakeHost& host, const Subject& subject);

}  // namespace sluice::runner
