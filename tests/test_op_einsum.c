/* SPDX-License-Identifier: BSD-2-Clause */
/* Einsum against a loop over all labels, in double. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "net.h"
#include "op_trial.h"
#include "typed.h"

enum { LABELS = 128, MOST_TERMS = 3 };

TestSuite(op_einsum, .init = op_trial_open, .fini = op_trial_close);

static typed a, b, want;

/* One equation, and the labels of its two inputs (or one) and its result; a digit is a dimension of an ellipsis. */
typedef struct einsum_case {
  const char *equation, *terms[MOST_TERMS];
} einsum_case;

static const einsum_case cases[] = {
    {"ij,jk->ik", {"ij", "jk", "ik"}},
    {"ij,jk", {"ij", "jk", "ik"}},
    {"bij,bjk->bik", {"bij", "bjk", "bik"}},
    {"bhid,bhjd->bhij", {"bhid", "bhjd", "bhij"}},
    {"bhij,bhjd->bhid", {"bhij", "bhjd", "bhid"}},
    {"bqc,bchw->bqhw", {"bqc", "bchw", "bqhw"}},
    {"bchw,bdhw->bcd", {"bchw", "bdhw", "bcd"}},
    {"nctw,cd->ndtw", {"nctw", "cd", "ndtw"}},
    {"ji,jk->ki", {"ji", "jk", "ki"}},
    {"i,j->ij", {"i", "j", "ij"}},
    {"i,i->", {"i", "i", ""}},
    {"i,i->i", {"i", "i", "i"}},
    {" i j , j -> i ", {"ij", "j", "i"}},
    {"ij,kl->il", {"ij", "kl", "il"}},
    {"aij,j->a", {"aij", "j", "a"}},
    {"ii,ij->j", {"ii", "ij", "j"}},
    {"iij,ki->ijk", {"iij", "ki", "ijk"}},
    {"...ij,...jk->...ik", {"21ij", "21jk", "21ik"}},
    {"...ij,jk->...ik", {"321ij", "jk", "321ik"}},
    {"...ij,...jk", {"1ij", "21jk", "21ik"}},
    {"i...,i...->...", {"i21", "i1", "21"}},
    {"Ab,bA->A", {"Ab", "bA", "A"}},
    {"ba", {"ba", NULL, "ab"}},
    {"ij->", {"ij", NULL, ""}},
    {"ij->i", {"ij", NULL, "i"}},
    {"ij->ji", {"ij", NULL, "ji"}},
    {"ii->i", {"ii", NULL, "i"}},
    {"...ii->...i", {"21ii", NULL, "21i"}},
    {"ii", {"ii", NULL, ""}},
    {"...", {"21", NULL, "21"}},
    {"i->i", {"i", NULL, "i"}},
};

/* A tensor with the dims of a term. */
static void make(typed *t, const char *term, const int64_t sizes[LABELS]) {
  int64_t dims[UNFURL_MAX_RANK];
  const size_t rank = strlen(term);
  for (size_t i = 0; i < rank; i++) dims[i] = sizes[(size_t)term[i]];
  typed_make(t, UNFURL_F32, rank, dims);
}

static size_t element(const typed *t, const char *term, const size_t at[LABELS]) {
  size_t index[UNFURL_MAX_RANK];
  for (size_t i = 0; i < t->tensor.rank; i++) index[i] = t->tensor.dims[i] == 1 ? 0 : at[(size_t)term[i]];
  return typed_ravel(&t->tensor, index);
}

/* Every combination of the labels adds one product. */
static void add_up(const einsum_case *c, const int64_t sizes[LABELS]) {
  size_t at[LABELS] = {0}, all = 1;
  for (size_t l = 0; l < LABELS; l++) all *= (size_t)sizes[l];
  memset(&want.data, 0, typed_count(&want.tensor) * sizeof(float));
  for (size_t i = 0; i < all; i++) {
    size_t rest = i;
    for (size_t l = 0; l < LABELS; l++) at[l] = rest % (size_t)sizes[l], rest /= (size_t)sizes[l];
    const double factor = c->terms[1] ? typed_get(&b.tensor, element(&b, c->terms[1], at)) : 1;
    const size_t to = element(&want, c->terms[2], at);
    typed_put(&want, to, typed_get(&want.tensor, to) + factor * typed_get(&a.tensor, element(&a, c->terms[0], at)));
  }
}

/* What the labels number in the end: a dimension of an ellipsis may be 1 in one input. */
static void join_sizes(const einsum_case *c, int64_t sizes[LABELS]) {
  for (size_t l = 0; l < LABELS; l++) sizes[l] = 1;
  for (size_t t = 0; t < 2 && c->terms[t]; t++)
    for (size_t i = 0; c->terms[t][i]; i++) {
      const int64_t dim = (t ? &b : &a)->tensor.dims[i];
      if (dim != 1) sizes[(size_t)c->terms[t][i]] = dim;
    }
}

typedef enum size_kind { ANY, WITH_ONES, WITH_NONE, SIZE_KINDS } size_kind;

