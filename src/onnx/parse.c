/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/parse.h"

#include <stdint.h>

#include "onnx/fail.h"
#include "onnx/wire_check.h"

enum {
  BLOCK_ALIGN = 64, /* what the context aligns to: small blocks take this much */
  HEADER = 16,
  BULK_FACTOR = 8,       /* one byte of a packed array becomes an int64 */
  STRUCTURE_FACTOR = 56, /* on top, for messages of a few bytes each; up to STRUCTURE_MOST */
};

#define STRUCTURE_MOST ((size_t)256 << 20)
#define BUDGET_LEAST   ((size_t)1 << 20)

/* protobuf counts in int. */
#define FILE_MOST ((size_t)INT32_MAX)

static size_t budget_of(size_t size) {
  const size_t structure = size * STRUCTURE_FACTOR;
  return size * BULK_FACTOR + (structure < STRUCTURE_MOST ? structure : STRUCTURE_MOST) + BUDGET_LEAST;
}

/* What a block of `size` bytes counts for, SIZE_MAX where that overflows. */
static size_t cost_of(size_t size) {
  size_t cost;
  if (__builtin_add_overflow(size, (size_t)HEADER + BLOCK_ALIGN - 1, &cost)) return SIZE_MAX;
  return cost / BLOCK_ALIGN * BLOCK_ALIGN;
}

static void *budget_alloc(void *user, size_t size) {
  unfurl_onnx_parsed *parsed = user;
  const size_t cost = cost_of(size);
  if (cost > parsed->budget) {
    parsed->over_budget = true;
    return NULL;
  }
  unsigned char *block = unfurl_context_alloc(parsed->context, size + HEADER);
  if (!block) {
    parsed->no_memory = true;
    return NULL;
  }
  parsed->budget -= cost;
  *(size_t *)(void *)block = size;
  return block + HEADER;
}

static void budget_free(void *user, void *ptr) {
  unfurl_onnx_parsed *parsed = user;
  if (!ptr) return;
  unsigned char *block = (unsigned char *)ptr - HEADER;
  const size_t size = *(const size_t *)(const void *)block;
  parsed->budget += cost_of(size);
  unfurl_context_free(parsed->context, block, size + HEADER);
}

unfurl_status unfurl_onnx_parse(const unfurl_context *context, const ProtobufCMessageDescriptor *type, const void *data,
                                size_t size, unfurl_onnx_parsed *parsed, unfurl_error *error) {
  *parsed = (unfurl_onnx_parsed){.context = context};
  if (size == 0) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "not a valid ONNX file: it is empty");
  if (size > FILE_MOST) return unfurl_onnx_fail(error, UNFURL_TOO_LARGE, "ONNX files end at 2 GiB");
  const unfurl_status status = unfurl_onnx_wire_check(type, data, size, error);
  if (status != UNFURL_OK) return status;

  parsed->allocator = (ProtobufCAllocator){.alloc = budget_alloc, .free = budget_free, .allocator_data = parsed};
  parsed->size = size;
  parsed->budget = budget_of(size);
  parsed->message = protobuf_c_message_unpack(type, &parsed->allocator, size, data);
  if (parsed->message) return UNFURL_OK;
  if (parsed->over_budget)
    return unfurl_onnx_fail(error, UNFURL_TOO_LARGE, "the file has far more structure than content");
  if (parsed->no_memory) return unfurl_onnx_fail(error, UNFURL_OUT_OF_MEMORY, "out of memory for the parsed file");
  return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "not a valid ONNX file: it can't be parsed");
}

void unfurl_onnx_parsed_drop(unfurl_onnx_parsed *parsed, ProtobufCBinaryData *payload) {
  budget_free(parsed, payload->data);
  *payload = (ProtobufCBinaryData){0};
}

void unfurl_onnx_parsed_clear(unfurl_onnx_parsed *parsed) {
  protobuf_c_message_free_unpacked(parsed->message, &parsed->allocator);
  parsed->message = NULL;
}
