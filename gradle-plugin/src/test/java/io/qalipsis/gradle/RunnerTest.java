package io.qalipsis.gradle;

import static org.junit.Assert.assertFalse;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.junit.Test;

/** Where the runner comes from, and the scenarios. */
public class RunnerTest extends RealBuild {

    private static final String QUICKSTART = "    executable = '" + Build.binary("quickstart") + "'\n" + MINIONS;

    private static final String SCENARIO = String.join("\n",
            "use qalipsis::prelude::*;",
            "#[derive(Steps)]",
            "enum Visit {",
            "    Look,",
            "}",
            "fn main() -> ExitCode {",
            "    qalipsis::main([Scenario::new(\"NAME\", open, visit).minions(3)])",
            "}",
            "async fn open(_: Setup) -> Result<(), SetupError> {",
            "    Ok(())",
            "}",
            "async fn visit(minion: Minion<Visit>, _: Arc<()>) -> Outcome {",
            "    minion.step(Visit::Look, async { Ok::<_, std::io::Error>(()) }).await?;",
            "    Ok(())",
            "}");

    @Test
    public void aRunnerOnPathIsFound() throws Exception {
        Build build = build("qalipsis {\n" + QUICKSTART + "}\n");
        Path folder = Files.createDirectories(build.folder.resolve("programs"));
        Files.createSymbolicLink(folder.resolve("qalipsis"), Paths.get(Build.binary("qalipsis")));
        build.environment.put("PATH", folder + ":" + System.getenv("PATH"));
        // A daemon of Gradle 4.4 keeps the environment that it was started with.
        contains(green(build, "--no-daemon", ALL).output, "quickstart: 20 minions");
    }

    @Test
    public void aMissingRunnerIsAnErrorWithTheWaysToGetOne() throws Exception {
        Build named = build("qalipsis { runner = 'no-such-runner' }\n");
        String output = red(named, "the runner no-such-runner is not on PATH: install it with ", ALL).output;
        contains(output, "qalipsis.runnerSource to the folder of the sources, ");
        red(build("qalipsis { runner = './nowhere/qalipsis' }\n"), "does not exist or cannot be executed", ALL);
    }

    @Test
    public void aRunnerIsBuiltFromItsSources() throws Exception {
        Build build = build("qalipsis {\n    runnerSource = '" + Build.repository() + "'\n" + QUICKSTART + "}\n");
        contains(green(build, ALL).output, "quickstart: 20 minions");
    }

    @Test
    public void aRunnerThatCannotBeBuiltIsAnError() throws Exception {
        Build build = build("qalipsis { runnerSource = 'sources' }\n");
        red(build, "it must be the folder of the sources of QALIPSIS", ALL);
        build.write("sources/Cargo.toml", manifest("qalipsis-runner", "qalipsis"));
        build.write("sources/main.rs", "fn main() { no_such_function() }\n");
        String output = red(build, "the runner could not be built in ", ALL).output;
        contains(output, ": error[E0425]: cannot find function `no_such_function`");
        build.write("build.gradle", Build.header() + "qalipsis { runnerSource = 'sources' }\n"
                + ALL + " { environment('CARGO': '/nowhere/cargo') }\n");
        red(build, "cargo, which builds the runner, is not there (/nowhere/cargo): install Rust", ALL);
    }

    @Test
    public void scenariosInTheProjectAreBuiltWithIt() throws Exception {
        // Compiled quickly, once for all runs of this test.
        Build build = build("qalipsis { runner = '" + Build.binary("qalipsis") + "' }\n"
                + "task smoke(type: io.qalipsis.gradle.RunQalipsis) { manifestPath = 'elsewhere/Cargo.toml' }\n"
                + "tasks.withType(io.qalipsis.gradle.RunQalipsis) { environment('CARGO_NET_OFFLINE': 'true',\n"
                + "    'CARGO_PROFILE_RELEASE_OPT_LEVEL': '0', 'CARGO_PROFILE_RELEASE_DEBUG': 'false',\n"
                + "    'CARGO_PROFILE_RELEASE_CODEGEN_UNITS': '256',\n"
                + "    'CARGO_TARGET_DIR': '" + new File("build/scenarios").getAbsolutePath() + "') }\n");
        build.limitSeconds = 900;
        crate(build, "src/qalipsis", "by-convention");
        crate(build, "elsewhere", "by-path");
        String all = green(build, ALL).output;
        contains(all, "by-convention: 3 minions");
        assertFalse(all, all.contains("by-path"));
        contains(green(build, "smoke").output, "by-path: 3 minions");
        build.write("src/qalipsis/main.rs", "fn main() { no_such_function() }\n");
        red(build, "qalipsis refused the configuration, nothing was started: ", ALL);
        contains(build.output(), "cannot find function `no_such_function`");
    }

    private static void crate(Build build, String folder, String scenario) throws Exception {
        build.write(folder + "/Cargo.toml", manifest(scenario, scenario)
                + "[dependencies]\nqalipsis = { path = \"" + Build.repository() + "/runner/crates/qalipsis\" }\n");
        Path lock = Paths.get(Build.repository(), "Cargo.lock");
        Files.copy(lock, build.folder.resolve(folder).resolve("Cargo.lock"));
        build.write(folder + "/main.rs", SCENARIO.replace("NAME", scenario));
    }

    private static String manifest(String name, String binary) {
        return "[package]\nname = \"" + name + "\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"
                + "[[bin]]\nname = \"" + binary + "\"\npath = \"main.rs\"\n[workspace]\n";
    }
}
