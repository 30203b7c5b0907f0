package io.qalipsis.gradle;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** A project on disk, built by a real Gradle with the plugin as users get it. */
final class Build {

    /** The version of Debian's package, which is the oldest supported. */
    static final String OLDEST = "4.4.1";

    /** The versions that were used, whose daemons end with the tests. */
    private static final Set<String> USED = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> USED.forEach(Build::stopDaemon)));
    }

    final Path folder;

    /** The version of Gradle that builds. */
    String version = OLDEST;

    /** How long a build may take, on a busy machine. */
    int limitSeconds = 240;

    /** Variables of the command, on top of those of the tests. */
    final Map<String, String> environment = new HashMap<>();

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

    /** The sources of QALIPSIS. */
    static String repository() {
        return System.getProperty("repository");
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
        List<String> command = gradle(version);
        command.add("--console=plain");
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        return builder
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output.txt").toFile())
                .start();
    }

    /** Builds, and gives the exit code and what was written. */
    Outcome run(String... arguments) throws Exception {
        Process process = start(arguments);
        try {
            if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
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

    /** The command of a version, with a home of its own. */
    private static List<String> gradle(String version) {
        USED.add(version);
        List<String> command = new ArrayList<>();
        if (version.equals(OLDEST)) {
            command.add("gradle");
        } else {
            String jar = System.getProperty("gradle-" + version) + "/lib/gradle-launcher-" + version + ".jar";
            command.addAll(Arrays.asList("java", "-classpath", jar, "org.gradle.launcher.GradleMain",
                    // The agent speeds up what the same library does without it, and is not on Maven Central.
                    "-Dorg.gradle.internal.instrumentation.agent=false"));
        }
        command.addAll(Arrays.asList("-g", new File("build/gradle-home-" + version).getAbsolutePath()));
        return command;
    }

    private static void stopDaemon(String version) {
        List<String> command = gradle(version);
        command.add("--stop");
        try {
            new ProcessBuilder(command).start().waitFor(60, TimeUnit.SECONDS);
        } catch (IOException | InterruptedException error) {
            System.err.println("the daemon of the tests was not stopped: " + error);
        }
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
