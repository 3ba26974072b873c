/* SPDX-License-Identifier: BSD-2-Clause */
#include <arm_neon.h>

#include "peak.h"

enum { ACCUMULATORS = 24 };

static float run_neon(size_t rounds, float start) {
  const float32x4_t factor = vdupq_n_f32(0.5F), term = vdupq_n_f32(1e-3F);
  float32x4_t sums[ACCUMULATORS];
#pragma GCC unroll 24
  for (int i = 0; i < ACCUMULATORS; i++) sums[i] = vdupq_n_f32(start + (float)i);
  for (size_t round = 0; round < rounds; round++) {
#pragma GCC unroll 24
    for (int i = 0; i < ACCUMULATORS; i++) sums[i] = vfmaq_f32(sums[i], factor, term);
  }
#pragma GCC unroll 24
  for (int i = 1; i < ACCUMULATORS; i++) sums[0] = vaddq_f32(sums[0], sums[i]);
  return vgetq_lane_f32(sums[0], 0);
}

const peak_loop peak_loops[] = {{UNFURL_ISA_NEON, 2.0 * 4 * ACCUMULATORS, run_neon}};
const size_t peak_loop_count = sizeof peak_loops / sizeof *peak_loops;
