/* SPDX-License-Identifier: BSD-2-Clause */
/* Slice, Split, Gather, Expand, Transpose (also between two Reshapes), Shape and Cast as nodes of a network, against what
 * NumPy does with lists of indices. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "support.h"
#include "unfurl/session.h"

enum { MOST = 4096, RANK = 4, RANDOM = 400 };

static float x[MOST];

static unfurl_context *make_context(void) {
  unfurl_context *context;
  cr_assert_eq(unfurl_context_create(NULL, &context, NULL), UNFURL_OK);
  for (size_t i = 0; i < MOST; i++) x[i] = (float)i;
  return context;
}

/* An x of these dims; `behind`: as it comes from a convolution that changes nothing, in its layout. Its name follows. */
static const char *add_input(net *n, const int64_t dims[RANK], bool behind) {
  static float ones[MOST];
  for (size_t i = 0; i < MOST; i++) ones[i] = 1;
  net_input(n, "x", RANK, dims);
  if (!behind) return "x";
  const unfurl_attribute attribute = attribute_int("group", &dims[1]);
  net_constant(n, "ones", 4, (const int64_t[]){dims[1], 1, 1, 1}, ones);
  net_node_with(n, "Conv", "x ones", "c", 1, &attribute);
  return "c";
}

static unfurl_session *run(net *n, const int64_t dims[RANK], unfurl_status *status) {
  unfurl_session *session;
  unfurl_tensor input;
  net_finish(n);
  cr_assert_eq(n->status, UNFURL_OK, "%s", n->error.message);
  cr_assert_eq(unfurl_session_create(n->model, NULL, &session, NULL), UNFURL_OK);
  unfurl_tensor_init(&input, UNFURL_F32, RANK, dims, x);
  *status = unfurl_session_run(session, &input, 1, NULL);
  return session;
}

static void end(net *n, unfurl_session *session) {
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n->model);
}

/* The output has at (i, j, k, l) what x has at the lists' elements with these numbers. */
static void check_taken(const unfurl_tensor *y, const int64_t dims[RANK], int64_t lists[RANK][64],
                        const size_t counts[RANK]) {
  size_t at = 0;
  cr_assert_eq(y->rank, RANK);
  for (size_t i = 0; i < RANK; i++) cr_assert_eq(y->dims[i], (int64_t)counts[i]);
  for (size_t i = 0; i < counts[0]; i++)
    for (size_t j = 0; j < counts[1]; j++)
      for (size_t k = 0; k < counts[2]; k++)
        for (size_t l = 0; l < counts[3]; l++, at++) {
          const int64_t from = ((lists[0][i] * dims[1] + lists[1][j]) * dims[2] + lists[2][k]) * dims[3] + lists[3][l];
          cr_assert_eq(((const float *)y->data)[at], x[from]);
        }
}

/* Python's slice(start, end, step).indices(size), step by step. */
static size_t list_slice(int64_t start, int64_t stop, int64_t step, int64_t size, int64_t list[64]) {
  size_t count = 0;
  if (start < 0) start = start + size < 0 ? (step < 0 ? -1 : 0) : start + size;
  if (start >= size) start = step < 0 ? size - 1 : size;
  if (stop < 0) stop = stop + size < 0 ? (step < 0 ? -1 : 0) : stop + size;
  if (stop >= size) stop = step < 0 ? size - 1 : size;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) list[count++] = i;
  return count;
}

static int64_t draw(rng *r, int64_t from, int64_t to) {
  return from + (int64_t)rng_below(r, (size_t)(to - from + 1));
}

