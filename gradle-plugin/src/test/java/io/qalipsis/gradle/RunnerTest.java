package io.qalipsis.gradle;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.junit.Test;

/** Where the runner comes from, and the scenarios. */
public class RunnerTest extends RealBuild {

    private static final String QUICKSTART = "    executable = '" + Build.binary("quickstart") + "'\n" + MINIONS;

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
    public void aMissingRunnerIsToldWithTheWaysToGetOne() throws Exception {
        Build named = build("qalipsis { runner = 'no-such-runner' }\n");
        String told = red(named, "the runner no-such-runner is not on PATH: install it with ", ALL).output;
        contains(told, "or set qalipsis.runnerSource");
        red(build("qalipsis { runner = './nowhere/qalipsis' }\n"), "does not exist or cannot be executed", ALL);
    }

    @Test
    public void aRunnerThatCannotBeBuiltIsTold() throws Exception {
        Build build = build("qalipsis { runnerSource = 'sources' }\n");
        red(build, "it must be the folder of the sources of QALIPSIS", ALL);
        build.write("sources/Cargo.toml", manifest("qalipsis-runner", "qalipsis"));
        build.write("sources/main.rs", "fn main() { no_such_function() }\n");
        String told = red(build, "the runner could not be built in ", ALL).output;
        contains(told, ": error[E0425]: cannot find function `no_such_function`");
        build.write("build.gradle", Build.header() + "qalipsis { runnerSource = 'sources' }\n"
                + ALL + " { environment('CARGO': '/nowhere/cargo') }\n");
        red(build, "cargo, which builds the runner, is not there (/nowhere/cargo): install Rust", ALL);
    }

    private static String manifest(String name, String binary) {
        return "[package]\nname = \"" + name + "\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"
                + "[[bin]]\nname = \"" + binary + "\"\npath = \"main.rs\"\n[workspace]\n";
    }
}
