// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <string_view>

#include "elf_note.hpp"
#include "laws.hpp"

// sluice-plugin-test: checks a plugin library against the laws of the ABI, without a worker. Each law runs in a
// process of its own.
namespace sluice::runner {
namespace {

constexpr const char* kUsage =
    "usage: sluice-plugin-test PLUGIN.so [options]\n"
    "  --class NAME          only this class\n"
    "  --config KEY=VALUE    a property for create; may come often\n"
    "  --root DIR            the folder behind host->open_file (default: a temporary one)\n"
    "  --expect-records N    a source has to deliver at least so many\n"
    "  --timeout-ms N        limit of one law (default 20000)\n"
    "  --call-timeout-ms N   limit of a call that has to come back (default 5000)\n"
    "exit codes: 0 every law holds, 1 one does not, 2 wrong usage\n";

bool number(std::string_view text, uint64_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

bool set_option(Options& options, std::string_view name, const std::string& value) {
  uint64_t count = 0;
  if (name == "--class") {
    options.class_name = value;
  } else if (name == "--config") {
    const size_t equals = value.find('=');
    if (equals == std::string::npos || equals == 0) return false;
    options.config[value.substr(0, equals)] = value.substr(equals + 1);
  } else if (name == "--root") {
    options.root = value;
  } else if (!number(value, count)) {
    return false;
  } else if (name == "--expect-records") {
    options.expect_records = count;
  } else if (name == "--timeout-ms") {
    options.limit = std::chrono::milliseconds(count);
  } else if (name == "--call-timeout-ms") {
    options.call_limit = std::chrono::milliseconds(count);
  } else {
    return false;
  }
  return true;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      if (!options.library.empty()) return false;
      options.library = word;
      if (word.find('/') == std::string_view::npos) options.library = "./" + options.library;
      continue;
    }
    if (i + 1 >= argc || !set_option(options, word, argv[i + 1])) return false;
    ++i;
  }
  return !options.library.empty();
}

// Prints one line per law and counts.
class Report {
 public:
  void line(const char* word, const std::string& law, const std::string& text) {
    std::printf("%-4s %s%s%s\n", word, law.c_str(), text.empty() ? "" : ": ", text.c_str());
    std::fflush(stdout);
  }
  // True: the law holds (or does not apply).
  bool add(const std::string& law, const Answer& answer) {
    if (!answer.faults.empty()) {
      print_faults(law, answer.faults);
      ++failed_;
      return false;
    }
    if (!answer.skipped.empty()) {
      line("SKIP", law, answer.skipped);
      ++skipped_;
      return true;
    }
    line("PASS", law, "");
    for (const std::string& note : answer.notes) line("", law, note);
    ++passed_;
    return true;
  }
  int end() const {
    std::printf("%d laws hold, %d do not, %d skipped\n", passed_, failed_, skipped_);
    return failed_ > 0 ? 1 : 0;
  }

 private:
  // Each text once, and not more of them than people read.
  void print_faults(const std::string& law, const std::vector<std::string>& faults) {
    std::map<std::string, size_t> counts;
    for (const std::string& fault : faults) ++counts[fault];
    size_t printed = 0;
    for (const auto& [fault, count] : counts) {
      if (++printed > kFaultsMax) break;
      line("FAIL", law, fault + (count > 1 ? " (" + std::to_string(count) + " times)" : ""));
    }
    if (counts.size() > kFaultsMax) {
      line("FAIL", law, "... and " + std::to_string(counts.size() - kFaultsMax) + " other faults");
    }
  }

  static constexpr size_t kFaultsMax = 5;
  int passed_ = 0;
  int failed_ = 0;
  int skipped_ = 0;
};

using ClassLaw = void (*)(const Subject&, Verdict&);
struct NamedLaw {
  const char* name;
  ClassLaw run;
};

constexpr NamedLaw kSourceLaws[] = {{"source.non_blocking", &law_source_non_blocking},
                                    {"source.lifecycle", &law_source_lifecycle},
                                    {"source.resume", &law_source_resume},
                                    {"source.stop", &law_source_stop},
                                    {"source.release", &law_source_release}};
constexpr NamedLaw kSinkLaws[] = {{"sink.lifecycle", &law_sink_lifecycle}, {"sink.stop", &law_sink_stop}};

// The laws of one class of the manifest, each with the library loaded anew.
class ClassRun {
 public:
  ClassRun(const Options& options, Report& report, size_t index, const Json& cls)
      : options_(options), report_(report), index_(index), cls_(cls) {}

