package io.qalipsis.gradle;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.gradle.api.GradleException;

/** One process of the runner, ended in every case before {@link #run} returns. */
final class Campaign {

    /** How long a runner that was asked to stop may take to end its factories and to report. */
    private static final int STOP_SECONDS = 8;

    private final List<String> command;
    private final File folder;
    private final Map<String, String> environment;
    private final Duration limit;
    private volatile String lastError = "";
    private boolean timedOut;

    Campaign(List<String> command, File folder, Map<String, String> environment, Duration limit) {
        this.command = command;
        this.folder = folder;
        this.environment = environment;
        this.limit = limit;
    }

    /** The exit code of the runner, whose output is shown as it comes. */
    int run() {
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder);
        builder.environment().putAll(environment);
        Process process;
        try {
            process = builder.start();
            process.getOutputStream().close();
        } catch (IOException error) {
            throw new GradleException("the runner could not be started: " + error.getMessage(), error);
        }
        // A build that ends with its virtual machine must not leave a campaign behind.
        Thread last = new Thread(() -> stop(process));
        Runtime.getRuntime().addShutdownHook(last);
        Thread output = pass(process.getInputStream(), false);
        Thread errors = pass(process.getErrorStream(), true);
        try {
            if (limit == null) {
                process.waitFor();
            } else {
                timedOut = !process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
            }
            if (timedOut) {
                stop(process);
            }
            output.join(TimeUnit.SECONDS.toMillis(STOP_SECONDS));
            errors.join(TimeUnit.SECONDS.toMillis(STOP_SECONDS));
            return process.waitFor();
        } catch (InterruptedException error) {
            stop(process);
            Thread.currentThread().interrupt();
            throw new GradleException("qalipsis was cancelled", error);
        } finally {
            stop(process);
            forget(last);
        }
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            // The hook is running already, which is as good.
        }
    }

    boolean timedOut() {
        return timedOut;
    }

    /** The last line beginning with "error" that the runner wrote, or what it wrote last. */
    String lastError() {
        return lastError;
    }

    /** Asks once for a graceful end, then for a quick one, then insists. */
    private static void stop(Process process) {
        boolean interrupted = false;
        for (int asked = 0; asked < 2 && process.isAlive(); asked++) {
            process.destroy();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS / 2);
            while (process.isAlive() && System.nanoTime() < end) {
                try {
                    process.waitFor(100, TimeUnit.MILLISECONDS);
                } catch (InterruptedException again) {
                    interrupted = true;
                }
            }
        }
        process.destroyForcibly();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private Thread pass(InputStream stream, boolean errors) {
        Thread thread = new Thread(() -> {
            try (BufferedReader reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    if (errors && !line.trim().isEmpty() && !lastError.startsWith("error")) {
                        lastError = line.trim();
                    }
                    System.out.println(line);
                }
            } catch (IOException closed) {
                System.out.println("the output of the runner ended: " + closed.getMessage());
            }
        }, "qalipsis-output");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
