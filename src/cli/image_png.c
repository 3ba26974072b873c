/* SPDX-License-Identifier: BSD-2-Clause */
/* PNG files, through libpng.
 *
 * libpng leaves through longjmp when it can't go on. Every step that may call it runs in a function of its own under
 * `guarded`, which has no variable that a jump could spoil; what steps share is in the png_job.
 */
#include <png.h>
#include <setjmp.h>
#include <stdio.h>

#include "colour.h"
#include "exif.h"
#include "fault.h"
#include "image_decoder.h"

typedef struct png_job {
  image_job *job;
  png_structp png;
  png_infop info;
  size_t channels; /* that libpng delivers: 1 or 3 */
  unfurl_status status;
  unfurl_error *error;
  jmp_buf escape;
} png_job;

static _Noreturn void on_error(png_structp png, png_const_charp message) {
  png_job *own = png_get_error_ptr(png);
  own->status = image_file_blame(own->job->file, "PNG", message, own->error);
  longjmp(own->escape, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t size) {
  png_job *own = png_get_io_ptr(png);
  if (!image_file_read(own->job->file, to, size)) png_error(png, "no more data");
}

/* Of the chunks that do not matter for the pixels only eXIf is read: the others could only do harm. */
static void set_up(png_job *own) {
  static const png_byte exif_name[] = "eXIf";
  png_set_read_fn(own->png, own, read_bytes);
  png_set_user_limits(own->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_keep_unknown_chunks(own->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_keep_unknown_chunks(own->png, PNG_HANDLE_CHUNK_AS_DEFAULT, exif_name, 1);
  png_read_info(own->png, own->info);
}

/* Has libpng deliver 8 bits a sample, without palette and without alpha. */
static void choose_transforms(png_job *own) {
  const png_byte type = png_get_color_type(own->png, own->info);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(own->png);
  if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(own->png);
  png_set_strip_16(own->png);
  png_set_strip_alpha(own->png);
  own->channels = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
}

static void allocate(png_job *own) {
  const size_t height = png_get_image_height(own->png, own->info), width = png_get_image_width(own->png, own->info);
  own->status = image_allocate(own->job, height, width, own->channels, 0, own->error);
}

/* Interlaced images come in seven passes over the same rows. */
static void read_pixels(png_job *own) {
  const image_pixels *image = own->job->image;
  const int passes = png_set_interlace_handling(own->png);
  png_read_update_info(own->png, own->info);
  const size_t row_bytes = image->width * own->channels;
  if (png_get_rowbytes(own->png, own->info) != row_bytes) png_error(own->png, "rows of an unexpected size");
  for (int pass = 0; pass < passes; pass++)
    for (size_t y = 0; y < image->height; y++) png_read_row(own->png, image->pixels + y * row_bytes, NULL);
}

/* The rest of the file: a file that lacks its end is a damaged one. Exif data may stand there. */
static void read_end(png_job *own) {
  png_bytep exif;
  png_uint_32 size;
  png_read_end(own->png, own->info);
  if (png_get_eXIf_1(own->png, own->info, &size, &exif)) own->job->orientation = exif_orientation(exif, size);
}

static bool guarded(png_job *own, void (*step)(png_job *own)) {
  if (setjmp(own->escape)) return false;
  step(own);
  return own->status == UNFURL_OK;
}

unfurl_status image_png_decode(image_job *job, unfurl_error *error) {
  png_job own = {.job = job, .error = error};
  own.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &own, on_error, on_warning);
  own.info = own.png ? png_create_info_struct(own.png) : NULL;
  if (!own.info) {
    own.status = fault_memory(error);
  } else if (guarded(&own, set_up) && guarded(&own, choose_transforms) && guarded(&own, allocate) &&
             guarded(&own, read_pixels) && guarded(&own, read_end)) {
    image_pixels *image = job->image;
    colour_convert(image->pixels, image->channels, image->pixels, own.channels, image->height * image->width);
  }
  png_destroy_read_struct(&own.png, &own.info, NULL);
  return own.status;
}
