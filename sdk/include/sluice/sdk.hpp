// SPDX-License-Identifier: Apache-2.0
#pragma once

// The C++20 wrapper around <sluice/plugin.h>, header-only, on the standard library alone. A connector
// includes this file; docs/writing-a-connector.md starts from nothing.
#include <sluice/sdk/plugin.hpp>
