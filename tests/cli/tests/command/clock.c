/* Preloaded into a program, it lets a test set that program's wall clock while it runs.
 *
 * The wall clock is off by as many seconds as the file QALIPSIS_TEST_CLOCK holds, once it is there; in programs
 * that are named as QALIPSIS_TEST_CLOCK_OF says, and in no others. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long offset_seconds(void) {
    const char *path = getenv("QALIPSIS_TEST_CLOCK");
    const char *name = getenv("QALIPSIS_TEST_CLOCK_OF");
    if (!path || !name || strcmp(name, program_invocation_short_name) != 0)
        return 0;
    FILE *file = fopen(path, "r");
    long seconds = 0;
    if (file && fscanf(file, "%ld", &seconds) != 1)
        seconds = 0;
    if (file)
        fclose(file);
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME)
        time->tv_sec += offset_seconds();
    return result;
}
