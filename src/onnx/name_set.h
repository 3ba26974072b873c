/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of names: a sorted array of pointers to strings that others own.
 *
 * Sorted rather than hashed, so that no choice of names makes look-ups slow; sorted by our own heapsort, because the
 * C library's qsort allocates behind the context's back.
 */
#ifndef UNFURL_ONNX_NAME_SET_H
#define UNFURL_ONNX_NAME_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "unfurl/context.h"

typedef struct unfurl_onnx_name_set {
  const char **names; /* [capacity], the first `count` are in use */
  size_t count, capacity;
} unfurl_onnx_name_set;

/* Room for `capacity` names. False when out of memory. */
bool unfurl_onnx_name_set_init(const unfurl_context *context, unfurl_onnx_name_set *set, size_t capacity);

/* Adds a name; room for it must be left. The set is sorted once all are in. */
void unfurl_onnx_name_set_add(unfurl_onnx_name_set *set, const char *name);
void unfurl_onnx_name_set_sort(unfurl_onnx_name_set *set);

bool unfurl_onnx_name_set_has(const unfurl_onnx_name_set *set, const char *name);

void unfurl_onnx_name_set_clear(const unfurl_context *context, unfurl_onnx_name_set *set);

#endif
