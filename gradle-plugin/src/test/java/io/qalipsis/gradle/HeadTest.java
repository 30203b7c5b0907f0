package io.qalipsis.gradle;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.After;
import org.junit.Test;

/** Campaigns that a head elsewhere runs. */
public class HeadTest extends RealBuild {

    private static final String TOKEN = "0123456789abcdef";

    private Process head;

    @After
    public void endHead() {
        if (head != null) {
            head.destroyForcibly();
        }
    }

    /** The address of a head that has the quickstart. */
    private String serve() throws IOException {
        File folder = temporary.newFolder("head");
        ProcessBuilder builder = new ProcessBuilder(Build.binary("qalipsis"), "standalone", "--executable",
                Build.binary("quickstart"), "-c", "server.address=127.0.0.1:0").directory(folder);
        builder.environment().put("XDG_DATA_HOME", folder.getPath());
        builder.environment().put("QALIPSIS_SERVER_TOKEN", TOKEN);
        head = builder.redirectError(new File(folder, "errors.txt")).start();
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(head.getInputStream(), StandardCharsets.UTF_8));
        Matcher serving = Pattern.compile("^serving on (\\S+),.*").matcher(String.valueOf(lines.readLine()));
        assertTrue("the head did not start", serving.matches());
        return serving.group(1);
    }

    private static String elsewhere(String address, String more) {
        return "qalipsis {\n    runner = '" + Build.binary("qalipsis") + "'\n    head = '" + address + "'\n"
                + more + "}\n";
    }

    @Test
    public void aCampaignElsewhereEndsTheBuildAsOneThatRunsHereDoes() throws Exception {
        String token = "    headToken = '" + TOKEN + "'\n";
        Build build = build(elsewhere(serve(), token + MINIONS
                + "    configuration('properties.shop-flags': '--base-delay 60 --slowdown 10')\n"));
        String output = red(build, "the campaign FAILED", ALL, "--info").output;
        contains(output, "quickstart › place  latency: ");
        contains(output, "report: file:");
        assertFalse("the token is not shown", output.contains(TOKEN));
        Path junit = build.folder.resolve("build/test-results/" + ALL + "/TEST-quickstart.xml");
        contains(new String(Files.readAllBytes(junit), "UTF-8"), "type=\"latency\"");
        assertTrue(build.folder.resolve("build/reports/" + ALL + "/report.html").toFile().isFile());
        assertTrue(build.folder.resolve("build/reports/" + ALL + "/summary.json").toFile().isFile());
        build.write("build.gradle", Build.header() + elsewhere(address(build), token + MINIONS));
        contains(green(build, ALL).output, "SUCCESSFUL  quickstart: 20 minions, 80 executions");
    }

    private static String address(Build build) throws IOException {
        String script = new String(Files.readAllBytes(build.folder.resolve("build.gradle")), StandardCharsets.UTF_8);
        Matcher head = Pattern.compile("head = '([^']+)'").matcher(script);
        assertTrue(head.find());
        return head.group(1);
    }

    @Test
    public void aHeadThatRefusesOrGoesAwayFailsTheBuildAndIsNamed() throws Exception {
        String address = serve();
        Build build = build(elsewhere(address, ""));
        red(build, "nothing was started: the head refuses: it needs a token", ALL);
        build.write("build.gradle", Build.header() + elsewhere(address, "    headToken = '" + TOKEN + "'\n")
                + ALL + ".baseline = 'x'\n");
        red(build, ":" + ALL + ": baseline and saveBaseline are for campaigns that run here", ALL);
        build.write("build.gradle", Build.header() + elsewhere(address, "    headToken = '" + TOKEN + "'\n"
                + "    configuration('scenarios.quickstart.minions': 20000, 'client.patience': '1s')\n"));
        Process client = build.start(ALL);
        try {
            while (!build.output().contains("following campaign")) {
                assertTrue(build.output(), client.isAlive());
                Thread.sleep(50);
            }
            head.destroyForcibly();
            assertEquals(1, client.waitFor());
        } finally {
            client.destroyForcibly();
        }
        contains(build.output(), "the campaign was ABORTED: the head at " + address + " has been away for ");
        contains(build.output(), "may still run there");
    }
}
