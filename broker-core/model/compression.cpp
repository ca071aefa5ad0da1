// SPDX-License-Identifier: Apache-2.0
#include "broker-core/model/compression.hpp"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <climits>
#include <memory>

#include "broker-core/model/endian.hpp"

namespace sluice::model {

namespace {

constexpr size_t kChunk = 64 * 1024;
// xerial's snappy stream: magic, version 1, oldest compatible version 1, then {length, raw snappy}
// blocks.
constexpr size_t kXerialHeaderSize = 16;
constexpr char kXerialMagic[8] = {'\x82', 'S', 'N', 'A', 'P', 'P', 'Y', '\0'};
constexpr size_t kXerialBlock = 32 * 1024;

Error corrupt(const char* codec, const std::string& what) {
  return {ErrorKind::kCorrupt, std::string(codec) + ": " + what};
}
Error too_large(const char* codec, size_t max) {
  return {ErrorKind::kInvalid, std::string(codec) + ": decompresses to more than the " +
                                   std::to_string(max) + " bytes allowed"};
}

// Makes room for more output: doubles, up to one byte beyond `max`, so that "exactly max" and
// "more" differ.
bool grow(Bytes& out, size_t used, size_t max) {
  if (used > max) return false;
  if (used == out.size()) out.resize(std::min(max + 1, std::max(kChunk, out.size() * 2)));
  return true;
}

Result<Bytes> gunzip(ByteView packed, size_t max) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK)
    return Error{ErrorKind::kRetriable, "gzip: no memory"};
  std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  if (packed.size() > UINT_MAX) return corrupt("gzip", "input too large");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  Bytes out;
  size_t used = 0;
  while (true) {
    if (!grow(out, used, max)) return too_large("gzip", max);
    const size_t room = std::min<size_t>(out.size() - used, UINT_MAX);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_NO_FLUSH);
    used += room - stream.avail_out;
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) break;
      if (inflateReset(&stream) != Z_OK) return corrupt("gzip", "cannot go on after a member");
    } else if (result != Z_OK && !(result == Z_BUF_ERROR && stream.avail_out == 0)) {
      return corrupt("gzip", stream.msg != nullptr ? stream.msg : "cut or damaged");
    } else if (stream.avail_in == 0 && stream.avail_out != 0) {
      return corrupt("gzip", "cut");
    }
  }
  if (used > max) return too_large("gzip", max);
  out.resize(used);
  return out;
}

Result<Bytes> gzip(ByteView plain) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return Error{ErrorKind::kRetriable, "gzip: no memory"};
  }
  std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  Bytes out(deflateBound(&stream, plain.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
    return Error{ErrorKind::kFatal, "gzip: deflate failed"};
  out.resize(stream.total_out);
  return out;
}

// Appends one raw snappy block to `out`.
Status unsnap_block(ByteView packed, size_t max, Bytes& out) {
  const auto* data = reinterpret_cast<const char*>(packed.data());
  size_t size = 0;
  if (!snappy::GetUncompressedLength(data, packed.size(), &size))
    return corrupt("snappy", "no length");
  // A snappy element of three bytes yields at most 64: a longer claim is a lie, and not worth its
  // memory.
  if (size > packed.size() * 22 + 64) return corrupt("snappy", "impossible length");
  if (size > max - out.size()) return too_large("snappy", max);
  const size_t used = out.size();
  out.resize(used + size);
  if (!snappy::RawUncompress(data, packed.size(), reinterpret_cast<char*>(out.data() + used))) {
    return corrupt("snappy", "damaged");
  }
  return ok();
}

Result<Bytes> unsnap(ByteView packed, size_t max) {
  Bytes out;
  const bool xerial = packed.size() >= kXerialHeaderSize &&
                      std::memcmp(packed.data(), kXerialMagic, sizeof(kXerialMagic)) == 0;
  if (!xerial) {
    SLUICE_TRY(unsnap_block(packed, max, out));
    return out;
  }
  for (size_t at = kXerialHeaderSize; at < packed.size();) {
    if (packed.size() - at < 4) return corrupt("snappy", "block length cut");
    const auto length = load_big<uint32_t>(packed.data() + at);
    at += 4;
    if (length > packed.size() - at) return corrupt("snappy", "block cut");
    SLUICE_TRY(unsnap_block(packed.subspan(at, length), max, out));
    at += length;
  }
  return out;
}

Result<Bytes> snap(ByteView plain) {
  Bytes out(kXerialHeaderSize);
  std::memcpy(out.data(), kXerialMagic, sizeof(kXerialMagic));
  store_big<int32_t>(out.data() + 8, 1);
  store_big<int32_t>(out.data() + 12, 1);
  while (!plain.empty()) {
    const size_t part = std::min(plain.size(), kXerialBlock);
    const size_t used = out.size();
    out.resize(used + 4 + snappy::MaxCompressedLength(part));
    size_t size = 0;
    snappy::RawCompress(reinterpret_cast<const char*>(plain.data()), part,
                        reinterpret_cast<char*>(out.data() + used + 4), &size);
    store_big<uint32_t>(out.data() + used, static_cast<uint32_t>(size));
    out.resize(used + 4 + size);
    plain = plain.subspan(part);
  }
  return out;
}

Result<Bytes> unlz4(ByteView packed, size_t max) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION))) {
    return Error{ErrorKind::kRetriable, "lz4: no memory"};
  }
  std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context(
      raw, LZ4F_freeDecompressionContext);
  Bytes out;
  size_t used = 0;
  size_t at = 0;
  size_t more = 1;  // what the frame still expects; 0 at its end
  while (at < packed.size() || more != 0) {
    if (!grow(out, used, max)) return too_large("lz4", max);
    size_t produced = out.size() - used;
    size_t consumed = packed.size() - at;
    more = LZ4F_decompress(context.get(), out.data() + used, &produced, packed.data() + at,
                           &consumed, nullptr);
    if (LZ4F_isError(more)) return corrupt("lz4", LZ4F_getErrorName(more));
    used += produced;
    at += consumed;
    if (more != 0 && produced == 0 && consumed == 0) return corrupt("lz4", "cut");
  }
  if (used > max) return too_large("lz4", max);
  out.resize(used);
  return out;
}

