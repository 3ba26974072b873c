/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "timing.h"

enum { WIDTH = 24 };
static const double interval = 0.1; /* seconds between two drawings */

static struct {
  bool active;
  atomic_bool drawn; /* messages may come from any thread */
  size_t total;
  double start, last;
} bar;

bool progress_wanted(void) {
  return isatty(STDERR_FILENO) == 1;
}

void progress_begin(size_t total) {
  bar.active = progress_wanted();
  bar.total = total;
  bar.start = bar.last = timing_now();
}

static void draw(size_t done, double elapsed) {
  const double rate = elapsed > 0 ? (double)done / elapsed : 0;
  if (bar.total == 0) {
    fprintf(stderr, "\r\033[K%zu images, %.0f images/s", done, rate);
  } else {
    char cells[WIDTH + 1];
    const double share = done < bar.total ? (double)done / (double)bar.total : 1;
    for (int i = 0; i < WIDTH; i++) cells[i] = i < (int)(share * WIDTH) ? '#' : '.';
    cells[WIDTH] = '\0';
    const double left = rate > 0 ? (double)(bar.total - (done < bar.total ? done : bar.total)) / rate : 0;
    fprintf(stderr, "\r\033[K[%s] %zu/%zu  %.0f images/s  %.0f:%02.0f left", cells, done, bar.total, rate,
            (double)((long)left / 60), (double)((long)left % 60));
  }
  fflush(stderr);
  atomic_store(&bar.drawn, true);
}

void progress_update(size_t done) {
  if (!bar.active) return;
  const double now = timing_now();
  if (now - bar.last < interval) return;
  bar.last = now;
  draw(done, now - bar.start);
}

void progress_wipe(void) {
  if (!atomic_exchange(&bar.drawn, false)) return;
  fputs("\r\033[K", stderr);
  fflush(stderr);
}

void progress_end(void) {
  progress_wipe();
  bar.active = false;
}
