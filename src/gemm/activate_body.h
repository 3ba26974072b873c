/* SPDX-License-Identifier: BSD-2-Clause */
/* The source of the activations' kernel, compiled with tile_body.h for each instruction set; see base/vmath.h for how the
 * functions are computed.
 */
#include "gemm/activate.h"

/* unfurl_expf of x, which is not NaN. */
static inline __attribute__((always_inline)) vec activate_exp(vec x) {
  const vec inside = vec_at_most(vec_at_least(x, vec_set(-104.0f)), vec_set(104.0f)), magic = vec_set(0x1.8p+23f);
  const vec n = vec_sub(vec_add(vec_mul(inside, vec_set(0x1.715476p+0f)), magic), magic);
  const vec r = vec_sub(vec_sub(inside, vec_mul(n, vec_set(0x1.62ep-1f))), vec_mul(n, vec_set(0x1.0bfbe8p-15f)));
  static const float coefficients[] = {0x1.6d8d06p-10f, 0x1.11127p-7f, 0x1.55548ep-5f, 0x1.555554p-3f, 0x1p-1f};
  vec p = vec_set(0x1.9f0896p-13f), powers[2];
  UNROLL(5)
  for (size_t i = 0; i < 5; i++) p = vec_add(vec_mul(p, r), vec_set(coefficients[i]));
  p = vec_add(vec_mul(p, vec_mul(r, r)), r);
  vec_powers_of_two(n, powers);
  return vec_mul(vec_mul(vec_add(vec_set(1), p), powers[0]), powers[1]);
}

static inline __attribute__((always_inline)) vec activate_reciprocal(vec y) {
  vec r = vec_sub(vec_mul(y, vec_set(0x1.4afd6ap-2f)), vec_set(0x1.745d18p+0f));
  r = vec_add(vec_mul(r, y), vec_set(0x1.0f83e0p+1f));
  r = vec_mul(r, vec_sub(vec_set(2), vec_mul(y, r)));
  return vec_add(r, vec_mul(r, vec_sub(vec_set(1), vec_mul(y, r))));
}

static inline __attribute__((always_inline)) vec activate_sigmoid(vec x) {
  const vec one = vec_set(1), e = activate_exp(vec_copysign(x, vec_set(-1)));
  return vec_mul(vec_where_negative(x, e, one), activate_reciprocal(vec_add(one, e)));
}

static inline __attribute__((always_inline)) vec activate_tanh(vec x) {
  const vec one = vec_set(1), two = vec_set(2), magnitude = vec_abs(x), s = vec_mul(magnitude, magnitude);
  const vec large = vec_sub(one, vec_div(two, vec_add(activate_exp(vec_mul(two, magnitude)), one)));
  static const float coefficients[] = {0x1.522c1ap-6f, -0x1.b83e12p-5f, 0x1.11073cp-3f, -0x1.555534p-2f};
  vec p = vec_set(-0x1.75e444p-8f);
  UNROLL(4)
  for (size_t i = 0; i < 4; i++) p = vec_add(vec_mul(p, s), vec_set(coefficients[i]));
  const vec small = vec_add(magnitude, vec_mul(vec_mul(magnitude, s), p));
  return vec_copysign(vec_where_negative(vec_sub(magnitude, vec_set(0.625f)), small, large), x);
}

static inline __attribute__((always_inline)) vec activate_hard_swish(vec x) {
  const vec six = vec_set(6), ramp = vec_add(x, vec_set(3));
  return vec_mul(x, vec_div(vec_at_most(vec_at_least(ramp, vec_set(0)), six), six));
}

static inline __attribute__((always_inline)) vec activate_vector(const unfurl_activation activation, vec given,
                                                                 vec alpha, vec beta) {
  const vec x = activation < UNFURL_ACTIVATION_SIGMOID ? given : vec_where_nan(given, vec_set(0), given);
  vec y = x;
  switch (activation) {
  case UNFURL_ACTIVATION_NONE: return x;
  case UNFURL_ACTIVATION_RELU: return vec_at_least(x, vec_set(0));
  case UNFURL_ACTIVATION_CLIP: return vec_at_most(vec_at_least(x, alpha), beta);
  case UNFURL_ACTIVATION_LEAKY_RELU: return vec_where_negative(x, vec_mul(alpha, x), x);
  case UNFURL_ACTIVATION_SIGMOID: y = activate_sigmoid(x); break;
  case UNFURL_ACTIVATION_TANH: y = activate_tanh(x); break;
  case UNFURL_ACTIVATION_SILU: y = vec_mul(x, activate_sigmoid(x)); break;
  case UNFURL_ACTIVATION_HARD_SWISH: y = activate_hard_swish(x); break;
  }
  return vec_where_nan(given, given, y);
}

static inline __attribute__((always_inline)) void activate_rows(const unfurl_activate_rows *t,
                                                                const unfurl_activation activation) {
  const vec alpha = vec_set(t->alpha), beta = vec_set(t->beta);
  for (size_t i = 0; i < t->rows; i++) {
    const size_t at = t->at ? t->at[i] : i * t->step;
    const float *x = t->x + at;
    float *y = t->y + at;
    size_t j = 0;
    for (; j + VEC_LANES <= t->cols; j += VEC_LANES)
      vec_store(y + j, activate_vector(activation, vec_load(x + j), alpha, beta));
    const size_t left = t->cols - j;
    if (left > 0) vec_store_part(y + j, activate_vector(activation, vec_load_part(x + j, left), alpha, beta), left);
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
