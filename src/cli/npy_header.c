/* SPDX-License-Identifier: BSD-2-Clause */
#include "npy_header.h"

#include <stdbool.h>
#include <string.h>

#include "checked.h"
#include "fault.h"

static const struct {
  const char *descr, *name;
  size_t size;
} types[] = {
    [NPY_F32] = {"<f4", "float32", 4}, [NPY_F64] = {"<f8", "float64", 8}, [NPY_I64] = {"<i8", "int64", 8},
    [NPY_I32] = {"<i4", "int32", 4},   [NPY_U8] = {"|u1", "uint8", 1},    [NPY_BOOL] = {"|b1", "bool", 1},
};
enum { TYPES = sizeof types / sizeof *types };

size_t npy_type_size(npy_type type) {
  return types[type].size;
}

const char *npy_type_name(npy_type type) {
  return types[type].name;
}

const char *npy_type_descr(npy_type type) {
  return types[type].descr;
}

unfurl_status npy_header_prefix(const unsigned char *bytes, size_t size, size_t *prefix, size_t *text,
                                unfurl_error *error) {
  if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0) return fault_set(error, UNFURL_BAD_FILE, "is not a .npy file");
  const unsigned major = bytes[6], minor = bytes[7];
  if (major < 1 || major > 3 || minor != 0)
    return fault_set(error, UNFURL_UNSUPPORTED, "has .npy version %u.%u; 1.0, 2.0 and 3.0 are known", major, minor);
  *prefix = major == 1 ? 10 : 12;
  if (size < *prefix) return fault_set(error, UNFURL_BAD_FILE, "ends within its header");
  *text = bytes[8] | (size_t)bytes[9] << 8;
  if (major > 1) *text |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  if (*text > NPY_MAX_TEXT)
    return fault_set(error, UNFURL_TOO_LARGE, "claims a header of %zu bytes; %d are allowed", *text, NPY_MAX_TEXT);
  return UNFURL_OK;
}

/* What is still to be read of the text, and which keys were. */
typedef struct header_scan {
  const char *begin, *at, *end;
  bool descr, order, shape;
  unfurl_error *error;
} header_scan;

static unfurl_status bad(const header_scan *scan, const char *what) {
  return fault_set(scan->error, UNFURL_BAD_FILE, "has a bad .npy header: %s expected at byte %td of it", what,
                   scan->at - scan->begin);
}

static void skip_blanks(header_scan *scan) {
  while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t')) scan->at++;
}

/* Takes the character `wanted`, after blanks, if it is there. */
static bool take(header_scan *scan, char wanted) {
  skip_blanks(scan);
  if (scan->at == scan->end || *scan->at != wanted) return false;
  scan->at++;
  return true;
}

/* Takes a word such as False. */
static bool take_word(header_scan *scan, const char *word) {
  const size_t length = strlen(word);
  skip_blanks(scan);
  if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0) return false;
  scan->at += length;
  return true;
}

/* A string in single or double quotes, without escapes. */
static bool take_string(header_scan *scan, const char **string, size_t *length) {
  const char quote = take(scan, '\'') ? '\'' : take(scan, '"') ? '"' : '\0';
  if (!quote) return false;
  *string = scan->at;
  while (scan->at < scan->end && *scan->at != quote) {
    if (*scan->at < ' ' || *scan->at > '~' || *scan->at == '\\') return false;
    scan->at++;
  }
  *length = (size_t)(scan->at - *string);
  return take(scan, quote);
}

static bool equals(const char *string, size_t length, const char *word) {
  return strlen(word) == length && memcmp(string, word, length) == 0;
}

static unfurl_status take_descr(header_scan *scan, npy_header *header) {
  const char *descr;
  size_t length;
  skip_blanks(scan);
  if (scan->at < scan->end && *scan->at == '[')
    return fault_set(scan->error, UNFURL_UNSUPPORTED, "holds records; only plain numbers can be read");
  if (!take_string(scan, &descr, &length)) return bad(scan, "a type in quotes");
  for (size_t i = 0; i < TYPES; i++) {
    if (!equals(descr, length, types[i].descr)) continue;
    header->type = (npy_type)i;
    return UNFURL_OK;
  }
  return fault_set(scan->error, UNFURL_UNSUPPORTED, "has type '%.*s'; <f4, <f8, <i8, <i4, |u1 and |b1 are known",
                   (int)(length < 32 ? length : 32), descr);
}

