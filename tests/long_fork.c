/* SPDX-License-Identifier: BSD-2-Clause */
/* Thousands of forks while another thread is inside the BLAS, with one and with all of its threads: parent and child go
 * on. A plain program, as a child that hangs is ended by an alarm. */
#include <stdio.h>

#include "parallel_cases.h"

int main(void) {
  const char *single = fork_while_another_thread_is_in_the_blas(true);
  const char *all = fork_while_another_thread_is_in_the_blas(false);
  if (single) fprintf(stderr, "BLAS of one thread: %s\n", single);
  if (all) fprintf(stderr, "BLAS of its own number of threads: %s\n", all);
  return single || all ? 1 : 0;
}
