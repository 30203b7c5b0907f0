package io.qalipsis.gradle;

import java.io.File;
import java.util.LinkedHashMap;
import java.util.Map;
import org.gradle.api.Project;
import org.gradle.api.provider.Property;

/** What all tasks of the type {@link RunQalipsis} start from. */
public class QalipsisExtension {

    private final Property<String> runner;
    private final Property<String> runnerSource;
    private final Property<String> version;
    private final Property<String> downloadUrl;
    private final Property<File> downloadDirectory;
    private final Property<String> manifestPath;
    private final Property<String> executable;
    private final Property<String> head;
    private final Property<String> headToken;
    private final Property<Boolean> runWithCheck;
    private final Map<String, Object> configuration = new LinkedHashMap<>();

    /** Made by Gradle. */
    public QalipsisExtension(Project project) {
        runner = project.getObjects().property(String.class);
        // Unset means absent; some versions of Gradle make a new property of text empty instead.
        runner.set((String) null);
        runnerSource = project.getObjects().property(String.class);
        runnerSource.set((String) null);
        version = project.getObjects().property(String.class);
        version.set((String) null);
        downloadUrl = project.getObjects().property(String.class);
        downloadUrl.set((String) null);
        downloadDirectory = project.getObjects().property(File.class);
        downloadDirectory.set(new File(project.getGradle().getGradleUserHomeDir(), "qalipsis"));
        manifestPath = project.getObjects().property(String.class);
        manifestPath.set((String) null);
        executable = project.getObjects().property(String.class);
        executable.set((String) null);
        head = project.getObjects().property(String.class);
        head.set((String) null);
        headToken = project.getObjects().property(String.class);
        headToken.set((String) null);
        runWithCheck = project.getObjects().property(Boolean.class);
        runWithCheck.set(false);
    }

    /** The runner: a path, relative to the project, or a name to be looked for on PATH; qalipsis by default. */
    public Property<String> getRunner() {
        return runner;
    }

    /** Folder of the sources of QALIPSIS, relative to the project, to build the runner from when none is named. */
    public Property<String> getRunnerSource() {
        return runnerSource;
    }

    /** Version of the runner to download, such as 1.2.3, when none is named and there are no sources. */
    public Property<String> getVersion() {
        return version;
    }

    /** Address below which the released files of each version are; needed with a version. */
    public Property<String> getDownloadUrl() {
        return downloadUrl;
    }

    /** Where downloaded runners are kept; by default the folder qalipsis in the home of Gradle. */
    public Property<File> getDownloadDirectory() {
        return downloadDirectory;
    }

    /** Cargo.toml of the scenarios, relative to the project; by default that of src/qalipsis, if it is there. */
    public Property<String> getManifestPath() {
        return manifestPath;
    }

    /** A scenario executable, relative to the project, to be used as it is, in place of a Cargo project. */
    public Property<String> getExecutable() {
        return executable;
    }

    /** Address of a head elsewhere, which runs the campaigns; nothing is built or run here then. */
    public Property<String> getHead() {
        return head;
    }

    /** Token for that head, with the right to write; by default the variable QALIPSIS_CLIENT_TOKEN of the build. */
    public Property<String> getHeadToken() {
        return headToken;
    }

    /** Whether the task check runs all scenarios; false by default. */
    public Property<Boolean> getRunWithCheck() {
        return runWithCheck;
    }

    /** Configuration keys of all tasks. */
    public Map<String, Object> getConfiguration() {
        return configuration;
    }

    /** Adds configuration keys; the last value of a key counts. */
    public void configuration(Map<String, ?> more) {
        configuration.putAll(more);
    }
}
