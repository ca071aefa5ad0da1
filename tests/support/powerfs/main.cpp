// SPDX-License-Identifier: Apache-2.0
// powerfs MOUNTPOINT SOCKET: mounts the file system of state.hpp (FUSE 3, foreground) and takes commands
// on a Unix socket.
#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "tests/support/powerfs/state.hpp"

namespace {

using powerfs::Inode;
using powerfs::InodePtr;
using powerfs::State;

State& state() {
  static State instance;
  return instance;
}

// An open file keeps its inode, also after its name is gone.
InodePtr* handle(const fuse_file_info* info) {
  return reinterpret_cast<InodePtr*>(info->fh);  // NOLINT the kernel hands our pointer back
}

// libfuse gives NULL where the name of what is open is gone.
InodePtr find(const char* path) { return path != nullptr ? state().find(path) : nullptr; }

void fill(const Inode& inode, struct stat* out) {
  std::memset(out, 0, sizeof *out);
  out->st_mode = (inode.folder ? S_IFDIR : S_IFREG) | inode.mode;
  out->st_nlink = 1;
  out->st_size = static_cast<off_t>(inode.live.size());
  out->st_blocks = static_cast<blkcnt_t>((inode.live.size() + 511) / 512);
  out->st_ino = reinterpret_cast<uintptr_t>(&inode);
  out->st_uid = geteuid();
  out->st_gid = getegid();
  out->st_mtim = {inode.modified_ns / 1'000'000'000, inode.modified_ns % 1'000'000'000};
}

int on_getattr(const char* path, struct stat* out, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("stat")) return code;
  InodePtr inode = info && info->fh ? *handle(info) : find(path);
  if (!inode) return -ENOENT;
  fill(*inode, out);
  return 0;
}

int open_inode(const InodePtr& inode, fuse_file_info* info) {
  info->fh = reinterpret_cast<uint64_t>(std::make_unique<InodePtr>(inode).release());
  info->direct_io = 1;
  return 0;
}

int on_open(const char* path, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("open")) return code;
  InodePtr inode = find(path);
  if (!inode) return -ENOENT;
  if ((info->flags & O_TRUNC) != 0) {
    if (int code = state().resize(*inode, 0)) return code;
  }
  return open_inode(inode, info);
}

int make(const char* path, mode_t mode, bool folder, fuse_file_info* info) {
  std::string name;
  InodePtr parent = state().parent_of(path, name);
  if (!parent) return -ENOENT;
  if (parent->names.contains(name)) return -EEXIST;
  auto inode = std::make_shared<Inode>();
  inode->folder = folder;
  inode->mode = mode & 07777;
  state().link(parent, name, inode);
  return info ? open_inode(inode, info) : 0;
}

int on_create(const char* path, mode_t mode, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("create")) return code;
  return make(path, mode, false, info);
}

int on_mkdir(const char* path, mode_t mode) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("create")) return code;
  return make(path, mode, true, nullptr);
}

int on_read(const char*, char* into, size_t size, off_t offset, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  bool half = false;
  if (int code = state().enter("read", &half)) return code;
  const std::string& live = (*handle(info))->live;
  auto from = static_cast<size_t>(offset);
  if (from >= live.size()) return 0;
  size_t count = std::min(size, live.size() - from);
  if (half && count > 1) count /= 2;
  std::memcpy(into, live.data() + from, count);
  return static_cast<int>(count);
}

int on_write(const char*, const char* data, size_t size, off_t offset, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  bool half = false;
  if (int code = state().enter("write", &half)) return code;
  if (half && size > 1) size /= 2;
  Inode& file = **handle(info);
  auto at = (info->flags & O_APPEND) != 0 ? file.live.size() : static_cast<uint64_t>(offset);
  return state().write(file, at, data, size);
}

int on_truncate(const char* path, off_t size, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("truncate")) return code;
  InodePtr inode = info ? *handle(info) : find(path);
  return inode ? state().resize(*inode, static_cast<uint64_t>(size)) : -ENOENT;
}

int on_fallocate(const char*, int mode, off_t offset, off_t length, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("fallocate")) return code;
  if (mode != 0) return -EOPNOTSUPP;
  Inode& file = **handle(info);
  auto end = static_cast<uint64_t>(offset + length);
  return end > file.live.size() ? state().resize(file, end) : 0;
}

int on_fsync(const char*, int, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  Inode& file = **handle(info);
  if (int code = state().enter("fsync")) {
    // As a kernel does: the pages count as clean from now on, although the disk does not have them.
    file.pending.clear();
    return code;
  }
  state().sync(file);
  return 0;
}

