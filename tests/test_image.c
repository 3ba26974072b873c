/* SPDX-License-Identifier: BSD-2-Clause */
/* Image files: what is asked before memory is taken, what damage does. (test_cli_images.py checks every kind of pixel.) */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include "cli_file.h"
#include "colour.h"
#include "exif.h"
#include "image.h"
#include "random.h"

enum { WIDTH = 37, HEIGHT = 21, MAX_FILE = 1 << 16 };

typedef struct sample {
  unsigned char bytes[MAX_FILE];
  size_t size;
} sample;

static void paint(unsigned char *pixels) {
  for (size_t i = 0; i < WIDTH * HEIGHT * 3; i++) pixels[i] = (unsigned char)(i * i / 97 + i % 3 * 50);
}

static void write_png(sample *file, const unsigned char *pixels) {
  png_image png = {.version = PNG_IMAGE_VERSION, .width = WIDTH, .height = HEIGHT, .format = PNG_FORMAT_RGB};
  file->size = MAX_FILE;
  cr_assert(png_image_write_to_memory(&png, file->bytes, &file->size, 0, pixels, 0, NULL));
}

static void write_jpeg(sample *file, unsigned char *pixels, bool progressive) {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  unsigned char *data = NULL;
  unsigned long size = 0;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, &data, &size);
  jpeg.image_width = WIDTH;
  jpeg.image_height = HEIGHT;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg.restart_interval = 3;
  if (progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  for (size_t y = 0; y < HEIGHT; y++) jpeg_write_scanlines(&jpeg, (JSAMPROW[]){pixels + y * WIDTH * 3}, 1);
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  cr_assert_leq(size, MAX_FILE);
  memcpy(file->bytes, data, size);
  file->size = size;
  free(data);
}

static unfurl_status load(const cli_file *file, const sample *from, image_pixels *image, unfurl_error *error) {
  const image_request request = {.max_pixels = 1 << 16};
  cli_file_set(file, from->bytes, from->size);
  return image_load(image, file->path, &request, error);
}

static void make_samples(sample samples[3]) {
  unsigned char pixels[WIDTH * HEIGHT * 3];
  paint(pixels);
  write_png(&samples[0], pixels);
  write_jpeg(&samples[1], pixels, false);
  write_jpeg(&samples[2], pixels, true);
}

Test(image, what_was_written_is_read) {
  static sample samples[3];
  unsigned char pixels[WIDTH * HEIGHT * 3];
  paint(pixels);
  make_samples(samples);
  cli_file file = cli_file_make();
  for (size_t i = 0; i < 3; i++) {
    image_pixels image;
    unfurl_error error;
    cr_assert_eq(load(&file, &samples[i], &image, &error), UNFURL_OK, "%s", error.message);
    cr_assert(image.height == HEIGHT && image.width == WIDTH && image.channels == 3);
    if (i == 0) cr_assert_arr_eq(image.pixels, pixels, sizeof pixels);
    image_free(&image);
  }
  cli_file_close(&file);
}

/* Bytes cut off, changed or inserted: there is an error, or an image of the size that it says. */
Test(image, damage, .timeout = 120) {
  static sample samples[3], changed;
  uint64_t state = 3;
  size_t good = 0;
  make_samples(samples);
  cli_file file = cli_file_make();
  for (size_t i = 0; i < 30000; i++) {
    image_pixels image;
    unfurl_error error = {0};
    changed = samples[i % 3];
    for (uint64_t changes = 1 + random_next(&state) % 3; changes > 0; changes--) {
      const uint64_t bits = random_next(&state);
      changed.bytes[bits % (bits >> 60 ? 400 : changed.size)] = (unsigned char)(bits >> 24);
    }
    if (random_next(&state) % 8 == 0) changed.size = random_next(&state) % (changed.size + 1);
    if (load(&file, &changed, &image, &error) == UNFURL_OK) {
      unsigned sum = 0;
      for (size_t p = 0; p < image.height * image.width * image.channels; p++) sum += image.pixels[p];
      good += sum > 0;
    } else {
      cr_assert_neq(error.message[0], '\0');
    }
    image_free(&image);
  }
  cr_assert(good > 0 && good < 30000);
  cli_file_close(&file);
}

Test(image, truncated_anywhere) {
  static sample samples[3], part;
  make_samples(samples);
  cli_file file = cli_file_make();
  for (size_t i = 0; i < 3; i++)
    for (size_t size = 0; size < samples[i].size; size++) {
      image_pixels image;
      unfurl_error error;
      part = samples[i];
      part.size = size;
      cr_assert_eq(load(&file, &part, &image, &error), UNFURL_BAD_FILE, "%zu: %zu of %zu", i, size, samples[i].size);
      image_free(&image);
    }
  cli_file_close(&file);
}

static bool refuse(void *user, size_t bytes) {
  *(size_t *)user = bytes;
  return false;
}

Test(image, memory_is_asked_for_first) {
  static sample samples[3];
  make_samples(samples);
  cli_file file = cli_file_make();
  for (size_t i = 0; i < 3; i++) {
    image_pixels image;
    unfurl_error error;
    size_t asked = 0;
    image_request request = {.max_pixels = WIDTH * HEIGHT, .reserve = refuse, .reserve_user = &asked};
    cli_file_set(&file, samples[i].bytes, samples[i].size);
    cr_assert_neq(image_load(&image, file.path, &request, &error), UNFURL_OK);
    cr_assert_geq(asked, WIDTH * HEIGHT * (i == 2 ? 9 : 3)); /* progressive: all coefficients too */
    asked = 0;
    request.max_pixels--;
    cr_assert_eq(image_load(&image, file.path, &request, &error), UNFURL_TOO_LARGE);
    cr_assert_eq(asked, 0);
    image_free(&image);
  }
  cli_file_close(&file);
}

Test(image, not_a_file) {
  const image_request request = {.max_pixels = IMAGE_MAX_PIXELS};
  static const char *const paths[] = {"/", "/dev/zero", "/nowhere/at/all"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    image_pixels image;
    unfurl_error error;
    cr_assert_eq(image_load(&image, paths[i], &request, &error), UNFURL_IO_ERROR);
    image_free(&image);
  }
}

Test(image, colours_in_place) {
  unsigned char grey[12] = {0, 100, 255, 7}, rgb[12];
  colour_convert(rgb, 3, grey, 1, 4);
  colour_convert(grey, 3, grey, 1, 4);
  cr_assert_arr_eq(grey, rgb, 12);
  colour_convert(grey, 1, grey, 3, 4);
  cr_assert_arr_eq(grey, ((unsigned char[]){0, 100, 255, 7}), 4); /* weights add up to 1 */
}

/* Any bytes are an orientation of 1 to 8, and nothing beyond them is read. */
Test(image, exif_of_any_bytes) {
  uint64_t state = 5;
  for (size_t i = 0; i < 200000; i++) {
    const size_t size = random_next(&state) % 64;
    unsigned char *bytes = malloc(size ? size : 1); /* of just that size, for the sanitizer */
    cr_assert(bytes);
    for (size_t j = 0; j < size; j++) bytes[j] = (unsigned char)(random_next(&state) % (i % 2 ? 256 : 20));
    if (size >= 14)
      memcpy(bytes, i % 4 < 2 ? "II*\0\x08\0\0\0\x02\0\x12\x01\x03\0" : "MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03", 14);
    const unsigned orientation = exif_orientation(bytes, size);
    cr_assert(orientation >= 1 && orientation <= 8);
    free(bytes);
  }
}
