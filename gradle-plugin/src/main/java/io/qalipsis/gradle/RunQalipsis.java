package io.qalipsis.gradle;

import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.gradle.api.DefaultTask;
import org.gradle.api.GradleException;
import org.gradle.api.provider.Property;
import org.gradle.api.provider.Provider;
import org.gradle.api.tasks.Input;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.Optional;
import org.gradle.api.tasks.OutputDirectory;
import org.gradle.api.tasks.TaskAction;
import org.gradle.api.tasks.options.Option;

/** Runs scenarios as one campaign, and fails as the campaign does. */
public class RunQalipsis extends DefaultTask {

    private static final String SCENARIOS =
            "Names and patterns of the scenarios to run, separated by commas, in place of those in the build script.";

    private final Property<String> runner = text();
    private final Property<String> runnerSource = text();
    private final Property<String> runnerVersion = text();
    private final Property<String> downloadUrl = text();
    private final Property<File> downloadDirectory = getProject().getObjects().property(File.class);
    private final Property<String> manifestPath = text();
    private final Property<String> executable = text();
    private final Property<String> head = text();
    private final Property<String> headToken = text();
    private final Property<String> baseline = text();
    private final Property<String> saveBaseline = text();
    private final Property<Duration> timeout = getProject().getObjects().property(Duration.class);
    private final Property<Object> configurationDefaults = getProject().getObjects().property(Object.class);
    private final Property<File> resultsDirectory = getProject().getObjects().property(File.class);
    private final Property<File> reportDirectory = getProject().getObjects().property(File.class);
    private final List<String> scenarios = new ArrayList<>();
    private final Map<String, Object> configuration = new LinkedHashMap<>();
    private final Map<String, Object> environment = new LinkedHashMap<>();
    /** What the command line says, in place of the build script; empty when it says nothing. */
    private String chosen;
    private final boolean offline = getProject().getGradle().getStartParameter().isOffline();
    private final File projectDirectory = getProject().getProjectDir();

    /** Made by Gradle. */
    public RunQalipsis() {
        timeout.set((Duration) null);
        // The system under test is not an input: what passed yesterday may fail today.
        getOutputs().upToDateWhen(task -> false);
        Object wanted = getProject().findProperty("qalipsis.scenarios");
        chosen = wanted == null ? "" : wanted.toString();
    }

    private Property<String> text() {
        Property<String> property = getProject().getObjects().property(String.class);
        property.set((String) null);
        return property;
    }

    /** The runner: a path, or a name to be looked for on PATH; qalipsis by default. */
    @Input
    @Optional
    public Property<String> getRunner() {
        return runner;
    }

    /** Folder of the sources of QALIPSIS, to build the runner from when none is named. */
    @Input
    @Optional
    public Property<String> getRunnerSource() {
        return runnerSource;
    }

    /** Version of the runner to download, when none is named and there are no sources. */
    @Input
    @Optional
    public Property<String> getRunnerVersion() {
        return runnerVersion;
    }

    /** Address below which the released files of each version are. */
    @Input
    @Optional
    public Property<String> getDownloadUrl() {
        return downloadUrl;
    }

    /** Where downloaded runners are kept. */
    @Internal
    public Property<File> getDownloadDirectory() {
        return downloadDirectory;
    }

    /** Cargo.toml of the scenarios. */
    @Input
    @Optional
    public Property<String> getManifestPath() {
        return manifestPath;
    }

    /** A scenario executable to be used as it is. */
    @Input
    @Optional
    public Property<String> getExecutable() {
        return executable;
    }

    /** Address of a head elsewhere, which runs the campaign; nothing is built or run here then. */
    @Input
    @Optional
    public Property<String> getHead() {
        return head;
    }

    /** Token for that head, with the right to write; by default the variable QALIPSIS_CLIENT_TOKEN of the build. */
    @Internal
    public Property<String> getHeadToken() {
        return headToken;
    }

    /** summary.json of an earlier campaign, or a folder of them, that this one is compared with. */
    @Input
    @Optional
    public Property<String> getBaseline() {
        return baseline;
    }

    /** File or folder in which the summary of a successful campaign is kept, to be compared with later. */
    @Input
    @Optional
    public Property<String> getSaveBaseline() {
        return saveBaseline;
    }

    /**
     * How long the run may take, the build of the scenarios included; without it: no limit. Later versions of Gradle
     * have this property in every task and end the task themselves.
     */
    @Internal
    public Property<Duration> getTimeout() {
        return timeout;
    }

    /** Configuration from the extension, under that of the task. */
    @Internal
    public Property<Object> getConfigurationDefaults() {
        return configurationDefaults;
    }

    /** Where the JUnit files of the last run are. */
    @OutputDirectory
    public Property<File> getResultsDirectory() {
        return resultsDirectory;
    }

    /** Where report.html and summary.json of the last run are. */
    @OutputDirectory
    public Property<File> getReportDirectory() {
        return reportDirectory;
    }

    /** Names and patterns of the scenarios to be run; none means all. */
    @Input
    public List<String> getScenarios() {
        return chosen.isEmpty() ? scenarios : Arrays.asList(chosen.split(","));
    }

    /** Adds names and patterns; those from the command line replace them all. */
    public void scenarios(String... more) {
        scenarios.addAll(Arrays.asList(more));
    }

