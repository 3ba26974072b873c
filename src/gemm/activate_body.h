/* SPDX-License-Identifier: BSD-2-Clause */
/* The source of the activations' kernel, compiled with tile_body.h for each instruction set; see base/vmath.h for how the
 * functions are computed.
 *
 * Each is a chain of some 25 operations, each of which waits for the one before: several vectors are done side by side, of
 * whichever rows.
 */
#include "gemm/activate.h"

typedef struct activate_vecs {
  vec at[ACTIVATE_VECS];
} activate_vecs;

/* Of every vector v. */
#define ACTIVATE_EACH UNROLL(4) for (size_t v = 0; v < ACTIVATE_VECS; v++)

/* The compiler would do one vector after the other, in fewer registers: all are at this step before one takes the next. */
static inline __attribute__((always_inline)) void activate_step(activate_vecs *x) {
  ACTIVATE_EACH VEC_PIN(x->at[v]);
}

/* y * x + c */
static inline __attribute__((always_inline)) void activate_horner(activate_vecs *y, const activate_vecs *x, float c) {
  ACTIVATE_EACH y->at[v] = vec_fma(y->at[v], x->at[v], vec_set(c));
  activate_step(y);
}

/* unfurl_expf of x, from -104 to 104. NaN stays NaN: what becomes of its n is multiplied by it. */
static inline __attribute__((always_inline)) activate_vecs activate_exp(const activate_vecs *x) {
  static const float coefficients[] = {0x1.123e04p-7f, 0x1.55589ap-5f, 0x1.555494p-3f, 0x1.fffffcp-2f};
  const vec magic = vec_set(0x1.8p+23f);
  activate_vecs n, r = *x, p;
  ACTIVATE_EACH n.at[v] = vec_fma(r.at[v], vec_set(0x1.715476p+0f), magic);
  activate_step(&n);
  ACTIVATE_EACH n.at[v] = vec_sub(n.at[v], magic);
  activate_step(&n);
  ACTIVATE_EACH r.at[v] = vec_fma(n.at[v], vec_set(-0x1.62ep-1f), r.at[v]);
  activate_step(&r);
  ACTIVATE_EACH r.at[v] = vec_fma(n.at[v], vec_set(-0x1.0bfbe8p-15f), r.at[v]);
  activate_step(&r);
  ACTIVATE_EACH p.at[v] = vec_set(0x1.6adc26p-10f);
  UNROLL(4)
  for (size_t i = 0; i < 4; i++) activate_horner(&p, &r, coefficients[i]);
  ACTIVATE_EACH p.at[v] = vec_fma(p.at[v], vec_mul(r.at[v], r.at[v]), r.at[v]);
  activate_step(&p);
  ACTIVATE_EACH p.at[v] = vec_add(p.at[v], vec_set(1));
  activate_step(&p);
  ACTIVATE_EACH p.at[v] = vec_scale(p.at[v], n.at[v]);
  activate_step(&p);
  return p;
}

/* unfurl_negative_reciprocalf */
static inline __attribute__((always_inline)) activate_vecs activate_negative_reciprocal(const activate_vecs *y) {
  activate_vecs r, rest;
  ACTIVATE_EACH r.at[v] = vec_fma(y->at[v], vec_set(0x1.4afd6ap-2f), vec_set(0x1.745d18p+0f));
  activate_step(&r);
  activate_horner(&r, y, 0x1.0f83e0p+1f);
  rest = r;
  activate_horner(&rest, y, 2);
  ACTIVATE_EACH r.at[v] = vec_mul(r.at[v], rest.at[v]);
  activate_step(&r);
  rest = r;
  activate_horner(&rest, y, 1);
  ACTIVATE_EACH r.at[v] = vec_fma(r.at[v], rest.at[v], r.at[v]);
  activate_step(&r);
  return r;
}

/* e = e^-|x|, and in `sum` -1 - e. */
static inline __attribute__((always_inline)) activate_vecs activate_decay(const activate_vecs *x, activate_vecs *sum) {
  activate_vecs e;
  ACTIVATE_EACH e.at[v] = vec_at_least(vec_copysign(x->at[v], vec_set(-1)), vec_set(-104));
  activate_step(&e);
  e = activate_exp(&e);
  ACTIVATE_EACH sum->at[v] = vec_sub(vec_set(-1), e.at[v]);
  activate_step(sum);
  return e;
}

static inline __attribute__((always_inline)) activate_vecs activate_sigmoid(const activate_vecs *x) {
  activate_vecs sum;
  const activate_vecs e = activate_decay(x, &sum);
  sum = activate_negative_reciprocal(&sum);
  ACTIVATE_EACH sum.at[v] = vec_mul(vec_where_negative(x->at[v], e.at[v], vec_set(1)), sum.at[v]);
  activate_step(&sum);
  return sum;
}