  void run() {
    law({"config_def", &law_config_def}, options_.limit);
    const std::string& kind = cls_["kind"].string;
    if (kind != "source" && kind != "sink") {
      report_.add(name("lifecycle"), skipped("this runner has no laws for a " + kind + " yet"));
      return;
    }
    law({"validate", &law_validate}, options_.limit);
    law({"create.bad_config", &law_create}, options_.limit * 3);
    if (const std::string missing = missing_keys(); !missing.empty()) {
      report_.add(name("lifecycle"), skipped("give " + missing + " with --config to run a task"));
      return;
    }
    law({"connector", &law_connector}, options_.limit);
    if (kind == "source") {
      for (const NamedLaw& one : kSourceLaws) law(one, options_.limit);
    } else {
      for (const NamedLaw& one : kSinkLaws) law(one, options_.limit);
    }
  }

 private:
  static Answer skipped(const std::string& why) {
    Answer answer;
    answer.skipped = why;
    return answer;
  }
  std::string name(const std::string& law) const { return cls_["name"].string + " " + law; }

  std::string missing_keys() const {
    std::string missing;
    for (const Json& key : cls_["config"].items) {
      for (const Json& flag : key["flags"].items) {
        if (flag.string != "required" || options_.config.contains(key["name"].string)) continue;
        missing += (missing.empty() ? "" : ", ") + key["name"].string;
      }
    }
    return missing;
  }

  // After a law that hung or crashed the others of the class would only do the same.
  void law(const NamedLaw& one, std::chrono::milliseconds limit) {
    if (given_up_) {
      report_.add(name(one.name), skipped("an earlier law hung or crashed"));
      return;
    }
    const Answer answer = run_in_child(
        [&](Verdict& verdict) {
          const sluice_plugin* plugin = load(options_, verdict);
          if (plugin == nullptr) return;
          const sluice_class& cls = *plugin->classes[index_];
          const Subject subject{options_, cls, testkit::with_defaults(*cls.config, options_.config)};
          one.run(subject, verdict);
        },
        limit);
    given_up_ = answer.hung || answer.crashed;
    report_.add(name(one.name), answer);
  }

  const Options& options_;
  Report& report_;
  size_t index_;
  const Json& cls_;
  bool given_up_ = false;
};

// The manifest, before anything of the library runs. False: a worker would refuse the file.
bool check_note(const Options& options, Json& manifest, Answer& answer) {
  std::string text;
  std::string fault;
  if (!read_note(options.library, text, fault) || !parse_json(text, manifest, fault)) {
    answer.faults.push_back(options.library + ": " + fault);
    return false;
  }
  const auto& abi = manifest["abi"].items;
  const auto number = [&](size_t i) { return i < abi.size() ? static_cast<uint32_t>(abi[i].number) : 0xffffu; };
  const uint32_t version = number(0) << 16 | number(1);
  if (abi.size() != 2 || !sdk::detail::accepts_host(SLUICE_ABI_VERSION, version)) {
    const auto part = [&](size_t i) {
      return i < abi.size() ? std::to_string(static_cast<uint32_t>(abi[i].number)) : std::string("?");
    };
    answer.faults.push_back("built for ABI " + part(0) + "." + part(1) + ", this runner accepts " +
                            (SLUICE_ABI_MAJOR == 0 ? "exactly " : "up to ") + std::to_string(SLUICE_ABI_MAJOR) +
                            "." + std::to_string(SLUICE_ABI_MINOR) +
                            (SLUICE_ABI_MAJOR == 0 ? " (the ABI is unstable)" : ""));
    return false;
  }
  if (manifest["classes"].items.empty()) answer.faults.push_back("the manifest names no classes");
  return answer.faults.empty();
}

int run(const Options& options) {
  Report report;
  Json manifest;
  Answer note;
  const bool readable = check_note(options, manifest, note);
  report.add("manifest", note);
  if (!readable) return report.end();
  const Answer loaded = run_in_child([&](Verdict& verdict) { load(options, verdict); }, options.limit);
  if (!report.add("loads", loaded)) return report.end();
  const Answer described = run_in_child(
      [&](Verdict& verdict) {
        if (const sluice_plugin* plugin = load(options, verdict)) law_describes(*plugin, manifest, verdict);
      },
      options.limit);
  if (!report.add("describes", described)) return report.end();
  bool found = false;
  const auto& classes = manifest["classes"].items;
  for (size_t i = 0; i < classes.size(); ++i) {
    if (!options.class_name.empty() && classes[i]["name"].string != options.class_name) continue;
    found = true;
    ClassRun(options, report, i, classes[i]).run();
  }
  if (!found) {
    Answer missing;
    missing.faults.push_back("the library has no class " + options.class_name);
    report.add("--class", missing);
  }
  return report.end();
}

}  // namespace
}  // namespace sluice::runner

int main(int argc, char** argv) {
  sluice::runner::Options options;
  if (!sluice::runner::parse(argc, argv, options)) {
    std::fputs(sluice::runner::kUsage, stderr);
    return 2;
  }
  return sluice::runner::run(options);
}