int on_fsyncdir(const char* path, int, fuse_file_info*) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("fsync")) return code;
  if (path == nullptr) return 0;  // a removed folder has nothing that could be lost
  InodePtr folder = find(path);
  if (!folder) return -ENOENT;
  state().sync(*folder);
  return 0;
}

int remove_name(const char* path) {
  std::string name;
  InodePtr parent = state().parent_of(path, name);
  if (!parent || !parent->names.contains(name)) return -ENOENT;
  const InodePtr& target = parent->names[name];
  if (target->folder && !target->names.empty()) return -ENOTEMPTY;
  state().unlink(parent, name);
  return 0;
}

int on_unlink(const char* path) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("unlink")) return code;
  return remove_name(path);
}

int on_rename(const char* from, const char* to, unsigned flags) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("rename")) return code;
  if (flags != 0) return -EINVAL;
  std::string old_name, new_name;
  InodePtr source = state().parent_of(from, old_name);
  InodePtr target = state().parent_of(to, new_name);
  if (!source || !target || !source->names.contains(old_name)) return -ENOENT;
  InodePtr moved = source->names[old_name];
  // Within one folder the new name comes first, so that a surviving prefix never loses the file; a rename that replaces
  // survives as a whole with that change.
  state().link(target, new_name, moved);
  state().unlink(source, old_name);
  return 0;
}

int on_readdir(const char* path, void* buffer, fuse_fill_dir_t filler, off_t, fuse_file_info*,
               fuse_readdir_flags) {
  std::lock_guard lock(state().mutex);
  if (int code = state().enter("list")) return code;
  if (path == nullptr) return 0;  // a removed folder is empty
  InodePtr folder = find(path);
  if (!folder) return -ENOENT;
  filler(buffer, ".", nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  filler(buffer, "..", nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  for (const auto& [name, child] : folder->names) {
    filler(buffer, name.c_str(), nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  }
  return 0;
}

int on_release(const char*, fuse_file_info* info) {
  std::lock_guard lock(state().mutex);
  std::unique_ptr<InodePtr>(handle(info)).reset();
  return 0;
}

int on_statfs(const char*, struct statvfs* out) {
  std::lock_guard lock(state().mutex);
  std::memset(out, 0, sizeof *out);
  out->f_bsize = out->f_frsize = 4096;
  uint64_t capacity = std::min<uint64_t>(state().capacity, 1ull << 40);
  out->f_blocks = capacity / 4096;
  out->f_bfree = out->f_bavail = (capacity - std::min(capacity, state().used())) / 4096;
  out->f_namemax = 255;
  return 0;
}

int on_chmod(const char* path, mode_t mode, fuse_file_info*) {
  std::lock_guard lock(state().mutex);
  InodePtr inode = find(path);
  if (!inode) return -ENOENT;
  inode->mode = mode & 07777;
  return 0;
}

int on_utimens(const char*, const struct timespec*, fuse_file_info*) { return 0; }

void* on_init(fuse_conn_info*, fuse_config* config) {
  config->use_ino = 1;
  // A cut changes things behind the kernel's back.
  config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
  config->hard_remove = 1;
  return nullptr;
}

// Serves one command a connection until the process ends.
void serve(const std::string& path) {
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path.c_str());
  unlink(path.c_str());
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 8) != 0) {
    std::perror("powerfs: control socket");
    std::_Exit(1);
  }
  while (true) {
    int client = accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    char line[512];
    ssize_t got = read(client, line, sizeof line - 1);
    std::string answer = powerfs::command(state(), std::string(line, got > 0 ? static_cast<size_t>(got) : 0)) + "\n";
    if (write(client, answer.data(), answer.size()) < 0) std::perror("powerfs: answer");
    close(client);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: powerfs MOUNTPOINT SOCKET\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that dies leaves no mount behind
  std::thread(serve, std::string(argv[2])).detach();
  fuse_operations operations{};
  operations.getattr = on_getattr;
  operations.open = on_open;
  operations.create = on_create;
  operations.mkdir = on_mkdir;
  operations.read = on_read;
  operations.write = on_write;
  operations.truncate = on_truncate;
  operations.fallocate = on_fallocate;
  operations.fsync = on_fsync;
  operations.fsyncdir = on_fsyncdir;
  operations.unlink = on_unlink;
  operations.rmdir = on_unlink;
  operations.rename = on_rename;
  operations.readdir = on_readdir;
  operations.release = on_release;
  operations.statfs = on_statfs;
  operations.chmod = on_chmod;
  operations.utimens = on_utimens;
  operations.init = on_init;
  std::string program = "powerfs", foreground = "-f", mount = argv[1];
  char* arguments[] = {program.data(), foreground.data(), mount.data()};
  return fuse_main(3, arguments, &operations, nullptr);
}
