/* SPDX-License-Identifier: BSD-2-Clause */
/* Problem strings: a convolution in benchdnn's notation, so that shape files can be shared.
 *
 *     g2mb1ic96ih27iw27oc256oh27ow27kh5kw5sh1sw1ph2pw2dh0dw0n"conv2*1"
 *
 * Fields stand in any order, each at most once, `_` between them is ignored:
 *
 *     g groups (1)     mb batch (1)     ic, oc channels, of all groups together
 *     ih iw image      oh ow result     kh kw kernel     sh sw stride (1)     dh dw dilation (0 = none)
 *     ph pw padding at the top and at the left; if left out it follows from oh, or is 0
 *     n the name, which is the rest of the string, in quotes or without; *N at its end: it occurs N times
 *
 * A width that is left out is the height. The padding at the bottom and at the right follows from oh and ow: it may be
 * more or less than ph and pw, and image rows that the result has no use for are allowed. Without oh and ow the padding
 * is the same on both sides. The depth fields (id, kd, ...) are refused: images have two dimensions.
 */
#ifndef CLI_PROBLEM_H
#define CLI_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "unfurl/conv.h"
#include "unfurl/status.h"

typedef struct problem_spec {
  char *text;            /* the string, without blanks around it */
  char *name;            /* "" if it has none; without the repeat count */
  size_t repeat;         /* how often it occurs in its network; default 1 */
  unfurl_conv_desc desc; /* NHWC, no activation */
  int64_t oh, ow;
} problem_spec;

typedef struct problem_list {
  problem_spec *items; /* [count] */
  size_t count;
} problem_list;

/* Reads one problem. INVALID_ARGUMENT (the message says where), UNSUPPORTED (depth), OUT_OF_MEMORY. Released by
 * problem_free in any case. */
unfurl_status problem_parse(problem_spec *problem, const char *text, unfurl_error *error);
void problem_free(problem_spec *problem);

/* The problem that `desc` is, with a string in this notation; characters of `name` that it has no room for become '?'.
 * Padding at the bottom and at the right that no result needs is left out. UNSUPPORTED (a transposed convolution),
 * OUT_OF_MEMORY, and INVALID_ARGUMENT for what the notation can't say. Released by problem_free in any case. */
unfurl_status problem_describe(problem_spec *problem, const unfurl_conv_desc *desc, const char *name, size_t repeat,
                               unfurl_error *error);

/* Append a problem from its string, one that is there already (the list's from then on, unless this fails), and those of
 * a file: one a line; empty lines, and lines that begin with #, are skipped. An error of a line names it. Released by
 * problem_list_free in any case. */
unfurl_status problem_list_add(problem_list *list, const char *text, unfurl_error *error);
unfurl_status problem_list_append(problem_list *list, const problem_spec *problem, unfurl_error *error);
unfurl_status problem_list_load(problem_list *list, const char *path, unfurl_error *error);
void problem_list_free(problem_list *list);

/* Multiplications of one execution: batch * oc * oh * ow * kh * kw * ic / groups. */
double problem_macs(const problem_spec *problem);

#endif
