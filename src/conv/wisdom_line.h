/* SPDX-License-Identifier: BSD-2-Clause */
/* An entry of wisdom as a key of numbers, and as a line of text:
 *
 *     batch 1 ic 64 ih 56 iw 56 ... workspace_limit 0: depthwise 123456
 *
 * All fields in a fixed order, the solver, and nanoseconds. Numbers are whole, so that no locale matters.
 */
#ifndef UNFURL_CONV_WISDOM_LINE_H
#define UNFURL_CONV_WISDOM_LINE_H

#include "conv/wisdom.h"

enum { UNFURL_WISDOM_LINE = 1024 };

/* A descriptor as a key, and back; a key may hold numbers that no descriptor has. */
void unfurl_wisdom_set_key(unfurl_wisdom_entry *entry, const unfurl_conv_desc *desc);
unfurl_conv_desc unfurl_wisdom_desc(const unfurl_wisdom_entry *entry);

bool unfurl_wisdom_same_key(const unfurl_wisdom_entry *a, const unfurl_wisdom_entry *b);

/* Writes the line, without its end; returns its length. */
size_t unfurl_wisdom_print(const unfurl_wisdom_entry *entry, char line[UNFURL_WISDOM_LINE]);

/* Reads a line that is as one that was printed, to the letter; false for another. */
bool unfurl_wisdom_scan(unfurl_wisdom_entry *entry, const char *line);

#endif
