/* SPDX-License-Identifier: BSD-2-Clause */
#include "onnx/import.h"

#include "onnx/fail.h"
#include "onnx/graph.h"
#include "onnx/node.h"
#include "onnx/onnx.pb-c.h"

enum { IR_LEAST = 3, IR_MOST = 13 };

/* A few bytes of file can ask for a constant of any size. A file of 2 KiB and more may be a network whose weights are
 * generated; a smaller one gets little to be folded, so that loading it stays cheap. */
enum { SMALL_FILE = 2 << 10, SMALL_FOLD_LIMIT = 16 << 20 };

static unfurl_status check_ir_version(const UnfurlOnnx__ModelProto *proto, unfurl_error *error) {
  if (!proto->has_ir_version)
    return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "not an ONNX model: it has no ir_version");
  if (proto->ir_version >= IR_LEAST && proto->ir_version <= IR_MOST) return UNFURL_OK;
  return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "IR version %lld is not supported (%d to %d are)",
                          (long long)proto->ir_version, IR_LEAST, IR_MOST);
}

/* The version of the default operator set; the model builder knows which there are. Imports of other domains matter
 * only to their nodes, which are refused. */
static unfurl_status find_opset(const UnfurlOnnx__ModelProto *proto, int64_t *opset, unfurl_error *error) {
  const UnfurlOnnx__OperatorSetIdProto *found = NULL;
  for (size_t i = 0; i < proto->n_opset_import; i++) {
    const UnfurlOnnx__OperatorSetIdProto *import = proto->opset_import[i];
    if (!unfurl_onnx_is_default_domain(import->domain)) continue;
    if (found && found->version != import->version)
      return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "opset_import names two versions of the default domain");
    found = import;
  }
  if (!found) return unfurl_onnx_fail(error, UNFURL_BAD_FILE, "opset_import does not name the default domain");
  *opset = found->version;
  return UNFURL_OK;
}

/* A function of the default domain could stand in for an operator. Those of other domains are harmless: only nodes of
 * their domain call them. */
static unfurl_status check_functions(const UnfurlOnnx__ModelProto *proto, unfurl_error *error) {
  for (size_t i = 0; i < proto->n_functions; i++) {
    const UnfurlOnnx__FunctionProto *function = proto->functions[i];
    if (unfurl_onnx_is_default_domain(function->domain))
      return unfurl_onnx_fail(error, UNFURL_UNSUPPORTED, "function \"%.100s\": functions in a model are not supported",
                              function->name ? function->name : "");
  }
  return UNFURL_OK;
}

static unfurl_status add_metadata(const UnfurlOnnx__ModelProto *proto, unfurl_model *model, unfurl_error *error) {
  for (size_t i = 0; i < proto->n_metadata_props; i++) {
    const UnfurlOnnx__StringStringEntryProto *entry = proto->metadata_props[i];
    if (!entry->key || !*entry->key) continue;
    const unfurl_status status = unfurl_model_set_metadata(model, entry->key, entry->value ? entry->value : "", error);
    if (status != UNFURL_OK) return status;
  }
  return UNFURL_OK;
}

unfurl_status unfurl_onnx_import(unfurl_onnx_parsed *parsed, unfurl_model **model, unfurl_error *error) {
  const UnfurlOnnx__ModelProto *proto = (const UnfurlOnnx__ModelProto *)parsed->message;
  unfurl_model_options options;
  unfurl_model_options_init(&options);
  if (parsed->size < SMALL_FILE) options.fold_limit = SMALL_FOLD_LIMIT;
  unfurl_status status = check_ir_version(proto, error);
  if (status == UNFURL_OK) status = find_opset(proto, &options.opset, error);
  if (status == UNFURL_OK) status = check_functions(proto, error);
  if (status == UNFURL_OK && !proto->graph)
    status = unfurl_onnx_fail(error, UNFURL_BAD_FILE, "not an ONNX model: it has no graph");
  if (status != UNFURL_OK) goto fail;

  status = unfurl_model_create(parsed->context, &options, model, error);
  if (status == UNFURL_OK) status = unfurl_onnx_graph_add(parsed, proto->graph, *model, error);
  if (status == UNFURL_OK) status = add_metadata(proto, *model, error);
  if (status == UNFURL_OK) status = unfurl_model_finish(*model, error);
  if (status != UNFURL_OK) goto fail;
  return UNFURL_OK;

fail:
  unfurl_model_destroy(model);
  return status;
}
