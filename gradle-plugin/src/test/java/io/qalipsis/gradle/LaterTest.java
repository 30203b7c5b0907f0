package io.qalipsis.gradle;

import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;
import org.junit.runners.Parameterized.Parameter;
import org.junit.runners.Parameterized.Parameters;

/** Later versions of Gradle, with the jar that was compiled against the oldest. */
@RunWith(Parameterized.class)
public class LaterTest extends RealBuild {

    @Parameters(name = "{0}")
    public static Object[] versions() {
        return new Object[] {"7.6", "8.5"};
    }

    @Parameter
    public String version;

    private Build later(String script) throws Exception {
        Build build = build(script);
        build.version = version;
        return build;
    }

    @Test
    public void theConfigurationCacheIsReusedAndTheSystemTestedAgain() throws Exception {
        Build build = later(quickstart("    runWithCheck = true\n"));
        String[] command = {"check", "--configuration-cache", "--warning-mode=fail"};
        contains(green(build, command).output, "Configuration cache entry stored");
        String again = green(build, command).output;
        contains(again, "Reusing configuration cache");
        contains(again, "quickstart: 20 minions");
        assertTrue(build.folder.resolve("build/test-results/" + ALL + "/TEST-quickstart.xml").toFile().isFile());
        assertTrue(build.folder.resolve("build/reports/" + ALL + "/report.html").toFile().isFile());
    }

    @Test
    public void aSlowSystemFailsTheBuildAndACommandLineChoosesScenarios() throws Exception {
        Build build = later(quickstart("    configuration('properties.shop-flags': '--base-delay 60 --slowdown 10')\n")
                + ALL + " { scenarios 'nowhere' }\n");
        red(build, "unknown scenario 'nowhere'", ALL);
        String output = red(build, "the campaign FAILED", ALL, "--scenarios=quick*").output;
        contains(output, "quickstart › place  latency: ");
        contains(output, "report: file:");
    }

    @Test
    public void projectsAndTasksRunInParallel() throws Exception {
        Build build = later("");
        build.write("settings.gradle", "include 'one', 'two'\n");
        String smoke = "tasks.register('smoke', io.qalipsis.gradle.RunQalipsis) { minions 'quickstart', 7 }\n";
        for (String name : new String[] {"one", "two"}) {
            build.write(name + "/build.gradle", Build.header() + quickstart("") + smoke);
        }
        String output = green(build, "--parallel", "--configuration-cache",
                ":one:" + ALL, ":two:" + ALL, ":one:smoke", ":two:smoke").output;
        contains(output, "quickstart: 7 minions");
        for (String name : new String[] {"one", "two"}) {
            for (String task : new String[] {ALL, "smoke"}) {
                Path junit = build.folder.resolve(name + "/build/test-results/" + task + "/TEST-quickstart.xml");
                assertTrue(junit.toString(), junit.toFile().isFile());
            }
        }
    }

    @Test
    public void aRunThatTakesTooLongIsEndedByGradle() throws Exception {
        Build build = later("");
        String runner = build.program("[ \"$1\" = --version ] && echo qalipsis 0.1.0 && exit\n"
                + "echo $$ > pid\nexec sleep 600");
        build.write("build.gradle", Build.header() + "qalipsis { runner = '" + runner + "' }\n"
                + ALL + " { timeout = java.time.Duration.ofSeconds(2) }\n");
        red(build, "Timeout has been exceeded", ALL);
        String pid = new String(Files.readAllBytes(build.folder.resolve("pid")), "UTF-8").trim();
        assertFalse(pid + " still runs", new File("/proc/" + pid).exists());
    }

    @Test
    public void aCancelledBuildLeavesNoProcessBehind() throws Exception {
        cancel(later(""));
    }
}
