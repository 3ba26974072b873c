/* SPDX-License-Identifier: BSD-2-Clause */
/* What oneDNN 2 and oneDNN 3 spell differently; everything else of its C API is the same in both. Each version has a
 * file of its own, onednn_2.c and onednn_3.c; the build takes the one that fits the library. */
#ifndef BENCH_ONEDNN_H
#define BENCH_ONEDNN_H

#include <dnnl.h>

/* A memory descriptor that something else owns. Only here, as the two types have nothing in common. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t onednn_layout;
#else
typedef const dnnl_memory_desc_t *onednn_layout;
#endif

enum { ONEDNN_RANK = 5 };

/* Dimensions, and the format tag of the order in which they lie in memory; `any` lets the library choose. */
typedef struct onednn_tensor {
  int rank;
  dnnl_dims_t dims;
  dnnl_format_tag_t tag;
} onednn_tensor;

typedef struct onednn_conv {
  onednn_tensor src, weights, bias, dst;
  dnnl_dims_t strides, dilations, pad_before, pad_after;
  dnnl_alg_kind_t algorithm;
} onednn_conv;

/* The fastest implementation of an inference convolution with bias and ReLU, all f32, every tensor in the layout that
 * it likes best. dnnl_unimplemented where the algorithm does not apply. */
dnnl_status_t onednn_conv_create(dnnl_primitive_desc_t *result, dnnl_engine_t engine, const onednn_conv *conv);

/* Memory for a tensor of a known layout. */
dnnl_status_t onednn_memory_create(dnnl_memory_t *result, dnnl_engine_t engine, const onednn_tensor *tensor);

#endif
