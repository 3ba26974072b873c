/* SPDX-License-Identifier: BSD-2-Clause */
/* Einsum of one or two inputs, by the matrix product: each input is brought into the order that it needs (unless it has it),
 * and its results into theirs. One input is multiplied by 1. */
#include <string.h>

#include "base/status.h"
#include "gemm/blas.h"
#include "graph/einsum.h"
#include "nn/copy.h"
#include "nn/dense.h"
#include "shape/tensor.h"

enum { LEFT, RIGHT, RESULT, MATRICES, TO = 0, FROM = 1 };

typedef struct product {
  unfurl_dense dense;
  size_t count;
  unfurl_walk walks[MATRICES]; /* how each stack of matrices is brought into its order, the result from it */
  size_t floats[MATRICES];     /* of the workspace, for those that are not in order */
} product;

static size_t count_operands(const unfurl_op_call *call) {
  return unfurl_call_has_input(call, RIGHT) ? 2 : 1;
}

static unfurl_status read(const unfurl_op_call *call, unfurl_einsum *einsum, unfurl_error *error) {
  const unfurl_tensor *operands[2];
  const size_t count = count_operands(call);
  for (size_t i = 0; i < count; i++) {
    const unfurl_status status = unfurl_call_check_f32(call, i, error);
    if (status) return status;
    operands[i] = call->inputs[i];
  }
  return unfurl_einsum_read(unfurl_node_string(call->node, "equation", ""), operands, count, einsum, error);
}

static unfurl_status infer(unfurl_op_call *call, unfurl_error *error) {
  unfurl_einsum einsum;
  int64_t dims[UNFURL_MAX_RANK];
  const unfurl_status status = read(call, &einsum, error);
  if (status) return status;
  for (size_t i = 0; i < einsum.output_rank; i++) dims[i] = (int64_t)einsum.sizes[i];
  unfurl_tensor_init(call->outputs[0], UNFURL_F32, einsum.output_rank, dims, NULL);
  return UNFURL_OK;
}

/* The elements that the labels of a role number. */
static size_t size_of(const unfurl_einsum *e, unfurl_einsum_role role) {
  size_t size = 1;
  for (size_t l = 0; l < e->label_count; l++)
    if (e->roles[l] == role) unfurl_size_mul(&size, e->sizes[l]);
  return size;
}

/* A walk over the labels of these roles, one behind the other; operand `packed` lies in this order, the other as `strides`
 * say. Returns whether both are the same. */
static bool order(const unfurl_einsum *e, const unfurl_einsum_role roles[3], size_t packed, const ptrdiff_t *strides,
                  unfurl_walk *walk) {
  size_t stride = 1;
  bool is_packed = true;
  *walk = (unfurl_walk){.operands = 2};
  for (size_t i = 0; i < 3; i++)
    for (size_t l = 0; l < e->label_count; l++) {
      if (e->roles[l] != roles[i]) continue;
      walk->dims[walk->rank] = e->sizes[l];
      walk->strides[1 - packed][walk->rank++] = strides[l];
    }
  for (size_t i = walk->rank; i-- > 0; stride *= walk->dims[i]) {
    walk->strides[packed][i] = (ptrdiff_t)stride;
    if (walk->dims[i] != 1 && walk->strides[1 - packed][i] != (ptrdiff_t)stride) is_packed = false;
  }
  return is_packed;
}

static const unfurl_einsum_role ROLES[MATRICES][3] = {
    {UNFURL_EINSUM_PRODUCT, UNFURL_EINSUM_ROW, UNFURL_EINSUM_SUMMAND},
    {UNFURL_EINSUM_PRODUCT, UNFURL_EINSUM_SUMMAND, UNFURL_EINSUM_COLUMN},
    {UNFURL_EINSUM_PRODUCT, UNFURL_EINSUM_ROW, UNFURL_EINSUM_COLUMN}};

/* Whether the matrices of an operand can be used where they lie, as they are or transposed. */
static bool lies_ready(const unfurl_einsum *e, size_t operand, product *p) {
  const unfurl_einsum_role *roles = ROLES[operand], transposed[] = {roles[0], roles[2], roles[1]};
  unfurl_walk walk;
  if (order(e, roles, TO, e->strides[operand], &p->walks[operand])) return true;
  const bool is_transposed = order(e, transposed, TO, e->strides[operand], &walk);
  *(operand == LEFT ? &p->dense.transpose_x : &p->dense.transpose_weights) = is_transposed;
  return is_transposed;
}

