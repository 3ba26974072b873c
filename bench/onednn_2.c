/* SPDX-License-Identifier: BSD-2-Clause */
#include "onednn.h"

static dnnl_status_t describe(dnnl_memory_desc_t *layout, const onednn_tensor *tensor, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_init_by_tag(layout, tensor->rank, tensor->dims, dnnl_f32, tag);
}

static dnnl_status_t make_attributes(dnnl_primitive_attr_t *attributes) {
  dnnl_post_ops_t relu;
  dnnl_status_t status = dnnl_primitive_attr_create(attributes);
  if (status != dnnl_success) return status;
  status = dnnl_post_ops_create(&relu);
  if (status != dnnl_success) return status;
  status = dnnl_post_ops_append_eltwise(relu, 1, dnnl_eltwise_relu, 0, 0);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attributes, relu);
  dnnl_post_ops_destroy(relu);
  return status;
}

dnnl_status_t onednn_conv_create(dnnl_primitive_desc_t *result, dnnl_engine_t engine, const onednn_conv *conv) {
  const dnnl_format_tag_t any = dnnl_format_tag_any;
  dnnl_memory_desc_t src, weights, bias, dst;
  dnnl_convolution_desc_t desc;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_status_t status = describe(&src, &conv->src, any);
  if (status == dnnl_success) status = describe(&weights, &conv->weights, any);
  if (status == dnnl_success) status = describe(&bias, &conv->bias, any);
  if (status == dnnl_success) status = describe(&dst, &conv->dst, any);
  if (status == dnnl_success) status = make_attributes(&attributes);
  if (status == dnnl_success)
    status = dnnl_dilated_convolution_forward_desc_init(&desc, dnnl_forward_inference, conv->algorithm, &src, &weights,
                                                        &bias, &dst, conv->strides, conv->dilations, conv->pad_before,
                                                        conv->pad_after);
  if (status == dnnl_success) status = dnnl_primitive_desc_create(result, &desc, attributes, engine, NULL);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return status;
}

dnnl_status_t onednn_memory_create(dnnl_memory_t *result, dnnl_engine_t engine, const onednn_tensor *tensor) {
  dnnl_memory_desc_t layout;
  const dnnl_status_t status = describe(&layout, tensor, tensor->tag);
  return status == dnnl_success ? dnnl_memory_create(result, &layout, engine, DNNL_MEMORY_ALLOCATE) : status;
}