static void check_slice(const unfurl_context *context, rng *r) {
  const int64_t dims[] = {draw(r, 1, 3), draw(r, 1, 5), draw(r, 1, 7), draw(r, 1, 7)};
  const bool behind = draw(r, 0, 1), old = draw(r, 0, 3) == 0;
  int64_t lists[RANK][64], starts[RANK], ends[RANK], axes[RANK], steps[RANK];
  size_t counts[RANK], sliced = (size_t)draw(r, 1, RANK), first = (size_t)draw(r, 0, 3);
  char inputs[64];
  for (size_t i = 0; i < RANK; i++) counts[i] = list_slice(0, dims[i], 1, dims[i], lists[i]);
  for (size_t i = 0; i < sliced; i++) {
    const size_t axis = (first + i) % RANK;
    axes[i] = draw(r, 0, 1) ? (int64_t)axis : (int64_t)axis - RANK;
    steps[i] = old ? 1 : draw(r, 0, 1) ? draw(r, 1, 3) : draw(r, -3, -1);
    starts[i] = draw(r, -9, 9), ends[i] = draw(r, -9, 9);
    if (draw(r, 0, 5) == 0) ends[i] = steps[i] > 0 ? INT64_MAX : INT64_MIN;
    counts[axis] = list_slice(starts[i], ends[i], steps[i], dims[axis], lists[axis]);
  }
  unfurl_status status;
  net n = net_begin(context, NULL);
  const char *input = add_input(&n, dims, behind);
  const unfurl_attribute given[] = {attribute_ints("starts", sliced, starts), attribute_ints("ends", sliced, ends),
                                    attribute_ints("axes", sliced, axes)};
  net_integers(&n, "starts", sliced, starts);
  net_integers(&n, "ends", sliced, ends);
  net_integers(&n, "axes", sliced, axes);
  net_integers(&n, "steps", sliced, steps);
  snprintf(inputs, sizeof inputs, old ? "%s" : "%s starts ends axes steps", input);
  net_node_with(&n, "Slice", inputs, "y", old ? 3 : 0, given);
  net_output(&n, "y");
  unfurl_session *session = run(&n, dims, &status);
  cr_assert_eq(status, UNFURL_OK);
  check_taken(unfurl_session_output(session, 0), dims, lists, counts);
  end(&n, session);
}

Test(op_slice, slices_are_numpys) {
  unfurl_context *context = make_context();
  rng r = {1};
  for (size_t i = 0; i < RANDOM; i++) check_slice(context, &r);
  unfurl_context_destroy(&context);
}

/* In equal parts, and in parts of given lengths, of which one may be 0. */
static void check_split(const unfurl_context *context, rng *r) {
  const int64_t dims[] = {draw(r, 1, 4), draw(r, 1, 6), draw(r, 2, 6), draw(r, 2, 6)}, axis = draw(r, 0, 3);
  const int64_t first = draw(r, 0, dims[axis]), second = draw(r, 0, dims[axis] - first), signed_axis = axis - RANK;
  const bool equal = draw(r, 0, 1), old = draw(r, 0, 1);
  const int64_t each = (dims[axis] + 2) / 3;
  int64_t lengths[] = {first, second, dims[axis] - first - second}, lists[RANK][64];
  char inputs[32];
  unfurl_status status;
  net n = net_begin(context, NULL);
  const char *input = add_input(&n, dims, draw(r, 0, 1));
  const unfurl_attribute given[] = {attribute_int("axis", &signed_axis), attribute_ints("split", 3, lengths)};
  net_integers(&n, "lengths", 3, lengths);
  snprintf(inputs, sizeof inputs, equal || old ? "%s" : "%s lengths", input);
  net_node_with(&n, "Split", inputs, "y0 y1 y2", !equal && old ? 2 : 1, given);
  for (size_t i = 0; i < 3; i++) net_output(&n, (const char *[]){"y0", "y1", "y2"}[i]);
  if (equal)
    for (int64_t i = 0, left = dims[axis]; i < 3; i++) lengths[i] = left < each ? left : each, left -= lengths[i];
  unfurl_session *session = run(&n, dims, &status);
  cr_assert_eq(status, UNFURL_OK);
  for (int64_t part = 0, at = 0; part < 3; at += lengths[part++]) {
    size_t counts[RANK];
    for (int64_t i = 0; i < RANK; i++)
      counts[i] = i == axis ? list_slice(at, at + lengths[part], 1, dims[i], lists[i])
                            : list_slice(0, dims[i], 1, dims[i], lists[i]);
    check_taken(unfurl_session_output(session, (size_t)part), dims, lists, counts);
  }
  end(&n, session);
}

Test(op_slice, parts_of_a_split_are_all_of_it) {
  unfurl_context *context = make_context();
  rng r = {2};
  for (size_t i = 0; i < RANDOM; i++) check_split(context, &r);
  unfurl_context_destroy(&context);
}

