package io.qalipsis.gradle;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.fail;

import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.gradle.api.GradleException;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;

/** Released runners, from a server on this machine. */
public class DownloadTest extends RealBuild {

    private static final String NAME = "qalipsis-0.1.0-" + Download.triple("Linux", System.getProperty("os.arch"));

    private final List<String> requests = new CopyOnWriteArrayList<>();
    private HttpServer server;
    private Path files;
    /** What is answered in place of the files; 0 for nothing. */
    private volatile int status;

    @Before
    public void serve() throws Exception {
        files = temporary.newFolder("files").toPath();
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            requests.add(exchange.getRequestURI().getPath());
            File file = files.resolve(exchange.getRequestURI().getPath().substring(1)).toFile();
            if (status != 0 || !file.isFile()) {
                exchange.sendResponseHeaders(status == 0 ? 404 : status, -1);
            } else {
                exchange.sendResponseHeaders(200, file.length());
                Files.copy(file.toPath(), exchange.getResponseBody());
            }
            exchange.close();
        });
        server.start();
    }

    @After
    public void end() {
        server.stop(0);
    }

    /** The archive of a runner and its checksum, as runner/docs/release.md describes them. */
    private void release(String script) throws Exception {
        Path folder = Files.createDirectories(files.resolve("dist/v0.1.0"));
        Path staged = Files.createDirectories(folder.resolve(NAME));
        if (script == null) {
            Files.createSymbolicLink(staged.resolve("qalipsis"), Paths.get(Build.binary("qalipsis")));
        } else {
            Files.write(staged.resolve("qalipsis"), ("#!/bin/sh\n" + script).getBytes("UTF-8"));
            staged.resolve("qalipsis").toFile().setExecutable(true);
        }
        String commands = "tar --create --dereference --use-compress-program='gzip -1' --file NAME.tar.gz NAME"
                + " && sha256sum NAME.tar.gz > NAME.tar.gz.sha256";
        Process process = new ProcessBuilder("sh", "-c", commands.replace("NAME", NAME))
                .directory(folder.toFile())
                .inheritIO()
                .start();
        assertEquals(0, process.waitFor());
    }

    private Build downloading(String version) throws Exception {
        return build("qalipsis {\n    version = '" + version + "'\n    downloadUrl = 'http://localhost:"
                + server.getAddress().getPort() + "/dist/'\n    downloadDirectory = file('runners é')\n"
                + "    executable = '" + Build.binary("quickstart") + "'\n" + MINIONS + "}\n");
    }

    private static void assertNothingKept(Build build) {
        assertArrayEquals(new String[0], build.folder.resolve("runners é").toFile().list());
    }

    @Test
    public void aVersionIsDownloadedOnceAndUsed() throws Exception {
        release(null);
        Build build = downloading("0.1.0");
        red(build, "Gradle is offline, and version 0.1.0 of the runner is not in ", ALL, "--offline");
        contains(green(build, ALL).output, "quickstart: 20 minions");
        String path = "/dist/v0.1.0/" + NAME + ".tar.gz";
        assertEquals(Arrays.asList(path + ".sha256", path), requests);
        server.stop(0);
        contains(green(build, ALL, "--offline").output, "quickstart: 20 minions");
        assertArrayEquals(new String[] {NAME}, build.folder.resolve("runners é").toFile().list());
    }

    @Test
    public void anArchiveThatDoesNotMatchItsChecksumIsNotUsed() throws Exception {
        release("touch ran");
        Path sums = files.resolve("dist/v0.1.0/" + NAME + ".tar.gz.sha256");
        String other = new String(Files.readAllBytes(sums), "UTF-8").replaceFirst("^.{8}", "01234567");
        Files.write(sums, other.getBytes("UTF-8"));
        Build build = downloading("0.1.0");
        red(build, ".tar.gz does not match its checksum and was not used: its SHA-256 is ", ALL);
        assertNothingKept(build);
        assertFalse(build.folder.resolve("ran").toFile().exists());
    }

    @Test
    public void whatCannotBeDownloadedIsAnErrorOfOneLine() throws Exception {
        Build build = downloading("9.9.9");
        red(build, "version 9.9.9 is not released for this machine: there is no http://localhost:", ALL);
        assertEquals("asked once", 1, requests.size());
        requests.clear();
        status = 503;
        red(build, ".sha256 could not be downloaded in 3 attempts: the server answered 503", ALL);
        assertEquals(3, requests.size());
        server.stop(0);
        red(build, ".sha256 could not be downloaded in 3 attempts: java.net.ConnectException", ALL);
        assertNothingKept(build);
        red(downloading("../0.1.0"), "qalipsis.version must be like 1.2.3, not ", ALL);
        red(build("qalipsis.version = '0.1.0'\nqalipsis.downloadDirectory = file('x')\n"),
                "qalipsis.version needs qalipsis.downloadUrl", ALL);
    }

    @Test
    public void anArchiveWithAnotherVersionIsRefused() throws Exception {
        release("echo qalipsis 0.2.0");
        red(downloading("0.1.0"), "downloaded for version 0.1.0 says that it is \"qalipsis 0.2.0\"", ALL);
    }

    @Test
    public void machinesWithoutReleasesAreErrors() {
        assertEquals("x86_64-unknown-linux-gnu", Download.triple("Linux", "amd64"));
        assertEquals("aarch64-unknown-linux-gnu", Download.triple("Linux", "aarch64"));
        try {
            Download.triple("Mac OS X", "aarch64");
            fail("there is no release for it");
        } catch (GradleException error) {
            contains(error.getMessage(), "there is no released runner for Mac OS X on aarch64");
        }
    }
}
