// SPDX-License-Identifier: Apache-2.0
#include "runtime/rest/http.hpp"

#include <nlohmann/json.hpp>

#include "runtime/json/json.hpp"

namespace sluice::rest {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Error{ErrorKind::kInvalid, "Malformed percent-encoding at character " +
                                              std::to_string(i) + " of \"" + std::string(text) +
                                              "\": write a literal % as %25"};
      }
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(plus_is_space && c == '+' ? ' ' : c);
    }
  }
  return out;
}

Result<Pairs> parse_query(std::string_view text) {
  Pairs pairs;
  while (!text.empty()) {
    auto end = text.find('&');
    auto part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.empty()) continue;
    auto equals = part.find('=');
    auto value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    SLUICE_ASSIGN(auto name, percent_decode(part.substr(0, equals), true));
    SLUICE_ASSIGN(auto decoded, percent_decode(value, true));
    pairs.emplace_back(std::move(name), std::move(decoded));
  }
  return pairs;
}

}  // namespace

std::optional<std::string> Target::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<Target> parse_target(std::string_view target) {
  // Proxies may send the absolute form: http://host:port/path.
  if (auto scheme = target.find("://");
      scheme != std::string_view::npos && target.find('/') == scheme + 1) {
    auto path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  target = target.substr(0, target.find('#'));
  if (target.empty() || target.front() != '/') {
    return Error{ErrorKind::kInvalid, "The request target must be a path that begins with /"};
  }
  Target result;
  if (auto mark = target.find('?'); mark != std::string_view::npos) {
    SLUICE_ASSIGN(result.query, parse_query(target.substr(mark + 1)));
    target = target.substr(0, mark);
  }
  target.remove_prefix(1);
  if (!target.empty() && target.back() == '/') target.remove_suffix(1);
  while (!target.empty()) {
    auto slash = target.find('/');
    SLUICE_ASSIGN(auto segment, percent_decode(target.substr(0, slash), false));
    result.segments.push_back(std::move(segment));
    if (slash == std::string_view::npos) break;
    target = target.substr(slash + 1);
    if (target.empty()) result.segments.emplace_back();
  }
  return result;
}

std::string percent_encode(std::string_view segment) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : segment) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

const char* reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Request Entity Too Large";
    case 414:
      return "Request-URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

Response json_response(std::string body, int status) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response error_response(int status, const std::string& message) {
  // Replaces what is not UTF-8 (file names in messages) instead of throwing.
  return json_response(json_text(Json{{"error_code", status}, {"message", message}}), status);
}

Response standard_error(int status) {
  return error_response(status, "HTTP " + std::to_string(status) + " " + reason_phrase(status));
}

Response to_response(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kInvalid:
      return error_response(400, error.message);
    case ErrorKind::kNotFound:
      return error_response(404, error.message);
    case ErrorKind::kConflict:
      return error_response(409, error.message);
    case ErrorKind::kRetriable: {  // full queue, full disk: the same request may succeed later
      Response response = error_response(503, error.message);
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    default:
      return error_response(500, error.message);
  }
}

}  // namespace sluice::rest
