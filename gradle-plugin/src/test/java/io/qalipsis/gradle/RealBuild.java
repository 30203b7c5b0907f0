package io.qalipsis.gradle;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

/** What tests with real builds share. */
public abstract class RealBuild {

    static final String ALL = "qalipsisRunAllScenarios";
    static final String MINIONS = "    configuration('scenarios.quickstart.minions': 20)\n";

    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    Build build(String script) throws Exception {
        return new Build(temporary.getRoot().toPath().resolve("Größe 10 é"), script);
    }

    static String quickstart(String more) {
        return "qalipsis {\n    runner = '" + Build.binary("qalipsis") + "'\n    executable = '"
                + Build.binary("quickstart") + "'\n" + MINIONS + more + "}\n";
    }

    static void contains(String text, String part) {
        assertTrue("«" + part + "» is not in:\n" + text, text.contains(part));
    }

    /** The build, which must be green. */
    static Build.Outcome green(Build build, String... arguments) throws Exception {
        Build.Outcome outcome = build.run(arguments);
        assertEquals(outcome.output, 0, outcome.code);
        return outcome;
    }

    /** The build, which must be red and say why. */
    static Build.Outcome red(Build build, String why, String... arguments) throws Exception {
        Build.Outcome outcome = build.run(arguments);
        assertEquals(outcome.output, 1, outcome.code);
        contains(outcome.output, why);
        return outcome;
    }

    /** Cancels a build while its campaign runs; runner and factory must end with it. */
    static void cancel(Build build) throws Exception {
        // The stand-in prints its process; the factory is found by its parent.
        Path pids = build.folder.resolve("pid");
        String runner = build.program("[ \"$1\" = --version ] || echo $$ > '" + pids + "'\nexec '"
                + Build.binary("qalipsis") + "' \"$@\"");
        build.write("build.gradle", Build.header() + quickstart(
                "    runner = '" + runner + "'\n    configuration('scenarios.quickstart.minions': 20000)\n"));
        Process client = build.start(ALL);
        String pid = "";
        try {
            pid = await(build, client, pids);
            Path children = Paths.get("/proc/" + pid + "/task/" + pid + "/children");
            String factory = await(build, client, children).split(" ")[0];
            client.destroy();
            assertTrue(client.waitFor(60, TimeUnit.SECONDS));
            for (String process : new String[] {pid, factory}) {
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
                while (new File("/proc/" + process).exists() && System.nanoTime() < end) {
                    Thread.sleep(100);
                }
                boolean runs = new File("/proc/" + process).exists();
                assertFalse(process + " still runs\n" + build.output(), runs);
            }
        } finally {
            client.destroyForcibly();
            // Whatever the plugin did: nothing stays. The factory ends with its runner.
            new ProcessBuilder("kill", "-9", pid).start();
        }
    }

    /** The content of a file, as soon as it has one; the build that writes it runs. */
    private static String await(Build build, Process client, Path file) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (System.nanoTime() < end) {
            if (file.toFile().exists()) {
                String text = new String(Files.readAllBytes(file), "UTF-8").trim();
                if (!text.isEmpty()) {
                    return text;
                }
            }
            if (!client.isAlive()) {
                throw new AssertionError("the build ended by itself:\n" + build.output());
            }
            Thread.sleep(50);
        }
        throw new AssertionError(file + " stayed empty");
    }
}
