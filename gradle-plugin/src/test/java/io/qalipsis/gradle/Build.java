package io.qalipsis.gradle;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A project on disk, built by the real command {@code gradle} with the plugin as users get it. */
final class Build {

    private static final int LIMIT_SECONDS = 240;

    /** The home of the tests' own daemon, which {@link #stopDaemon} ends. */
    private static final Path HOME = new File("build/gradle-home").getAbsoluteFile().toPath();

    final Path folder;

    Build(Path folder, String script) throws IOException {
        this.folder = Files.createDirectories(folder);
        write("settings.gradle", "rootProject.name = 'a-project'\n");
        write("build.gradle", header() + script);
    }

    static String header() {
        return "buildscript { dependencies { classpath files('" + System.getProperty("plugin.jar") + "') } }\n"
                + "apply plugin: 'base'\napply plugin: 'io.qalipsis'\n";
    }

    /** A real binary of this repository. */
    static String binary(String name) {
        File file = new File(System.getProperty("binaries"), name);
        if (!file.isFile()) {
            throw new AssertionError(file + " is not there: build it with cargo, or say -Pbinaries=FOLDER");
        }
        return file.getPath();
    }

    Path write(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, content.getBytes(StandardCharsets.UTF_8));
    }

    /** A program that stands in for a runner that is broken in a way which the real one is not. */
    String program(String script) throws IOException {
        Path file = write("stand-in", "#!/bin/sh\n" + script + "\n");
        if (!file.toFile().setExecutable(true)) {
            throw new IOException(file + " cannot be made executable");
        }
        return file.toString();
    }

    /** The running command. */
    Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(Arrays.asList(
                "gradle", "--offline", "--console=plain", "-g", HOME.toString()));
        command.addAll(Arrays.asList(arguments));
        return new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output.txt").toFile())
                .start();
    }

    /** Builds, and gives the exit code and what was written. */
    Outcome run(String... arguments) throws Exception {
        Process process = start(arguments);
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("the build did not end:\n" + output());
            }
        } finally {
            process.destroyForcibly();
        }
        return new Outcome(process.exitValue(), output());
    }

    String output() throws IOException {
        return new String(Files.readAllBytes(folder.resolve("output.txt")), StandardCharsets.UTF_8);
    }

    static void stopDaemon() throws Exception {
        new ProcessBuilder("gradle", "-g", HOME.toString(), "--stop").start().waitFor(60, TimeUnit.SECONDS);
    }

    /** How a build ended. */
    static final class Outcome {
        final int code;
        final String output;

        Outcome(int code, String output) {
            this.code = code;
            this.output = output;
        }
    }
}
