// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/plugin_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "broker-core/base/crc32c.hpp"
#include "runtime/json/json.hpp"
#include "sdk/include/sluice/plugin.h"

namespace sluice::plugin {
namespace {

constexpr int kFormat = 2;
constexpr std::uintmax_t kMaxFile = 256u << 20;

Json to_json(const CachedLibrary& entry) {
  const auto& id = entry.identity;
  return {{"device", id.device},        {"inode", id.inode},       {"size", id.size},
          {"mtime_ns", id.mtime_ns},    {"ctime_ns", id.ctime_ns}, {"sha256", entry.sha256},
          {"manifest", entry.manifest}, {"probed", entry.probed},  {"refusal", entry.refusal}};
}

CachedLibrary from_json(const Json& object) {
  CachedLibrary entry;
  object.at("device").get_to(entry.identity.device);
  object.at("inode").get_to(entry.identity.inode);
  object.at("size").get_to(entry.identity.size);
  object.at("mtime_ns").get_to(entry.identity.mtime_ns);
  object.at("ctime_ns").get_to(entry.identity.ctime_ns);
  object.at("sha256").get_to(entry.sha256);
  object.at("manifest").get_to(entry.manifest);
  object.at("probed").get_to(entry.probed);
  object.at("refusal").get_to(entry.refusal);
  return entry;
}

// Only a file that nobody else can have written: what it says decides whether a library is
// examined.
std::string read_trusted(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  if (st.st_uid != ::geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) return {};
  if (static_cast<std::uintmax_t>(st.st_size) > kMaxFile) return {};
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::optional<std::string> write_file(const std::string& path, const std::string& text) {
  auto fail = [&](const char* what) { return path + ": " + what + ": " + std::strerror(errno); };
  auto temporary = path + ".new";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail("open");
  size_t done = 0;
  while (done < text.size()) {
    ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += static_cast<size_t>(n);
  }
  bool written = done == text.size() && ::fdatasync(fd) == 0;
  auto error = written ? std::optional<std::string>() : fail("write");
  ::close(fd);
  if (!error && ::rename(temporary.c_str(), path.c_str()) != 0) error = fail("rename");
  if (error) ::unlink(temporary.c_str());
  return error;
}

uint32_t checksum_of(const Json& libraries) {
  return crc32c(as_bytes(json_text(libraries)));
}

}  // namespace

PluginCache::PluginCache(std::string folder) {
  if (folder.empty()) return;
  file_ = (std::filesystem::path(folder) / "plugin-cache.json").string();
  try {
    auto parsed = parse_json(read_trusted(file_));
    if (!parsed.is_object() || parsed.value("format", 0) != kFormat ||
        parsed.value("abi", 0u) != SLUICE_ABI_VERSION)
      return;
    if (parsed.value("crc32c", uint64_t{0}) != checksum_of(parsed.at("libraries"))) return;
    std::map<std::string, CachedLibrary> entries;
    for (const auto& item : parsed.at("libraries").items())
      entries.emplace(item.key(), from_json(item.value()));
    entries_ = std::move(entries);
  } catch (const Json::exception&) {
    // Not as we write it: as good as no cache.
  }
}

const CachedLibrary* PluginCache::find(const std::string& path,
                                       const FileIdentity& identity) const {
  auto it = entries_.find(path);
  return it != entries_.end() && it->second.identity == identity ? &it->second : nullptr;
}

const CachedLibrary* PluginCache::find_contents(const std::string& sha256) const {
  for (const auto& entry : entries_) {
    if (entry.second.sha256 == sha256 && entry.second.probed) return &entry.second;
  }
  return nullptr;
}

void PluginCache::put(const std::string& path, CachedLibrary entry) {
  entries_[path] = std::move(entry);
  dirty_ = true;
}

std::optional<std::string> PluginCache::save(const std::map<std::string, FileIdentity>& keep) {
  dirty_ |=
      std::erase_if(entries_, [&](const auto& entry) { return !keep.contains(entry.first); }) > 0;
  if (!dirty_ || file_.empty()) return std::nullopt;
  Json libraries = Json::object();
  for (const auto& [path, entry] : entries_) libraries[path] = to_json(entry);
  const uint32_t checksum = checksum_of(libraries);
  Json all{{"format", kFormat},
           {"abi", SLUICE_ABI_VERSION},
           {"crc32c", checksum},
           {"libraries", std::move(libraries)}};
  auto error = write_file(file_, json_text(all));
  if (!error) dirty_ = false;
  return error;
}

}  // namespace sluice::plugin
