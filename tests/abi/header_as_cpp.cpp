// SPDX-License-Identifier: Apache-2.0
// The same header as pedantic C++20, alone and first.
#include <sluice/plugin.h>

static_assert(sizeof(sluice_value) == 16);
static_assert(SLUICE_ABI_VERSION == (SLUICE_ABI_MAJOR << 16 | SLUICE_ABI_MINOR));
