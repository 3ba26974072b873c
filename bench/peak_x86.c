/* SPDX-License-Identifier: BSD-2-Clause */
#include <immintrin.h>

#include "peak.h"

enum { AVX2_ACCUMULATORS = 12, AVX512_ACCUMULATORS = 24 };

__attribute__((target("avx2,fma"))) static float run_avx2(size_t rounds, float start) {
  const __m256 factor = _mm256_set1_ps(0.5F), term = _mm256_set1_ps(1);
  __m256 sums[AVX2_ACCUMULATORS];
#pragma GCC unroll 24
  for (int i = 0; i < AVX2_ACCUMULATORS; i++) sums[i] = _mm256_set1_ps(start + (float)i);
  for (size_t round = 0; round < rounds; round++) {
#pragma GCC unroll 24
    for (int i = 0; i < AVX2_ACCUMULATORS; i++) sums[i] = _mm256_fmadd_ps(sums[i], factor, term);
  }
#pragma GCC unroll 24
  for (int i = 1; i < AVX2_ACCUMULATORS; i++) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return _mm256_cvtss_f32(sums[0]);
}

__attribute__((target("avx512f"))) static float run_avx512(size_t rounds, float start) {
  const __m512 factor = _mm512_set1_ps(0.5F), term = _mm512_set1_ps(1);
  __m512 sums[AVX512_ACCUMULATORS];
#pragma GCC unroll 24
  for (int i = 0; i < AVX512_ACCUMULATORS; i++) sums[i] = _mm512_set1_ps(start + (float)i);
  for (size_t round = 0; round < rounds; round++) {
#pragma GCC unroll 24
    for (int i = 0; i < AVX512_ACCUMULATORS; i++) sums[i] = _mm512_fmadd_ps(sums[i], factor, term);
  }
#pragma GCC unroll 24
  for (int i = 1; i < AVX512_ACCUMULATORS; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return _mm512_cvtss_f32(sums[0]);
}

const peak_loop peak_loops[] = {
    {UNFURL_ISA_AVX2, 2.0 * 8 * AVX2_ACCUMULATORS, run_avx2},
    {UNFURL_ISA_AVX512, 2.0 * 16 * AVX512_ACCUMULATORS, run_avx512},
};
const size_t peak_loop_count = sizeof peak_loops / sizeof *peak_loops;