static void check_gather(const unfurl_context *context, rng *r) {
  const int64_t dims[] = {draw(r, 1, 3), draw(r, 1, 5), draw(r, 1, 6), draw(r, 1, 6)}, axis = draw(r, 0, 3);
  int64_t lists[RANK][64], given[5];
  size_t counts[RANK];
  unfurl_status status;
  char inputs[32];
  for (size_t i = 0; i < RANK; i++) counts[i] = list_slice(0, dims[i], 1, dims[i], lists[i]);
  counts[axis] = (size_t)draw(r, 1, 5);
  for (size_t i = 0; i < counts[axis]; i++) {
    given[i] = draw(r, -dims[axis], dims[axis] - 1);
    lists[axis][i] = given[i] < 0 ? given[i] + dims[axis] : given[i];
  }
  const unfurl_attribute attribute = attribute_int("axis", &axis);
  net n = net_begin(context, NULL);
  snprintf(inputs, sizeof inputs, "%s indices", add_input(&n, dims, draw(r, 0, 1)));
  net_integers(&n, "indices", counts[axis], given);
  net_node_with(&n, "Gather", inputs, "y", 1, &attribute);
  net_output(&n, "y");
  unfurl_session *session = run(&n, dims, &status);
  cr_assert_eq(status, UNFURL_OK);
  check_taken(unfurl_session_output(session, 0), dims, lists, counts);
  end(&n, session);
}

Test(op_slice, gather_takes_what_the_indices_say) {
  unfurl_context *context = make_context();
  rng r = {3};
  for (size_t i = 0; i < RANDOM; i++) check_gather(context, &r);
  unfurl_context_destroy(&context);
}

static void check_expand(const unfurl_context *context, rng *r) {
  int64_t dims[RANK], shape[RANK], lists[RANK][64] = {{0}};
  size_t counts[RANK];
  unfurl_status status;
  char inputs[32];
  for (size_t i = 0; i < RANK; i++) {
    const int64_t size = draw(r, 1, 4);
    dims[i] = draw(r, 0, 1) ? size : 1;
    shape[i] = draw(r, 0, 1) || dims[i] != size ? size : 1;
    counts[i] = (size_t)(dims[i] > shape[i] ? dims[i] : shape[i]);
    for (size_t j = 0; j < counts[i]; j++) lists[i][j] = dims[i] == 1 ? 0 : (int64_t)j;
  }
  net n = net_begin(context, NULL);
  snprintf(inputs, sizeof inputs, "%s shape", add_input(&n, dims, draw(r, 0, 1)));
  net_integers(&n, "shape", RANK, shape);
  net_node(&n, "Expand", inputs, "y");
  net_output(&n, "y");
  unfurl_session *session = run(&n, dims, &status);
  cr_assert_eq(status, UNFURL_OK);
  check_taken(unfurl_session_output(session, 0), dims, lists, counts);
  end(&n, session);
}

Test(op_slice, expand_repeats) {
  unfurl_context *context = make_context();
  rng r = {4};
  for (size_t i = 0; i < RANDOM; i++) check_expand(context, &r);
  unfurl_context_destroy(&context);
}

static bool has_layer(const unfurl_session *session, const char *op_type) {
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer};
    cr_assert_eq(unfurl_session_layer(session, i, &layer, NULL), UNFURL_OK);
    if (!strcmp(layer.op_type, op_type)) return true;
  }
  return false;
}

/* Every order of the dimensions, of an image as it is given and of one with its channels last; what has the order that is
 * wanted already is not copied. */
