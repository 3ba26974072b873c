/* SPDX-License-Identifier: BSD-2-Clause */
#include "graph/attributes.h"

#include <string.h>

#include "base/status.h"
#include "shape/tensor.h"

void unfurl_attribute_init(unfurl_attribute *attribute, const char *name, unfurl_attribute_type type) {
  *attribute = (unfurl_attribute){.size = sizeof *attribute, .name = name, .type = type};
}

static const unfurl_attribute_spec *find_spec(const unfurl_op *op, const char *name) {
  for (const unfurl_attribute_spec *spec = op->attributes; spec && spec->name; spec++)
    if (!strcmp(spec->name, name)) return spec;
  return NULL;
}

static bool has_value(const unfurl_attribute *a) {
  switch (a->type) {
  case UNFURL_ATTRIBUTE_INT: return a->ints && a->count == 1;
  case UNFURL_ATTRIBUTE_FLOAT: return a->floats && a->count == 1;
  case UNFURL_ATTRIBUTE_STRING: return a->string != NULL;
  case UNFURL_ATTRIBUTE_INTS: return a->ints || a->count == 0;
  case UNFURL_ATTRIBUTE_FLOATS: return a->floats || a->count == 0;
  case UNFURL_ATTRIBUTE_TENSOR: return a->tensor != NULL;
  }
  return false;
}

static unfurl_status check_tensor(const unfurl_attribute *a, unfurl_error *error) {
  size_t bytes;
  const unfurl_status status = unfurl_tensor_bytes(a->tensor, &bytes, error);
  if (status) return unfurl_fail_in(error, status, a->name);
  if ((bytes && !a->tensor->data) || a->tensor->layout != UNFURL_NCHW)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "attribute %s has no data, or is not NCHW", a->name);
  return UNFURL_OK;
}

unfurl_status unfurl_attributes_check(const unfurl_node_desc *desc, const unfurl_op *op, unfurl_error *error) {
  if (desc->attribute_count && !desc->attributes)
    return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "attributes is NULL");
  for (size_t i = 0; i < desc->attribute_count; i++) {
    const unfurl_attribute *a = &desc->attributes[i];
    if (a->size < sizeof *a || !a->name)
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "attribute %zu was not initialised", i);
    const unfurl_attribute_spec *spec = find_spec(op, a->name);
    if (!spec) return unfurl_fail(error, UNFURL_UNSUPPORTED, "attribute \"%s\" is not implemented", a->name);
    if (spec->type != a->type || !has_value(a))
      return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "attribute \"%s\" has the wrong type, or no value", a->name);
    for (size_t j = 0; j < i; j++)
      if (!strcmp(desc->attributes[j].name, a->name))
        return unfurl_fail(error, UNFURL_INVALID_ARGUMENT, "attribute \"%s\" is given twice", a->name);
    if (a->type == UNFURL_ATTRIBUTE_TENSOR) {
      const unfurl_status status = check_tensor(a, error);
      if (status) return status;
    }
  }
  return UNFURL_OK;
}

static void *copy_block(unfurl_region *region, const void *from, size_t count, size_t size) {
  void *to = unfurl_region_alloc(region, unfurl_size_product(2, (const size_t[]){count, size}));
  if (to && count) memcpy(to, from, count * size);
  return to;
}

static bool copy_attribute(unfurl_region *region, unfurl_attribute *to, const unfurl_attribute *from) {
  unfurl_attribute_init(to, unfurl_region_strdup(region, from->name), from->type);
  to->count = from->count;
  switch (from->type) {
  case UNFURL_ATTRIBUTE_INT:
  case UNFURL_ATTRIBUTE_INTS: to->ints = copy_block(region, from->ints, from->count, sizeof *from->ints); break;
  case UNFURL_ATTRIBUTE_FLOAT:
  case UNFURL_ATTRIBUTE_FLOATS: to->floats = copy_block(region, from->floats, from->count, sizeof *from->floats); break;
  case UNFURL_ATTRIBUTE_STRING: to->string = unfurl_region_strdup(region, from->string); break;
  case UNFURL_ATTRIBUTE_TENSOR: {
    unfurl_tensor *tensor = unfurl_region_alloc(region, sizeof *tensor);
    if (tensor && unfurl_region_copy_tensor(region, tensor, from->tensor)) to->tensor = tensor;
    break;
  }
  }
  return to->name && (to->ints || to->floats || to->string || to->tensor);
}

unfurl_status unfurl_attributes_copy(unfurl_region *region, const unfurl_node_desc *desc,
                                     const unfurl_attribute **attributes, unfurl_error *error) {
  unfurl_attribute *copies =
      unfurl_region_alloc(region, unfurl_size_product(2, (const size_t[]){desc->attribute_count, sizeof *copies}));
  if (!copies) return unfurl_fail_memory(error, "attributes");
  for (size_t i = 0; i < desc->attribute_count; i++)
    if (!copy_attribute(region, &copies[i], &desc->attributes[i])) return unfurl_fail_memory(error, "attributes");
  *attributes = copies;
  return UNFURL_OK;
}
