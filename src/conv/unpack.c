/* SPDX-License-Identifier: BSD-2-Clause */
/* Weights from their packed form. Solvers of the exact class, and one other, only move weights, and fill up with zeros; so
 * where each came from is found by packing their numbers in their place, whatever the form. */
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "conv/plan.h"

/* Numbers travel as bit patterns of floats that no move changes: 1 (0 is filling) up to before infinity. */
enum { MOST_WEIGHTS = 0x7f000000 };

bool unfurl_conv_weights_are_moved(const unfurl_conv_weights *w) {
  const bool moves = w->solver->sums == UNFURL_CONV_EXACT || w->solver == &unfurl_solve_winograd_f4_taps;
  return moves && w->problem.geometry.weights <= MOST_WEIGHTS;
}

static void number(float *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t bits = (uint32_t)i + 1;
    memcpy(&numbers[i], &bits, sizeof bits);
  }
}

static void move_back(const float *numbers, const float *packed, size_t count, float *weights) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &numbers[i], sizeof bits);
    if (bits) weights[bits - 1] = packed[i];
  }
}

unfurl_status unfurl_conv_weights_unpack(const unfurl_conv_weights *w, float *weights, unfurl_error *error) {
  const size_t count = w->problem.geometry.weights, packed = w->solver->packed_floats(&w->problem);
  unfurl_region scratch;
  unfurl_region_init(&scratch, w->context);
  float *numbers = unfurl_region_alloc(&scratch, count * sizeof *numbers);
  float *moved = unfurl_region_alloc(&scratch, packed * sizeof *moved);
  const bool has_memory = numbers && moved;
  if (has_memory) {
    number(numbers, count);
    w->solver->pack(&w->problem, w->layout, numbers, moved);
    move_back(moved, w->data, packed, weights);
  }
  unfurl_region_clear(&scratch);
  return has_memory ? UNFURL_OK : unfurl_fail_memory(error, "unpacked weights");
}