static inline __attribute__((always_inline)) activate_vecs activate_tanh(const activate_vecs *x) {
  static const float coefficients[] = {0x1.522c1ap-6f, -0x1.b83e12p-5f, 0x1.11073cp-3f, -0x1.555534p-2f};
  activate_vecs large, small, s;
  ACTIVATE_EACH large.at[v] = vec_mul(vec_set(2), x->at[v]);
  activate_step(&large);
  large = activate_decay(&large, &s);
  s = activate_negative_reciprocal(&s);
  ACTIVATE_EACH large.at[v] = vec_fma(vec_mul(vec_set(-2), large.at[v]), s.at[v], vec_set(1));
  activate_step(&large);
  ACTIVATE_EACH s.at[v] = vec_mul(x->at[v], x->at[v]);
  activate_step(&s);
  ACTIVATE_EACH small.at[v] = vec_set(-0x1.75e444p-8f);
  UNROLL(4)
  for (size_t i = 0; i < 4; i++) activate_horner(&small, &s, coefficients[i]);
  ACTIVATE_EACH {
    const vec magnitude = vec_abs(x->at[v]);
    const vec near = vec_fma(vec_mul(magnitude, s.at[v]), small.at[v], magnitude);
    const vec is_near = vec_sub(magnitude, vec_set(0.625f));
    large.at[v] = vec_copysign(vec_where_negative(is_near, near, large.at[v]), x->at[v]);
  }
  return large;
}

/* unfurl_erff */
static inline __attribute__((always_inline)) activate_vecs activate_erf(const activate_vecs *x) {
  static const float near[] = {-0x1.ad2dacp-11f, 0x1.551b3ep-8f,  -0x1.b8171cp-6f,
                               0x1.ce2e70p-4f,   -0x1.812744p-2f, 0x1.06eba8p-3f};
  static const float far[] = {-0x1.92232ep-9f, 0x1.6dbe48p-6f,  -0x1.aa8038p-4f,
                              -0x1.462060p-1f, -0x1.20b798p+0f, -0x1.5bc68ep-13f};
  activate_vecs magnitude, s, small, large, end;
  ACTIVATE_EACH magnitude.at[v] = vec_abs(x->at[v]);
  activate_step(&magnitude);
  ACTIVATE_EACH s.at[v] = vec_mul(magnitude.at[v], magnitude.at[v]);
  activate_step(&s);
  ACTIVATE_EACH end.at[v] = vec_at_most(magnitude.at[v], vec_set(4));
  activate_step(&end);
  ACTIVATE_EACH small.at[v] = vec_set(0x1.66bd58p-14f);
  ACTIVATE_EACH large.at[v] = vec_set(0x1.a06344p-13f);
  UNROLL(6)
  for (size_t i = 0; i < 6; i++) activate_horner(&small, &s, near[i]);
  UNROLL(6)
  for (size_t i = 0; i < 6; i++) activate_horner(&large, &end, far[i]);
  large = activate_exp(&large);
  ACTIVATE_EACH {
    const vec inside = vec_fma(magnitude.at[v], small.at[v], magnitude.at[v]);
    const vec outside = vec_sub(vec_set(1), large.at[v]), is_inside = vec_sub(magnitude.at[v], vec_set(0.9f));
    large.at[v] = vec_copysign(vec_where_negative(is_inside, inside, outside), x->at[v]);
  }
  return large;
}

static inline __attribute__((always_inline)) activate_vecs activate_gelu(const activate_vecs *x) {
  activate_vecs y;
  ACTIVATE_EACH y.at[v] = vec_mul(x->at[v], vec_set(0x1.6a09e6p-1f));
  activate_step(&y);
  y = activate_erf(&y);
  ACTIVATE_EACH {
    const vec half = vec_mul(vec_set(0.5f), x->at[v]);
    y.at[v] = vec_fma(half, y.at[v], half);
  }
  return y;
}

static inline __attribute__((always_inline)) vec activate_hard_sigmoid(vec x, vec alpha, vec beta) {
  return vec_at_most(vec_at_least(vec_fma(alpha, x, beta), vec_set(0)), vec_set(1));
}

static inline __attribute__((always_inline)) vec activate_hard_swish(vec x) {
  const vec six = vec_set(6), ramp = vec_add(x, vec_set(3));
  return vec_mul(x, vec_div(vec_at_most(vec_at_least(ramp, vec_set(0)), six), six));
}

