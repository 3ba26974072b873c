/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/wisdom_line.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum field_kind { NUMBER, FLAG, LAYOUT, REAL, SIZE } field_kind;

/* The key, in order. */
static const struct {
  const char *name;
  size_t offset;
  field_kind kind;
} FIELDS[] = {
    {"batch", offsetof(unfurl_conv_desc, batch), NUMBER},
    {"ic", offsetof(unfurl_conv_desc, ic), NUMBER},
    {"ih", offsetof(unfurl_conv_desc, ih), NUMBER},
    {"iw", offsetof(unfurl_conv_desc, iw), NUMBER},
    {"oc", offsetof(unfurl_conv_desc, oc), NUMBER},
    {"kh", offsetof(unfurl_conv_desc, kh), NUMBER},
    {"kw", offsetof(unfurl_conv_desc, kw), NUMBER},
    {"stride_h", offsetof(unfurl_conv_desc, stride_h), NUMBER},
    {"stride_w", offsetof(unfurl_conv_desc, stride_w), NUMBER},
    {"pad_top", offsetof(unfurl_conv_desc, pad_top), NUMBER},
    {"pad_left", offsetof(unfurl_conv_desc, pad_left), NUMBER},
    {"pad_bottom", offsetof(unfurl_conv_desc, pad_bottom), NUMBER},
    {"pad_right", offsetof(unfurl_conv_desc, pad_right), NUMBER},
    {"dilation_h", offsetof(unfurl_conv_desc, dilation_h), NUMBER},
    {"dilation_w", offsetof(unfurl_conv_desc, dilation_w), NUMBER},
    {"groups", offsetof(unfurl_conv_desc, groups), NUMBER},
    {"transposed", offsetof(unfurl_conv_desc, transposed), FLAG},
    {"output_pad_h", offsetof(unfurl_conv_desc, output_pad_h), NUMBER},
    {"output_pad_w", offsetof(unfurl_conv_desc, output_pad_w), NUMBER},
    {"src_layout", offsetof(unfurl_conv_desc, src_layout), LAYOUT},
    {"dst_layout", offsetof(unfurl_conv_desc, dst_layout), LAYOUT},
    {"weights_layout", offsetof(unfurl_conv_desc, weights_layout), LAYOUT},
    {"weights_at_execute", offsetof(unfurl_conv_desc, weights_at_execute), FLAG},
    {"tolerance_bits", offsetof(unfurl_conv_desc, tolerance), REAL}, /* a number that text keeps exactly */
    {"workspace_limit", offsetof(unfurl_conv_desc, workspace_limit), SIZE},
};
static_assert(sizeof FIELDS / sizeof *FIELDS == UNFURL_WISDOM_FIELDS, "the key has as many numbers");

/* -0 is 0. */
static int64_t bits_of(float value) {
  uint32_t bits = 0;
  if (value != 0) memcpy(&bits, &value, sizeof bits);
  return bits;
}

static float float_of(int64_t key) {
  const uint32_t bits = (uint32_t)key;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

void unfurl_wisdom_set_key(unfurl_wisdom_entry *entry, const unfurl_conv_desc *desc) {
  for (size_t i = 0; i < UNFURL_WISDOM_FIELDS; i++) {
    const void *field = (const char *)desc + FIELDS[i].offset;
    switch (FIELDS[i].kind) {
    case NUMBER: entry->key[i] = *(const int64_t *)field; break;
    case FLAG: entry->key[i] = *(const bool *)field; break;
    case LAYOUT: entry->key[i] = (int64_t) * (const unfurl_layout *)field; break;
    case REAL: entry->key[i] = bits_of(*(const float *)field); break;
    case SIZE: entry->key[i] = (int64_t) * (const size_t *)field; break;
    }
  }
}

unfurl_conv_desc unfurl_wisdom_desc(const unfurl_wisdom_entry *entry) {
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  for (size_t i = 0; i < UNFURL_WISDOM_FIELDS; i++) {
    void *field = (char *)&desc + FIELDS[i].offset;
    switch (FIELDS[i].kind) {
    case NUMBER: *(int64_t *)field = entry->key[i]; break;
    case FLAG: *(bool *)field = entry->key[i] != 0; break;
    case LAYOUT: *(unfurl_layout *)field = (unfurl_layout)entry->key[i]; break;
    case REAL: *(float *)field = float_of(entry->key[i]); break;
    case SIZE: *(size_t *)field = (size_t)entry->key[i]; break;
    }
  }
  return desc;
}

bool unfurl_wisdom_same_key(const unfurl_wisdom_entry *a, const unfurl_wisdom_entry *b) {
  return a->isa == b->isa && !memcmp(a->key, b->key, sizeof a->key);
}

size_t unfurl_wisdom_print(const unfurl_wisdom_entry *entry, char line[UNFURL_WISDOM_LINE]) {
  size_t length = 0;
  for (size_t i = 0; i < UNFURL_WISDOM_FIELDS; i++)
    length += (size_t)snprintf(line + length, UNFURL_WISDOM_LINE - length, "%s%s %" PRId64, i ? " " : "",
                               FIELDS[i].name, entry->key[i]);
  return length + (size_t)snprintf(line + length, UNFURL_WISDOM_LINE - length, ": %s %" PRId64,
                                   entry->found.solver->name, entry->found.nanoseconds);
}

/* Passes over `word` and a blank, and reads a number. */
static bool scan_number(const char **at, const char *word, int64_t *number) {
  const size_t length = strlen(word);
  char *end;
  if (strncmp(*at, word, length) != 0 || (*at)[length] != ' ') return false;
  *number = strtoll(*at + length + 1, &end, 10);
  *at = end;
  return true;
}

/* The solver whose name, and then a number, `text` is. */
static const unfurl_conv_solver *scan_solver(const char *text, int64_t *nanoseconds) {
  for (size_t i = 0; i < unfurl_conv_solver_count; i++) {
    const char *at = text;
    if (scan_number(&at, unfurl_conv_solvers[i]->name, nanoseconds)) return unfurl_conv_solvers[i];
  }
  return NULL;
}

/* Loosely first; what was read is printed again, and must be the same. A descriptor that does not have these numbers
 * (a layout or a flag that is none) does not come back as the same key. */
bool unfurl_wisdom_scan(unfurl_wisdom_entry *entry, const char *line) {
  char again[UNFURL_WISDOM_LINE];
  const char *at = line;
  for (size_t i = 0; i < UNFURL_WISDOM_FIELDS; i++) {
    if (i > 0 && *at++ != ' ') return false;
    if (!scan_number(&at, FIELDS[i].name, &entry->key[i])) return false;
  }
  if (at[0] != ':' || at[1] != ' ') return false;
  entry->found.solver = scan_solver(at + 2, &entry->found.nanoseconds);
  if (!entry->found.solver || entry->found.nanoseconds < 0) return false;
  const unfurl_conv_desc desc = unfurl_wisdom_desc(entry);
  unfurl_wisdom_set_key(entry, &desc);
  unfurl_wisdom_print(entry, again);
  return !strcmp(line, again);
}
