/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure_data.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "checked.h"
#include "fault.h"
#include "random.h"

enum { ALIGN = 64, SEED = 20 };

float *measure_floats(size_t count) {
  if (!checked_mul(&count, sizeof(float)) || !checked_add(&count, ALIGN)) return NULL;
  return aligned_alloc(ALIGN, count / ALIGN * ALIGN);
}

/* The product of four fields of a problem. */
static bool product(size_t *total, int64_t a, int64_t b, int64_t c, int64_t d) {
  *total = (size_t)a;
  return checked_mul(total, (size_t)b) && checked_mul(total, (size_t)c) && checked_mul(total, (size_t)d);
}

static bool count_elements(measure_data *data, const problem_spec *problem) {
  const unfurl_conv_desc *desc = &problem->desc;
  data->bias_count = (size_t)desc->oc;
  return product(&data->src_count, desc->batch, desc->ih, desc->iw, desc->ic) &&
         product(&data->weights_count, desc->oc, desc->kh, desc->kw, desc->ic / desc->groups) &&
         product(&data->dst_count, desc->batch, problem->oh, problem->ow, desc->oc);
}

/* Would it all fit in this machine's memory? The system would promise more, and kill the program later. */
static bool fits(const measure_data *data) {
  size_t total = data->dst_count;
  const size_t memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
  return checked_mul(&total, 2) && checked_add(&total, data->src_count) && checked_add(&total, data->weights_count) &&
         checked_mul(&total, sizeof(float)) && total < memory;
}

static void fill(float *values, size_t count, uint64_t *state) {
  for (size_t i = 0; i < count; i++) values[i] = random_signed(state);
}

unfurl_status measure_data_init(measure_data *data, const problem_spec *problem, unfurl_error *error) {
  *data = (measure_data){0};
  if (!count_elements(data, problem) || !fits(data))
    return fault_set(error, UNFURL_TOO_LARGE, "its images do not fit in this machine's memory");
  data->src = measure_floats(data->src_count);
  data->weights = measure_floats(data->weights_count);
  data->bias = measure_floats(data->bias_count);
  data->dst = measure_floats(data->dst_count);
  data->reference = measure_floats(data->dst_count);
  if (!data->src || !data->weights || !data->bias || !data->dst || !data->reference) return fault_memory(error);
  uint64_t state = SEED;
  fill(data->src, data->src_count, &state);
  fill(data->weights, data->weights_count, &state);
  fill(data->bias, data->bias_count, &state);
  return UNFURL_OK;
}

void measure_data_free(measure_data *data) {
  free(data->src);
  free(data->weights);
  free(data->bias);
  free(data->dst);
  free(data->reference);
  *data = (measure_data){0};
}

void measure_data_spoil(measure_data *data) {
  for (size_t i = 0; i < data->dst_count; i++) data->dst[i] = NAN;
}

double measure_data_error(const measure_data *data) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < data->dst_count; i++) {
    const double wanted = data->reference[i], off = data->dst[i] - wanted;
    difference += off * off;
    norm += wanted * wanted;
  }
  return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}
