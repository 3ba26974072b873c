/* SPDX-License-Identifier: BSD-2-Clause */
/* unfurl inspect for programs: one object. Numbers are exact, free sizes of declared shapes are null. */
#include <jansson.h>

#include "inspect.h"
#include "json_text.h"
#include "unfurl/cpu.h"

static json_t *shape_json(const unfurl_tensor *shape) {
  json_t *dims = json_array();
  for (size_t i = 0; i < shape->rank; i++)
    json_array_append_new(dims, shape->dims[i] < 0 ? json_null() : json_integer(shape->dims[i]));
  return dims;
}

static json_t *inputs_json(const network *net) {
  json_t *list = json_array();
  for (size_t i = 0; i < net->input_count; i++) {
    unfurl_tensor shape;
    if (unfurl_model_input_shape(net->model, i, &shape, NULL) != UNFURL_OK) continue;
    json_array_append_new(list,
                          json_pack("{s:o, s:s, s:o, s:o}", "name", json_text(unfurl_model_input_name(net->model, i)),
                                    "dtype", unfurl_dtype_name(shape.dtype), "declared", shape_json(&shape), "shape",
                                    shape_json(&net->inputs[i])));
  }
  return list;
}

static json_t *outputs_json(const network *net) {
  json_t *list = json_array();
  for (size_t i = 0; i < unfurl_model_output_count(net->model); i++)
    json_array_append_new(list, json_pack("{s:o}", "name", json_text(unfurl_model_output_name(net->model, i))));
  return list;
}

static json_t *metadata_json(const network *net) {
  json_t *object = json_object();
  for (size_t i = 0; inspect_metadata_key(i); i++) {
    const char *value = unfurl_model_metadata(net->model, inspect_metadata_key(i));
    if (value) json_object_set_new(object, inspect_metadata_key(i), json_text(value));
  }
  return object;
}

static json_t *layers_json(const inspect_report *report) {
  json_t *list = json_array();
  for (size_t i = 0; i < report->layer_count; i++) {
    const unfurl_layer *layer = &report->layers[i];
    json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:s, s:o, s:I, s:f, s:I, s:I}", "name",
                                          json_text(layer->name), "op", json_text(layer->op_type), "algo", layer->algo,
                                          "dtype", unfurl_dtype_name(layer->output.dtype), "output",
                                          shape_json(&layer->output), "turns", (json_int_t)layer->turns, "flop",
                                          2 * layer->operations, "weights_bytes", (json_int_t)layer->weights_bytes,
                                          "workspace_bytes", (json_int_t)layer->workspace_bytes));
  }
  return list;
}

bool inspect_print_json(FILE *file, const inspect_report *report) {
  const unfurl_session_memory *memory = &report->memory;
  json_t *object = json_pack(
      "{s:o, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:f, s:I, s:I, s:I, s:I, s:I}", "model", json_text(report->path),
      "batch", (json_int_t)report->net->batch, "threads", (json_int_t)report->threads, "isa",
      unfurl_isa_name(unfurl_cpu_isa()), "inputs", inputs_json(report->net), "outputs", outputs_json(report->net),
      "metadata", metadata_json(report->net), "layers", layers_json(report), "flop", report->flop, "arena_bytes",
      (json_int_t)memory->arena_bytes, "workspace_bytes", (json_int_t)memory->workspace_bytes, "weights_bytes",
      (json_int_t)memory->weights_bytes, "constants_bytes", (json_int_t)memory->constants_bytes, "peak_bytes",
      (json_int_t)inspect_peak_bytes(report));
  if (!object) return false;
  json_dumpf(object, file, 0); /* whether it arrives is seen when the stream is flushed */
  json_decref(object);
  fputc('\n', file);
  return true;
}
