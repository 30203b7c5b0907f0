package io.qalipsis.gradle;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.gradle.api.GradleException;

/** One process, of the runner or of cargo, ended in every case before {@link #run} returns. */
final class Program {

    /** How long a process that was asked to stop may take: a runner ends its factories and reports. */
    private static final int STOP_SECONDS = 8;

    private final List<String> command;
    private final File folder;
    private final Map<String, String> environment;
    private final Deadline deadline;
    private volatile String lastError = "";
    private boolean timedOut;

    Program(List<String> command, File folder, Map<String, String> environment, Deadline deadline) {
        this.command = command;
        this.folder = folder;
        this.environment = environment;
        this.deadline = deadline;
    }

    /** The exit code; what the process writes is shown as it comes. */
    int run() {
        return run(System.out::println);
    }

    /** The exit code; the lines of the standard output go to {@code lines}, those of the other are shown. */
    int run(Consumer<String> lines) {
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder);
        builder.environment().putAll(environment);
        Process process;
        try {
            process = builder.start();
            process.getOutputStream().close();
        } catch (IOException error) {
            throw new GradleException(command.get(0) + " could not be started: " + error.getMessage(), error);
        }
        // A build that ends with its virtual machine must not leave a campaign behind.
        Thread last = new Thread(() -> stop(process));
        Runtime.getRuntime().addShutdownHook(last);
        Thread output = forward(process.getInputStream(), lines);
        Thread errors = forward(process.getErrorStream(), this::error);
        try {
            timedOut = !deadline.await(process);
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

    /** The first line beginning with "error" on the standard error, or what was written there last. */
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

    private void error(String line) {
        if (!line.trim().isEmpty() && !lastError.startsWith("error")) {
            lastError = line.trim();
        }
        System.out.println(line);
    }

    private static Thread forward(InputStream stream, Consumer<String> lines) {
        Thread thread = new Thread(() -> {
            try (BufferedReader reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    lines.accept(line);
                }
            } catch (IOException closed) {
                System.out.println("the output of a process ended: " + closed.getMessage());
            }
        }, "qalipsis-output");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
