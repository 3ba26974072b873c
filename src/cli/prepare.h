/* SPDX-License-Identifier: BSD-2-Clause */
/* From the pixels of an image to the numbers that a model was trained on.
 *
 *     value = (pixel * scale - mean) / std          pixel 0..255; mean and std one number, or one a channel
 *
 * How is written in the model's metadata (unfurl.scale, unfurl.mean, unfurl.std, unfurl.resize, unfurl.filter), flags
 * override it. A pixel has 256 values, so each channel's results stand in a table, computed in double and rounded once.
 *
 * An image of another size than the model's input is fitted as unfurl.resize and unfurl.filter say (fit.h). What `pad`
 * leaves free is zero, of the prepared values.
 *
 * Life cycle: prepare_init, prepare_set for each setting that is given, prepare_channels once, then any number of
 * prepare_image.
 */
#ifndef CLI_PREPARE_H
#define CLI_PREPARE_H

#include <stddef.h>

#include "fit.h"
#include "resample.h"
#include "unfurl/status.h"

enum { PREPARE_CHANNELS = 4 };

typedef enum prepare_key {
  PREPARE_SCALE,
  PREPARE_MEAN,
  PREPARE_STD,
  PREPARE_RESIZE,
  PREPARE_FILTER,
  PREPARE_KEYS
} prepare_key;

typedef struct prepare_numbers {
  size_t count; /* 1: for all channels */
  double values[PREPARE_CHANNELS];
} prepare_numbers;

typedef struct prepare_recipe {
  double scale;
  prepare_numbers mean, std;
  fit_mode resize;
  resample_filter filter;
  float table[PREPARE_CHANNELS][256];
} prepare_recipe;

/* "unfurl.scale", ...: the key in the metadata. The part after the dot is the flag's name. */
const char *prepare_key_name(prepare_key key);

/* scale 1, mean 0, std 1, stretch, bilinear. */
void prepare_init(prepare_recipe *recipe);

/* Sets one thing from text. INVALID_ARGUMENT, with a message that says what was expected. */
unfurl_status prepare_set(prepare_recipe *recipe, prepare_key key, const char *value, unfurl_error *error);

/* Makes the tables for images of so many channels. INVALID_ARGUMENT where mean or std has another number of them,
 * UNSUPPORTED beyond PREPARE_CHANNELS. */
unfurl_status prepare_channels(prepare_recipe *recipe, size_t channels, unfurl_error *error);

/* to[channels][oh][ow] from pixels[ih][iw][channels], resized as `plan` says. */
void prepare_image(const prepare_recipe *recipe, fit_plan *plan, const unsigned char *pixels, float *to);

#endif