static void check_transpose(const unfurl_context *context, const int64_t perm[RANK], bool behind) {
  const int64_t dims[] = {2, 3, 4, 5};
  unfurl_status status;
  int64_t at[RANK];
  const unfurl_attribute attribute = attribute_ints("perm", RANK, perm);
  net n = net_begin(context, NULL);
  const char *input = add_input(&n, dims, behind);
  net_node_with(&n, "Transpose", input, "t", 1, &attribute);
  net_node(&n, "Neg", "t", "y");
  net_output(&n, "y");
  unfurl_session *session = run(&n, dims, &status);
  cr_assert_eq(status, UNFURL_OK);
  const unfurl_tensor *y = unfurl_session_output(session, 0);
  const float *value = y->data;
  for (at[0] = 0; at[0] < y->dims[0]; at[0]++)
    for (at[1] = 0; at[1] < y->dims[1]; at[1]++)
      for (at[2] = 0; at[2] < y->dims[2]; at[2]++)
        for (at[3] = 0; at[3] < y->dims[3]; at[3]++) {
          int64_t from[RANK];
          for (size_t i = 0; i < RANK; i++) from[perm[i]] = at[i];
          cr_assert_eq(*value++, -x[((from[0] * dims[1] + from[1]) * dims[2] + from[2]) * dims[3] + from[3]]);
        }
  const bool keeps = perm[0] == 0 && (perm[1] == 1 ? perm[2] == 2
                                      : behind     ? perm[1] == 2 && perm[2] == 3
                                                   : perm[1] == 3 && perm[2] == 1);
  cr_assert_eq(has_layer(session, "Transpose"), !keeps);
  end(&n, session);
}

Test(op_slice, transposes_of_every_kind) {
  unfurl_context *context = make_context();
  for (int64_t i = 0; i < 256; i++) {
    const int64_t perm[] = {i & 3, i >> 2 & 3, i >> 4 & 3, i >> 6};
    const unsigned seen = 1u << perm[0] | 1u << perm[1] | 1u << perm[2] | 1u << perm[3];
    for (size_t behind = 0; behind < 2 && seen == 15; behind++) check_transpose(context, perm, behind);
  }
  unfurl_context_destroy(&context);
}

/* x as it is taken to be, the order of its dimensions then, and what that is taken for; whether channels are shuffled. */
typedef struct rearranged {
  size_t ranks[2];
  int64_t within[6], perm[6], shape[6];
  bool is_shuffle;
} rearranged;

static const rearranged rearrangements[] = {
    {{5, 4}, {2, 2, 3, 4, 5}, {0, 2, 1, 3, 4}, {2, 6, 4, 5}, true},
    {{5, 4}, {0, 3, -1, 4, 5}, {0, 2, 1, 3, 4}, {0, -1, 4, 5}, true},
    {{5, 4}, {2, 6, 1, 4, 5}, {0, 2, 1, 3, 4}, {2, 6, 4, 5}, true},
    {{5, 3}, {2, 2, 3, 4, 5}, {0, 2, 1, 3, 4}, {2, 6, 20}, false},
    {{5, 4}, {2, 2, 3, 5, 4}, {0, 2, 1, 3, 4}, {2, 6, 4, 5}, false},
    {{5, 4}, {2, 2, 3, 4, 5}, {0, 2, 1, 4, 3}, {2, 6, 4, 5}, false},
    {{5, 4}, {1, 4, 3, 4, 5}, {0, 2, 1, 3, 4}, {2, 6, 4, 5}, false},
    {{6, 4}, {2, 6, 2, 2, 5, 1}, {0, 1, 3, 5, 2, 4}, {2, 12, 2, 5}, false},
    {{2, 2}, {12, 20}, {1, 0}, {20, 12}, false},
};

static unfurl_session *rearrange(const unfurl_context *context, const rearranged *r, bool behind, bool no_fuse,
                                 net *n) {
  const int64_t dims[] = {2, 6, 4, 5};
  unfurl_status status;
  unfurl_model_options options;
  char inputs[32];
  const unfurl_attribute attribute = attribute_ints("perm", r->ranks[0], r->perm);
  unfurl_model_options_init(&options);
  options.no_fuse = no_fuse;
  *n = net_begin(context, &options);
  net_integers(n, "within", r->ranks[0], r->within);
  net_integers(n, "shape", r->ranks[1], r->shape);
  snprintf(inputs, sizeof inputs, "%s within", add_input(n, dims, behind));
  net_node(n, "Reshape", inputs, "w");
  net_node_with(n, "Transpose", "w", "t", 1, &attribute);
  net_node(n, "Reshape", "t shape", "r");
  net_node(n, "Neg", "r", "y");
  net_output(n, "y");
  unfurl_session *session = run(n, dims, &status);
  cr_assert_eq(status, UNFURL_OK);
  return session;
}

