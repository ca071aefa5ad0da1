// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

// What names of files say about rotation. Pure functions over paths.
namespace sluice::file_plugin {

bool is_gzip_name(std::string_view path);
// The name under which the file was written: without ".gz" and without what rotation puts behind a
// name: groups of digits after ".", "-" or "_" ("app.log.1", "app.log-20260131",
// "app.log.2026-01-31-23.gz" are "app.log").
std::string_view live_name(std::string_view path);
// Whether rotation can have made a file called `from` one called `to`.
bool can_become(std::string_view from, std::string_view to);
// The N of "app.log.N"; nullopt: no number of a rotation but a date, or nothing.
std::optional<unsigned> rotation_number(std::string_view path);

std::string_view folder_of(std::string_view path);     // "" if there is none, without the last "/"
std::string_view file_name_of(std::string_view path);  // behind the last "/"
std::string join_path(std::string_view folder, std::string_view name);

}  // namespace sluice::file_plugin
