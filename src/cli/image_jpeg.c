/* SPDX-License-Identifier: BSD-2-Clause */
/* JPEG files, through libjpeg-turbo.
 *
 * libjpeg calls error_exit when it can't go on, and goes on where its user might want it to: at data that is missing
 * or makes no sense it warns, and invents pixels. Here those warnings are errors too. Both leave through longjmp, so
 * every step that may call libjpeg runs under `guarded`; what steps share is in the jpeg_job.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "colour.h"
#include "exif.h"
#include "fault.h"
#include "image_decoder.h"

enum { MAX_MARKER = 64 * 1024 };

typedef struct jpeg_job {
  struct jpeg_decompress_struct jpeg; /* the first member: libjpeg's callbacks are given its address */
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  image_job *job;
  unsigned char *row; /* one row as libjpeg delivers it */
  bool exif_seen;
  unfurl_status status;
  unfurl_error *error;
  jmp_buf escape;
} jpeg_job;

static jpeg_job *own_job(j_common_ptr jpeg) {
  return (jpeg_job *)jpeg;
}

/* Warnings after which pixels are invented. Others are about harmless things: bytes between markers, versions. */
static bool is_damage(int code) {
  return code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE ||
         code == JWRN_MUST_RESYNC || code == JWRN_JPEG_EOF;
}

static _Noreturn void escape(jpeg_job *own, unfurl_status status) {
  own->status = status;
  longjmp(own->escape, 1);
}

static void on_error(j_common_ptr jpeg) {
  jpeg_job *own = own_job(jpeg);
  char message[JMSG_LENGTH_MAX];
  if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY) escape(own, fault_memory(own->error));
  jpeg->err->format_message(jpeg, message);
  escape(own, image_file_blame(own->job->file, "JPEG", message, own->error));
}

static void on_message(j_common_ptr jpeg, int level) {
  if (level < 0 && is_damage(jpeg->err->msg_code)) on_error(jpeg);
}

/* A progressive file may repeat scans over the whole image: a small one could keep us busy for hours. */
static void on_progress(j_common_ptr jpeg) {
  jpeg_job *own = own_job(jpeg);
  if (own->jpeg.input_scan_number > IMAGE_MAX_SCANS)
    escape(own, fault_set(own->error, UNFURL_TOO_LARGE, "is a JPEG file of more than %d scans", IMAGE_MAX_SCANS));
}

static void start_source(j_decompress_ptr jpeg) {
  (void)jpeg;
}

static boolean fill_source(j_decompress_ptr jpeg) {
  jpeg_job *own = own_job((j_common_ptr)jpeg);
  image_file *file = own->job->file;
  if (!image_file_fill(file)) ERREXIT(jpeg, JERR_INPUT_EOF);
  own->source.next_input_byte = file->buffer;
  own->source.bytes_in_buffer = file->filled;
  return TRUE;
}

static void skip_source(j_decompress_ptr jpeg, long count) {
  jpeg_job *own = own_job((j_common_ptr)jpeg);
  size_t left = count > 0 ? (size_t)count : 0;
  while (left > own->source.bytes_in_buffer) {
    left -= own->source.bytes_in_buffer;
    fill_source(jpeg);
  }
  own->source.next_input_byte += left;
  own->source.bytes_in_buffer -= left;
}

static unsigned next_byte(jpeg_job *own) {
  if (own->source.bytes_in_buffer == 0) fill_source(&own->jpeg);
  own->source.bytes_in_buffer--;
  return *own->source.next_input_byte++;
}