    /** Names and patterns from the command line, separated by commas. */
    @org.gradle.api.internal.tasks.options.Option(option = "scenarios", description = SCENARIOS)
    @Option(option = "scenarios", description = SCENARIOS)
    public void chooseScenarios(String names) {
        chosen = names;
    }

    /** Configuration keys of this task. */
    @Internal
    public Map<String, Object> getConfiguration() {
        return configuration;
    }

    /** Adds configuration keys; the last value of a key counts. */
    public void configuration(Map<String, ?> more) {
        configuration.putAll(more);
    }

    /** Environment variables of the runner, on top of those of the build. */
    @Internal
    public Map<String, Object> getEnvironment() {
        return environment;
    }

    /** Adds environment variables. */
    public void environment(Map<String, ?> more) {
        environment.putAll(more);
    }

    /** Sets the number of minions of one scenario. */
    public void minions(String scenario, int count) {
        configuration.put("scenarios." + scenario + ".minions", count);
    }

    /** Runs the campaign. */
    @TaskAction
    public void run() {
        refuseWhatRunsHere();
        File work = getTemporaryDir();
        Results.empty(work);
        Deadline deadline = new Deadline(timeout.getOrNull());
        Map<String, String> variables = texts(environment);
        if (headToken.isPresent()) {
            // Never an argument: others on the machine see those.
            variables.put("QALIPSIS_CLIENT_TOKEN", headToken.get());
        }
        String binary = binary(variables, deadline);
        Binary.check(binary, projectDirectory);
        Program campaign = new Program(command(binary, work), projectDirectory, variables, deadline);
        int code = campaign.run();
        Results results = Results.collect(work, resultsDirectory.get(), reportDirectory.get());
        if (campaign.timedOut()) {
            throw new GradleException(deadline.message() + results.places());
        }
        if (code != 0) {
            throw new GradleException(Verdict.message(code, results, campaign.lastError()));
        }
    }

    /** A head compares with no file of this machine. */
    private void refuseWhatRunsHere() {
        if (head.isPresent() && (baseline.isPresent() || saveBaseline.isPresent())) {
            throw new GradleException(getPath() + ": baseline and saveBaseline are for campaigns that run here, "
                    + "remove them or head");
        }
        if (headToken.isPresent() && !head.isPresent()) {
            throw new GradleException(getPath() + ": head must be set, since headToken is");
        }
    }

    private String binary(Map<String, String> variables, Deadline deadline) {
        if (!runner.isPresent() && runnerSource.isPresent()) {
            return new Cargo(new File(absolute(runnerSource.get()))).runner(variables, deadline);
        }
        if (!runner.isPresent() && runnerVersion.isPresent()) {
            Download download = new Download(runnerVersion.get(), deadline);
            String binary = download.runner(downloadDirectory.get(), downloadUrl.getOrNull(), offline);
            Binary.checkVersion(binary, runnerVersion.get(), projectDirectory);
            return binary;
        }
        return Binary.named(runner.isPresent() ? runner.get() : "qalipsis", projectDirectory);
    }

    private List<String> command(String binary, File results) {
        List<String> command = new ArrayList<>(Arrays.asList(binary, "--color", "never"));
        if (head.isPresent()) {
            command.addAll(Arrays.asList("campaign", "start", "--head", head.get()));
        } else {
            command.add("--autostart");
        }
        if (!getScenarios().isEmpty()) {
            command.addAll(Arrays.asList("--scenarios", String.join(",", getScenarios())));
        }
        if (head.isPresent()) {
            // It has scenarios of its own.
        } else if (executable.isPresent()) {
            command.addAll(Arrays.asList("--executable", absolute(executable.get())));
        } else if (manifestPath.isPresent()) {
            command.addAll(Arrays.asList("--manifest-path", absolute(manifestPath.get())));
        } else if (new File(projectDirectory, "src/qalipsis/Cargo.toml").isFile()) {
            command.addAll(Arrays.asList("--manifest-path", absolute("src/qalipsis/Cargo.toml")));
        }
        if (baseline.isPresent()) {
            command.addAll(Arrays.asList("--baseline", absolute(baseline.get())));
        }
        if (saveBaseline.isPresent()) {
            command.addAll(Arrays.asList("--save-baseline", absolute(saveBaseline.get())));
        }
        Map<String, Object> keys = new LinkedHashMap<>();
        ((Map<?, ?>) configurationDefaults.get()).forEach((key, value) -> keys.put(key.toString(), value));
        keys.putAll(configuration);
        texts(keys).forEach((key, value) -> command.addAll(Arrays.asList("-c", key + "=" + value)));
        command.addAll(Arrays.asList("-c", "report.export.junit.folder=" + results));
        return command;
    }

    private String absolute(String path) {
        File file = new File(path);
        return (file.isAbsolute() ? file : new File(projectDirectory, path)).getPath();
    }

    /** Values as text; a provider is asked only now. */
    private static Map<String, String> texts(Map<String, Object> values) {
        Map<String, String> texts = new LinkedHashMap<>();
        values.forEach((key, value) ->
                texts.put(key, String.valueOf(value instanceof Provider ? ((Provider<?>) value).get() : value)));
        return texts;
    }
}
