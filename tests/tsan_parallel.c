/* SPDX-License-Identifier: BSD-2-Clause */
/* The cases of parallel_cases.h as a plain program: exit status 0 when all are well. Built with b_sanitize=thread it is
 * what looks for data races. */
#include <stdio.h>
#include <unistd.h>

#include "parallel_cases.h"

int main(void) {
  int failures = 0;
  for (size_t i = 0; i < parallel_case_count; i++) {
    alarm(300); /* a deadlock ends here, and not in silence: SIGALRM */
    fprintf(stderr, "%s\n", parallel_cases[i].name);
    const char *failed = parallel_cases[i].run();
    if (!failed) continue;
    fprintf(stderr, "  FAILED: %s\n", failed);
    failures++;
  }
  return failures ? 1 : 0;
}
