/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/einsum.h"

#include <string.h>

#include "base/status.h"
#include "shape/tensor.h"

enum { LETTERS = 128 /* codes that a label can have, and more */ };

/* The labels of one term, as codes. */
typedef struct term {
  char codes[UNFURL_MAX_RANK];
  size_t rank;
} term;

typedef struct reader {
  const char *at;
  unfurl_einsum *einsum;
  size_t ellipsis;      /* the most dimensions that one stands for */
  size_t uses[LETTERS]; /* of a code, in the operands */
  bool has[2][UNFURL_EINSUM_LABELS];
} reader;

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool ends_term(char c) {
  return c == '\0' || c == ',' || c == '-';
}

static size_t count_letters(const char *at) {
  size_t count = 0;
  for (; !ends_term(*at); at++) count += is_letter(*at);
  return count;
}

/* Reads on to the end of a term. `dots`: how many dimensions an ellipsis stands for. */
static unfurl_status read_term(reader *r, size_t dots, term *t, unfurl_error *error) {
  bool has_ellipsis = false;
  t->rank = 0;
  while (!ends_term(*r->at)) {
    const bool is_ellipsis = !strncmp(r->at, "...", 3) && !has_ellipsis;
    const size_t more = is_ellipsis ? dots : *r->at != ' ';
    if ((!is_ellipsis && *r->at != ' ' && !is_letter(*r->at)) || t->rank + more > UNFURL_MAX_RANK)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its equation goes wrong at \"%.20s\"", r->at);
    for (size_t i = 0; i < more; i++) t->codes[t->rank++] = is_ellipsis ? (char)(dots - i) : *r->at;
    has_ellipsis = has_ellipsis || is_ellipsis;
    r->at += is_ellipsis ? 3 : 1;
  }
  return UNFURL_OK;
}

static size_t find_label(const unfurl_einsum *e, char code) {
  size_t l = 0;
  while (l < e->label_count && e->codes[l] != code) l++;
  return l;
}

/* Only dimensions of an ellipsis are stretched from 1. */
static bool joins_size(unfurl_einsum *e, size_t l, size_t size) {
  const bool stretches = e->codes[l] <= UNFURL_MAX_RANK;
  if (e->sizes[l] == 1 && stretches) e->sizes[l] = size;
  return e->sizes[l] == size || (size == 1 && stretches);
}

static unfurl_status add_operand(reader *r, size_t operand, const unfurl_tensor *x, unfurl_error *error) {
  unfurl_einsum *e = r->einsum;
  const size_t letters = count_letters(r->at), dots = x->rank > letters ? x->rank - letters : 0;
  ptrdiff_t strides[UNFURL_MAX_RANK];
  term t;
  const unfurl_status status = read_term(r, dots, &t, error);
  if (status) return status;
  if (t.rank != x->rank)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its equation gives input %zu a rank of %zu, it has %zu",
                       operand, t.rank, x->rank);
  unfurl_tensor_strides(x, strides);
  for (size_t i = 0; i < t.rank; i++) {
    const size_t l = find_label(e, t.codes[i]), size = (size_t)x->dims[i];
    if (l == e->label_count) e->codes[l] = t.codes[i], e->sizes[l] = size, e->label_count++;
    if (!joins_size(e, l, size))
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "dimension %zu of input %zu is %zu, not %zu", i, operand, size,
                         e->sizes[l]);
    if (size != 1) e->strides[operand][l] += strides[i];
    r->has[operand][l] = r->has[operand][l] || size != 1;
    r->uses[(size_t)t.codes[i]]++;
  }
  if (dots > r->ellipsis && t.rank > letters) r->ellipsis = dots;
  return UNFURL_OK;
}

/* Whether there was room for it. */
static bool append(term *t, char code) {
  if (t->rank >= UNFURL_MAX_RANK) return false;
  t->codes[t->rank++] = code;
  return true;
}

/* What the result has if the equation does not say: ellipses, and the letters that are there once, in their order. */
static unfurl_status imply_output(const reader *r, term *t, unfurl_error *error) {
  bool fits = true;
  t->rank = 0;
  for (size_t i = r->ellipsis; i > 0; i--) fits = append(t, (char)i) && fits;
  for (char c = 'A'; c <= 'z'; c++)
    if (is_letter(c) && r->uses[(size_t)c] == 1) fits = append(t, c) && fits;
  return fits ? UNFURL_OK : unfurl_fail(error, UNFURL_UNSUPPORTED, "its result has a rank over %d", UNFURL_MAX_RANK);
}

static unfurl_status read_output(reader *r, term *t, unfurl_error *error) {
  if (!*r->at) return imply_output(r, t, error);
  if (strncmp(r->at, "->", 2) != 0)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its equation does not go on with \"->\" at \"%.20s\"", r->at);
  r->at += 2;
  const unfurl_status status = read_term(r, r->ellipsis, t, error);
  if (!status && *r->at) return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its equation has two results");
  return status;
}

static void swap_labels(reader *r, size_t a, size_t b) {
  unfurl_einsum *e = r->einsum;
  const unfurl_einsum old = *e;
  const bool has[] = {r->has[0][a], r->has[1][a]};
  e->codes[a] = old.codes[b], e->codes[b] = old.codes[a];
  e->sizes[a] = old.sizes[b], e->sizes[b] = old.sizes[a];
  for (size_t o = 0; o < 2; o++) {
    e->strides[o][a] = old.strides[o][b], e->strides[o][b] = old.strides[o][a];
    r->has[o][a] = r->has[o][b], r->has[o][b] = has[o];
  }
}

/* Puts the result's labels in front, in its order. */
static unfurl_status order_labels(reader *r, const term *output, unfurl_error *error) {
  unfurl_einsum *e = r->einsum;
  for (size_t i = 0; i < output->rank; i++) {
    const size_t l = find_label(e, output->codes[i]);
    if (l < i || l == e->label_count)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its result has a label twice, or one that no input has");
    swap_labels(r, i, l);
  }
  e->output_rank = output->rank;
  return UNFURL_OK;
}

static unfurl_einsum_role role_of(const reader *r, size_t l) {
  if (l >= r->einsum->output_rank) return UNFURL_EINSUM_SUMMAND;
  if (r->has[0][l] && r->has[1][l]) return UNFURL_EINSUM_PRODUCT;
  return r->has[1][l] ? UNFURL_EINSUM_COLUMN : UNFURL_EINSUM_ROW;
}

unfurl_status unfurl_einsum_read(const char *equation, const unfurl_tensor *const *operands, size_t count,
                                 unfurl_einsum *einsum, unfurl_error *error) {
  reader r = {.at = equation, .einsum = einsum};
  term output;
  *einsum = (unfurl_einsum){.label_count = 0};
  for (size_t o = 0; o < count; o++) {
    if (o > 0 && *r.at++ != ',')
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "its equation has fewer terms than there are inputs");
    const unfurl_status status = add_operand(&r, o, operands[o], error);
    if (status) return status;
  }
  unfurl_status status = read_output(&r, &output, error);
  if (!status) status = order_labels(&r, &output, error);
  for (size_t l = 0; l < einsum->label_count && !status; l++) einsum->roles[l] = role_of(&r, l);
  return status;
}
