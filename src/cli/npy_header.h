/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a .npy file: NumPy's array format, versions 1.0, 2.0 and 3.0.
 *
 *     "\x93NUMPY"  major  minor  length (2 bytes, from version 2.0 on 4)  text  data
 *
 * The text is a Python dict of the keys 'descr', 'fortran_order' and 'shape', filled up with blanks and ended by a
 * newline (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). It is read as a grammar of our own,
 * not as Python: three keys, once each, in any order, and nothing that could be evaluated. Pickled objects and records
 * are refused.
 */
#ifndef CLI_NPY_HEADER_H
#define CLI_NPY_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "unfurl/status.h"
#include "unfurl/tensor.h"

enum {
  NPY_MAX_PREFIX = 12,     /* bytes before the text, at most */
  NPY_MAX_TEXT = 64 * 1024 /* a longer text is refused */
};

typedef enum npy_type { NPY_F32, NPY_F64, NPY_I64, NPY_I32, NPY_U8, NPY_BOOL } npy_type;

typedef struct npy_header {
  npy_type type;
  size_t rank;
  int64_t dims[UNFURL_MAX_RANK];
  size_t rows;         /* dims[0]; 1 for a scalar */
  size_t row_elements; /* product of the other dims */
  size_t row_bytes;
  size_t data_bytes; /* rows * row_bytes */
} npy_header;

size_t npy_type_size(npy_type type);

/* "float32", "int64", ...: as NumPy calls them. */
const char *npy_type_name(npy_type type);

/* "<f4", ...: as the header spells them. */
const char *npy_type_descr(npy_type type);

/* Reads magic, version and length from the `size` first bytes of a file: *prefix bytes stand before the text, *text in
 * it. BAD_FILE (also where `size` is too small to tell), UNSUPPORTED, TOO_LARGE. */
unfurl_status npy_header_prefix(const unsigned char *bytes, size_t size, size_t *prefix, size_t *text,
                                unfurl_error *error);

/* Reads the text. BAD_FILE (the message says where), UNSUPPORTED (type, order or rank), TOO_LARGE. */
unfurl_status npy_header_parse(npy_header *header, const char *text, size_t size, unfurl_error *error);

#endif