static unfurl_status take_dim(header_scan *scan, npy_header *header) {
  size_t value = 0;
  const char *first = scan->at;
  for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++)
    if (!checked_mul(&value, 10) || !checked_add(&value, (size_t)(*scan->at - '0')) || value > INT64_MAX)
      return fault_set(scan->error, UNFURL_TOO_LARGE, "has a dimension that does not fit in 64 bits");
  if (scan->at == first || (*first == '0' && scan->at > first + 1)) {
    scan->at = first;
    return bad(scan, "a dimension");
  }
  if (header->rank == UNFURL_MAX_RANK)
    return fault_set(scan->error, UNFURL_UNSUPPORTED, "has more than %d dimensions", UNFURL_MAX_RANK);
  header->dims[header->rank++] = (int64_t)value;
  return UNFURL_OK;
}

/* A tuple: () or (n,) or (n, m) or (n, m,) and so on; (n) is none. */
static unfurl_status take_shape(header_scan *scan, npy_header *header) {
  if (!take(scan, '(')) return bad(scan, "a tuple");
  bool comma = true;
  while (!take(scan, ')')) {
    if (!comma) return bad(scan, "a comma or a parenthesis");
    const unfurl_status status = take_dim(scan, header);
    if (status != UNFURL_OK) return status;
    comma = take(scan, ',');
  }
  return header->rank == 1 && !comma ? bad(scan, "a tuple (with a comma)") : UNFURL_OK;
}

static unfurl_status take_pair(header_scan *scan, npy_header *header, bool *fortran) {
  const char *key;
  size_t length;
  if (!take_string(scan, &key, &length)) return bad(scan, "a key in quotes");
  bool *seen = equals(key, length, "descr")           ? &scan->descr
               : equals(key, length, "fortran_order") ? &scan->order
               : equals(key, length, "shape")         ? &scan->shape
                                                      : NULL;
  if (!seen || *seen) return bad(scan, "one each of 'descr', 'fortran_order' and 'shape'");
  *seen = true;
  if (!take(scan, ':')) return bad(scan, "a colon");
  if (seen == &scan->descr) return take_descr(scan, header);
  if (seen == &scan->shape) return take_shape(scan, header);
  *fortran = take_word(scan, "True");
  return *fortran || take_word(scan, "False") ? UNFURL_OK : bad(scan, "True or False");
}

static unfurl_status take_dict(header_scan *scan, npy_header *header, bool *fortran) {
  if (!take(scan, '{')) return bad(scan, "a brace");
  bool comma = true;
  while (!take(scan, '}')) {
    if (!comma) return bad(scan, "a comma or a brace");
    const unfurl_status status = take_pair(scan, header, fortran);
    if (status != UNFURL_OK) return status;
    comma = take(scan, ',');
  }
  if (!scan->descr || !scan->order || !scan->shape)
    return bad(scan, "each of 'descr', 'fortran_order' and 'shape' before the end");
  skip_blanks(scan);
  return scan->end - scan->at == 1 && *scan->at == '\n' ? UNFURL_OK : bad(scan, "blanks and one newline");
}

/* Sizes that follow from dims. A dimension of 0 does not make the others harmless: their product has to fit too. */
static unfurl_status measure(npy_header *header, unfurl_error *error) {
  header->rows = header->rank ? (size_t)header->dims[0] : 1;
  header->row_elements = 1;
  bool fits = true, hollow = false;
  for (size_t i = 1; i < header->rank; i++) {
    if (header->dims[i] == 0)
      hollow = true;
    else
      fits = fits && checked_mul(&header->row_elements, (size_t)header->dims[i]);
  }
  header->row_bytes = header->row_elements;
  fits = fits && checked_mul(&header->row_bytes, npy_type_size(header->type));
  header->data_bytes = header->row_bytes;
  fits = fits && checked_mul(&header->data_bytes, header->rows ? header->rows : 1);
  if (!fits) return fault_set(error, UNFURL_TOO_LARGE, "has a shape whose size does not fit in 64 bits");
  if (hollow) header->row_elements = header->row_bytes = 0;
  if (hollow || header->rows == 0) header->data_bytes = 0;
  return UNFURL_OK;
}

unfurl_status npy_header_parse(npy_header *header, const char *text, size_t size, unfurl_error *error) {
  header_scan scan = {.begin = text, .at = text, .end = text + size, .error = error};
  bool fortran = false;
  *header = (npy_header){0};
  const unfurl_status status = take_dict(&scan, header, &fortran);
  if (status != UNFURL_OK) return status;
  if (fortran && header->rank > 1)
    return fault_set(error, UNFURL_UNSUPPORTED, "is in Fortran order; save numpy.ascontiguousarray(...) instead");
  return measure(header, error);
}
