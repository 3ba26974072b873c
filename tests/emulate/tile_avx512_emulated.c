/* SPDX-License-Identifier: BSD-2-Clause */
/* The AVX-512 kernels' own source, with the immintrin.h of this folder. */
#define unfurl_kernels_avx512         unfurl_kernels_avx512_emulated
#define unfurl_activate_avx512        unfurl_activate_avx512_emulated
#define unfurl_depthwise_avx512       unfurl_depthwise_avx512_emulated
#define unfurl_grouped_avx512         unfurl_grouped_avx512_emulated
#define unfurl_grouped_input_avx512   unfurl_grouped_input_avx512_emulated
#define unfurl_max_pool_avx512        unfurl_max_pool_avx512_emulated
#define unfurl_planar_avx512          unfurl_planar_avx512_emulated
#define unfurl_winograd_input_avx512  unfurl_winograd_input_avx512_emulated
#define unfurl_winograd_output_avx512 unfurl_winograd_output_avx512_emulated
#define unfurl_winograd_taps_avx512   unfurl_winograd_taps_avx512_emulated
#define UNROLL(times)                 /* compiles sooner */
#define VEC_PIN(x)                    ((void)(x))

#include "gemm/tile_avx512.c"
