/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/wire_check.h"

#include <stdbool.h>
#include <string.h>

#include "onnx/fail.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_LENGTH = 2, WIRE_32BIT = 5 };

/* An enclosing message that has not ended yet. */
typedef struct frame {
  const ProtobufCMessageDescriptor *type;
  const uint8_t *end;
  uint64_t seen; /* bit i: fields[i] has occurred, of fields that may occur once */
} frame;

/* The field at hand: payload is [at, at + length). */
typedef struct wire_field {
  uint32_t number;
  enum wire_type type;
  const uint8_t *at;
  size_t length;
} wire_field;

typedef struct scan {
  const uint8_t *start, *at;
  frame stack[UNFURL_ONNX_MAX_DEPTH];
  size_t depth;
  unfurl_error *error;
} scan;

static unfurl_status bad(const scan *s, const ProtobufCFieldDescriptor *field, unfurl_status status, const char *what) {
  const frame *top = &s->stack[s->depth - 1];
  return unfurl_onnx_fail(s->error, status, "not a valid ONNX file: %s%s%s, byte %zu: %s", top->type->short_name,
                          field ? "." : "", field ? field->name : "", (size_t)(s->at - s->start), what);
}

/* Reads a base-128 number of at most 64 bits. Returns the byte after it, or NULL where it is cut off or too long. */
static const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, uint64_t *value) {
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
    const uint64_t bits = *at & 0x7f;
    if (shift == 63 && bits > 1) return NULL;
    result |= bits << shift;
    if (!(*at++ & 0x80)) {
      *value = result;
      return at;
    }
  }
  return NULL;
}

/* Finds the extent of a payload of the field's wire type; NULL, or what is wrong with it. */
static const char *measure(wire_field *field, const uint8_t *end) {
  const size_t left = (size_t)(end - field->at);
  uint64_t value;
  switch (field->type) {
  case WIRE_VARINT: {
    const uint8_t *next = read_varint(field->at, end, &value);
    if (!next) return "a number is cut off or too long";
    field->length = (size_t)(next - field->at);
    return NULL;
  }
  case WIRE_LENGTH: {
    const uint8_t *next = read_varint(field->at, end, &value);
    if (!next) return "a length is cut off or too long";
    if (value > (uint64_t)(end - next)) return "a length goes beyond what encloses it";
    field->at = next;
    field->length = (size_t)value;
    return NULL;
  }
  case WIRE_64BIT: field->length = 8; break;
  case WIRE_32BIT: field->length = 4; break;
  default: return "a wire type that ONNX does not use";
  }
  return field->length > left ? "a number is cut off" : NULL;
}

/* Reads tag and extent of the field at s->at; NULL, or what is wrong with it. */
static const char *read_field(const scan *s, wire_field *field) {
  const uint8_t *end = s->stack[s->depth - 1].end;
  uint64_t tag;
  field->at = read_varint(s->at, end, &tag);
  if (!field->at || tag > UINT32_MAX) return "a tag is cut off or too long";
  field->number = (uint32_t)(tag >> 3);
  field->type = (enum wire_type)(tag & 7);
  if (field->number == 0) return "field number 0";
  return measure(field, end);
}

static enum wire_type wire_type_of(ProtobufCType type) {
  switch (type) {
  case PROTOBUF_C_TYPE_FIXED32:
  case PROTOBUF_C_TYPE_SFIXED32:
  case PROTOBUF_C_TYPE_FLOAT: return WIRE_32BIT;
  case PROTOBUF_C_TYPE_FIXED64:
  case PROTOBUF_C_TYPE_SFIXED64:
  case PROTOBUF_C_TYPE_DOUBLE: return WIRE_64BIT;
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_BYTES:
  case PROTOBUF_C_TYPE_MESSAGE: return WIRE_LENGTH;
  default: return WIRE_VARINT;
  }
}

/* Whether a packed payload holds whole elements of the wire type `element`. */
static bool packed_is_whole(const wire_field *field, enum wire_type element) {
  if (element == WIRE_32BIT) return field->length % 4 == 0;
  if (element == WIRE_64BIT) return field->length % 8 == 0;
  const uint8_t *at = field->at, *end = at + field->length;
  uint64_t value;
  while (at && at < end) at = read_varint(at, end, &value);
  return at != NULL;
}

/* Checks a field against its schema; NULL, or what is wrong with it. */
static const char *check_known(const ProtobufCFieldDescriptor *known, const wire_field *field) {
  const enum wire_type expected = wire_type_of(known->type);
  if (field->type != expected) {
    if (known->label != PROTOBUF_C_LABEL_REPEATED || field->type != WIRE_LENGTH)
      return "the wire type is not that of the schema";
    if (!packed_is_whole(field, expected)) return "a packed array is cut off";
  }
  if (known->type == PROTOBUF_C_TYPE_STRING && field->length > 0 && memchr(field->at, 0, field->length))
    return "a string with a NUL in it";
  return NULL;
}

/* Notes that a field has occurred; whether it may. */
static bool note_occurrence(frame *top, const ProtobufCFieldDescriptor *known) {
  const size_t index = (size_t)(known - top->type->fields);
  if (known->label == PROTOBUF_C_LABEL_REPEATED || index >= 64) return true;
  const uint64_t bit = UINT64_C(1) << index;
  const bool again = top->seen & bit;
  top->seen |= bit;
  return !again;
}

/* Checks the field at s->at and moves on: into it if it is a message, behind it otherwise. */
static unfurl_status step(scan *s) {
  frame *top = &s->stack[s->depth - 1];
  wire_field field = {0};
  const char *wrong = read_field(s, &field);
  const ProtobufCFieldDescriptor *known =
      field.number ? protobuf_c_message_descriptor_get_field(top->type, field.number) : NULL;
  if (!wrong && known) wrong = check_known(known, &field);
  if (!wrong && known && !note_occurrence(top, known)) wrong = "it occurs a second time";
  if (wrong) return bad(s, known, UNFURL_BAD_FILE, wrong);
  if (!known || known->type != PROTOBUF_C_TYPE_MESSAGE) {
    s->at = field.at + field.length;
    return UNFURL_OK;
  }
  if (s->depth == UNFURL_ONNX_MAX_DEPTH) return bad(s, known, UNFURL_TOO_LARGE, "messages are nested too deep");
  s->stack[s->depth++] = (frame){.type = known->descriptor, .end = field.at + field.length};
  s->at = field.at;
  return UNFURL_OK;
}

unfurl_status unfurl_onnx_wire_check(const ProtobufCMessageDescriptor *root, const void *data, size_t size,
                                     unfurl_error *error) {
  const uint8_t *bytes = data;
  if (size == 0) return UNFURL_OK;
  scan s = {.start = bytes, .at = bytes, .depth = 1, .error = error};
  s.stack[0] = (frame){.type = root, .end = bytes + size};
  while (s.depth > 0) {
    if (s.at == s.stack[s.depth - 1].end) {
      s.depth--;
      continue;
    }
    const unfurl_status status = step(&s);
    if (status != UNFURL_OK) return status;
  }
  return UNFURL_OK;
}
