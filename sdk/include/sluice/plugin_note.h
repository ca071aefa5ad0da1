/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For plugins written in C: puts the manifest into the file. Once per library, with a string literal:
 *   SLUICE_PLUGIN_NOTE("{\"abi\":[0,1],\"name\":\"x\", ... }");
 * The text must say what the entry's tables say; the conformance runner compares the two. C++ plugins use
 * SLUICE_PLUGIN of <sluice/sdk.hpp>, which writes the text itself.
 */
#ifndef SLUICE_PLUGIN_NOTE_H
#define SLUICE_PLUGIN_NOTE_H

#include <sluice/plugin.h>

/* Sizes in bytes, type, owner and text padded to four bytes, as in any ELF note. */
#define SLUICE_PLUGIN_NOTE(json)                                                         \
  __attribute__((used, section(".note.sluice"), aligned(4))) static const struct {       \
    uint32_t name_size;                                                                  \
    uint32_t text_size;                                                                  \
    uint32_t type;                                                                       \
    char name[(sizeof(SLUICE_NOTE_OWNER) + 3) / 4 * 4];                                  \
    char text[(sizeof(json) - 1 + 3) / 4 * 4];                                           \
  } sluice_plugin_note = {sizeof(SLUICE_NOTE_OWNER), sizeof(json) - 1, SLUICE_NOTE_TYPE, \
                          SLUICE_NOTE_OWNER, json}

#endif /* SLUICE_PLUGIN_NOTE_H */
