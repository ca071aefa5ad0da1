// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/plugin_catalog.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace sluice::plugin {
namespace {

std::string simple_name(const std::string& name) {
  auto dot = name.find_last_of(".$");
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

const char* suffix_of(Kind kind) {
  switch (kind) {
    case Kind::kSource:
    case Kind::kSink:
      return "Connector";
    case Kind::kTransformation:
      return "Transformation";
    case Kind::kPredicate:
      return "Predicate";
    case Kind::kConverter:
      return "Converter";
    case Kind::kHeaderConverter:
      return "HeaderConverter";
  }
  return "";
}

std::string short_name(const ClassInfo& cls) {
  auto name = simple_name(cls.name);
  std::string suffix = suffix_of(cls.kind);
  if (name.size() > suffix.size() && name.ends_with(suffix))
    name.resize(name.size() - suffix.size());
  return name;
}

std::vector<ClassPtr> make_classes(const std::shared_ptr<PluginLibrary>& library) {
  std::vector<ClassPtr> out;
  for (const auto& cls : library->manifest().classes) {
    auto made = std::make_shared<ClassInfo>(cls);
    made->library = library->path();
    made->origin = library;
    out.push_back(std::move(made));
  }
  return out;
}

std::string_view next_part(std::string_view& rest) {
  if (rest.empty()) return {};
  size_t end = 0;
  if (std::isdigit(static_cast<unsigned char>(rest[0]))) {
    while (end < rest.size() && std::isdigit(static_cast<unsigned char>(rest[end]))) ++end;
  } else {
    while (end < rest.size() && !std::isdigit(static_cast<unsigned char>(rest[end]))) ++end;
  }
  auto part = rest.substr(0, end);
  rest.remove_prefix(end);
  return part;
}

int compare_numbers(std::string_view a, std::string_view b) {
  while (a.size() > 1 && a[0] == '0') a.remove_prefix(1);
  while (b.size() > 1 && b[0] == '0') b.remove_prefix(1);
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

int compare_versions(const std::string& a, const std::string& b) {
  std::string_view left(a), right(b);
  while (!left.empty() || !right.empty()) {
    auto x = next_part(left), y = next_part(right);
    if (x == y) continue;
    // The longer one has more: ".1" makes it newer, "-rc1" older.
    if (x.empty()) return y[0] == '-' ? 1 : -1;
    if (y.empty()) return x[0] == '-' ? -1 : 1;
    bool numbers = std::isdigit(static_cast<unsigned char>(x[0])) &&
                   std::isdigit(static_cast<unsigned char>(y[0]));
    int order = numbers ? compare_numbers(x, y) : x[0] == '-' ? -1 : y[0] == '-' ? 1 : x.compare(y);
    if (order != 0) return order;
  }
  return 0;
}

PluginCatalogPtr make_catalog(const std::vector<std::shared_ptr<PluginLibrary>>& libraries,
                              KnownClasses& known) {
  auto out = std::make_shared<PluginCatalog>();
  std::map<std::pair<std::string, Kind>, ClassPtr> chosen;
  KnownClasses used;
  for (const auto& library : libraries) {
    if (auto refusal = library->refusal()) {
      out->problems.push_back({library->path(), *refusal});
      for (const auto& cls : library->manifest().classes)
        out->refused_classes.emplace(cls.name, *refusal);
      continue;
    }
    auto it = known.find(library);
    auto& classes = used[library] = it != known.end() ? it->second : make_classes(library);
    for (const auto& cls : classes) {
      auto [slot, fresh] = chosen.try_emplace({cls->name, cls->kind}, cls);
      if (fresh) continue;
      bool newer = compare_versions(cls->version, slot->second->version) > 0;
      const auto& winner = newer ? cls : slot->second;
      const auto& loser = newer ? slot->second : cls;
      out->problems.push_back({loser->library, loser->library + ": its class " + loser->name + " " +
                                                   loser->version +
                                                   " is not used: " + winner->library +
                                                   " has version " + winner->version});
      if (newer) slot->second = cls;
    }
  }
  for (auto& entry : chosen) out->classes.push_back(entry.second);
  known = std::move(used);
  return out;
}

Result<ClassPtr> find_class(const PluginCatalog& catalog, const std::string& name,
                            const std::vector<Kind>& kinds) {
  auto wanted = [&](const ClassInfo& cls) {
    return std::find(kinds.begin(), kinds.end(), cls.kind) != kinds.end();
  };
  std::vector<ClassPtr> matches;
  std::vector<std::string> names;
  for (const auto& cls : catalog.classes) {
    if (!wanted(*cls)) continue;
    if (cls->name == name) return cls;
    names.push_back(cls->name);
    names.push_back(simple_name(cls->name));
    names.push_back(short_name(*cls));
    if (simple_name(cls->name) == name || short_name(*cls) == name) matches.push_back(cls);
  }
  if (matches.size() == 1) return matches[0];
  if (matches.size() > 1) {
    std::string found;
    for (const auto& cls : matches) found += (found.empty() ? "" : ", ") + cls->name;
    return Error{ErrorKind::kInvalid,
                 "More than one connector matches alias " + name +
                     ". Please use full package and class name instead. Classes found: " + found};
  }
  auto text = "Failed to find any class that implements Connector and which name matches " + name;
  for (const auto& [refused, reason] : catalog.refused_classes) {
    if (refused == name || simple_name(refused) == name) {
      return Error{ErrorKind::kNotFound, text + ": the library that has it was refused: " + reason};
    }
  }
  auto near = config::nearest(name, names);
  if (near) return Error{ErrorKind::kNotFound, text + "; did you mean " + *near + "?"};
  std::string all;
  for (const auto& cls : catalog.classes) {
    if (wanted(*cls)) all += (all.empty() ? "" : ", ") + cls->name;
  }
  return Error{ErrorKind::kNotFound,
               text + ", available connectors are: " + (all.empty() ? "none" : all)};
}

}  // namespace sluice::plugin