/* An APP1 marker. The first one with Exif data is looked at; libjpeg's own way would keep them all in memory. */
static boolean read_app1(j_decompress_ptr jpeg) {
  jpeg_job *own = own_job((j_common_ptr)jpeg);
  unsigned char start[6];
  size_t left = next_byte(own) << 8;
  left |= next_byte(own);
  left = left > 2 ? left - 2 : 0;
  if (own->exif_seen || left < sizeof start) {
    skip_source(jpeg, (long)left);
    return TRUE;
  }
  for (size_t i = 0; i < sizeof start; i++) start[i] = (unsigned char)next_byte(own);
  left -= sizeof start;
  if (memcmp(start, "Exif\0\0", sizeof start) != 0) {
    skip_source(jpeg, (long)left);
    return TRUE;
  }
  own->exif_seen = true;
  unsigned char *bytes = jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, left + 1);
  for (size_t i = 0; i < left; i++) bytes[i] = (unsigned char)next_byte(own);
  own->job->orientation = exif_orientation(bytes, left);
  return TRUE;
}

static void set_up(jpeg_job *own) {
  jpeg_create_decompress(&own->jpeg);
  own->source = (struct jpeg_source_mgr){.init_source = start_source,
                                         .fill_input_buffer = fill_source,
                                         .skip_input_data = skip_source,
                                         .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = start_source};
  own->source.next_input_byte = own->job->file->buffer;
  own->source.bytes_in_buffer = own->job->file->filled;
  own->progress.progress_monitor = on_progress;
  own->jpeg.src = &own->source;
  own->jpeg.progress = &own->progress;
  jpeg_set_marker_processor(&own->jpeg, JPEG_APP0 + 1, read_app1);
  jpeg_read_header(&own->jpeg, TRUE);
}

/* Asks for grey or RGB, or for CMYK, which libjpeg does not convert any further. */
static void choose_colours(jpeg_job *own) {
  struct jpeg_decompress_struct *jpeg = &own->jpeg;
  if (jpeg->num_components == 1)
    jpeg->out_color_space = JCS_GRAYSCALE;
  else if (jpeg->num_components == 3)
    jpeg->out_color_space = JCS_RGB;
  else if (jpeg->num_components == 4)
    jpeg->out_color_space = JCS_CMYK;
  else
    escape(own, fault_set(own->error, UNFURL_UNSUPPORTED, "is a JPEG file of %d components", jpeg->num_components));
}

/* A file of several scans has all its coefficients in memory, two bytes each. */
static void allocate(jpeg_job *own) {
  struct jpeg_decompress_struct *jpeg = &own->jpeg;
  const size_t height = jpeg->image_height, width = jpeg->image_width, components = (size_t)jpeg->num_components;
  const size_t extra = jpeg_has_multiple_scans(jpeg) ? 2 * components * height * width : 0;
  own->status = image_allocate(own->job, height, width, components == 1 ? 1 : 3, extra, own->error);
}

static void read_pixels(jpeg_job *own) {
  struct jpeg_decompress_struct *jpeg = &own->jpeg;
  const image_pixels *image = own->job->image;
  jpeg_start_decompress(jpeg);
  const size_t native = (size_t)jpeg->output_components;
  if (jpeg->output_height != image->height || jpeg->output_width != image->width) ERREXIT(jpeg, JERR_BAD_STATE);
  own->row = jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE, image->width * native);
  for (size_t y = 0; y < image->height; y++) {
    jpeg_read_scanlines(jpeg, &own->row, 1);
    colour_convert(image->pixels + y * image->width * image->channels, image->channels, own->row, native, image->width);
  }
  jpeg_finish_decompress(jpeg);
}

static bool guarded(jpeg_job *own, void (*step)(jpeg_job *own)) {
  if (setjmp(own->escape)) return false;
  step(own);
  return own->status == UNFURL_OK;
}

unfurl_status image_jpeg_decode(image_job *job, unfurl_error *error) {
  jpeg_job own = {.job = job, .error = error};
  own.jpeg.err = jpeg_std_error(&own.errors);
  own.errors.error_exit = on_error;
  own.errors.emit_message = on_message;
  if (guarded(&own, set_up) && guarded(&own, choose_colours) && guarded(&own, allocate)) guarded(&own, read_pixels);
  jpeg_destroy_decompress(&own.jpeg);
  return own.status;
}