static unfurl_status describe(const unfurl_op_call *call, product *p, unfurl_error *error) {
  unfurl_einsum e;
  ptrdiff_t result[UNFURL_EINSUM_LABELS] = {0};
  const unfurl_status status = read(call, &e, error);
  if (status) return status;
  p->count = size_of(&e, UNFURL_EINSUM_PRODUCT);
  p->dense = (unfurl_dense){.m = size_of(&e, UNFURL_EINSUM_ROW),
                            .n = size_of(&e, UNFURL_EINSUM_COLUMN),
                            .k = size_of(&e, UNFURL_EINSUM_SUMMAND),
                            .alpha = 1,
                            .beta = 1};
  if (!unfurl_dense_fits(&p->dense)) return unfurl_fail(error, UNFURL_TOO_LARGE, "a dimension is over 2^31 - 1");
  unfurl_tensor_strides(call->outputs[0], result);
  const bool is_ready[] = {lies_ready(&e, LEFT, p), lies_ready(&e, RIGHT, p),
                           order(&e, ROLES[RESULT], FROM, result, &p->walks[RESULT])};
  for (size_t i = 0; i < MATRICES; i++)
    p->floats[i] =
        is_ready[i]
            ? 0
            : unfurl_size_product(3, (const size_t[]){p->count, size_of(&e, ROLES[i][1]), size_of(&e, ROLES[i][2])});
  return UNFURL_OK;
}

static unfurl_status prepare(unfurl_op_call *call, unfurl_error *error) {
  product p;
  const unfurl_status status = describe(call, &p, error);
  if (status) return status;
  size_t bytes = 0;
  for (size_t i = 0; i < MATRICES; i++) unfurl_size_add(&bytes, p.floats[i]);
  if (!unfurl_size_mul(&bytes, sizeof(float)) || bytes > PTRDIFF_MAX)
    return unfurl_fail(error, UNFURL_TOO_LARGE, "the workspace overflows");
  call->workspace_size = bytes;
  return unfurl_blas_prepare(call->context, error);
}

static unfurl_status run(const unfurl_op_call *call, unfurl_error *error) {
  static const float one = 1;
  product p;
  const unfurl_status status = describe(call, &p, error);
  if (status || unfurl_tensor_count(call->outputs[0]) == 0) return status;
  const float *from[] = {call->inputs[LEFT]->data, count_operands(call) > 1 ? call->inputs[RIGHT]->data : &one};
  float *free_space = call->workspace, *y = call->outputs[0]->data;
  for (size_t i = 0; i < RESULT; free_space += p.floats[i++]) {
    if (!p.floats[i]) continue;
    unfurl_copy_elements(call->context, &p.walks[i], sizeof(float), from[i], free_space);
    from[i] = free_space;
  }
  float *result = p.floats[RESULT] ? free_space : y;
  if (p.dense.k == 0) memset(result, 0, p.count * p.dense.m * p.dense.n * sizeof *result);
  for (size_t i = 0; i < p.count && p.dense.k > 0; i++)
    unfurl_dense_run(call->context, &p.dense, from[LEFT] + i * p.dense.m * p.dense.k,
                     from[RIGHT] + i * p.dense.k * p.dense.n, NULL, result + i * p.dense.m * p.dense.n);
  if (result != y) unfurl_copy_elements(call->context, &p.walks[RESULT], sizeof(float), result, y);
  return UNFURL_OK;
}

static const unfurl_attribute_spec ATTRIBUTES[] = {{"equation", UNFURL_ATTRIBUTE_STRING}, {NULL, UNFURL_ATTRIBUTE_INT}};

const unfurl_op unfurl_op_einsum = {
    .type = "Einsum",
    .min_inputs = 1,
    .max_inputs = 2,
    .max_outputs = 1,
    .attributes = ATTRIBUTES,
    .layout = UNFURL_OP_ROW_MAJOR,
    .infer = infer,
    .prepare = prepare,
    .run = run,
};
