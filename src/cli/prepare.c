/* SPDX-License-Identifier: BSD-2-Clause */
#include "prepare.h"

#include <math.h>
#include <string.h>

#include "fault.h"
#include "parse.h"

static const char *const key_names[PREPARE_KEYS] = {"unfurl.scale", "unfurl.mean", "unfurl.std", "unfurl.resize"};
static const char *const resize_names[] = {"stretch", "crop", "pad"};

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

static unfurl_status set_resize(prepare_recipe *recipe, const char *value, unfurl_error *error) {
  for (size_t i = 0; i < sizeof resize_names / sizeof *resize_names; i++) {
    if (strcmp(value, resize_names[i]) != 0) continue;
    recipe->resize = (prepare_resize)i;
    return UNFURL_OK;
  }
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "'%.100s' is not stretch, crop or pad", value);
}

unfurl_status prepare_set(prepare_recipe *recipe, prepare_key key, const char *value, unfurl_error *error) {
  switch (key) {
  case PREPARE_MEAN:
    return set_numbers(&recipe->mean, value, error);
  case PREPARE_STD:
    return set_std(recipe, value, error);
  case PREPARE_RESIZE:
    return set_resize(recipe, value, error);
  default:
    break;
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

unfurl_status prepare_fit(const prepare_recipe *recipe, prepare_shape *shape, unfurl_error *error) {
  const bool same = shape->ih == shape->oh && shape->iw == shape->ow;
  const bool inside = shape->ih <= shape->oh && shape->iw <= shape->ow;
  if (same || (inside && recipe->resize == PREPARE_PAD)) {
    shape->top = (shape->oh - shape->ih) / 2;
    shape->left = (shape->ow - shape->iw) / 2;
    return UNFURL_OK;
  }
  return fault_set(error, UNFURL_UNSUPPORTED,
                   "images of %zux%zu pixels would have to be resampled to the model's %zux%zu (resize %s), which this "
                   "version can't do%s",
                   shape->ih, shape->iw, shape->oh, shape->ow, resize_names[recipe->resize],
                   inside ? "; --resize pad puts zeros around them" : "");
}

void prepare_image(const prepare_recipe *recipe, const prepare_shape *shape, const unsigned char *pixels, float *to) {
  memset(to, 0, shape->channels * shape->oh * shape->ow * sizeof *to);
  for (size_t c = 0; c < shape->channels; c++)
    for (size_t y = 0; y < shape->ih; y++) {
      float *row = to + (c * shape->oh + shape->top + y) * shape->ow + shape->left;
      const unsigned char *from = pixels + y * shape->iw * shape->channels + c;
      for (size_t x = 0; x < shape->iw; x++) row[x] = recipe->table[c][from[x * shape->channels]];
    }
}
