/* SPDX-License-Identifier: BSD-2-Clause */
/* What kernel_check.c checks: every table of kernels, what each must give, and how fast it is. */
#ifndef UNFURL_TESTS_KERNEL_VARIANTS_H
#define UNFURL_TESTS_KERNEL_VARIANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "gemm/tile.h"

typedef struct kernel_variant {
  const char *name;
  const unfurl_kernels *kernels; /* NULL: not of this architecture */
  unfurl_isa needs;              /* what the processor must have */
  bool is_emulated;              /* in plain C, at no speed */
} kernel_variant;

extern const kernel_variant kernel_variants[];
extern const size_t kernel_variant_count;

/* Why this machine can't run it, or NULL. */
const char *kernel_variant_missing(const kernel_variant *variant);

/* Whether it has fused multiply-adds. */
bool kernel_is_fused(const kernel_variant *variant);

/* What the formulas in gemm/tile.h, depthwise.h and grouped.h say, one number after the other: independent of the kernels,
 * but for activations that are no clamp, which they leave to unfurl_activate too. `fused`: each product is added by one
 * fused multiply-add; otherwise it is rounded first. What is no result stays as it was in dst. */
void kernel_reference_tile(const unfurl_tile *tile, size_t panel_cols, bool fused, float *dst);
float kernel_reference_activate(const unfurl_epilogue *epilogue, float x, bool fused);
void kernel_reference_depthwise(const unfurl_depthwise *depthwise, bool fused, float *dst);
void kernel_reference_grouped_input(const unfurl_grouped_input *pixels, float *dst);
void kernel_reference_grouped(const unfurl_grouped *grouped, size_t lanes, bool fused, float *dst);

/* The same for Winograd's transforms; `lanes`: rows of channels are padded with zeros to a multiple of these. */
void kernel_reference_planar(const unfurl_planar *planar, bool fused, float *dst);
void kernel_reference_winograd_input(const unfurl_winograd_input *tile, bool fused, size_t lanes, float *dst);
void kernel_reference_winograd_output(const unfurl_winograd_output *tile, bool fused, float *dst);
void kernel_reference_winograd_taps(const unfurl_winograd_taps *tiles, bool fused, size_t lanes, float *dst);

/* Prints how fast each variant is on data in the first cache. */
void kernel_bench(void);

#endif
