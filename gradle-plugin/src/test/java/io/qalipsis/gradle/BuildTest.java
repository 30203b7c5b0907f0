package io.qalipsis.gradle;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.Test;

public class BuildTest extends RealBuild {

    @Test
    public void aHealthySystemIsGreenAndIsTestedAgainByTheNextBuild() throws Exception {
        Build build = build(quickstart("    runWithCheck = true\n"));
        for (int round = 0; round < 2; round++) {
            Build.Outcome outcome = build.run("check");
            assertEquals(outcome.output, 0, outcome.code);
            contains(outcome.output, "SUCCESSFUL  quickstart: 20 minions, 80 executions");
            assertFalse(outcome.output, outcome.output.contains("UP-TO-DATE"));
        }
        File[] junit = build.folder.resolve("build/test-results/" + ALL).toFile().listFiles();
        assertEquals(1, junit.length);
        assertEquals("TEST-quickstart.xml", junit[0].getName());
        assertTrue(build.folder.resolve("build/reports/" + ALL + "/report.html").toFile().isFile());
        assertTrue(build.folder.resolve("build/reports/" + ALL + "/summary.json").toFile().isFile());
    }

    @Test
    public void aServiceThatIsTenTimesSlowerFailsTheBuildWhichNamesStepAndCriterion() throws Exception {
        Build build = build(quickstart(
                "    configuration('properties.shop-flags': '--base-delay 60 --slowdown 10')\n"));
        Build.Outcome outcome = build.run(ALL);
        assertEquals(outcome.output, 1, outcome.code);
        contains(outcome.output, "the campaign FAILED");
        contains(outcome.output, "quickstart › place  latency: ");
        contains(outcome.output, "report: file:");
        Path junit = build.folder.resolve("build/test-results/" + ALL + "/TEST-quickstart.xml");
        String xml = new String(Files.readAllBytes(junit), "UTF-8");
        contains(xml, "type=\"latency\"");
        contains(xml, "place");
    }

    @Test
    public void aTaskOfItsOwnMergesItsConfigurationOverThatOfTheExtension() throws Exception {
        Build build = build(quickstart("")
                + "task smoke(type: io.qalipsis.gradle.RunQalipsis) {\n"
                + "    scenarios 'quick*'\n    minions 'quickstart', 7\n"
                + "    reportDirectory = file('pages')\n}\n");
        Path kept = build.write("pages/notes.txt", "of the user");
        build.write("pages/report.html", "of an earlier run");
        Build.Outcome outcome = build.run("smoke");
        assertEquals(outcome.output, 0, outcome.code);
        assertTrue("what is not the task's own stays", kept.toFile().isFile());
        contains(new String(Files.readAllBytes(kept.resolveSibling("report.html")), "UTF-8"), "quickstart");
        contains(outcome.output, "quickstart: 7 minions");
        assertTrue(build.folder.resolve("build/test-results/smoke/TEST-quickstart.xml").toFile().isFile());
    }

    @Test
    public void theCommandLineChoosesScenariosInPlaceOfTheBuildScript() throws Exception {
        Build build = build(quickstart("")
                + "task smoke(type: io.qalipsis.gradle.RunQalipsis) { scenarios 'nowhere' }\n");
        Build.Outcome none = build.run("smoke");
        assertEquals(none.output, 1, none.code);
        contains(none.output, "nowhere");
        for (String option : new String[] {"--scenarios=quick*,quickstart", "-Pqalipsis.scenarios=quick*,quickstart"}) {
            Build.Outcome chosen = build.run("smoke", option);
            assertEquals(chosen.output, 0, chosen.code);
            contains(chosen.output, "quickstart: 20 minions");
        }
        contains(build.run("help", "--task", "smoke").output, "Names and patterns of the scenarios to run");
    }

    @Test
    public void eachProjectOfABuildHasItsOwnRun() throws Exception {
        Build build = build("");
        build.write("settings.gradle", "include 'one', 'two'\n");
        for (String name : new String[] {"one", "two"}) {
            build.write(name + "/build.gradle", Build.header() + quickstart(""));
        }
        Build.Outcome outcome = build.run("--parallel", ":one:" + ALL, ":two:" + ALL);
        assertEquals(outcome.output, 0, outcome.code);
        for (String name : new String[] {"one", "two"}) {
            Path junit = build.folder.resolve(name + "/build/test-results/" + ALL + "/TEST-quickstart.xml");
            assertTrue(junit.toString(), junit.toFile().isFile());
        }
    }

    @Test
    public void aWrongKeyIsAnErrorOfOneLine() throws Exception {
        Build.Outcome outcome = build(quickstart("    configuration('campaign.nmae': 'x')\n")).run(ALL);
        assertEquals(outcome.output, 1, outcome.code);
        String output = outcome.output.substring(outcome.output.indexOf("qalipsis refused the configuration"));
        String line = output.substring(0, output.indexOf('\n'));
        contains(line, "nothing was started: ");
        contains(line, "campaign.name");
    }

    @Test
    public void anotherProgramAndAnOldRunnerAreRefused() throws Exception {
        Build build = build("");
        contains(failure(build.program("echo hello"), "").output, "is not the runner of QALIPSIS");
        contains(failure(build.program("echo qalipsis 0.0.9"), "").output, "is too old: this plugin needs 0.1.0");
    }

    @Test
    public void aRunnerThatCrashesOrIsKilledOrTakesTooLongFailsTheBuild() throws Exception {
        Build build = build("");
        String version = "[ \"$1\" = --version ] && echo qalipsis 0.1.0 && exit\n";
        contains(failure(build.program(version + "echo out of luck >&2; exit 101"), "").output,
                "qalipsis crashed with exit code 101: out of luck");
        contains(failure(build.program(version + "kill -9 $$"), "").output, "qalipsis was killed by signal 9");
        contains(failure(build.program(version + "exec sleep 600"),
                        ALL + " { timeout = java.time.Duration.ofSeconds(1) }\n").output,
                "qalipsis was stopped: it took longer than 1 s");
    }

    @Test
    public void aCancelledBuildLeavesNoProcessBehind() throws Exception {
        cancel(build(""));
    }

    private Build.Outcome failure(String runner, String more) throws Exception {
        Build.Outcome outcome = build("qalipsis { runner = '" + runner + "' }\n" + more).run(ALL);
        assertEquals(outcome.output, 1, outcome.code);
        return outcome;
    }
}
