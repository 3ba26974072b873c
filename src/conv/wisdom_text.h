/* SPDX-License-Identifier: BSD-2-Clause */
/* Wisdom as text, line by line; each line ends with a newline, and all characters are printable:
 *
 *     unfurl wisdom 1              the format's version
 *     library 0.1.0                these four must be as they are here and now
 *     isa avx2
 *     processor AMD EPYC-Milan Processor, L1 32768, L2 524288
 *     threads 2
 *     batch 1 ic 64 ...            any number of entries (wisdom_line.h)
 *     checksum 0123456789abcdef    of all before it
 */
#ifndef UNFURL_CONV_WISDOM_TEXT_H
#define UNFURL_CONV_WISDOM_TEXT_H

#include "conv/wisdom_line.h"

enum { UNFURL_WISDOM_TEXT_MOST = (UNFURL_WISDOM_MOST + 1) * UNFURL_WISDOM_LINE };

/* 64-bit FNV-1a, piece by piece: `sum` is that of what came before. No change of a single byte goes unnoticed. */
#define UNFURL_WISDOM_NO_SUM UINT64_C(0xcbf29ce484222325)
uint64_t unfurl_wisdom_checksum(uint64_t sum, const char *text, size_t length);

#endif