Result<Bytes> lz4(ByteView plain) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockMode =
      LZ4F_blockIndependent;  // as Kafka's own writer, which knows no other
  Bytes out(LZ4F_compressFrameBound(plain.size(), &preferences));
  const size_t size =
      LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(size))
    return Error{ErrorKind::kFatal, std::string("lz4: ") + LZ4F_getErrorName(size)};
  out.resize(size);
  return out;
}

Result<Bytes> unzstd(ByteView packed, size_t max) {
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return Error{ErrorKind::kRetriable, "zstd: no memory"};
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  Bytes out;
  size_t used = 0;
  size_t more = 1;
  while (in.pos < in.size || more != 0) {
    if (!grow(out, used, max)) return too_large("zstd", max);
    ZSTD_outBuffer to{out.data() + used, out.size() - used, 0};
    const size_t before = in.pos;
    more = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(more)) return corrupt("zstd", ZSTD_getErrorName(more));
    used += to.pos;
    if (more != 0 && to.pos == 0 && in.pos == before) return corrupt("zstd", "cut");
  }
  if (used > max) return too_large("zstd", max);
  out.resize(used);
  return out;
}

Result<Bytes> zstd(ByteView plain) {
  Bytes out(ZSTD_compressBound(plain.size()));
  const size_t size =
      ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(size))
    return Error{ErrorKind::kFatal, std::string("zstd: ") + ZSTD_getErrorName(size)};
  out.resize(size);
  return out;
}

Error unknown(Compression codec) {
  return {ErrorKind::kUnsupported,
          "unknown compression codec " + std::to_string(static_cast<int>(codec))};
}

}  // namespace

Result<Bytes> compress(Compression codec, ByteView plain) {
  if (plain.size() > INT32_MAX) return Error{ErrorKind::kInvalid, "too large to compress"};
  switch (codec) {
    case Compression::kNone:
      return Bytes(plain.begin(), plain.end());
    case Compression::kGzip:
      return gzip(plain);
    case Compression::kSnappy:
      return snap(plain);
    case Compression::kLz4:
      return lz4(plain);
    case Compression::kZstd:
      return zstd(plain);
  }
  return unknown(codec);
}

Result<Bytes> decompress(Compression codec, ByteView packed, size_t max) {
  switch (codec) {
    case Compression::kNone:
      if (packed.size() > max) return too_large("none", max);
      return Bytes(packed.begin(), packed.end());
    case Compression::kGzip:
      return gunzip(packed, max);
    case Compression::kSnappy:
      return unsnap(packed, max);
    case Compression::kLz4:
      return unlz4(packed, max);
    case Compression::kZstd:
      return unzstd(packed, max);
  }
  return unknown(codec);
}

}  // namespace sluice::model
