/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/name_set.h"

#include <assert.h>
#include <string.h>

bool unfurl_onnx_name_set_init(const unfurl_context *context, unfurl_onnx_name_set *set, size_t capacity) {
  *set = (unfurl_onnx_name_set){0};
  size_t bytes;
  if (capacity == 0) return true;
  if (__builtin_mul_overflow(capacity, sizeof *set->names, &bytes)) return false;
  set->names = unfurl_context_alloc(context, bytes);
  if (!set->names) return false;
  set->capacity = capacity;
  return true;
}

void unfurl_onnx_name_set_add(unfurl_onnx_name_set *set, const char *name) {
  assert(set->count < set->capacity);
  set->names[set->count++] = name;
}

/* Moves names[root] down until no child is greater: the heap property below `root`. */
static void sift_down(const char **names, size_t root, size_t count) {
  const char *moving = names[root];
  for (size_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && strcmp(names[child], names[child + 1]) < 0) child++;
    if (strcmp(moving, names[child]) >= 0) break;
    names[root] = names[child];
  }
  names[root] = moving;
}

void unfurl_onnx_name_set_sort(unfurl_onnx_name_set *set) {
  const char **names = set->names;
  for (size_t root = set->count / 2; root-- > 0;) sift_down(names, root, set->count);
  for (size_t end = set->count; end > 1;) {
    const char *greatest = names[0];
    names[0] = names[--end];
    names[end] = greatest;
    sift_down(names, 0, end);
  }
}

bool unfurl_onnx_name_set_has(const unfurl_onnx_name_set *set, const char *name) {
  size_t low = 0, high = set->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const int order = strcmp(name, set->names[middle]);
    if (order == 0) return true;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return false;
}

void unfurl_onnx_name_set_clear(const unfurl_context *context, unfurl_onnx_name_set *set) {
  unfurl_context_free(context, set->names, set->capacity * sizeof *set->names);
  *set = (unfurl_onnx_name_set){0};
}
