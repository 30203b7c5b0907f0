package io.qalipsis.gradle;

import groovy.json.JsonException;
import groovy.json.JsonSlurper;
import java.io.File;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.gradle.api.GradleException;

/** Builds the runner from its sources. */
final class Cargo {

    private final File source;

    /** The folder of the sources of QALIPSIS. */
    Cargo(File source) {
        this.source = source;
    }

    /** The path of the runner as it is built now; cargo does nothing when it is up to date. */
    String runner(Map<String, String> environment, Deadline deadline) {
        File manifest = new File(source, "Cargo.toml");
        if (!manifest.isFile()) {
            throw new GradleException(
                    "runnerSource: there is no " + manifest + ", it must be the folder of the sources of QALIPSIS");
        }
        // The variable by which Cargo and its helpers name the program.
        String named = environment.getOrDefault("CARGO", System.getenv("CARGO"));
        String cargo = named == null ? Binary.onPath("cargo") : named;
        if (cargo == null || named != null && !new File(named).canExecute()) {
            throw new GradleException("cargo, which builds the runner, is not "
                    + (named == null ? "on PATH" : "there (" + named + ")") + ": install Rust, see https://rustup.rs");
        }
        AtomicReference<String> built = new AtomicReference<>();
        Program build = new Program(
                Arrays.asList(cargo, "build", "--release", "--package", "qalipsis-runner", "--bin", "qalipsis",
                        "--message-format", "json-render-diagnostics", "--manifest-path", manifest.getPath()),
                source, environment, deadline);
        int code = build.run(line -> {
            String executable = executable(line);
            if (executable != null) {
                built.set(executable);
            }
        });
        if (build.timedOut()) {
            throw new GradleException(deadline.message() + ", it was still building the runner");
        }
        if (code != 0 || built.get() == null) {
            throw new GradleException("the runner could not be built in " + source + ": "
                    + (build.lastError().isEmpty() ? "cargo ended with " + code : build.lastError()));
        }
        return built.get();
    }

    /** The executable that a message of cargo names, or null. */
    private static String executable(String line) {
        try {
            Object message = new JsonSlurper().parseText(line);
            Object executable = message instanceof Map ? ((Map<?, ?>) message).get("executable") : null;
            return executable == null ? null : executable.toString();
        } catch (JsonException | IllegalArgumentException other) {
            // A build script of a dependency may write anything.
            return null;
        }
    }
}