static size_t count_conversions(const unfurl_session *session) {
  size_t count = 0;
  for (size_t i = 0; i < unfurl_session_layer_count(session); i++) {
    unfurl_layer layer = {.size = sizeof layer};
    cr_assert_eq(unfurl_session_layer(session, i, &layer, NULL), UNFURL_OK);
    count += !strcmp(layer.op_type, "layout conversion");
  }
  return count;
}

/* One node does what three did; channels are shuffled where they lie, last, so that only input and output are converted. */
Test(op_slice, rearranging_copies_once) {
  unfurl_context *context = make_context();
  for (size_t i = 0; i < sizeof rearrangements / sizeof *rearrangements; i++)
    for (size_t behind = 0; behind < 2; behind++) {
      net nets[2];
      unfurl_session *fused = rearrange(context, &rearrangements[i], behind, false, &nets[0]);
      unfurl_session *apart = rearrange(context, &rearrangements[i], behind, true, &nets[1]);
      cr_assert(net_same_output(fused, apart, 0), "form %zu, behind a convolution %zu", i, behind);
      cr_assert(has_layer(fused, "Reshape, Transpose, Reshape") && !has_layer(fused, "Transpose"));
      cr_assert_eq(count_conversions(fused), behind ? 2 : 0, "form %zu", i);
      end(&nets[0], fused);
      end(&nets[1], apart);
    }
  unfurl_context_destroy(&context);
}

/* A shape is known before anything is computed, so that it can be what others need to know: x is cut to its own height. */
Test(op_slice, shapes_are_known_beforehand) {
  static const int64_t zero = 0, two = 2, three = 3, f32 = 1, i64 = 7;
  const int64_t dims[] = {1, 2, 3, 5};
  const unfurl_attribute range[] = {attribute_int("start", &two), attribute_int("end", &three)};
  const unfurl_attribute to_float = attribute_int("to", &f32), to_int = attribute_int("to", &i64);
  unfurl_context *context = make_context();
  int64_t lists[RANK][64];
  size_t counts[RANK];
  unfurl_status status;
  net n = net_begin(context, NULL);
  net_input(&n, "x", RANK, (const int64_t[]){-1, 2, -1, -1});
  net_real_weights(&n, "w", 4, (const int64_t[]){2, 2, 1, 1}, 1);
  net_node(&n, "Conv", "x w", "c");
  net_node_with(&n, "Shape", "c", "height", 2, range);
  net_node_with(&n, "Cast", "height", "float", 1, &to_float);
  net_node_with(&n, "Cast", "float", "ends", 1, &to_int);
  net_integers(&n, "starts", 1, &zero);
  net_integers(&n, "axes", 1, &three);
  net_node(&n, "Slice", "x starts ends axes", "y");
  net_node(&n, "Shape", "c", "s");
  net_output(&n, "y");
  net_output(&n, "s");
  unfurl_session *session = run(&n, dims, &status);
  cr_assert_eq(status, UNFURL_OK);
  for (size_t i = 0; i < RANK; i++) counts[i] = list_slice(0, i == 3 ? 3 : dims[i], 1, dims[i], lists[i]);
  check_taken(unfurl_session_output(session, 0), dims, lists, counts);
  cr_assert(!memcmp(unfurl_session_output(session, 1)->data, dims, sizeof dims));
  end(&n, session);
  unfurl_context_destroy(&context);
}

static void cast_one(const unfurl_context *context, unfurl_dtype from, int64_t to, const void *given, void *got) {
  const int64_t one = 1;
  const unfurl_attribute attribute = attribute_int("to", &to);
  unfurl_session *session;
  unfurl_tensor input;
  net n = net_begin(context, NULL);
  net_typed_input(&n, "x", from, 1, &one);
  net_node_with(&n, "Cast", "x", "y", 1, &attribute);
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK);
  unfurl_tensor_init(&input, from, 1, &one, (void *)(uintptr_t)given);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, &input, 1, NULL), UNFURL_OK);
  const unfurl_tensor *y = unfurl_session_output(session, 0);
  memcpy(got, y->data, unfurl_dtype_size(y->dtype));
  end(&n, session);
}

