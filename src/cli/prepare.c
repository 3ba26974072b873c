/* SPDX-License-Identifier: BSD-2-Clause */
#include "prepare.h"

#include <math.h>
#include <string.h>

#include "fault.h"
#include "parse.h"

static const char *const key_names[PREPARE_KEYS] = {
    [PREPARE_SCALE] = "unfurl.scale",   [PREPARE_MEAN] = "unfurl.mean",     [PREPARE_STD] = "unfurl.std",
    [PREPARE_RESIZE] = "unfurl.resize", [PREPARE_FILTER] = "unfurl.filter",
};
static const char *const resize_names[] = {[FIT_STRETCH] = "stretch", [FIT_CROP] = "crop", [FIT_PAD] = "pad", NULL};
static const char *const filter_names[] = {[RESAMPLE_BILINEAR] = "bilinear", [RESAMPLE_BICUBIC] = "bicubic", NULL};

const char *prepare_key_name(prepare_key key) {
  return key_names[key];
}

void prepare_init(prepare_recipe *recipe) {
  memset(recipe, 0, sizeof *recipe);
  recipe->scale = 1;
  recipe->mean.count = 1;
  recipe->std.count = 1;
  recipe->std.values[0] = 1;
}

static unfurl_status set_numbers(prepare_numbers *numbers, const char *value, unfurl_error *error) {
  if (parse_reals(value, PREPARE_CHANNELS, numbers->values, &numbers->count)) return UNFURL_OK;
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "'%.100s' is not a number, or up to %d numbers with commas between",
                   value, PREPARE_CHANNELS);
}

static unfurl_status set_std(prepare_recipe *recipe, const char *value, unfurl_error *error) {
  const unfurl_status status = set_numbers(&recipe->std, value, error);
  if (status != UNFURL_OK) return status;
  for (size_t i = 0; i < recipe->std.count; i++)
    if (!(recipe->std.values[i] > 0))
      return fault_set(error, UNFURL_INVALID_ARGUMENT, "'%.100s' is not greater than 0", value);
  return UNFURL_OK;
}

/* The place of `value` in `names`, or -1. */
static int find_name(const char *const *names, const char *value) {
  for (int i = 0; names[i]; i++)
    if (strcmp(names[i], value) == 0) return i;
  return -1;
}

static unfurl_status set_resize(prepare_recipe *recipe, const char *value, unfurl_error *error) {
  const int found = find_name(resize_names, value);
  if (found < 0) return fault_set(error, UNFURL_INVALID_ARGUMENT, "'%.100s' is not stretch, crop or pad", value);
  recipe->resize = (fit_mode)found;
  return UNFURL_OK;
}

static unfurl_status set_filter(prepare_recipe *recipe, const char *value, unfurl_error *error) {
  const int found = find_name(filter_names, value);
  if (found < 0) return fault_set(error, UNFURL_INVALID_ARGUMENT, "'%.100s' is not bilinear or bicubic", value);
  recipe->filter = (resample_filter)found;
  return UNFURL_OK;
}

unfurl_status prepare_set(prepare_recipe *recipe, prepare_key key, const char *value, unfurl_error *error) {
  switch (key) {
  case PREPARE_MEAN: return set_numbers(&recipe->mean, value, error);
  case PREPARE_STD: return set_std(recipe, value, error);
  case PREPARE_RESIZE: return set_resize(recipe, value, error);
  case PREPARE_FILTER: return set_filter(recipe, value, error);
  default: break;
  }
  if (parse_real(value, &recipe->scale)) return UNFURL_OK;
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "'%.100s' is not a number", value);
}

static unfurl_status check_count(const prepare_numbers *numbers, const char *name, size_t channels,
                                 unfurl_error *error) {
  if (numbers->count == 1 || numbers->count == channels) return UNFURL_OK;
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "%s has %zu numbers for %zu channels", name, numbers->count,
                   channels);
}

static double channel_number(const prepare_numbers *numbers, size_t channel) {
  return numbers->values[numbers->count == 1 ? 0 : channel];
}

unfurl_status prepare_channels(prepare_recipe *recipe, size_t channels, unfurl_error *error) {
  if (channels > PREPARE_CHANNELS)
    return fault_set(error, UNFURL_UNSUPPORTED, "the model's input has %zu channels; images have 1 to %d", channels,
                     PREPARE_CHANNELS);
  unfurl_status status = check_count(&recipe->mean, key_names[PREPARE_MEAN], channels, error);
  if (status == UNFURL_OK) status = check_count(&recipe->std, key_names[PREPARE_STD], channels, error);
  for (size_t c = 0; status == UNFURL_OK && c < channels; c++) {
    const double mean = channel_number(&recipe->mean, c), std = channel_number(&recipe->std, c);
    for (size_t pixel = 0; pixel < 256; pixel++)
      recipe->table[c][pixel] = (float)(((double)pixel * recipe->scale - mean) / std);
  }
  return status;
}

void prepare_image(const prepare_recipe *recipe, fit_plan *plan, const unsigned char *pixels, float *to) {
  const fit_sizes *sizes = &plan->sizes;
  const size_t channels = sizes->channels;
  const unsigned char *window = fit_apply(plan, pixels);
  if (plan->h != sizes->oh || plan->w != sizes->ow) memset(to, 0, channels * sizes->oh * sizes->ow * sizeof *to);
  for (size_t c = 0; c < channels; c++)
    for (size_t y = 0; y < plan->h; y++) {
      float *row = to + (c * sizes->oh + plan->top + y) * sizes->ow + plan->left;
      const unsigned char *from = window + y * plan->w * channels + c;
      for (size_t x = 0; x < plan->w; x++) row[x] = recipe->table[c][from[x * channels]];
    }
}
