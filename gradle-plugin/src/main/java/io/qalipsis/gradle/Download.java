package io.qalipsis.gradle;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Collections;
import org.gradle.api.GradleException;

/** A released runner, fetched once and checked against its checksum; runner/docs/release.md describes the files. */
final class Download {

    private static final int ATTEMPTS = 3;
    private static final int PAUSE_MS = 1_000;
    private static final int SILENCE_MS = 30_000;
    private static final long MOST_BYTES = 1L << 30;
    private static final int BUFFER_BYTES = 1 << 16;

    private final String version;
    private final String name;
    private final Deadline deadline;

    Download(String version, Deadline deadline) {
        if (!version.matches("\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?")) {
            throw new GradleException("qalipsis.version must be like 1.2.3, not \"" + version + "\"");
        }
        this.version = version;
        this.name = "qalipsis-" + version + "-" + triple(System.getProperty("os.name"), System.getProperty("os.arch"));
        this.deadline = deadline;
    }

    /** The path of the runner below {@code kept}, where it is put unless it is there already. */
    String runner(File kept, String base, boolean offline) {
        File runner = new File(kept, name + "/qalipsis");
        if (runner.canExecute()) {
            return runner.getPath();
        }
        if (base == null) {
            throw new GradleException("qalipsis.version needs qalipsis.downloadUrl, the address below which the folder "
                    + "v" + version + " with its files is");
        }
        if (offline) {
            throw new GradleException(
                    "Gradle is offline, and version " + version + " of the runner is not in " + kept + " yet");
        }
        String url = base.replaceAll("/+$", "") + "/v" + version + "/" + name + ".tar.gz";
        System.out.println("downloading " + url);
        try {
            Files.createDirectories(kept.toPath());
            // Beside its place, so that it gets there complete or not at all, whatever other builds do meanwhile.
            Path work = Files.createTempDirectory(kept.toPath(), "download-");
            try {
                fetch(url, work);
                Path target = runner.getParentFile().toPath();
                try {
                    Files.move(work.resolve(name), target, StandardCopyOption.ATOMIC_MOVE);
                } catch (IOException error) {
                    if (!runner.canExecute()) {
                        throw error;
                    }
                }
            } finally {
                Results.delete(work);
            }
        } catch (IOException error) {
            throw new GradleException("the runner could not be put into " + kept + ": " + error.getMessage(), error);
        }
        return runner.getPath();
    }

    private void fetch(String url, Path work) throws IOException {
        Path archive = work.resolve(name + ".tar.gz");
        Path sums = work.resolve(name + ".tar.gz.sha256");
        get(url + ".sha256", sums);
        String found = get(url, archive);
        String wanted = new String(Files.readAllBytes(sums), StandardCharsets.UTF_8).trim().split("\\s")[0];
        if (!found.equalsIgnoreCase(wanted)) {
            throw new GradleException(url + " does not match its checksum and was not used: its SHA-256 is " + found
                    + ", " + url + ".sha256 says " + wanted);
        }
        Program tar = new Program(
                Arrays.asList("tar", "--extract", "--gzip", "--file", archive.toString(), name + "/qalipsis"),
                work.toFile(), Collections.emptyMap(), deadline);
        if (tar.run() != 0 || !work.resolve(name).resolve("qalipsis").toFile().canExecute()) {
            throw new GradleException(url + " has no runner at " + name + "/qalipsis: " + tar.lastError());
        }
    }

    /** The SHA-256 of what is now in the file. */
    private String get(String url, Path file) throws IOException {
        String trouble = "";
        for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
            try {
                HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
                connection.setConnectTimeout(SILENCE_MS);
                connection.setReadTimeout(SILENCE_MS);
                int status = connection.getResponseCode();
                if (status == HttpURLConnection.HTTP_NOT_FOUND) {
                    throw new GradleException(
                            "version " + version + " is not released for this machine: there is no " + url);
                }
                if (status == HttpURLConnection.HTTP_OK) {
                    return save(connection, file);
                }
                trouble = "the server answered " + status;
            } catch (ClassCastException | java.net.MalformedURLException error) {
                throw new GradleException(url + " is not an address of the web");
            } catch (IOException error) {
                trouble = error.toString();
            }
            pause(attempt);
        }
        throw new GradleException(url + " could not be downloaded in " + ATTEMPTS + " attempts: " + trouble);
    }

    private String save(HttpURLConnection connection, Path file) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException error) {
            throw new GradleException("this Java has no SHA-256", error);
        }
        long expected = connection.getContentLengthLong();
        long bytes = 0;
        try (InputStream from = connection.getInputStream(); OutputStream to = Files.newOutputStream(file)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int read = from.read(buffer); read >= 0; read = from.read(buffer)) {
                bytes += read;
                if (bytes > MOST_BYTES) {
                    throw new GradleException(connection.getURL() + " is larger than 1 GiB");
                }
                if (deadline.passed()) {
                    throw new GradleException(deadline.message() + ", it was still downloading the runner");
                }
                digest.update(buffer, 0, read);
                to.write(buffer, 0, read);
            }
        }
        if (expected >= 0 && bytes != expected) {
            throw new IOException("the connection ended after " + bytes + " of " + expected + " bytes");
        }
        StringBuilder text = new StringBuilder();
        for (byte part : digest.digest()) {
            text.append(String.format("%02x", part));
        }
        return text.toString();
    }

    private static void pause(int attempt) {
        if (attempt == ATTEMPTS) {
            return;
        }
        try {
            Thread.sleep(PAUSE_MS * attempt);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new GradleException("qalipsis was cancelled", error);
        }
    }

    /** As Rust calls a machine for which there are releases. */
    static String triple(String system, String architecture) {
        boolean linux = system.equals("Linux");
        if (linux && architecture.equals("amd64")) {
            return "x86_64-unknown-linux-gnu";
        }
        if (linux && architecture.equals("aarch64")) {
            return "aarch64-unknown-linux-gnu";
        }
        throw new GradleException("there is no released runner for " + system + " on " + architecture
                + ": set qalipsis.runnerSource and leave out qalipsis.version");
    }
}