/* Small integers, whose sums are exact in any order. */
static void check(const einsum_case *c, rng *r, size_kind kind) {
  const unfurl_attribute attribute = attribute_string("equation", c->equation);
  int64_t sizes[LABELS];
  for (size_t l = 0; l < LABELS; l++)
    sizes[l] = kind == WITH_ONES ? 1 + (int64_t)rng_below(r, 2) : 2 + (int64_t)rng_below(r, 4);
  if (kind == WITH_NONE) sizes[(size_t)*c->terms[0]] = 0;
  make(&a, c->terms[0], sizes);
  if (c->terms[1]) make(&b, c->terms[1], sizes);
  if (kind == WITH_ONES && isdigit(*c->terms[0])) a.tensor.dims[0] = 1;
  if (kind == WITH_ONES && c->terms[1] && isdigit(*c->terms[1])) b.tensor.dims[0] = 1;
  join_sizes(c, sizes);
  make(&want, c->terms[2], sizes);
  typed_fill(&a, r);
  if (c->terms[1]) typed_fill(&b, r);
  add_up(c, sizes);
  const unfurl_tensor inputs[] = {a.tensor, b.tensor};
  op_trial trial = op_trial_of("Einsum", c->terms[1] ? 2 : 1, inputs);
  trial.attribute_count = 1, trial.attributes = &attribute;
  op_trial_check(&trial, &want.tensor);
}

Test(op_einsum, equations_are_sums_of_products) {
  rng r = {1};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (size_t round = 0; round < 9; round++) check(&cases[i], &r, (size_kind)(round % SIZE_KINDS));
}

/* As large as heads of attention are, so that products are shared out. */
Test(op_einsum, large_products) {
  const int64_t dims[] = {2, 3, 40, 16};
  const unfurl_attribute attribute = attribute_string("equation", "bhid,bhjd->bhij");
  rng r = {2};
  typed_make(&a, UNFURL_F32, 4, dims);
  typed_make(&b, UNFURL_F32, 4, dims);
  typed_make(&want, UNFURL_F32, 4, (const int64_t[]){2, 3, 40, 40});
  typed_fill(&a, &r), typed_fill(&b, &r);
  for (size_t i = 0; i < 2 * 3 * 40 * 40; i++) {
    float sum = 0;
    for (size_t d = 0; d < 16; d++) sum += a.data.f32[i / 40 * 16 + d] * b.data.f32[(i / 1600 * 40 + i % 40) * 16 + d];
    want.data.f32[i] = sum;
  }
  const unfurl_tensor inputs[] = {a.tensor, b.tensor};
  op_trial trial = op_trial_of("Einsum", 2, inputs);
  trial.attribute_count = 1, trial.attributes = &attribute;
  op_trial_check(&trial, &want.tensor);
}

/* Of inputs that are left out at the end, there may be more than the operator knows. */
Test(op_einsum, inputs_left_out) {
  const unfurl_attribute attribute = attribute_string("equation", "ij,jk->ik");
  typed_make(&a, UNFURL_F32, 2, (const int64_t[]){1, 1});
  typed_make(&b, UNFURL_F32, 2, (const int64_t[]){1, 1});
  typed_make(&want, UNFURL_F32, 2, (const int64_t[]){1, 1});
  a.data.f32[0] = 2, b.data.f32[0] = 3, want.data.f32[0] = 6;
  const unfurl_tensor inputs[] = {a.tensor, b.tensor, {.rank = SIZE_MAX}};
  op_trial trial = op_trial_of("Einsum", 3, inputs);
  trial.attribute_count = 1, trial.attributes = &attribute;
  op_trial_check(&trial, &want.tensor);
}

static const char *const wrong[] = {
    "",
    "ij",
    "ij,",
    "ij,jk,kl",
    "ij,jk->iz",
    "ij,jk->ii",
    "ij,ik->jk",
    "ij,jk-",
    "ij,jk>ik",
    "ij,jk->ik->ik",
    "i.j,jk->ik",
    "......,jk",
    "....,jk",
    "ij;jk",
    "ij,j->i",
    "ijk,jk->i",
    "i1,1k->ik",
    "ii,jk->jk",
    "ij,jk->ik,",
    "\x80\xffij,jk",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz,jk->abcdefghijklmnopqrstuvwxyz",
    "ij,jk->ikkkkkkkkkkkkkk",
};

Test(op_einsum, equations_that_go_wrong_are_refused) {
  unfurl_attribute attribute;
  typed_make(&a, UNFURL_F32, 2, (const int64_t[]){2, 3});
  typed_make(&b, UNFURL_F32, 2, (const int64_t[]){3, 4});
  unfurl_tensor inputs[] = {a.tensor, b.tensor};
  op_trial trial = op_trial_of("Einsum", 2, inputs);
  cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "no equation");
  trial.attribute_count = 1, trial.attributes = &attribute;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    attribute = attribute_string("equation", wrong[i]);
    cr_assert_eq(op_trial_status(&trial), UNFURL_INVALID_ARGUMENT, "\"%s\"", wrong[i]);
  }
  attribute = attribute_string("equation", "ij,jk->ik");
  inputs[0].dtype = inputs[1].dtype = UNFURL_I32;
  cr_assert_eq(op_trial_status(&trial), UNFURL_UNSUPPORTED, "integers");
}
