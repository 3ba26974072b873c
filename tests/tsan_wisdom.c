/* SPDX-License-Identifier: BSD-2-Clause */
/* One context's wisdom used by many threads at once: measured, exported, taken in, saved, forgotten. A plain program, which
 * ThreadSanitizer can run. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "unfurl/conv.h"
#include "unfurl/wisdom.h"

enum { THREADS = 4, ROUNDS = 12, SIZE = 16384 };

static unfurl_context *context;

static bool plan(int64_t side, unfurl_planning planning) {
  unfurl_conv_desc desc;
  unfurl_conv_plan *made;
  unfurl_conv_desc_init(&desc);
  desc.ic = desc.oc = desc.groups = 4, desc.ih = side, desc.iw = 5, desc.kh = desc.kw = 3, desc.planning = planning;
  const bool done = unfurl_conv_plan_create(context, &desc, &made, NULL) == UNFURL_OK;
  unfurl_conv_plan_destroy(&made);
  return done;
}

static void *work(void *number) {
  static char texts[THREADS][SIZE];
  const size_t thread = *(const size_t *)number;
  for (size_t i = 0; i < ROUNDS; i++) {
    const size_t length = unfurl_wisdom_export(context, texts[thread], SIZE);
    if (length >= SIZE || unfurl_wisdom_import(context, texts[thread], length, NULL) != UNFURL_OK) return number;
    if (!plan(5 + (int64_t)(i % 3), UNFURL_PLAN_MEASURE) || !plan(5, UNFURL_PLAN_ESTIMATE)) return number;
    if (thread == 0 && i % 4 == 3) unfurl_wisdom_forget(context);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  size_t numbers[THREADS], failed = 0;
  unfurl_context_options options;
  unfurl_context_options_init(&options);
  options.threads = 2;
  if (unfurl_context_create(&options, &context, NULL) != UNFURL_OK) return 1;
  for (size_t i = 0; i < THREADS; i++) {
    numbers[i] = i;
    if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0) return 1;
  }
  for (size_t i = 0; i < THREADS; i++) {
    void *result;
    pthread_join(threads[i], &result);
    failed += result != NULL;
  }
  plan(5, UNFURL_PLAN_MEASURE);
  if (unfurl_wisdom_count(context) == 0) failed++;
  unfurl_context_destroy(&context);
  printf("%zu of %d threads failed\n", failed, THREADS);
  return failed ? 1 : 0;
}
