package io.qalipsis.gradle;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Until when a task may take: one limit for all that it starts. */
final class Deadline {

    /** Null when there is no limit. */
    private final Duration limit;

    private final long start = System.nanoTime();

    Deadline(Duration limit) {
        this.limit = limit;
    }

    /** Whether the process ended in time. */
    boolean await(Process process) throws InterruptedException {
        if (limit == null) {
            process.waitFor();
            return true;
        }
        return process.waitFor(limit.toNanos() - (System.nanoTime() - start), TimeUnit.NANOSECONDS);
    }

    /** Whether the time is over. */
    boolean passed() {
        return limit != null && System.nanoTime() - start > limit.toNanos();
    }

    /** What a build says that took too long. */
    String message() {
        return "qalipsis was stopped: it took longer than " + limit.getSeconds() + " s";
    }
}
