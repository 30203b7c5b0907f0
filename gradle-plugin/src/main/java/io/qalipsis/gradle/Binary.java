package io.qalipsis.gradle;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.gradle.api.GradleException;

/** The runner's binary: where it is, and whether it is one that this plugin can drive. */
final class Binary {

    /** The oldest runner that has the flags and files which this plugin relies on. */
    private static final int[] OLDEST = {0, 1, 0};

    private static final Pattern VERSION = Pattern.compile("^qalipsis (\\d+)\\.(\\d+)\\.(\\d+)");
    private static final int ANSWER_SECONDS = 20;
    private static final String WAYS = "install it with `cargo install --locked --path runner/crates/qalipsis-runner` "
            + "in the sources of QALIPSIS, or set qalipsis.runner to its path, qalipsis.runnerSource to the folder of "
            + "the sources, which builds it, or qalipsis.version and qalipsis.downloadUrl, which fetch it";

    private Binary() {}

    /** The path of a runner that the build names, or a failure. */
    static String named(String wanted, File projectDirectory) {
        if (wanted.indexOf('/') >= 0 || wanted.indexOf(File.separatorChar) >= 0) {
            File file = new File(wanted);
            file = file.isAbsolute() ? file : new File(projectDirectory, wanted);
            if (isProgram(file)) {
                return file.getPath();
            }
            throw new GradleException("the runner " + file + " does not exist or cannot be executed");
        }
        String path = onPath(wanted);
        if (path == null) {
            throw new GradleException("the runner " + wanted + " is not on PATH: " + WAYS);
        }
        return path;
    }

    /** The path of a program that is on PATH or was installed by cargo; null when it is not. */
    static String onPath(String program) {
        String path = System.getenv("PATH");
        String cargo = System.getenv("CARGO_HOME");
        // A build that an IDE starts often has a PATH without the programs that cargo installs.
        File installed = new File(cargo == null ? System.getProperty("user.home") + "/.cargo" : cargo, "bin");
        for (String folder : ((path == null ? "" : path) + File.pathSeparator + installed).split(File.pathSeparator)) {
            File file = new File(folder, program);
            if (!folder.isEmpty() && isProgram(file)) {
                return file.getPath();
            }
        }
        return null;
    }

    private static boolean isProgram(File file) {
        return file.isFile() && file.canExecute();
    }

    /** Fails when the runner does not answer with a version that this plugin can drive. */
    static void check(String binary, File folder) {
        String answer = version(binary, folder);
        Matcher matcher = VERSION.matcher(answer);
        if (!matcher.find()) {
            throw new GradleException(binary + " is not the runner of QALIPSIS: asked for its version, it said "
                    + (answer.isEmpty() ? "nothing" : "\"" + answer + "\""));
        }
        for (int i = 0; i < OLDEST.length; i++) {
            int part = Integer.parseInt(matcher.group(i + 1));
            if (part > OLDEST[i]) {
                return;
            }
            if (part < OLDEST[i]) {
                throw new GradleException("the runner " + binary + " is too old: this plugin needs "
                        + OLDEST[0] + "." + OLDEST[1] + "." + OLDEST[2] + " or later, and it is \"" + answer + "\"");
            }
        }
    }

    /** Fails when a runner that was downloaded is another version than its name says. */
    static void checkVersion(String binary, String expected, File folder) {
        String answer = version(binary, folder);
        if (!(answer + " ").startsWith("qalipsis " + expected + " ")) {
            throw new GradleException(
                    "the runner that was downloaded for version " + expected + " says that it is \"" + answer + "\"");
        }
    }

    private static String version(String binary, File folder) {
        Process process = null;
        try {
            process = new ProcessBuilder(binary, "--version").directory(folder).redirectErrorStream(true).start();
            process.getOutputStream().close();
            if (!process.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS)) {
                return "";
            }
            BufferedReader reader =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            String line = reader.readLine();
            return line == null ? "" : line;
        } catch (IOException error) {
            throw new GradleException("the runner " + binary + " could not be started: " + error.getMessage(), error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new GradleException("qalipsis was cancelled", error);
        } finally {
            if (process != null) {
                process.destroyForcibly();
            }
        }
    }
}
