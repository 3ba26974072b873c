/* SPDX-License-Identifier: BSD-2-Clause */
#include "net_run.h"

#include <criterion/criterion.h>
#include <string.h>

unfurl_context *net_context(size_t threads) {
  unfurl_context_options options;
  unfurl_context *context;
  unfurl_context_options_init(&options);
  options.threads = threads, options.blas_single_thread = true;
  cr_assert_eq(unfurl_context_create(&options, &context, NULL), UNFURL_OK);
  return context;
}

void net_run(net *n, const unfurl_tensor *inputs, size_t input_count, size_t count, void *y) {
  unfurl_session *session;
  unfurl_error error;
  size_t elements;
  net_output(n, "y");
  net_finish(n);
  cr_assert_eq(n->status, UNFURL_OK, "%s", n->error.message);
  cr_assert_eq(unfurl_session_create(n->model, NULL, &session, NULL), UNFURL_OK);
  cr_assert_eq(unfurl_session_run(session, inputs, input_count, &error), UNFURL_OK, "%s", error.message);
  const unfurl_tensor *out = unfurl_session_output(session, 0);
  cr_assert_eq(unfurl_tensor_elements(out, &elements, NULL), UNFURL_OK);
  cr_assert_eq(elements, count);
  memcpy(y, out->data, count * unfurl_dtype_size(out->dtype));
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n->model);
}
