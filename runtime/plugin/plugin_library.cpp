// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/plugin_library.hpp"

#include "runtime/plugin/elf_note.hpp"
#include "runtime/plugin/library.hpp"
#include "runtime/plugin/tables.hpp"

namespace sluice::plugin {

Result<std::shared_ptr<PluginLibrary>> PluginLibrary::read(const std::string& path,
                                                           const ProbeOptions& probe) {
  std::shared_ptr<PluginLibrary> out(new PluginLibrary(path, probe));
  auto identity = identify(path);
  if (!identity.ok()) return identity.error();
  out->identity_ = *identity;
  if (auto allowed = check_permissions(path); !allowed.ok()) {
    out->refusal_ = allowed.error().message;
    out->remember_ = false;  // the folder may change without the file
    return out;
  }
  auto copy = PrivateCopy::make(path, probe.scratch);
  if (!copy.ok()) {
    if (copy.error().kind == ErrorKind::kRetriable || copy.error().kind == ErrorKind::kNotFound)
      return copy.error();
    out->refusal_ = copy.error().message;
    out->remember_ = false;
    return out;
  }
  out->identity_ = copy->identity();
  out->sha256_ = copy->sha256();
  auto text = read_manifest_note(copy->bytes());
  if (text.ok()) out->manifest_text_ = std::string(*text);
  out->judge_manifest(text.ok() ? parse_manifest(out->manifest_text_)
                                : Result<Manifest>(text.error()));
  return out;
}

std::shared_ptr<PluginLibrary> PluginLibrary::remembered(const std::string& path,
                                                         const CachedLibrary& entry,
                                                         const ProbeOptions& probe) {
  std::shared_ptr<PluginLibrary> out(new PluginLibrary(path, probe));
  out->identity_ = entry.identity;
  out->sha256_ = entry.sha256;
  out->manifest_text_ = entry.manifest;
  out->probed_ = entry.probed;
  out->refusal_ = entry.refusal;
  if (auto allowed = check_permissions(path); !allowed.ok()) {
    out->refusal_ = allowed.error().message;
    out->remember_ = false;
  } else if (out->refusal_.empty()) {
    out->judge_manifest(parse_manifest(entry.manifest));
  }
  return out;
}

void PluginLibrary::judge_manifest(Result<Manifest> manifest) {
  if (!manifest.ok()) {
    refusal_ = manifest.error().message;
    return;
  }
  manifest_ = std::move(*manifest);
}

std::optional<std::string> PluginLibrary::refusal() const {
  std::lock_guard lock(mutex_);
  if (refusal_.empty()) return std::nullopt;
  return path_ + ": " + refusal_;
}

Error PluginLibrary::refused() const {
  return {ErrorKind::kInvalid,
          "the plugin library " + refusal().value_or(path_ + ": not examined")};
}

bool PluginLibrary::examined() const {
  std::lock_guard lock(mutex_);
  return probed_ || !refusal_.empty();
}

CachedLibrary PluginLibrary::cached() const {
  std::lock_guard lock(mutex_);
  CachedLibrary out{identity_, sha256_, manifest_text_, probed_ && remember_,
                    remember_ ? refusal_ : ""};
  return out;
}

void PluginLibrary::adopt(const CachedLibrary& entry) {
  std::lock_guard lock(mutex_);
  if (!entry.probed || !refusal_.empty()) return;
  probed_ = true;
  refusal_ = entry.refusal;
}

// The file as it was when it was found; kRetriable if it is another one now.
Result<PrivateCopy> PluginLibrary::same_copy() {
  auto copy = PrivateCopy::make(path_, probe_.scratch);
  if (!copy.ok()) return copy.error().with("the plugin library " + path_);
  if (copy->sha256() != sha256_) {
    return Error{ErrorKind::kRetriable,
                 "the plugin library " + path_ + " was replaced at this moment; try again"};
  }
  return copy;
}

void PluginLibrary::examine_locked(const PrivateCopy& copy, const std::atomic<bool>& cancelled) {
  auto verdict = run_probe(probe_.command, copy, probe_.timeout, &cancelled);
  std::lock_guard lock(mutex_);
  if (!verdict.ok && !verdict.final && cancelled.load()) return;
  probed_ = true;
  // One that took too long may have met a busy machine: refused now, looked at again by the next
  // worker.
  remember_ = verdict.ok || verdict.final;
  refusal_ = verdict.ok ? "" : verdict.text;
}

void PluginLibrary::examine(const std::atomic<bool>& cancelled) {
  std::lock_guard work(work_);
  if (examined()) return;
  auto copy = same_copy();
  if (!copy.ok()) return;  // the next scan finds what it is now
  examine_locked(*copy, cancelled);
}

Status PluginLibrary::load_locked(const std::atomic<bool>& cancelled) {
  if (plugin_ != nullptr) return ok();
  if (refusal()) return refused();
  SLUICE_TRY(check_permissions(path_));
  SLUICE_ASSIGN(auto copy, same_copy());
  if (!examined()) examine_locked(copy, cancelled);
  if (refusal() || !examined()) return refused();
  auto plugin = open_library(copy, manifest_);
  if (!plugin.ok()) {
    {
      std::lock_guard lock(mutex_);
      refusal_ = plugin.error().message;
    }
    return refused();
  }
  plugin_ = *plugin;
  return ok();
}

Result<AbiClass> PluginLibrary::load(const ClassPtr& info, const std::atomic<bool>& cancelled) {
  std::lock_guard work(work_);
  SLUICE_TRY(load_locked(cancelled));
  auto plugin = read_table(plugin_);
  for (uint32_t i = 0; i < plugin.class_count; ++i) {
    auto raw = read_table(plugin.classes[i]);
    if (raw.kind == static_cast<uint32_t>(info->kind) + SLUICE_KIND_SOURCE &&
        view_of(raw.name) == info->name) {
      return AbiClass{info, raw};
    }
  }
  return Error{ErrorKind::kFatal, "the plugin library " + path_ + " has no class " + info->name};
}

}  // namespace sluice::plugin
