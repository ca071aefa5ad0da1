/* SPDX-License-Identifier: Apache-2.0 */
/* The header alone, first, and twice, as pedantic C11; and what every build relies on. */
#include <sluice/plugin.h>
#include <sluice/plugin.h>

_Static_assert(sizeof(sluice_value) == 16, "one value, 16 bytes");
_Static_assert(offsetof(sluice_host, struct_size) == 0, "the size comes first");
_Static_assert(offsetof(sluice_plugin, struct_size) == 0, "the size comes first");
_Static_assert(offsetof(sluice_class, struct_size) == 0, "the size comes first");
_Static_assert(offsetof(sluice_batch, struct_size) == 0, "the size comes first");

int header_as_c(void);
int header_as_c(void) { return (int)SLUICE_ABI_VERSION; }