static inline __attribute__((always_inline)) activate_vecs
activate_values(const unfurl_activation activation, const activate_vecs *x, vec alpha, vec beta) {
  activate_vecs y = *x;
  switch (activation) {
  case UNFURL_ACTIVATION_NONE: break;
  case UNFURL_ACTIVATION_RELU: ACTIVATE_EACH y.at[v] = vec_at_least(y.at[v], vec_set(0)); break;
  case UNFURL_ACTIVATION_CLIP: ACTIVATE_EACH y.at[v] = vec_at_most(vec_at_least(y.at[v], alpha), beta); break;
  case UNFURL_ACTIVATION_LEAKY_RELU:
    ACTIVATE_EACH y.at[v] = vec_where_negative(x->at[v], vec_mul(alpha, x->at[v]), x->at[v]);
    break;
  case UNFURL_ACTIVATION_SIGMOID: y = activate_sigmoid(x); break;
  case UNFURL_ACTIVATION_TANH: y = activate_tanh(x); break;
  case UNFURL_ACTIVATION_SILU:
    y = activate_sigmoid(x);
    ACTIVATE_EACH y.at[v] = vec_mul(x->at[v], y.at[v]);
    break;
  case UNFURL_ACTIVATION_HARD_SWISH: ACTIVATE_EACH y.at[v] = activate_hard_swish(x->at[v]); break;
  case UNFURL_ACTIVATION_HARD_SIGMOID: ACTIVATE_EACH y.at[v] = activate_hard_sigmoid(x->at[v], alpha, beta); break;
  case UNFURL_ACTIVATION_GELU: y = activate_gelu(x); break;
  }
  return y;
}

/* The vectors of the rows, one after the other. */
typedef struct activate_cursor {
  size_t row, col, at; /* of the next one; floats to its row */
} activate_cursor;

static inline size_t activate_row(const unfurl_activate_rows *t, size_t row) {
  return t->at ? t->at[row] : row * t->step;
}

/* Lanes of the next vector that are in use, 0 behind the last one; *at: floats to the first of them. */
static inline __attribute__((always_inline)) size_t activate_next(const unfurl_activate_rows *t,
                                                                  activate_cursor *cursor, size_t *at) {
  if (cursor->row == t->rows) return 0;
  const size_t left = t->cols - cursor->col;
  *at = cursor->at + cursor->col;
  cursor->col += VEC_LANES;
  if (left > VEC_LANES) return VEC_LANES;
  cursor->col = 0;
  if (++cursor->row < t->rows) cursor->at = activate_row(t, cursor->row);
  return left;
}

static inline __attribute__((always_inline)) void activate_rows(const unfurl_activate_rows *t,
                                                                const unfurl_activation activation) {
  const vec alpha = vec_set(t->alpha), beta = vec_set(t->beta);
  activate_cursor cursor = {.at = t->rows ? activate_row(t, 0) : 0};
  if (t->cols == 0) return;
  for (size_t lanes[ACTIVATE_VECS], at[ACTIVATE_VECS] = {0};;) {
    activate_vecs x;
    ACTIVATE_EACH lanes[v] = activate_next(t, &cursor, &at[v]);
    if (lanes[0] == 0) return;
    ACTIVATE_EACH x.at[v] = load_used(t->x + at[v], lanes[v]);
    x = activate_values(activation, &x, alpha, beta);
    ACTIVATE_EACH if (lanes[v] > 0) store_used(t->y + at[v], x.at[v], lanes[v]);
  }
}

void TILE_FUNCTION(activate)(const unfurl_activate_rows *t) {
  switch (t->activation) {
  case UNFURL_ACTIVATION_NONE: activate_rows(t, UNFURL_ACTIVATION_NONE); break;
  case UNFURL_ACTIVATION_RELU: activate_rows(t, UNFURL_ACTIVATION_RELU); break;
  case UNFURL_ACTIVATION_CLIP: activate_rows(t, UNFURL_ACTIVATION_CLIP); break;
  case UNFURL_ACTIVATION_LEAKY_RELU: activate_rows(t, UNFURL_ACTIVATION_LEAKY_RELU); break;
  case UNFURL_ACTIVATION_SIGMOID: activate_rows(t, UNFURL_ACTIVATION_SIGMOID); break;
  case UNFURL_ACTIVATION_TANH: activate_rows(t, UNFURL_ACTIVATION_TANH); break;
  case UNFURL_ACTIVATION_SILU: activate_rows(t, UNFURL_ACTIVATION_SILU); break;
  case UNFURL_ACTIVATION_HARD_SWISH: activate_rows(t, UNFURL_ACTIVATION_HARD_SWISH); break;
  case UNFURL_ACTIVATION_HARD_SIGMOID: activate_rows(t, UNFURL_ACTIVATION_HARD_SIGMOID); break;
  case UNFURL_ACTIVATION_GELU: activate_rows(t, UNFURL_ACTIVATION_GELU); break;
  }
}

/* What a kernel has not applied in registers, to lines of pixels: nothing, if the activation is a clamp. */
static void activate_pixels(const unfurl_epilogue *e, size_t lines, size_t line_step, size_t pixels, size_t step,
                            size_t channels, float *dst) {
  if (e->activation <= UNFURL_ACTIVATION_CLIP) return;
  for (size_t line = 0; line < lines; line++, dst += line_step) {
    const unfurl_activate_rows rows = {.activation = e->activation,
                                       .alpha = e->alpha,
                                       .beta = e->beta,
                                       .rows = pixels,
                                       .cols = channels,
                                       .step = step,
                                       .x = dst,
                                       .y = dst};
    TILE_FUNCTION(activate)(&rows);
  }
}
