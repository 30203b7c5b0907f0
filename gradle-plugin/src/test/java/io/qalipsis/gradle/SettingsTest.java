package io.qalipsis.gradle;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import groovy.json.JsonSlurper;
import java.io.File;
import java.util.Map;
import org.junit.Test;

/** What a task says to the campaign arrives there. */
public class SettingsTest extends RealBuild {

    private static final String TASK = "(type: io.qalipsis.gradle.RunQalipsis)";

    /** As operations could write it: limits that nothing reaches, in place of those in the code. */
    private static final String NO_CRITERION = String.join("\n",
            "criteria:",
            "  - scenario: quickstart",
            "    step: place",
            "    measure: response-time.p95",
            "    below: 1m",
            "  - scenario: quickstart",
            "    step: fulfilled",
            "    measure: latency.p95",
            "    below: 1m",
            "");

    @Test
    public void aServiceThatBecameSlowerIsFoundByTheBaselineAlone() throws Exception {
        Build build = build(quickstart("    configuration('scenarios.quickstart.minions': 100,\n"
                + "        'properties.shop-flags': '--base-delay 100 ' + (findProperty('flags') ?: ''))\n")
                + "task keep" + TASK + " { saveBaseline = 'base lines/healthy.json' }\n"
                + "task gate" + TASK + " { baseline = 'base lines' }\n");
        build.write("qalipsis.yml", NO_CRITERION);
        String slow = "-Pflags=--slowdown 10";
        green(build, "keep");
        contains(green(build, "gate").output, "✓ against 1 baseline ");
        green(build, ALL, slow);
        String output = red(build, "the campaign is worse than its baseline\n", "gate", slow).output;
        contains(output, "  quickstart › place  regression: response time ");
        contains(output, "report: file:");
        assertTrue(build.folder.resolve("build/test-results/gate/TEST-quickstart.xml").toFile().isFile());
    }

    @Test
    public void configurationIsMergedAndEnvironmentArrives() throws Exception {
        Build build = build("def later = providers.provider { 'of the task' }\n" + quickstart(
                "    configuration('campaign.seed': 1, 'campaign.speed-factor': 2)\n")
                + "task smoke" + TASK + " {\n    configuration('campaign.seed': 2)\n"
                + "    configuration('campaign.seed': 3)\n    environment('QALIPSIS_CAMPAIGN_NAME': later)\n"
                + "    minions 'quickstart', 7\n}\n");
        green(build, "smoke", ALL);
        Map<?, ?> task = configuration(build, "smoke");
        assertEquals("3", task.get("campaign.seed"));
        assertEquals("2", task.get("campaign.speed-factor"));
        assertEquals("of the task", task.get("campaign.name"));
        assertEquals("7", task.get("scenarios.quickstart.minions"));
        Map<?, ?> all = configuration(build, ALL);
        assertEquals("1", all.get("campaign.seed"));
        assertNull("what a task says is its own", all.get("campaign.name"));
        assertEquals("20", all.get("scenarios.quickstart.minions"));
    }

    private static Map<?, ?> configuration(Build build, String task) {
        File file = build.folder.resolve("build/reports/" + task + "/summary.json").toFile();
        Map<?, ?> summary = (Map<?, ?>) new JsonSlurper().parse(file, "UTF-8");
        return (Map<?, ?>) ((Map<?, ?>) summary.get("environment")).get("configuration");
    }
}
