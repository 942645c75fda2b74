/* --paranoid: the run a second time, in a process that is started anew and so has other addresses, another
 * heap and other seeds; its report is compared with ours, input by input. A file that takes its worker over
 * and makes it say clean has to do so under both. The second report is bytes to be compared: nothing of it is
 * parsed or believed. */
#ifndef CKPTLINT_API_SECOND_H
#define CKPTLINT_API_SECOND_H

#include "api/job.h"

struct second;
/* Starts this program again with the same arguments. NULL: errno. */
struct second *second_start(char *const *argv);
/* Does it report the same about the next input, which is this job? From one that is missing there on: no. */
NODISCARD bool second_agrees(struct second *s, const struct job *job);
void second_end(struct second *s); /* NULL is fine */

#endif