Test(op_slice, casts_truncate_and_never_trap) {
  enum { F32 = 1, I32 = 6, I64 = 7, BOOL = 9 };
  static const float floats[] = {-2.9f, 2.9f, -0.5f, 1e30f, -INFINITY, NAN};
  static const int64_t truncated[] = {-2, 2, 0, INT64_MIN, INT64_MIN, INT64_MIN};
  unfurl_context *context = make_context();
  for (size_t i = 0; i < 6; i++) {
    int64_t wide;
    unsigned char flag;
    cast_one(context, UNFURL_F32, I64, &floats[i], &wide);
    cast_one(context, UNFURL_F32, BOOL, &floats[i], &flag);
    cr_assert_eq(wide, truncated[i]);
    cr_assert_eq(flag, 1);
  }
  const int64_t large = INT64_C(0x123456789);
  const unsigned char yes = 1;
  int32_t narrow;
  float real;
  cast_one(context, UNFURL_I64, I32, &large, &narrow);
  cr_assert_eq(narrow, 0x23456789);
  cast_one(context, UNFURL_BOOL, F32, &yes, &real);
  cr_assert_eq(real, 1);
  cast_one(context, UNFURL_I32, F32, &narrow, &real);
  cr_assert_eq(real, (float)0x23456789);
  unfurl_context_destroy(&context);
}

/* One node on x of 1x2x3x4 with two lists of integers. */
typedef struct refused {
  const char *op, *inputs;
  size_t count[2];
  int64_t first[3], second[3];
} refused;

static const refused hostile[] = {
    {"Slice", "x a b", {1, 2}, {0}, {1, 1}},            /* not as many ends as starts */
    {"Slice", "x a b a b", {1, 1}, {0}, {0}},           /* a step of 0 */
    {"Slice", "x a b a", {1, 1}, {4}, {1}},             /* an axis that is not there */
    {"Slice", "x a b a", {2, 2}, {1, 1}, {1, 1}},       /* twice */
    {"Split", "x a", {2, 1}, {1, 1}, {0}},              /* lengths for two outputs, one is there */
    {"Split", "x a", {1, 1}, {2}, {0}},                 /* more than there is */
    {"Split", "x a", {1, 1}, {-1}, {0}},                /* a negative length */
    {"Gather", "x a", {1, 1}, {1}, {0}},                /* beyond the end */
    {"Gather", "x a", {1, 1}, {INT64_MIN}, {0}},        /* before the beginning */
    {"Gather", "x x", {1, 1}, {0}, {0}},                /* indices that are no integers */
    {"Expand", "x a", {1, 1}, {3}, {0}},                /* 4 does not stretch to 3 */
    {"Expand", "x a", {1, 1}, {-1}, {0}},               /* a negative size */
    {"Expand", "x a", {2, 1}, {INT64_MAX / 2, 4}, {0}}, /* more than memory has */
    {"PRelu", "x a", {1, 1}, {1}, {0}},                 /* slopes that are no floats */
    {"Pow", "a b", {1, 1}, {1}, {1}},                   /* integers */
    {"Cast", "x", {1, 1}, {0}, {0}},                    /* to no type */
};

Test(op_slice, hostile_nodes_are_refused) {
  const int64_t dims[] = {1, 2, 3, 4};
  unfurl_context *context = make_context();
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
    unfurl_session *session = NULL;
    unfurl_tensor input;
    net n = net_begin(context, NULL);
    net_input(&n, "x", RANK, dims);
    net_integers(&n, "a", hostile[i].count[0], hostile[i].first);
    net_integers(&n, "b", hostile[i].count[1], hostile[i].second);
    net_node(&n, hostile[i].op, hostile[i].inputs, "y");
    net_output(&n, "y");
    net_finish(&n);
    unfurl_status status = n.status;
    if (!status) status = unfurl_session_create(n.model, NULL, &session, NULL);
    unfurl_tensor_init(&input, UNFURL_F32, RANK, dims, x);
    if (!status) status = unfurl_session_run(session, &input, 1, NULL);
    cr_assert_neq(status, UNFURL_OK, "%s number %zu", hostile[i].op, i);
    end(&n, session);
  }
  unfurl_context_destroy(&context);
}
