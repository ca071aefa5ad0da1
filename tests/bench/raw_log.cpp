// SPDX-License-Identifier: Apache-2.0
// The physical limit that the log is compared with: writes BYTES bytes in SYNCS equal parts to preallocated files of
// 64 MiB below DIR, with one fdatasync after each part, and prints the seconds it took.
// usage: raw_log DIR BYTES SYNCS
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: raw_log DIR BYTES SYNCS\n");
    return 2;
  }
  const std::string directory = argv[1];
  const uint64_t bytes = std::strtoull(argv[2], nullptr, 10);
  const uint64_t syncs = std::strtoull(argv[3], nullptr, 10);
  constexpr uint64_t kFileBytes = 64u << 20;
  const uint64_t part = bytes / syncs;
  std::vector<char> data(part);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 2654435761u >> 24);

  auto begin = std::chrono::steady_clock::now();
  int fd = -1;
  int files = 0;
  uint64_t position = kFileBytes;
  for (uint64_t i = 0; i < syncs; ++i) {
    for (uint64_t done = 0; done < part;) {
      if (position == kFileBytes) {
        if (fd >= 0) close(fd);
        fd = open((directory + "/raw-" + std::to_string(files++)).c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || posix_fallocate(fd, 0, kFileBytes) != 0) return std::perror("create"), 1;
        position = 0;
      }
      uint64_t now = std::min(part - done, kFileBytes - position);
      ssize_t wrote = pwrite(fd, data.data() + done, now, static_cast<off_t>(position));
      if (wrote < 0) return std::perror("write"), 1;
      done += static_cast<uint64_t>(wrote);
      position += static_cast<uint64_t>(wrote);
      if (position == kFileBytes && fdatasync(fd) != 0) return std::perror("fdatasync"), 1;
    }
    if (fdatasync(fd) != 0) return std::perror("fdatasync"), 1;
  }
  if (fd >= 0) close(fd);
  std::printf("%.6f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  for (int i = 0; i < files; ++i) unlink((directory + "/raw-" + std::to_string(i)).c_str());
  return 0;
}
