/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel_variants.h"

#include <math.h>
#include <stdlib.h>

#include "unfurl/cpu.h"

extern const unfurl_kernels unfurl_kernels_avx512_emulated;

#if defined(__x86_64__)
#define IF_X86(kernels) &(kernels)
#define IF_ARM(kernels) NULL
#elif defined(__aarch64__)
#define IF_X86(kernels) NULL
#define IF_ARM(kernels) &(kernels)
#else
#define IF_X86(kernels) NULL
#define IF_ARM(kernels) NULL
#endif

const kernel_variant kernel_variants[] = {
    {"portable", &unfurl_kernels_portable, UNFURL_ISA_PORTABLE, false},
    {"baseline", &unfurl_kernels_baseline, UNFURL_ISA_BASELINE, false},
    {"avx2", IF_X86(unfurl_kernels_avx2), UNFURL_ISA_AVX2, false},
    {"avx2_wide", IF_X86(unfurl_kernels_avx2_wide), UNFURL_ISA_AVX2, false},
    {"avx512", IF_X86(unfurl_kernels_avx512), UNFURL_ISA_AVX512, false},
    {"avx512 (emulated)", &unfurl_kernels_avx512_emulated, UNFURL_ISA_PORTABLE, true},
    {"neon", IF_ARM(unfurl_kernels_neon), UNFURL_ISA_NEON, false},
};
const size_t kernel_variant_count = sizeof kernel_variants / sizeof *kernel_variants;

/* A name that the machine does not have changes nothing; so UNFURL_ISA asks for one. */
static bool machine_has(unfurl_isa isa) {
  setenv("UNFURL_ISA", unfurl_isa_name(isa), 1);
  const bool has = unfurl_cpu_isa() == isa;
  unsetenv("UNFURL_ISA");
  return has;
}

const char *kernel_variant_missing(const kernel_variant *v) {
  return !v->kernels ? "not of this architecture" : !machine_has(v->needs) ? "this CPU does not have it" : NULL;
}

static float add_product(float sum, float x, float w, bool fused) {
  if (fused) return fmaf(x, w, sum);
  const float product = x * w;
  return sum + product;
}

static float activate(const unfurl_epilogue *e, float x) {
  const float raised = x < e->alpha ? e->alpha : x;
  switch (e->activation) {
  case UNFURL_ACTIVATION_NONE: return x;
  case UNFURL_ACTIVATION_RELU: return x < 0 ? 0 : x;
  case UNFURL_ACTIVATION_CLIP: return raised > e->beta ? e->beta : raised;
  default: unfurl_activate(e->activation, e->alpha, e->beta, 1, &x, &x); return x;
  }
}

/* Result `at` of dst, for column or channel `col`. */
static float finish(const unfurl_epilogue *e, float sum, size_t at, size_t col) {
  if (e->bias) sum += e->bias[col];
  if (e->residual) sum += e->residual[at];
  return activate(e, sum);
}

static float tile_sum(const unfurl_tile *t, size_t panel_cols, bool fused, size_t row, size_t col) {
  float sum = 0;
  for (size_t r = 0; r < t->run_rows; r++)
    for (size_t c = 0; c < t->run_cols; c++)
      for (size_t e = 0; e < t->run_length; e++) {
        const ptrdiff_t run = (ptrdiff_t)r * t->run_row_stride + (ptrdiff_t)c * t->run_col_stride;
        const float *w = t->weights + r * t->weights_row_stride + c * t->weights_col_stride + e * panel_cols;
        sum = add_product(sum, t->src[(ptrdiff_t)t->src_at[row] + run + (ptrdiff_t)e], w[col], fused);
      }
  return sum;
}

void kernel_reference_tile(const unfurl_tile *t, size_t panel_cols, bool fused, float *dst) {
  for (size_t row = 0; row < t->tiles * t->rows; row++)
    for (size_t col = 0; col < t->cols; col++) {
      const size_t at = t->dst_at[row] + col;
      dst[at] = finish(t->epilogue, tile_sum(t, panel_cols, fused, row, col), at, col);
    }
}

void kernel_reference_depthwise(const unfurl_depthwise *d, bool fused, float *dst) {
  for (size_t p = 0; p < d->pixels; p++)
    for (size_t c = 0; c < d->channels; c++) {
      float sum = 0;
      for (size_t i = 0; i < d->row_taps; i++)
        for (size_t j = 0; j < d->col_taps; j++)
          sum = add_product(sum, d->src[p * d->pixel_stride + i * d->row_stride + j * d->col_stride + c],
                            d->weights[i * d->weights_row + j * d->channels + c], fused);
      dst[p * d->dst_stride + c] = finish(d->epilogue, sum, p * d->dst_stride + c, c);
    }
}
