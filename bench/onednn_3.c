/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "onednn.h"

static dnnl_status_t describe(dnnl_memory_desc_t *layout, const onednn_tensor *tensor, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(layout, tensor->rank, tensor->dims, dnnl_f32, tag);
}

static dnnl_status_t make_attributes(dnnl_primitive_attr_t *attributes) {
  dnnl_post_ops_t relu;
  dnnl_status_t status = dnnl_primitive_attr_create(attributes);
  if (status != dnnl_success) return status;
  status = dnnl_post_ops_create(&relu);
  if (status != dnnl_success) return status;
  status = dnnl_post_ops_append_eltwise(relu, dnnl_eltwise_relu, 0, 0);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attributes, relu);
  dnnl_post_ops_destroy(relu);
  return status;
}

dnnl_status_t onednn_conv_create(dnnl_primitive_desc_t *result, dnnl_engine_t engine, const onednn_conv *conv) {
  const onednn_tensor *const tensors[] = {&conv->src, &conv->weights, &conv->bias, &conv->dst};
  dnnl_memory_desc_t layouts[4] = {NULL};
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_status_t status = dnnl_success;
  for (size_t i = 0; i < 4 && status == dnnl_success; i++)
    status = describe(&layouts[i], tensors[i], dnnl_format_tag_any);
  if (status == dnnl_success) status = make_attributes(&attributes);
  if (status == dnnl_success)
    status = dnnl_convolution_forward_primitive_desc_create(
        result, engine, dnnl_forward_inference, conv->algorithm, layouts[0], layouts[1], layouts[2], layouts[3],
        conv->strides, conv->dilations, conv->pad_before, conv->pad_after, attributes);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  for (size_t i = 0; i < 4; i++)
    if (layouts[i]) dnnl_memory_desc_destroy(layouts[i]);
  return status;
}

dnnl_status_t onednn_memory_create(dnnl_memory_t *result, dnnl_engine_t engine, const onednn_tensor *tensor) {
  dnnl_memory_desc_t layout;
  dnnl_status_t status = describe(&layout, tensor, tensor->tag);
  if (status != dnnl_success) return status;
  status = dnnl_memory_create(result, layout, engine, DNNL_MEMORY_ALLOCATE);
  dnnl_memory_desc_destroy(layout);
  return status;
}
